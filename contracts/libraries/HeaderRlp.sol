// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRandomness} from "../interfaces/IRandomness.sol";

/// @notice The fields of an L1 block header that the protocol reads.
struct L1Header {
    bytes32 parentHash;
    uint64 number;
    /// Unix time in seconds.
    uint64 timestamp;
    bytes32 mixHash;
}

/// @title RLP of L1 block headers
/// @notice Decodes a list of at least 16 fields. The first 16 are those of the London fork, and further ones may be of
/// any kind. The encoding must be canonical; any other reverts with `MalformedHeader(byte position)`. Nothing is copied
/// to memory.
library HeaderRlp {
    // Byte positions. They are fixed, as all fields before the difficulty have a fixed length and the list is longer
    // than 255 bytes.
    uint256 private constant PARENT_HASH = 3;
    uint256 private constant OMMERS_HASH = 36;
    uint256 private constant BENEFICIARY = 69;
    uint256 private constant STATE_ROOT = 90;
    uint256 private constant TRANSACTIONS_ROOT = 123;
    uint256 private constant RECEIPTS_ROOT = 156;
    uint256 private constant LOGS_BLOOM = 189;
    uint256 private constant DIFFICULTY = 448;

    function decode(bytes calldata rlp) internal pure returns (L1Header memory header) {
        unchecked {
            // A position is below the length of the calldata plus 2^64.
            uint256 length = rlp.length;
            if (length <= DIFFICULTY) revert IRandomness.MalformedHeader(length);
            if (uint256(uint24(bytes3(rlp[0:3]))) != 0xf90000 + length - 3 || length - 3 > 0xffff) {
                revert IRandomness.MalformedHeader(0);
            }
            _expect(rlp, PARENT_HASH, 0xa0);
            _expect(rlp, OMMERS_HASH, 0xa0);
            _expect(rlp, BENEFICIARY, 0x94);
            _expect(rlp, STATE_ROOT, 0xa0);
            _expect(rlp, TRANSACTIONS_ROOT, 0xa0);
            _expect(rlp, RECEIPTS_ROOT, 0xa0);
            if (bytes3(rlp[LOGS_BLOOM:LOGS_BLOOM + 3]) != 0xb90100) revert IRandomness.MalformedHeader(LOGS_BLOOM);
            header.parentHash = bytes32(rlp[PARENT_HASH + 1:PARENT_HASH + 33]);

            uint256 position = DIFFICULTY;
            (position,) = _integer(rlp, position, 32);
            uint256 value;
            (position, value) = _integer(rlp, position, 8);
            // Cast: at most 8 bytes.
            header.number = uint64(value);
            (position,) = _integer(rlp, position, 32); // gas limit
            (position,) = _integer(rlp, position, 32); // gas used
            (position, value) = _integer(rlp, position, 8);
            header.timestamp = uint64(value);
            position = _string(rlp, position); // extra data

            if (position + 33 > length) revert IRandomness.MalformedHeader(position);
            _expect(rlp, position, 0xa0);
            header.mixHash = bytes32(rlp[position + 1:position + 33]);
            position += 33;
            if (position + 9 > length) revert IRandomness.MalformedHeader(position);
            _expect(rlp, position, 0x88); // nonce
            position += 9;
            (position,) = _integer(rlp, position, 32); // base fee

            while (position < length) position = _item(rlp, position);
        }
    }

    function _expect(bytes calldata rlp, uint256 position, uint256 prefix) private pure {
        if (_byteAt(rlp, position) != prefix) revert IRandomness.MalformedHeader(position);
    }

    /// @dev The byte at `position`, which is below the length.
    function _byteAt(bytes calldata rlp, uint256 position) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            // The callers check the bound. A read beyond the calldata gives zeros.
            value := byte(0, calldataload(add(rlp.offset, position)))
        }
    }

    /// @dev Reads a canonical integer of at most `width` bytes. It has no leading zero. Single bytes below 0x80 stand
    /// for themselves, and 0x80 for zero.
    function _integer(bytes calldata rlp, uint256 position, uint256 width)
        private
        pure
        returns (uint256 next, uint256 value)
    {
        unchecked {
            if (position >= rlp.length) revert IRandomness.MalformedHeader(position);
            uint256 prefix = _byteAt(rlp, position);
            if (prefix < 0x80) {
                // Zero is encoded as the empty string.
                if (prefix == 0) revert IRandomness.MalformedHeader(position);
                return (position + 1, prefix);
            }
            uint256 size = prefix - 0x80;
            next = position + 1 + size;
            if (size > width || next > rlp.length) revert IRandomness.MalformedHeader(position);
            if (size == 0) return (next, 0);
            uint256 first = _byteAt(rlp, position + 1);
            if (first == 0 || (size == 1 && first < 0x80)) revert IRandomness.MalformedHeader(position);
            assembly ("memory-safe") {
                // The size is 1 to 32, and the bytes lie inside the header.
                value := shr(sub(256, shl(3, size)), calldataload(add(rlp.offset, add(position, 1))))
            }
        }
    }

    /// @dev Skips a canonical string of at most 2^64 bytes.
    function _string(bytes calldata rlp, uint256 position) private pure returns (uint256 next) {
        if (position >= rlp.length || _byteAt(rlp, position) >= 0xc0) revert IRandomness.MalformedHeader(position);
        return _item(rlp, position);
    }

    /// @dev Skips any canonical item, a list as a whole. `position` is below the length.
    function _item(bytes calldata rlp, uint256 position) private pure returns (uint256 next) {
        unchecked {
            uint256 prefix = _byteAt(rlp, position);
            if (prefix < 0x80) return position + 1;
            // Strings start at 0x80 and lists at 0xc0. Each has 56 prefixes for short lengths, then 8 for the length of
            // the length.
            uint256 short = prefix < 0xc0 ? prefix - 0x80 : prefix - 0xc0;
            if (short < 56) {
                next = position + 1 + short;
                if (next > rlp.length) revert IRandomness.MalformedHeader(position);
                if (prefix == 0x81 && _byteAt(rlp, position + 1) < 0x80) revert IRandomness.MalformedHeader(position);
                return next;
            }
            uint256 width = short - 55;
            if (position + 1 + width > rlp.length || _byteAt(rlp, position + 1) == 0) {
                revert IRandomness.MalformedHeader(position);
            }
            uint256 size;
            assembly ("memory-safe") {
                // The width is 1 to 8, and the bytes lie inside the header.
                size := shr(sub(256, shl(3, width)), calldataload(add(rlp.offset, add(position, 1))))
            }
            next = position + 1 + width + size;
            if (size < 56 || next > rlp.length) revert IRandomness.MalformedHeader(position);
        }
    }
}
