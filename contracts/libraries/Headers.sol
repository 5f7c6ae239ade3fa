// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Header, IRollup} from "../interfaces/IRollup.sol";
import {L1Slot, Slot} from "../types/Time.sol";

/// @title Encoding of headers
/// @notice A transaction encodes its header once, for its hash and its event. The compiler's encoder would do so for
/// each of them, in twice the gas.
library Headers {
    /// @notice `abi.encode(header)`. Reverts without data, as the compiler's encoder does, if a member has more bits
    /// than its type.
    function encode(Header calldata header) internal pure returns (bytes memory encoded) {
        bytes32[] calldata blobs = header.blobHashes;
        // Memory-safe: allocates what it writes. The struct has 12 words, and the last one is the offset of the list.
        // The compiler has checked that the list lies inside the calldata.
        assembly ("memory-safe") {
            // slot, depositsEnd and exitsEnd have 64 bits, feeRecipient and chunks 32, and vote has 160.
            let bits64 := or(or(calldataload(header), calldataload(add(header, 96))), calldataload(add(header, 160)))
            let bits32 := or(calldataload(add(header, 224)), calldataload(add(header, 256)))
            if or(or(shr(64, bits64), shr(32, bits32)), shr(160, calldataload(add(header, 320)))) {
                revert(0, 0)
            }

            let listLength := mul(32, blobs.length)
            encoded := mload(0x40)
            mstore(encoded, add(448, listLength))
            mstore(add(encoded, 32), 32)
            calldatacopy(add(encoded, 64), header, 352)
            mstore(add(encoded, 416), 384)
            mstore(add(encoded, 448), blobs.length)
            calldatacopy(add(encoded, 480), blobs.offset, listLength)
            mstore(0x40, add(add(encoded, 480), listLength))
        }
    }

    /// @notice Emits `IRollup.Revealed` for a header with its encoding.
    function emitRevealed(bytes memory encoded, Slot slot, bytes32 hash, uint256 seen, bool complete, L1Slot l1Slot)
        internal
    {
        bytes32 topic = IRollup.Revealed.selector;
        // Memory-safe: only uses memory past the free pointer. The data is abi.encode(header, seen, complete, l1Slot):
        // four words, of which the first is the offset of the header, and the header without the offset of its own
        // encoding.
        assembly ("memory-safe") {
            let at := mload(0x40)
            let length := mload(encoded)
            mstore(at, 128)
            mstore(add(at, 32), seen)
            mstore(add(at, 64), complete)
            mstore(add(at, 96), l1Slot)
            mcopy(add(at, 128), add(encoded, 64), sub(length, 32))
            log3(at, add(96, length), topic, slot, hash)
        }
    }

    /// @notice Emits `IRollup.BackupBlock` for a header with its encoding, which is the event's data.
    function emitBackupBlock(bytes memory encoded, Slot slot, bytes32 hash) internal {
        bytes32 topic = IRollup.BackupBlock.selector;
        // Memory-safe: reads the bytes of the encoding.
        assembly ("memory-safe") {
            log3(add(encoded, 32), mload(encoded), topic, slot, hash)
        }
    }
}
