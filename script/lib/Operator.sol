// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {console} from "forge-std/console.sol";

import {L1Clock} from "../../contracts/L1Clock.sol";
import {IBridge} from "../../contracts/interfaces/IBridge.sol";
import {Deployments} from "./Deployments.sol";
import {Parse} from "./Parse.sol";
import {Refusals} from "./Refusals.sol";
import {Signing} from "./Signing.sol";
import {Text, Units} from "./Text.sol";

/// @title What the operator's scripts share: the deployment's addresses, its units, and transactions
/// @notice Contracts come from deployments/<chain id>.json. `Signing` says who signs.
abstract contract Operator is Signing {
    using Text for Units;

    uint8 private constant MAX_DECIMALS = 36;

    error MissingDeployment(string path, string todo);
    /// @notice The deployment's file names a contract that isn't there, or has other code than was deployed.
    error WrongCode(string name, bytes32 expected, bytes32 actual);
    error InsufficientTokens(address account, string needed, string actual);
    /// @notice A contract refuses the transaction: the name of its error, and what that means.
    error Refused(string name, string reason);

    /// @dev One transaction of `transacts`, without value; `description` is for who signs it, without quotes.
    function _send(address to, bytes memory data, string memory description) internal returns (bytes memory result) {
        if (_isExporting()) vm.prank(_sender());
        bool success;
        (success, result) = to.call(data);
        if (!success) _refuse(result);
        _print(description);
        if (_isExporting()) _export(to, data, description);
    }

    /// @dev Every line for the operator, so that tests see what is printed.
    function _print(string memory text) internal virtual {
        console.log(text);
    }

    /// @dev Address of a contract of the deployment on this chain.
    function _contract(string memory name) internal returns (address) {
        string memory path = Deployments.path();
        if (!vm.isFile(path)) {
            bool pending = vm.isFile(Deployments.pendingPath());
            revert MissingDeployment(path, pending ? "run RecordDeployment" : "run Deploy, or put the file there");
        }
        string memory json = vm.readFile(path);
        address at_ = vm.parseJsonAddress(json, string.concat(".contracts.", name));
        bytes32 expected = vm.parseJsonBytes32(json, string.concat(".codeHashes.", name));
        if (at_.codehash != expected) revert WrongCode(name, expected, at_.codehash);
        return at_;
    }

    /// @dev Lets `spender` take `amount` of the sender's tokens, if it may not yet. Inside `transacts`.
    function _approve(address spender, uint256 amount) internal {
        IERC20 token = IERC20(_contract("token"));
        address sender = _sender();
        uint256 balance = token.balanceOf(sender);
        if (balance < amount) revert InsufficientTokens(sender, _tokens(amount), _tokens(balance));
        uint256 allowed = token.allowance(sender, spender);
        if (allowed >= amount) return;
        // some tokens refuse to change an allowance that isn't zero
        if (allowed != 0) _allow(token, spender, 0);
        _allow(token, spender, amount);
    }

    /// @dev `12.5 FDEV (12500000000000000000 token units)`
    function _tokens(uint256 amount) internal returns (string memory) {
        return string.concat(_units().tokens(amount), " (", vm.toString(amount), " token units)");
    }

    /// @dev What amounts and times are printed with. A token that doesn't tell its decimals has none here.
    function _units() internal returns (Units memory units) {
        units.symbol = "token units";
        address token = _contract("token");
        try IERC20Metadata(token).decimals() returns (uint8 decimals) {
            if (decimals <= MAX_DECIMALS) units.decimals = decimals;
            if (decimals <= MAX_DECIMALS) units.symbol = "tokens";
        } catch {}
        try IERC20Metadata(token).symbol() returns (string memory symbol) {
            // a symbol is the token's own text: it must not break a file or a line
            if (Parse.isName(symbol)) units.symbol = symbol;
        } catch {}
        units.l2Unit = IBridge(_contract("bridge")).unit();
        L1Clock clock = L1Clock(_contract("staking"));
        units.l1Slot = clock.l1Slot();
        units.l1SlotSeconds = clock.l1SlotSeconds();
    }

    function _allow(IERC20 token, address spender, uint256 amount) private {
        string memory description = string.concat("allow ", vm.toString(spender), " to take ", _tokens(amount));
        _send(address(token), abi.encodeCall(IERC20.approve, (spender, amount)), description);
    }

    /// @dev Ends with the error in words, or with the error itself where nothing explains it.
    function _refuse(bytes memory result) private {
        (string memory name, string memory reason) = Refusals.explain(result, _units());
        if (bytes(name).length != 0) revert Refused(name, reason);
        assembly ("memory-safe") {
            revert(add(result, 32), mload(result))
        }
    }
}
