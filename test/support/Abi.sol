// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Random} from "./Random.sol";

/// @title Calldata from signatures like `f(uint64,(bytes32,bytes32[])[],bytes)`
/// @notice Makes well-formed arguments of random values, and checks whether data is well-formed. A part of a signature
/// is given by its start and its exclusive end.
library Abi {
    /// @notice The signature `f(…)` without the part after the arguments.
    function canonical(bytes memory signature) internal pure returns (bytes memory result) {
        uint256 end = _closing(signature, _opening(signature)) + 1;
        result = new bytes(end);
        for (uint256 i = 0; i < end; ++i) {
            result[i] = signature[i];
        }
    }

    /// @notice Encoded arguments for a canonical signature. Numbers are extreme, small, random or one of `hints`.
    function arguments(bytes memory signature, Random memory random, uint256[] memory hints)
        internal
        pure
        returns (bytes memory)
    {
        return _tuple(signature, _opening(signature), random, hints);
    }

    /// @notice Whether `data` (without the selector) decodes to the arguments of a canonical signature.
    function isWellFormed(bytes memory signature, bytes memory data) internal pure returns (bool) {
        (bool good,) = _checkTuple(signature, _opening(signature), data, 0);
        return good;
    }

    // ---- making ---------------------------------------------------------------------------------------------------

    /// @dev `pos` is the tuple's opening parenthesis.
    function _tuple(bytes memory s, uint256 pos, Random memory random, uint256[] memory hints)
        private
        pure
        returns (bytes memory)
    {
        bytes memory heads;
        bytes memory tails;
        uint256 headLength = _headOfTuple(s, pos);
        uint256 end = _closing(s, pos);
        for (uint256 i = pos + 1; i < end; i = _next(s, i) + 1) {
            bytes memory value = _value(s, i, _next(s, i), random, hints);
            if (_isDynamic(s, i, _next(s, i))) {
                heads = abi.encodePacked(heads, headLength + tails.length);
                tails = abi.encodePacked(tails, value);
            } else {
                heads = abi.encodePacked(heads, value);
            }
        }
        return abi.encodePacked(heads, tails);
    }

    function _value(bytes memory s, uint256 from, uint256 to, Random memory random, uint256[] memory hints)
        private
        pure
        returns (bytes memory)
    {
        if (s[to - 1] == "]") return _array(s, from, to, random, hints);
        if (s[from] == "(") return _tuple(s, from, random, hints);
        if (_isBytes(s, from, to)) return _bytes(random);
        return abi.encodePacked(_fit(s, from, to, _number(random, hints)));
    }

    function _array(bytes memory s, uint256 from, uint256 to, Random memory random, uint256[] memory hints)
        private
        pure
        returns (bytes memory)
    {
        (uint256 element, uint256 length) = _elements(s, from, to);
        bool open = length == 0;
        if (open) length = random.between(0, 3);
        bytes memory heads;
        bytes memory tails;
        for (uint256 i = 0; i < length; ++i) {
            bytes memory value = _value(s, from, element, random, hints);
            if (_isDynamic(s, from, element)) {
                heads = abi.encodePacked(heads, 32 * length + tails.length);
                tails = abi.encodePacked(tails, value);
            } else {
                heads = abi.encodePacked(heads, value);
            }
        }
        bytes memory all = abi.encodePacked(heads, tails);
        return open ? abi.encodePacked(length, all) : all;
    }

    /// @dev The random lengths include those of signatures and points.
    function _bytes(Random memory random) private pure returns (bytes memory) {
        uint16[8] memory lengths = [0, 0, 1, 32, 65, 128, 384, 700];
        uint256 length = lengths[random.between(0, 7)];
        bytes memory content;
        while (content.length < length) content = abi.encodePacked(content, random.word());
        return abi.encodePacked(length, content);
    }

    function _number(Random memory random, uint256[] memory hints) private pure returns (uint256) {
        uint256 kind = random.between(0, 5);
        if (kind == 0) return 0;
        if (kind == 1) return type(uint256).max;
        if (kind == 2) return random.between(0, 9);
        if (kind == 3) return random.word();
        return hints[random.between(0, hints.length - 1)];
    }

    // ---- checking -------------------------------------------------------------------------------------------------

    /// @dev Whether the tuple's parts from `base` on fit the data and their types, and where its head ends.
    function _checkTuple(bytes memory s, uint256 pos, bytes memory data, uint256 base)
        private
        pure
        returns (bool good, uint256 head)
    {
        uint256 end = _closing(s, pos);
        head = base;
        if (base + _headOfTuple(s, pos) > data.length) return (false, head);
        for (uint256 i = pos + 1; i < end; i = _next(s, i) + 1) {
            (good, head) = _check(s, i, _next(s, i), data, base, head);
            if (!good) return (false, head);
        }
        return (true, head);
    }

    /// @dev Checks a value whose head is at `head` in the part that begins at `base`. Returns where the next head is.
    function _check(bytes memory s, uint256 from, uint256 to, bytes memory data, uint256 base, uint256 head)
        private
        pure
        returns (bool, uint256)
    {
        if (!_isDynamic(s, from, to)) return _checkTail(s, from, to, data, head);
        (bool good, uint256 offset) = _word(data, head);
        // A valid offset is within the data, and the sums do not overflow.
        if (!good || offset > data.length) return (false, head);
        (good,) = _checkTail(s, from, to, data, base + offset);
        return (good, head + 32);
    }

    function _checkTail(bytes memory s, uint256 from, uint256 to, bytes memory data, uint256 pos)
        private
        pure
        returns (bool good, uint256 end)
    {
        if (s[to - 1] == "]") {
            (uint256 element, uint256 length) = _elements(s, from, to);
            if (length == 0) {
                (good, length) = _word(data, pos);
                if (!good || length > data.length) return (false, pos);
                pos += 32;
            }
            if (pos + length * (_isDynamic(s, from, element) ? 32 : _head(s, from, element)) > data.length) {
                return (false, pos);
            }
            end = pos;
            good = true;
            for (uint256 i = 0; i < length && good; ++i) {
                (good, end) = _check(s, from, element, data, pos, end);
            }
            return (good, end);
        }
        if (s[from] == "(") return _checkTuple(s, from, data, pos);
        uint256 value;
        (good, value) = _word(data, pos);
        if (_isBytes(s, from, to)) return (good && value <= data.length && pos + 32 + value <= data.length, pos + 32);
        return (good && value == _fit(s, from, to, value), pos + 32);
    }

    function _word(bytes memory data, uint256 pos) private pure returns (bool, uint256 value) {
        if (pos + 32 > data.length) return (false, 0);
        assembly ("memory-safe") {
            // Inside the data, compared above.
            value := mload(add(add(data, 32), pos))
        }
        return (true, value);
    }

    // ---- types ----------------------------------------------------------------------------------------------------

    function _opening(bytes memory s) private pure returns (uint256 i) {
        while (s[i] != "(") ++i;
    }

    /// @dev The parenthesis that closes the one at `pos`.
    function _closing(bytes memory s, uint256 pos) private pure returns (uint256 i) {
        uint256 depth;
        for (i = pos;; ++i) {
            if (s[i] == "(") ++depth;
            if (s[i] == ")" && --depth == 0) return i;
        }
    }

    /// @dev The end of the type that begins at `pos`.
    function _next(bytes memory s, uint256 pos) private pure returns (uint256 i) {
        i = s[pos] == "(" ? _closing(s, pos) + 1 : pos;
        while (s[i] != "," && s[i] != ")") ++i;
    }

    /// @dev The end of an array's element type, and its length; zero for a dynamic one.
    function _elements(bytes memory s, uint256 from, uint256 to)
        private
        pure
        returns (uint256 element, uint256 length)
    {
        element = to - 1;
        while (s[element] != "[") --element;
        length = _decimal(s, element + 1, to - 1);
        assert(element > from);
    }

    function _isBytes(bytes memory s, uint256 from, uint256 to) private pure returns (bool) {
        bytes32 name = _name(s, from, to);
        return name == "bytes" || name == "string";
    }

    function _isDynamic(bytes memory s, uint256 from, uint256 to) private pure returns (bool) {
        if (s[to - 1] == "]") {
            (uint256 element, uint256 length) = _elements(s, from, to);
            return length == 0 || _isDynamic(s, from, element);
        }
        if (s[from] != "(") return _isBytes(s, from, to);
        for (uint256 i = from + 1; i < to - 1; i = _next(s, i) + 1) {
            if (_isDynamic(s, i, _next(s, i))) return true;
        }
        return false;
    }

    /// @dev Number of bytes of a value in the head of the part that contains it.
    function _head(bytes memory s, uint256 from, uint256 to) private pure returns (uint256) {
        if (_isDynamic(s, from, to)) return 32;
        if (s[to - 1] == "]") {
            (uint256 element, uint256 length) = _elements(s, from, to);
            return length * _head(s, from, element);
        }
        return s[from] == "(" ? _headOfTuple(s, from) : 32;
    }

    function _headOfTuple(bytes memory s, uint256 pos) private pure returns (uint256 sum) {
        uint256 end = _closing(s, pos);
        for (uint256 i = pos + 1; i < end; i = _next(s, i) + 1) {
            sum += _head(s, i, _next(s, i));
        }
    }

    /// @dev The value of a type that has the low bits of `value` (of bytesN, the high ones).
    function _fit(bytes memory s, uint256 from, uint256 to, uint256 value) private pure returns (uint256) {
        if (s[from] != "i") return value & _mask(s, from, to);
        // The type is intN: its sign fills the word.
        uint256 unused = 256 - _decimal(s, from + 3, to);
        // Casts: the shifts of a signed number keep its sign.
        return uint256(int256(value << unused) >> unused);
    }

    /// @dev The bits that a word of an unsigned type may use.
    function _mask(bytes memory s, uint256 from, uint256 to) private pure returns (uint256) {
        bytes32 name = _name(s, from, to);
        if (name == "address") return type(uint160).max;
        if (name == "bool") return 1;
        if (s[from] == "u") return type(uint256).max >> (256 - _decimal(s, from + 4, to));
        // The type is bytesN.
        return ~(type(uint256).max >> (8 * _decimal(s, from + 5, to)));
    }

    function _name(bytes memory s, uint256 from, uint256 to) private pure returns (bytes32 name) {
        for (uint256 i = from; i < to && i < from + 32; ++i) {
            name |= bytes32(s[i]) >> (8 * (i - from));
        }
    }

    function _decimal(bytes memory s, uint256 from, uint256 to) private pure returns (uint256 value) {
        for (uint256 i = from; i < to; ++i) {
            value = 10 * value + uint8(s[i]) - 48;
        }
    }
}
