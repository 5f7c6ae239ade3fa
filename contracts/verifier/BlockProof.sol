// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Operation} from "../interfaces/IBridge.sol";

/// @notice Proof of one chunk. Group elements are encoded as in EIP-2537: coordinates of 64 bytes, and c0 before c1 of
/// an element of Fp2.
struct ChunkProof {
    /// State root after the chunk.
    bytes32 stateRoot;
    /// Poseidon commitment to the domain, the recipients, the roots before and after, and the chunk's data.
    bytes32 commitment;
    /// The chunk's part of its blob's value at z.
    bytes32 y;
    /// Number of deposits and forced exits that the chunk consumes.
    uint256 consumed;
    /// Groth16's A: x, y.
    bytes32[4] a;
    /// Groth16's B: x, y.
    bytes32[8] b;
}

/// @notice Proof of a block. Chunks, blobs and operations are in the order of the block.
struct BlockProof {
    /// Sum of the chunks' Groth16 C, each times its weight.
    bytes32[4] c;
    ChunkProof[] chunks;
    /// For each blob, its KZG commitment and its opening proof at z, 48 bytes each.
    bytes32[3][] openings;
    /// The deposits and forced exits that the block consumes, in the order of its data.
    L1Operation[] queue;
}

/// @title Decodes `abi.encode(BlockProof)`
/// @notice The block's header determines the numbers of chunks, blobs and operations, so exactly one length and one set
/// of offsets is valid. Everything else is refused, and every later access stays inside the bytes.
library BlockProofDecoder {
    /// @custom:rule F2
    error WrongChunkCount(uint256 expected, uint256 actual);
    /// @custom:rule F2
    error WrongOpeningCount(uint256 expected, uint256 actual);
    /// @custom:rule F2
    error WrongOperationCount(uint256 expected, uint256 actual);
    /// @notice The word at byte `position` is missing, or is not the offset that the encoding has there, or the bytes
    /// continue after the encoding ends there.
    /// @custom:rule F2
    error MalformedProof(uint256 position);

    uint256 private constant WORD = 32;
    uint256 private constant CHUNK_LENGTH = 16 * WORD;
    uint256 private constant OPENING_LENGTH = 3 * WORD;
    uint256 private constant OPERATION_LENGTH = 3 * WORD;

    // Positions of the head: the offset of the tuple, then c, then the offsets of the three arrays.
    uint256 private constant TUPLE = 32;
    uint256 private constant CHUNKS_OFFSET = TUPLE + 4 * WORD;
    uint256 private constant OPENINGS_OFFSET = CHUNKS_OFFSET + WORD;
    uint256 private constant OPERATIONS_OFFSET = OPENINGS_OFFSET + WORD;
    uint256 private constant HEAD_END = OPERATIONS_OFFSET + WORD;

    /// @param chunkCount Below 2^32.
    /// @param blobCount Below 2^32.
    /// @param operationCount Below 2^64.
    function decode(bytes calldata proof, uint256 chunkCount, uint256 blobCount, uint256 operationCount)
        internal
        pure
        returns (BlockProof calldata decoded)
    {
        uint256 openingsAt;
        uint256 operationsAt;
        // Unchecked: the positions are sums of products of the three counts with at most 512, far below 2^256.
        unchecked {
            _expect(proof, 0, TUPLE);
            _expect(proof, CHUNKS_OFFSET, HEAD_END - TUPLE);
            if (_word(proof, HEAD_END) != chunkCount) revert WrongChunkCount(chunkCount, _word(proof, HEAD_END));

            openingsAt = HEAD_END + WORD + chunkCount * CHUNK_LENGTH;
            _expect(proof, OPENINGS_OFFSET, openingsAt - TUPLE);
            if (_word(proof, openingsAt) != blobCount) revert WrongOpeningCount(blobCount, _word(proof, openingsAt));

            operationsAt = openingsAt + WORD + blobCount * OPENING_LENGTH;
            _expect(proof, OPERATIONS_OFFSET, operationsAt - TUPLE);
            if (_word(proof, operationsAt) != operationCount) {
                revert WrongOperationCount(operationCount, _word(proof, operationsAt));
            }

            _expectLength(proof, operationsAt + WORD + operationCount * OPERATION_LENGTH);
        }
        // The tuple and its arrays lie inside `proof`: all offsets and lengths were compared, and the last array ends
        // at proof.length.
        assembly ("memory-safe") {
            decoded := add(proof.offset, TUPLE)
        }
    }

    function _expectLength(bytes calldata proof, uint256 expected) private pure {
        if (proof.length != expected) revert MalformedProof(proof.length < expected ? proof.length : expected);
    }

    function _expect(bytes calldata proof, uint256 position, uint256 expected) private pure {
        if (_word(proof, position) != expected) revert MalformedProof(position);
    }

    /// @param position Far below 2^256.
    function _word(bytes calldata proof, uint256 position) private pure returns (uint256 word) {
        // Unchecked: see `position`.
        unchecked {
            if (position + WORD > proof.length) revert MalformedProof(position);
        }
        // The word's 32 bytes lie inside `proof`.
        assembly ("memory-safe") {
            word := calldataload(add(proof.offset, position))
        }
    }
}
