// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Operation} from "../../contracts/interfaces/IBridge.sol";
import {Statement} from "../../contracts/interfaces/IStateTransitionVerifier.sol";
import {BlockProof, ChunkProof} from "../../contracts/verifier/BlockProof.sol";
import {ScalarField} from "../../contracts/verifier/ScalarField.sol";
import {Curve, Line, Lines} from "./Curve.sol";

/// @notice A Groth16 key with known secrets, and proofs of any statement that are made with them. The tests compare the
/// verifier's arithmetic with this second implementation. Tests with real proofs show that a circuit enforces the
/// rules.
contract Trapdoor {
    using ScalarField for uint256;
    using Lines for Line;

    bytes32 private constant CHALLENGE_TAG = "fernet.z.v1";
    bytes32 private constant WEIGHTS_TAG = "fernet.weights.v1";
    uint256 private constant ALPHA = 0xa1fa;
    uint256 private constant BETA = 0xbe7a;
    uint256 private constant GAMMA = 0x6a33a;
    uint256 private constant DELTA = 0xde17a;

    uint256 public immutable elements;
    uint256 public immutable chunksPerBlob;

    /// @notice Burned share of the fees in the proofs.
    uint16 public immutable feeBurnBps;

    constructor(uint256 elements_, uint256 chunksPerBlob_, uint16 feeBurnBps_) {
        elements = elements_;
        chunksPerBlob = chunksPerBlob_;
        feeBurnBps = feeBurnBps_;
    }

    /// @notice Verifying key in the format of `vectors/verifying-key.json`.
    function key() public view returns (bytes memory encoded) {
        encoded = bytes.concat(
            Curve.mul1(Curve.G1, ALPHA),
            Curve.mul2(Curve.G2, BETA),
            Curve.mul2(Curve.G2, GAMMA),
            Curve.mul2(Curve.G2, DELTA)
        );
        for (uint256 i = 0; i <= 4; i++) {
            encoded = bytes.concat(encoded, Curve.mul1(Curve.G1, _constant(i)));
        }
    }

    /// @notice Blobs for a statement: linear polynomials that anyone can open.
    function lines(uint256 blobs) public pure returns (Line[] memory made) {
        made = new Line[](blobs);
        for (uint256 b = 0; b < blobs; b++) {
            made[b] = Line(1000 + b, 77 + b);
        }
    }

    function versionedHashes(uint256 blobs) public view returns (bytes32[] memory hashes) {
        Line[] memory made = lines(blobs);
        hashes = new bytes32[](blobs);
        for (uint256 b = 0; b < blobs; b++) {
            hashes[b] = made[b].versionedHash();
        }
    }

    /// @notice A proof of `statement` whose chunks consume `counts` operations each, for the blobs of `lines`.
    function prove(Statement memory statement, L1Operation[] memory operations, uint256[] memory counts)
        public
        view
        returns (BlockProof memory proof)
    {
        uint256 chunks = statement.chunks;
        proof.chunks = new ChunkProof[](chunks);
        for (uint256 k = 0; k < chunks; k++) {
            ChunkProof memory chunk = proof.chunks[k];
            chunk.stateRoot = k + 1 == chunks ? statement.stateRoot : _word("root", k);
            chunk.commitment = _word("commitment", k);
            chunk.consumed = counts[k];
            chunk.a = abi.decode(Curve.mul1(Curve.G1, _a(k)), (bytes32[4]));
            chunk.b = abi.decode(Curve.mul2(Curve.G2, _b(k)), (bytes32[8]));
        }
        proof.queue = operations;
        _open(proof, _z(statement, proof));
        proof.c = finish(statement, proof);
    }

    /// @notice The C that makes `proof` valid for `statement` and leaves its other parts unchanged. A and B must be
    /// those of `prove`.
    function finish(Statement memory statement, BlockProof memory proof) public view returns (bytes32[4] memory) {
        uint256 z = _z(statement, proof);
        uint256[] memory weights = weightsOf(z, proof.chunks);
        uint256 c = 0;
        uint256 consumed = 0;
        for (uint256 k = 0; k < proof.chunks.length; k++) {
            uint256[4] memory inputs = _inputs(statement, proof, z, k, consumed);
            consumed += proof.chunks[k].consumed;
            uint256 x = _constant(0);
            for (uint256 i = 0; i < 4; i++) {
                x = x.add(_constant(i + 1).mul(inputs[i]));
            }
            uint256 rest = _a(k).mul(_b(k)).sub(ALPHA * BETA).sub(x.mul(GAMMA));
            c = c.add(weights[k].mul(rest));
        }
        return abi.decode(Curve.mul1(Curve.G1, c.mul(Curve.inverse(DELTA))), (bytes32[4]));
    }

    function weightsOf(uint256 z, ChunkProof[] memory chunks) public pure returns (uint256[] memory weights) {
        weights = new uint256[](chunks.length);
        weights[0] = 1;
        bytes memory transcript = abi.encodePacked(WEIGHTS_TAG, z);
        for (uint256 k = 0; k < chunks.length; k++) {
            transcript = bytes.concat(transcript, abi.encode(chunks[k]));
        }
        bytes32 seed = keccak256(transcript);
        for (uint256 k = 1; k < chunks.length; k++) {
            weights[k] = uint256(keccak256(abi.encodePacked(seed, k))) / (1 << 128);
            weights[0] = weights[0].sub(weights[k]);
        }
    }

    function _recipients(Statement memory statement) private view returns (uint256) {
        return uint256(uint160(statement.payee)) + uint256(statement.feeRecipient) * (1 << 160) + uint256(feeBurnBps)
            * (1 << 192);
    }

    function _inputs(Statement memory statement, BlockProof memory proof, uint256 z, uint256 k, uint256 consumed)
        private
        view
        returns (uint256[4] memory inputs)
    {
        inputs[0] = z.mul(Curve.inverse(_shift(k % chunksPerBlob)));
        inputs[1] = uint256(proof.chunks[k].y);
        inputs[2] = uint256(proof.chunks[k].commitment);
        // Coefficients, from the highest.
        uint256 operations = 0;
        while (operations < proof.chunks[k].consumed && consumed + operations < proof.queue.length) operations++;
        uint256[] memory coefficients = new uint256[](4 + 3 * operations);
        coefficients[0] = statement.domain;
        coefficients[1] = _recipients(statement);
        coefficients[2] = uint256(k == 0 ? statement.parentRoot : proof.chunks[k - 1].stateRoot);
        coefficients[3] = uint256(proof.chunks[k].stateRoot);
        for (uint256 i = 0; i < operations; i++) {
            L1Operation memory operation = proof.queue[consumed + i];
            coefficients[4 + 3 * i] = operation.head;
            coefficients[5 + 3 * i] = operation.x;
            coefficients[6 + 3 * i] = operation.y;
        }
        uint256 power = 1;
        for (uint256 i = coefficients.length; i > 0; i--) {
            inputs[3] = inputs[3].add(coefficients[i - 1].mul(power));
            power = power.mul(inputs[0]);
        }
    }

    /// @dev Splits each blob's value over its chunks, and opens the blobs.
    function _open(BlockProof memory proof, uint256 z) private view {
        uint256 chunks = proof.chunks.length;
        uint256 blobs = (chunks + chunksPerBlob - 1) / chunksPerBlob;
        Line[] memory made = lines(blobs);
        proof.openings = new bytes32[3][](blobs);
        for (uint256 b = 0; b < blobs; b++) {
            uint256 rest = made[b].valueAt(z);
            uint256 end = (b + 1) * chunksPerBlob < chunks ? (b + 1) * chunksPerBlob : chunks;
            for (uint256 k = b * chunksPerBlob; k + 1 < end; k++) {
                proof.chunks[k].y = _word("y", k);
                rest = rest.sub(uint256(proof.chunks[k].y));
            }
            proof.chunks[end - 1].y = bytes32(rest);
            proof.openings[b] = abi.decode(bytes.concat(made[b].commitment(), made[b].opening()), (bytes32[3]));
        }
    }

    function _z(Statement memory statement, BlockProof memory proof) private view returns (uint256) {
        bytes memory preimage = abi.encodePacked(
            CHALLENGE_TAG,
            statement.headerHash,
            statement.depositsTo,
            statement.exitsTo,
            statement.domain,
            _recipients(statement),
            statement.parentRoot
        );
        for (uint256 k = 0; k < proof.chunks.length; k++) {
            preimage = bytes.concat(preimage, proof.chunks[k].stateRoot, proof.chunks[k].commitment);
        }
        return uint256(keccak256(preimage)) >> 3;
    }

    /// @dev Domain point of the first element of the chunk at `position`.
    function _shift(uint256 position) private view returns (uint256 shift) {
        uint256 index = position * elements;
        uint256 exponent = 0;
        for (uint256 i = 0; i < 12; i++) {
            exponent = exponent * 2 + ((index >> i) & 1);
        }
        shift = 1;
        for (uint256 i = 0; i < exponent; i++) {
            shift = shift.mul(ScalarField.ROOT);
        }
    }

    function _constant(uint256 i) private pure returns (uint256) {
        return uint256(_word("ic", i));
    }

    function _a(uint256 k) private pure returns (uint256) {
        return uint256(_word("a", k));
    }

    function _b(uint256 k) private pure returns (uint256) {
        return uint256(_word("b", k));
    }

    function _word(string memory name, uint256 k) private pure returns (bytes32) {
        return keccak256(abi.encode(name, k)) >> 2;
    }
}
