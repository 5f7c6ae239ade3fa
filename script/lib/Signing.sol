// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Script} from "forge-std/Script.sol";
import {VmSafe} from "forge-std/Vm.sol";
import {console} from "forge-std/console.sol";

import {Environment, Variable} from "./Environment.sol";

/// @notice What the environment says about who signs.
struct SigningVariables {
    bool hasName;
    string name;
    bool hasFrom;
    address from;
    /// Zero where the variable is unset.
    uint256 key;
}

/// @title Who signs a script's transactions
/// @notice Transactions go one of three ways, the same for every script:
///
/// - forge's wallet options (`--ledger`, `--trezor`, `--account NAME`, `--keystore FILE`, `--private-key KEY`) with
///   `--broadcast`
/// - FERNET_KEY, a private key of 32 bytes in hexadecimal, with `--broadcast`
/// - FERNET_UNSIGNED=NAME and FERNET_FROM=ADDRESS write them to unsigned/NAME.json, for a hardware or multisig wallet,
///   and send nothing. The file is a list, in the order of sending, of
///   `{"chainId", "from", "to", "value", "data", "description"}`. chainId and value are decimal strings, value in wei.
///   `to` is null where a contract is created.
///
/// Each way simulates the transactions first, and stops where one would fail. Without `--broadcast` and without an
/// export, the simulation is all that happens; `--sender ADDRESS` says for whom.
abstract contract Signing is Script {
    string private constant FOLDER = "unsigned";
    string private constant WAYS = "set FERNET_KEY; or give forge --account, --keystore, --ledger, --trezor or "
        "--private-key, or --sender for a dry run; or set FERNET_UNSIGNED and FERNET_FROM";

    bool private _exporting;
    string private _name;
    address private _from;
    /// @dev The exported transactions so far, as JSON objects joined by commas.
    string private _exported;

    /// @notice Nothing says who signs.
    error MissingSigner(string ways);
    /// @notice FERNET_UNSIGNED is set without FERNET_FROM: the transactions can't be simulated.
    error MissingSender();
    /// @notice Both are set: FERNET_KEY sends, FERNET_UNSIGNED exports. Unset one of them.
    error ConflictingVariables(string one, string other);
    /// @notice A variable has no use without the other.
    error MissingVariable(string needed, string because);
    /// @notice The account has no ether for the transactions' gas.
    error MissingEther(address account);

    /// @dev Around everything that sends transactions.
    modifier transacts() {
        _begin();
        _;
        _end();
    }

    /// @notice As FERNET_UNSIGNED=`name` and FERNET_FROM=`from` do.
    function exportTo(string memory name, address from) public {
        if (from == address(0)) revert MissingSender();
        _exporting = true;
        _name = name;
        _from = from;
    }

    /// @dev Who sends, between `_begin` and `_end`.
    function _sender() internal returns (address sender) {
        if (_exporting) return _from;
        (, sender,) = vm.readCallers();
    }

    /// @dev Whether the transactions leave this process: sent, or written to a file.
    function _publishes() internal view returns (bool) {
        return _exporting || _isBroadcasting();
    }

    /// @dev Whether forge sends the transactions.
    function _isBroadcasting() internal view virtual returns (bool) {
        return vm.isContext(VmSafe.ForgeContext.ScriptBroadcast);
    }

    /// @dev The environment, which tests replace: all tests share one.
    function _variables() internal view virtual returns (SigningVariables memory variables) {
        variables.hasName = Environment.isSet(Variable.Unsigned);
        variables.name = Environment.readText(Variable.Unsigned, "");
        variables.hasFrom = Environment.isSet(Variable.From);
        variables.from = Environment.readAccount(Variable.From, address(0));
        variables.key = Environment.readSecret(Variable.Key);
    }

    function _isExporting() internal view returns (bool) {
        return _exporting;
    }

    function _begin() internal {
        _readEnvironment();
        if (_exporting) {
            _exported = "";
            return;
        }
        uint256 key = _variables().key;
        if (key == 0) vm.startBroadcast();
        else vm.startBroadcast(key);
        address sender = _sender();
        if (sender == DEFAULT_SENDER) revert MissingSigner(WAYS);
        if (_isBroadcasting() && sender.balance == 0) revert MissingEther(sender);
    }

    function _end() internal {
        if (!_exporting) {
            vm.stopBroadcast();
            return;
        }
        vm.createDir(FOLDER, true);
        string memory path = string.concat(FOLDER, "/", _name, ".json");
        vm.writeFile(path, string.concat("[", _exported, "\n]\n"));
        console.log("unsigned transactions:", path);
    }

    /// @dev Adds a transaction to the file. `to` is zero where a contract is created; `description` has no quotes.
    function _export(address to, bytes memory data, string memory description) internal {
        string memory who = string.concat(
            '{"chainId": "',
            vm.toString(block.chainid),
            '", "from": "',
            vm.toString(_from),
            '", "to": ',
            to == address(0) ? "null" : string.concat('"', vm.toString(to), '"')
        );
        string memory what =
            string.concat(', "value": "0", "data": "', vm.toString(data), '", "description": "', description, '"}');
        _exported = string.concat(_exported, bytes(_exported).length == 0 ? "\n  " : ",\n  ", who, what);
    }

    function _readEnvironment() private {
        if (_exporting) return;
        SigningVariables memory variables = _variables();
        if (!variables.hasName) {
            if (variables.hasFrom) revert MissingVariable("FERNET_UNSIGNED", "FERNET_FROM is set");
            return;
        }
        if (variables.key != 0) revert ConflictingVariables("FERNET_KEY", "FERNET_UNSIGNED");
        exportTo(variables.name, variables.from);
    }
}
