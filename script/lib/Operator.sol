// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Script} from "forge-std/Script.sol";
import {console} from "forge-std/console.sol";

/// @title What the operator's scripts share: the deployment's addresses, and transactions that are sent or exported
/// @notice Contracts come from deployments/<chain id>.json. Transactions go one of three ways:
///
/// - forge's wallet options (`--ledger`, `--trezor`, `--account NAME`, `--private-key KEY`, …) with `--broadcast`
/// - FERNET_KEY, a private key, with `--broadcast`
/// - FERNET_UNSIGNED=NAME and FERNET_FROM=ADDRESS write them to unsigned/NAME.json for a hardware or multisig wallet and send nothing. The file is a
///   list, in the order of sending, of `{"chainId", "from", "to", "value", "data", "description"}`; chainId and value are decimal strings, in wei.
///
/// Each way simulates the transactions first and ends with the contract's error where one would fail.
abstract contract Operator is Script {
    string private constant FOLDER = "unsigned";

    bool private _exporting;
    string private _name;
    address private _from;
    /// @dev The exported transactions so far, as JSON objects joined by commas.
    string private _exported;

    error MissingDeployment(string path);
    /// @notice The deployment's file names a contract that isn't there, or has other code than was deployed.
    error WrongCode(string name, bytes32 expected, bytes32 actual);
    error InsufficientTokens(address account, uint256 needed, uint256 actual);
    /// @notice FERNET_UNSIGNED is set without FERNET_FROM: nobody's transactions can't be simulated.
    error MissingSender();

    /// @dev Around everything that sends transactions.
    modifier transacts() {
        _start();
        _;
        _stop();
    }

    /// @notice As FERNET_UNSIGNED=`name` and FERNET_FROM=`from` do.
    function exportTo(string memory name, address from) public {
        if (from == address(0)) revert MissingSender();
        _exporting = true;
        _name = name;
        _from = from;
    }

    /// @dev One transaction of `transacts`, without value; `description` is for who signs it, without quotes.
    function _send(address to, bytes memory data, string memory description) internal returns (bytes memory result) {
        if (_exporting) vm.prank(_from);
        bool success;
        (success, result) = to.call(data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(result, 32), mload(result))
            }
        }
        console.log(description);
        if (_exporting) _export(to, data, description);
    }

    /// @dev Who sends, inside `transacts`.
    function _sender() internal returns (address sender) {
        if (_exporting) return _from;
        (, sender,) = vm.readCallers();
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

    /// @dev Lets `spender` take `amount` of the sender's tokens, if it may not yet. Inside `transacts`.
    function _approve(address spender, uint256 amount) internal {
        IERC20 token = IERC20(_contract("token"));
        address sender = _sender();
        uint256 balance = token.balanceOf(sender);
        if (balance < amount) revert InsufficientTokens(sender, amount, balance);
        uint256 allowed = token.allowance(sender, spender);
        if (allowed >= amount) return;
        // some tokens refuse to change an allowance that isn't zero
        if (allowed != 0) _allow(token, spender, 0);
        _allow(token, spender, amount);
    }

    function _allow(IERC20 token, address spender, uint256 amount) private {
        string memory description =
            string.concat("allow ", vm.toString(spender), " to take ", vm.toString(amount), " token units");
        _send(address(token), abi.encodeCall(IERC20.approve, (spender, amount)), description);
    }

    function _start() private {
        string memory name = vm.envOr("FERNET_UNSIGNED", string(""));
        if (!_exporting && bytes(name).length != 0) exportTo(name, vm.envOr("FERNET_FROM", address(0)));
        if (_exporting) {
            _exported = "";
            return;
        }
        uint256 key = vm.envOr("FERNET_KEY", uint256(0));
        if (key == 0) vm.startBroadcast();
        else vm.startBroadcast(key);
    }

    function _stop() private {
        if (!_exporting) {
            vm.stopBroadcast();
            return;
        }
        vm.createDir(FOLDER, true);
        string memory path = string.concat(FOLDER, "/", _name, ".json");
        vm.writeFile(path, string.concat("[", _exported, "\n]\n"));
        console.log("unsigned transactions:", path);
    }

    function _export(address to, bytes memory data, string memory description) private {
        string memory who = string.concat(
            '{"chainId": "',
            vm.toString(block.chainid),
            '", "from": "',
            vm.toString(_from),
            '", "to": "',
            vm.toString(to)
        );
        string memory what =
            string.concat('", "value": "0", "data": "', vm.toString(data), '", "description": "', description, '"}');
        _exported = string.concat(_exported, bytes(_exported).length == 0 ? "\n  " : ",\n  ", who, what);
    }
}
