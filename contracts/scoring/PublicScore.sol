// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IScoring} from "../interfaces/IScoring.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Hashing} from "../libraries/Hashing.sol";
import {SequencerId} from "../types/Ids.sol";
import {Slot} from "../types/Time.sol";

/// @title Scores that anyone can compute once the seed is known
contract PublicScore is IScoring {
    /// @inheritdoc IScoring
    function score(
        address rollup,
        Slot slot,
        bytes32 seed,
        SequencerId sequencer,
        address attester,
        bytes calldata proof
    ) external view returns (uint192) {
        if (proof.length != 0) revert WrongProofLength(0, proof.length);
        return Hashing.score(rollup, slot, seed, sequencer, attester);
    }

    /// @inheritdoc IScoring
    function staking() external pure returns (IStaking) {
        return IStaking(address(0));
    }

    /// @inheritdoc IScoring
    function kind() external pure returns (bytes32) {
        return "public";
    }
}
