// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Operation} from "../interfaces/IBridge.sol";
import {IStateTransitionVerifier, Statement} from "../interfaces/IStateTransitionVerifier.sol";
import {L1Operations} from "../libraries/L1Operations.sol";
import {BlockProof, BlockProofDecoder, ChunkProof} from "./BlockProof.sol";
import {PairingProduct} from "./PairingProduct.sol";
import {PointEvaluation} from "./PointEvaluation.sol";
import {ScalarField} from "./ScalarField.sol";
import {VerifyingKey} from "./VerifyingKey.sol";

/// @title Verifies a block of the payments ledger
/// @notice A block consists of K chunks. Each chunk has a Groth16 proof over BLS12-381 with four public inputs. The
/// blobs' values at a challenge z bind the inputs to the blobs. A polynomial at the same z binds them to domain,
/// recipients, state roots and the Bridge's queue. One pairing product (EIP-2537) checks all proofs. docs/rollup
/// explains why this is sound.
contract BlockVerifier is IStateTransitionVerifier {
    using PairingProduct for PairingProduct.Product;
    using ScalarField for uint256;
    using ScalarField for uint256[];

    /// @custom:rule M4
    error BadParameter(string name);
    /// @custom:rule F2
    error NoChunks();
    /// @custom:rule F2
    error WrongBlobCount(uint256 expected, uint256 actual);
    /// @notice The deposits or the forced exits of the proof do not lead from the Bridge's rolling hash before the
    /// block to the one after it.
    /// @custom:rule F2
    error OperationsMismatch(bytes32 expected, bytes32 actual);
    /// @notice The root after the last chunk is not the block's.
    /// @custom:rule F2
    error StateRootMismatch(bytes32 expected, bytes32 actual);
    /// @notice The value is not below the order of the scalar field.
    /// @custom:rule F2
    error OutOfField(uint256 value);
    /// @notice The blob's commitment is not the header's, or the blob's value is not the one that its chunks prove.
    /// @custom:rule F2
    error BlobRejected(uint256 blob);
    /// @custom:rule F2
    error ProofRejected();

    /// @dev State of the loop over the chunks.
    struct Progress {
        uint256 z;
        uint256 domain;
        /// Payee, fee recipient and the burned share of the fees, packed as in the polynomial.
        uint256 recipients;
        uint256[] weights;
        /// Factor of each bit of a chunk's position in the inverse of its shift, from the lowest bit.
        uint256[] factors;
        /// State root after the chunks so far.
        uint256 root;
        /// Number of queue operations that the chunks so far consumed.
        uint256 consumed;
        /// Sum of y over the chunks of the current blob so far.
        uint256 y;
        uint256 blob;
        /// Position of the next chunk in its blob.
        uint256 position;
    }

    // Indices of the public inputs.
    uint256 private constant POINT = 0;
    uint256 private constant VALUE = 1;
    uint256 private constant COMMITMENT = 2;
    uint256 private constant BINDING = 3;

    // Bit positions of the fee recipient and the burned share of the fees in `recipients`.
    uint256 private constant FEE_RECIPIENT_BIT = 160;
    uint256 private constant FEE_BURN_BIT = 192;
    uint256 private constant MAX_BPS = 10_000;

    bytes32 private constant CHALLENGE_TAG = "fernet.z.v1";
    bytes32 private constant WEIGHTS_TAG = "fernet.weights.v1";

    /// @notice Maximum number of operations of a chunk.
    uint256 public immutable operations;
    /// @notice Number of blob elements of a chunk.
    uint256 public immutable elements;
    /// @inheritdoc IStateTransitionVerifier
    uint256 public immutable chunksPerBlob;
    /// @notice Share of a chunk's fees that is burned, in basis points, rounded down. The rest goes to the fee
    /// recipient.
    uint16 public immutable feeBurnBps;
    /// @notice Contract whose code is the verifying key, see `VerifyingKey`.
    address public immutable verifyingKey;
    /// @inheritdoc IStateTransitionVerifier
    bytes32 public immutable genesisRoot;
    /// @dev log2 of `elements`.
    uint256 private immutable _elementsLog;

    /// @param key alpha, beta, gamma, delta, IC_0 to IC_4, encoded as in EIP-2537.
    /// @param operations_ Operations per chunk, at least 2 (a forced exit takes two places) and at most `elements_`.
    /// @param elements_ Blob elements per chunk, a power of two.
    /// @param chunksPerBlob_ Chunks in a full blob, at most 4096 / `elements_`.
    /// @param genesisRoot_ State root of the empty ledger.
    /// @param feeBurnBps_ Burned share of all fees in basis points, at most 10,000.
    constructor(
        bytes memory key,
        uint256 operations_,
        uint256 elements_,
        uint256 chunksPerBlob_,
        bytes32 genesisRoot_,
        uint16 feeBurnBps_
    ) {
        uint256 log = 0;
        while (log < ScalarField.BLOB_LOG && 2 ** log != elements_) log++;
        if (2 ** log != elements_) revert BadParameter("elements");
        if (operations_ < 2 || operations_ > elements_) revert BadParameter("operations");
        if (chunksPerBlob_ == 0 || chunksPerBlob_ > ScalarField.BLOB_ELEMENTS / elements_) {
            revert BadParameter("chunksPerBlob");
        }
        if (uint256(genesisRoot_) >= ScalarField.ORDER) revert BadParameter("genesisRoot");
        if (feeBurnBps_ > MAX_BPS) revert BadParameter("feeBurnBps");

        operations = operations_;
        elements = elements_;
        chunksPerBlob = chunksPerBlob_;
        genesisRoot = genesisRoot_;
        feeBurnBps = feeBurnBps_;
        _elementsLog = log;
        verifyingKey = VerifyingKey.store(key);
    }

    /// @notice Number of blobs of a block with this many chunks.
    function blobCount(uint256 chunks) public view returns (uint256) {
        return chunks / chunksPerBlob + (chunks % chunksPerBlob == 0 ? 0 : 1);
    }

    /// @inheritdoc IStateTransitionVerifier
    /// @param proof `abi.encode(BlockProof)`.
    function verify(Statement calldata statement, bytes calldata proof) external view {
        if (statement.chunks == 0) revert NoChunks();
        uint256 blobs = blobCount(statement.chunks);
        if (statement.blobHashes.length != blobs) revert WrongBlobCount(blobs, statement.blobHashes.length);
        BlockProof calldata decoded = BlockProofDecoder.decode(proof, statement.chunks, blobs, statement.operations);
        ChunkProof[] calldata chunks = decoded.chunks;
        L1Operation[] calldata queue = decoded.queue;
        _checkQueue(statement, queue);

        Progress memory progress;
        progress.domain = statement.domain % ScalarField.ORDER;
        progress.recipients = uint256(uint160(statement.payee)) | (uint256(statement.feeRecipient) << FEE_RECIPIENT_BIT)
            | (uint256(feeBurnBps) << FEE_BURN_BIT);
        progress.root = uint256(statement.parentRoot);
        if (progress.root >= ScalarField.ORDER) revert OutOfField(progress.root);
        progress.z = _challenge(statement, progress.recipients, chunks);
        progress.weights = _weights(progress.z, chunks);
        if (chunks.length > 1) {
            progress.factors = ScalarField.squares(ScalarField.INVERSE_ROOT, ScalarField.BLOB_LOG - _elementsLog);
        }
        PairingProduct.Product memory product;
        product.load(verifyingKey, chunks.length);

        for (uint256 k = 0; k < chunks.length; k++) {
            ChunkProof calldata chunk = chunks[k];
            uint256 weight = progress.weights[k];
            _addChunk(product, progress, weight, chunk, queue);
            if (!product.setPair(k, weight, chunk.a, chunk.b)) revert ProofRejected();
            if (progress.position == chunksPerBlob || k + 1 == chunks.length) {
                _checkBlob(progress, statement.blobHashes[progress.blob], decoded.openings[progress.blob]);
            }
        }
        if (progress.root != uint256(statement.stateRoot)) {
            revert StateRootMismatch(statement.stateRoot, bytes32(progress.root));
        }
        if (progress.consumed != queue.length) {
            revert BlockProofDecoder.WrongOperationCount(queue.length, progress.consumed);
        }

        product.setC(decoded.c);
        if (!product.isOne()) revert ProofRejected();
    }

    /// @dev Adds a chunk's public inputs to the product and moves on to the next chunk.
    function _addChunk(
        PairingProduct.Product memory product,
        Progress memory progress,
        uint256 weight,
        ChunkProof calldata chunk,
        L1Operation[] calldata queue
    ) private view {
        uint256 rootAfter = uint256(chunk.stateRoot);
        uint256 y = uint256(chunk.y);
        uint256 commitment = uint256(chunk.commitment);
        if (rootAfter >= ScalarField.ORDER) revert OutOfField(rootAfter);
        if (y >= ScalarField.ORDER) revert OutOfField(y);
        if (commitment >= ScalarField.ORDER) revert OutOfField(commitment);
        uint256 point = progress.z;
        if (progress.position != 0) point = point.mul(progress.factors.productAt(progress.position));

        product.addScalar(POINT, weight, point);
        product.addScalar(VALUE, weight, y);
        product.addScalar(COMMITMENT, weight, commitment);
        product.addScalar(BINDING, weight, _binding(progress, point, rootAfter, chunk.consumed, queue));

        progress.root = rootAfter;
        progress.y = progress.y.add(y);
        progress.position++;
    }

    /// @dev Checks the value of the blob whose last chunk was just added, and moves on to the next blob.
    function _checkBlob(Progress memory progress, bytes32 versionedHash, bytes32[3] calldata opening) private view {
        if (!PointEvaluation.opens(versionedHash, progress.z, progress.y, opening)) revert BlobRejected(progress.blob);
        progress.y = 0;
        progress.position = 0;
        progress.blob++;
    }

    /// @dev Reverts unless the proof's operations are the ones that the Bridge hashed. Deposits and forced exits may be
    /// mixed in any way.
    function _checkQueue(Statement calldata statement, L1Operation[] calldata queue) private pure {
        bytes32 deposits = statement.depositsFrom;
        bytes32 exits = statement.exitsFrom;
        for (uint256 i = 0; i < queue.length; i++) {
            L1Operation calldata operation = queue[i];
            bool isDeposit = operation.head < L1Operations.EXIT;
            bytes32 chain = isDeposit ? deposits : exits;
            // Memory-safe: allocates nothing and only uses memory past the free pointer. An operation is 96 bytes of
            // calldata inside the proof.
            assembly ("memory-safe") {
                let at := mload(0x40)
                mstore(at, chain)
                calldatacopy(add(at, 32), operation, 96)
                chain := keccak256(at, 128)
            }
            if (isDeposit) deposits = chain;
            else exits = chain;
        }
        if (deposits != statement.depositsTo) revert OperationsMismatch(statement.depositsTo, deposits);
        if (exits != statement.exitsTo) revert OperationsMismatch(statement.exitsTo, exits);
    }

    /// @dev Value at `point` of a polynomial. Its coefficients, from the highest, are the domain, the recipients, the
    /// roots before and after the chunk, and three for each of the next `count` operations. No chunk has room for more
    /// than `operations`, so few values are possible, however the prover divides the block's operations.
    function _binding(
        Progress memory progress,
        uint256 point,
        uint256 rootAfter,
        uint256 count,
        L1Operation[] calldata queue
    ) private view returns (uint256 value) {
        value = progress.domain.mul(point).add(progress.recipients);
        value = value.mul(point).add(progress.root);
        value = value.mul(point).add(rootAfter);
        uint256 first = progress.consumed;
        uint256 most = queue.length - first;
        if (most > operations) most = operations;
        if (count > most) revert BlockProofDecoder.WrongOperationCount(most, count);
        uint256 end = first + count;
        for (uint256 i = first; i < end; i++) {
            L1Operation calldata operation = queue[i];
            value = value.mul(point).add(operation.head);
            value = value.mul(point).add(operation.x);
            value = value.mul(point).add(operation.y);
        }
        progress.consumed = end;
    }

    /// @dev The Fiat-Shamir challenge z. It hashes all data that the chunks' polynomials consist of, and the chunks'
    /// commitments. It is below 2^253, and so in the field.
    function _challenge(Statement calldata statement, uint256 recipients, ChunkProof[] calldata chunks)
        private
        pure
        returns (uint256)
    {
        bytes32[7] memory head = [
            CHALLENGE_TAG,
            statement.headerHash,
            statement.depositsTo,
            statement.exitsTo,
            bytes32(statement.domain),
            bytes32(recipients),
            statement.parentRoot
        ];
        bytes32 hash;
        // Memory-safe: allocates nothing and only uses memory past the free pointer. The state root and the commitment
        // are the first two of the 16 words of a chunk.
        assembly ("memory-safe") {
            let at := mload(0x40)
            mcopy(at, head, 224)
            let end := add(at, 224)
            let chunk := chunks.offset
            for { let left := chunks.length } left { left := sub(left, 1) } {
                calldatacopy(end, chunk, 64)
                end := add(end, 64)
                chunk := add(chunk, 512)
            }
            hash := keccak256(at, sub(end, at))
        }
        return uint256(hash) >> 3;
    }

    /// @dev Weights of the chunks. A single chunk has weight 1. Otherwise each weight but the first has 128 random
    /// bits, drawn after all public inputs, A and B are fixed. The first weight is chosen so that all sum to 1. This
    /// saves the scaling of alpha and IC_0, at the price of scaling the first A.
    function _weights(uint256 z, ChunkProof[] calldata chunks) private pure returns (uint256[] memory weights) {
        weights = new uint256[](chunks.length);
        uint256 first = 1;
        if (chunks.length > 1) {
            bytes32 transcript = _transcript(z, chunks);
            for (uint256 k = 1; k < weights.length; k++) {
                uint256 weight;
                // Memory-safe: only uses scratch space.
                assembly ("memory-safe") {
                    mstore(0, transcript)
                    mstore(32, k)
                    weight := shr(128, keccak256(0, 64))
                }
                weights[k] = weight;
                first = first.sub(weight);
            }
        }
        weights[0] = first;
    }

    function _transcript(uint256 z, ChunkProof[] calldata chunks) private pure returns (bytes32 transcript) {
        bytes32 tag = WEIGHTS_TAG;
        // Memory-safe: allocates nothing and only uses memory past the free pointer. The chunks are 512 bytes each,
        // inside the proof.
        assembly ("memory-safe") {
            let at := mload(0x40)
            let length := mul(chunks.length, 512)
            mstore(at, tag)
            mstore(add(at, 32), z)
            calldatacopy(add(at, 64), chunks.offset, length)
            transcript := keccak256(at, add(64, length))
        }
    }
}
