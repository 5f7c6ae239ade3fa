// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

/// @title Strict readers of text: each says whether the whole text is a value
library Parse {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 private constant MAX_NAME_LENGTH = 64;

    /// @notice A decimal number of at most `maximum`, without sign, spaces or leading zeros.
    function number(string memory text, uint256 maximum) internal pure returns (bool valid, uint256 value) {
        bytes memory digits = bytes(text);
        if (digits.length == 0 || (digits.length > 1 && digits[0] == "0")) return (false, 0);
        for (uint256 i = 0; i < digits.length; ++i) {
            uint8 digit = uint8(digits[i]);
            if (digit < 0x30 || digit > 0x39) return (false, 0);
            digit -= 0x30;
            if (value > maximum / 10 || value * 10 > maximum - digit) return (false, 0);
            value = value * 10 + digit;
        }
        return (true, value);
    }

    /// @notice `0x` and 40 hexadecimal digits. With both cases in it, it is checked as an EIP-55 checksum.
    function account(string memory text) internal pure returns (bool valid, address value) {
        uint256 digits;
        (valid, digits) = _hexadecimal(text, 2, 40);
        if (!valid || !_hasPrefix(text)) return (false, address(0));
        // casting: 40 digits are 160 bits
        // forge-lint: disable-next-line(unsafe-typecast)
        value = address(uint160(digits));
        string memory body = VM.replace(text, "0x", "");
        bool oneCase = _equal(body, VM.toLowercase(body)) || _equal(body, VM.toUppercase(body));
        if (!oneCase && !_equal(text, VM.toString(value))) return (false, address(0));
    }

    /// @notice 64 hexadecimal digits, with or without `0x`.
    function word(string memory text) internal pure returns (bool valid, uint256 value) {
        return _hexadecimal(text, _hasPrefix(text) ? 2 : 0, 64);
    }

    /// @notice A name for a file: 1 to 64 letters, digits, `-` and `_`.
    function isName(string memory text) internal pure returns (bool) {
        bytes memory letters = bytes(text);
        if (letters.length == 0 || letters.length > MAX_NAME_LENGTH) return false;
        for (uint256 i = 0; i < letters.length; ++i) {
            bytes1 c = letters[i];
            bool letter = (c >= "a" && c <= "z") || (c >= "A" && c <= "Z");
            if (!letter && !(c >= "0" && c <= "9") && c != "-" && c != "_") return false;
        }
        return true;
    }

    function _hexadecimal(string memory text, uint256 from, uint256 digits)
        private
        pure
        returns (bool valid, uint256 value)
    {
        bytes memory letters = bytes(text);
        if (letters.length != from + digits) return (false, 0);
        for (uint256 i = from; i < letters.length; ++i) {
            uint8 c = uint8(letters[i]);
            uint8 digit;
            if (c >= 0x30 && c <= 0x39) digit = c - 0x30;
            else if (c >= 0x61 && c <= 0x66) digit = c - 0x61 + 10;
            else if (c >= 0x41 && c <= 0x46) digit = c - 0x41 + 10;
            else return (false, 0);
            value = (value << 4) | digit;
        }
        return (true, value);
    }

    function _hasPrefix(string memory text) private pure returns (bool) {
        bytes memory letters = bytes(text);
        return letters.length >= 2 && letters[0] == "0" && letters[1] == "x";
    }

    function _equal(string memory a, string memory b) private pure returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }
}
