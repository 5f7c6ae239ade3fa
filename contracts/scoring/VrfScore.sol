// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IScoring} from "../interfaces/IScoring.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Bls} from "../libraries/Bls.sol";
import {SequencerId} from "../types/Ids.sol";
import {Slot} from "../types/Time.sol";

/// @title Scores that only the sequencer itself can compute, until it proposes
/// @notice The score is a hash of the one BLS signature that the sequencer's key makes on slot and seed: a verifiable random function. The proof is the
/// key (128 bytes) and the signature (256 bytes), points as in EIP-2537.
contract VrfScore is IScoring {
    bytes32 private constant MESSAGE_DOMAIN = "fernet.vrf.v1";
    bytes32 private constant SCORE_DOMAIN = "fernet.vrf-score.v1";
    bytes private constant DST = "FERNET_VRF_V1_BLS12381G2_XMD:SHA-256_SSWU_RO_";

    uint256 private constant KEY_LENGTH = 128;
    uint256 private constant PROOF_LENGTH = 384;

    /// @notice Knows the keys of sequencers.
    IStaking public immutable staking;

    /// @custom:rule M4
    error BadParameter(string name);
    /// @notice The proof's key has another hash than the sequencer's.
    /// @custom:rule D4
    error WrongBlsKey(SequencerId sequencer, bytes32 expected, bytes32 actual);
    /// @notice The signature isn't the key's on this slot and seed.
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
        // memory-safe: writes no memory; the proof's 384 bytes are the key and the signature
        assembly ("memory-safe") {
            key := proof.offset
            signature := add(proof.offset, KEY_LENGTH)
        }
        bytes32[8] memory hashed = Bls.hashToG2(message(rollup, slot, seed, sequencer), DST);
        if (!Bls.verify(key, signature, hashed)) revert BadBlsSignature(sequencer);
        // casting: 256 bits less 64
        return uint192(uint256(keccak256(abi.encode(SCORE_DOMAIN, signature))) >> 64);
    }

    /// @notice What the sequencer's key signs. The sequencer is in it, so that a key registered twice has two scores.
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
