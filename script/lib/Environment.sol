// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

import {ScalarField} from "../../contracts/verifier/ScalarField.sol";
import {Parse} from "./Parse.sol";

/// @notice Every environment variable that a script reads.
enum Variable {
    /// Configuration of a deployment: script/config/<network>.json.
    Network,
    L1GenesisTime,
    L1SlotSeconds,
    Scoring,
    Guardian,
    /// Private key of the account that sends the transactions.
    Key,
    /// Name of the file that gets the transactions instead of the chain.
    Unsigned,
    /// Account that will sign that file's transactions.
    From,
    /// Secret BLS key of a sequencer.
    BlsSecret
}

/// @notice What the text of a variable must be.
enum Kind {
    Name,
    Number,
    Scoring,
    Account,
    PrivateKey,
    BlsSecret
}

/// @title The environment of the scripts
/// @notice A variable is unset, or it is set and valid. Everything else is refused by name, the empty text included.
/// Scripts read the environment only here.
library Environment {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 private constant SECP256K1_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    /// @notice The value of a secret isn't shown.
    error BadVariable(string name, string value, string expected);

    function nameOf(Variable variable) internal pure returns (string memory) {
        string[9] memory names = [
            "FERNET_NETWORK",
            "FERNET_L1_GENESIS_TIME",
            "FERNET_L1_SLOT_SECONDS",
            "FERNET_SCORING",
            "FERNET_GUARDIAN",
            "FERNET_KEY",
            "FERNET_UNSIGNED",
            "FERNET_FROM",
            "FERNET_BLS_SECRET"
        ];
        return names[uint256(variable)];
    }

    function kindOf(Variable variable) internal pure returns (Kind) {
        Kind[9] memory kinds = [
            Kind.Name,
            Kind.Number,
            Kind.Number,
            Kind.Scoring,
            Kind.Account,
            Kind.PrivateKey,
            Kind.Name,
            Kind.Account,
            Kind.BlsSecret
        ];
        return kinds[uint256(variable)];
    }

    function isSet(Variable variable) internal view returns (bool) {
        return VM.envExists(nameOf(variable));
    }

    /// @notice The variable's text, or `otherwise` where it is unset.
    function readText(Variable variable, string memory otherwise) internal view returns (string memory text) {
        if (!isSet(variable)) return otherwise;
        text = VM.envString(nameOf(variable));
        check(variable, text);
    }

    /// @notice A number of at most 64 bits.
    function readNumber(Variable variable, uint64 otherwise) internal view returns (uint64) {
        if (!isSet(variable)) return otherwise;
        // casting: `check` holds the maximum
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64(check(variable, VM.envString(nameOf(variable))));
    }

    function readAccount(Variable variable, address otherwise) internal view returns (address) {
        if (!isSet(variable)) return otherwise;
        // casting: `check` returns an address
        // forge-lint: disable-next-line(unsafe-typecast)
        return address(uint160(check(variable, VM.envString(nameOf(variable)))));
    }

    /// @notice A secret number, 0 where the variable is unset.
    function readSecret(Variable variable) internal view returns (uint256) {
        return isSet(variable) ? check(variable, VM.envString(nameOf(variable))) : 0;
    }

    /// @notice Refuses a text that isn't of the variable's kind. Returns the number that it stands for, 0 for names.
    function check(Variable variable, string memory text) internal pure returns (uint256 value) {
        Kind kind = kindOf(variable);
        bool valid;
        if (kind == Kind.Name) {
            valid = Parse.isName(text);
        } else if (kind == Kind.Number) {
            (valid, value) = Parse.number(text, type(uint64).max);
        } else if (kind == Kind.Scoring) {
            bytes32 hash = keccak256(bytes(text));
            valid = hash == keccak256("public") || hash == keccak256("vrf");
        } else if (kind == Kind.Account) {
            address account;
            (valid, account) = Parse.account(text);
            value = uint160(account);
        } else {
            (valid, value) = Parse.word(text);
            valid = valid && value != 0 && value < (kind == Kind.PrivateKey ? SECP256K1_ORDER : ScalarField.ORDER);
        }
        if (!valid) revert BadVariable(nameOf(variable), isSecret(kind) ? "(secret)" : text, expectedOf(kind));
    }

    function isSecret(Kind kind) internal pure returns (bool) {
        return kind == Kind.PrivateKey || kind == Kind.BlsSecret;
    }

    function expectedOf(Kind kind) internal pure returns (string memory) {
        string[6] memory expected = [
            "a name of 1 to 64 letters, digits, - and _",
            "a decimal number of at most 64 bits",
            "public or vrf",
            "an address: 0x and 40 hexadecimal digits, with a valid checksum if it has capital and small letters",
            "a private key: 64 hexadecimal digits, with or without 0x",
            "a BLS secret key: 64 hexadecimal digits, with or without 0x, less than the group order"
        ];
        return expected[uint256(kind)];
    }
}
