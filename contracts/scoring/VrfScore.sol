// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IScoring} from "../interfaces/IScoring.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Bls} from "../libraries/Bls.sol";
import {SequencerId} from "../types/Ids.sol";
import {Slot} from "../types/Time.sol";

/// @title Scores that only the sequencer can compute before it proposes
/// @notice A verifiable random function: the score is a hash of the unique BLS signature of the sequencer's key on slot
/// and seed. The proof is the key (128 bytes) and the signature (256 bytes), points as in EIP-2537.
contract VrfScore is IScoring {
    bytes32 private constant MESSAGE_DOMAIN = "fernet.vrf.v1";
    bytes32 private constant SCORE_DOMAIN = "fernet.vrf-score.v1";
    bytes private constant DST = "FERNET_VRF_V1_BLS12381G2_XMD:SHA-256_SSWU_RO_";

    uint256 private constant KEY_LENGTH = 128;
    uint256 private constant PROOF_LENGTH = 384;

    /// @inheritdoc IScoring
    IStaking public immutable staking;

    /// @custom:rule M4
    error BadParameter(string name);
    /// @notice The key of the proof is not the sequencer's.
    /// @custom:rule D4
    error WrongBlsKey(SequencerId sequencer, bytes32 expected, bytes32 actual);
    /// @notice The signature is not the key's signature on this slot and seed.
    /// @custom:rule D4
    error BadBlsSignature(SequencerId sequencer);

    constructor(IStaking staking_) {
        if (address(staking_) == address(0)) revert BadParameter("staking");
        staking = staking_;
    }

    /// @inheritdoc IScoring
    function score(address rollup, Slot slot, bytes32 seed, SequencerId sequencer, address, bytes calldata proof)
        external
        view
        returns (uint192)
    {
        if (proof.length != PROOF_LENGTH) revert WrongProofLength(PROOF_LENGTH, proof.length);
        bytes32 expected = staking.blsKeyHashOf(sequencer);
        bytes32 actual = keccak256(proof[:KEY_LENGTH]);
        if (actual != expected) revert WrongBlsKey(sequencer, expected, actual);
        bytes32[4] calldata key;
        bytes32[8] calldata signature;
        // Memory-safe: writes no memory. The proof's 384 bytes are the key and the signature.
        assembly ("memory-safe") {
            key := proof.offset
            signature := add(proof.offset, KEY_LENGTH)
        }
        bytes32[8] memory hashed = Bls.hashToG2(message(rollup, slot, seed, sequencer), DST);
        if (!Bls.verify(key, signature, hashed)) revert BadBlsSignature(sequencer);
        // Cast: 256 bits less 64 bits.
        return uint192(uint256(keccak256(abi.encode(SCORE_DOMAIN, signature))) >> 64);
    }

    /// @notice Message that the sequencer's key signs. It contains the sequencer, so a key that is registered twice has
    /// two scores.
    function message(address rollup, Slot slot, bytes32 seed, SequencerId sequencer)
        public
        view
        returns (bytes memory)
    {
        return abi.encode(MESSAGE_DOMAIN, block.chainid, rollup, slot, seed, sequencer);
    }

    /// @inheritdoc IScoring
    function kind() external pure returns (bytes32) {
        return "vrf";
    }
}
