// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Script} from "forge-std/Script.sol";

/// @title What the operator's scripts share
/// @notice Contracts come from deployments/<chain id>.json. FERNET_KEY is the sender's private key; where it is unset, forge's wallet options say who sends.
abstract contract Operator is Script {
    using SafeERC20 for IERC20;

    error MissingDeployment(string path);
    /// @notice The deployment's file names a contract that isn't there, or has other code than was deployed.
    error WrongCode(string name, bytes32 expected, bytes32 actual);
    error InsufficientTokens(address account, uint256 needed, uint256 actual);

    modifier broadcast() {
        uint256 key = vm.envOr("FERNET_KEY", uint256(0));
        if (key == 0) vm.startBroadcast();
        else vm.startBroadcast(key);
        _;
        vm.stopBroadcast();
    }

    /// @dev Address of a contract of the deployment on this chain.
    function _contract(string memory name) internal returns (address) {
        string memory path = string.concat("deployments/", vm.toString(block.chainid), ".json");
        if (!vm.isFile(path)) revert MissingDeployment(path);
        string memory json = vm.readFile(path);
        address at_ = vm.parseJsonAddress(json, string.concat(".contracts.", name));
        bytes32 expected = vm.parseJsonBytes32(json, string.concat(".codeHashes.", name));
        if (at_.codehash != expected) revert WrongCode(name, expected, at_.codehash);
        return at_;
    }

    /// @dev Lets `spender` take `amount` of the sender's tokens. Inside `broadcast`.
    function _approve(address spender, uint256 amount) internal {
        IERC20 token = IERC20(_contract("token"));
        (, address sender,) = vm.readCallers();
        uint256 balance = token.balanceOf(sender);
        if (balance < amount) revert InsufficientTokens(sender, amount, balance);
        token.forceApprove(spender, amount);
    }
}
