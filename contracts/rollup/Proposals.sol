// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup, Phase} from "../interfaces/IRollup.sol";
import {Hashing} from "../libraries/Hashing.sol";
import {SlotInTurn} from "../libraries/Phases.sol";
import {Ranking} from "../libraries/Ranking.sol";
import {SequencerId} from "../types/Ids.sol";
import {Record} from "../types/State.sol";
import {L1Slot, Slot} from "../types/Time.sol";
import {RollupBase} from "./RollupBase.sol";

/// @title Proposals: who may produce the slot's block, in which order
abstract contract Proposals is RollupBase {
    using Ranking for Record;

    /// @inheritdoc IRollup
    function propose(
        Slot slot,
        SequencerId sequencer,
        bytes32 headerHash_,
        bytes calldata seedProof,
        bytes calldata scoreProof
    ) external nonReentrant {
        SlotInTurn memory current = _enterSlot(slot);
        _requirePhase(current, Phase.Proposal);
        if (headerHash_ == 0) revert EmptyHeaderHash();
        uint192 score = _score(current, sequencer, seedProof, scoreProof);
        _record(current).insert(current.timeline, _limits.candidates(), sequencer, score, headerHash_);
        emit Proposed(slot, sequencer, headerHash_, score, current.timeline.start(), current.timeline.previousStart());
    }

    /// @dev The sequencer's score. Reverts unless the sequencer is eligible and the sender is its attester.
    function _score(
        SlotInTurn memory current,
        SequencerId sequencer,
        bytes calldata seedProof,
        bytes calldata scoreProof
    ) private returns (uint192) {
        L1Slot previousStart = current.timeline.previousStart();
        address attester = staking.eligibleAttester(sequencer, previousStart);
        if (attester == address(0)) revert NotEligible(sequencer, previousStart);
        if (attester != msg.sender) revert NotAttester(sequencer, attester, msg.sender);
        bytes32 seed = _seed(current, seedProof);
        return scoring.score(address(this), current.timeline.slot(), seed, sequencer, attester, scoreProof);
    }

    /// @dev Seed of the slot. The first proposal proves the mix, unless `randomness` has it, and stores the seed in the
    /// record for later proposals. Both ways give the same mix, as an L1 slot has only one.
    function _seed(SlotInTurn memory current, bytes calldata seedProof) private returns (bytes32 seed) {
        Record storage record = _record(current);
        if (current.timeline.count() != 0) return record.seed;
        Slot slot = current.timeline.slot();
        L1Slot seedAt = _windows.seedAt(current.timeline.previousStart());
        if (seedProof.length == 0) {
            seed = randomness.seed(slot, seedAt);
        } else {
            bytes32 mix = randomness.mixOf(seedAt, seedProof);
            seed = Hashing.seed(mix, slot);
            emit SeedProven(slot, seedAt, mix);
        }
        record.seed = seed;
    }
}
