// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup, Parameters, Tip} from "./interfaces/IRollup.sol";
import {SlotInTurn} from "./libraries/Phases.sol";
import {Blocks} from "./rollup/Blocks.sol";
import {Commitments} from "./rollup/Commitments.sol";
import {Pausing} from "./rollup/Pausing.sol";
import {Proposals} from "./rollup/Proposals.sol";
import {Contracts, RollupBase} from "./rollup/RollupBase.sol";
import {Cursor} from "./types/Cursor.sol";
import {SequencerId} from "./types/Ids.sol";
import {Limits} from "./types/Limits.sol";
import {Record} from "./types/State.sol";
import {L1Slot, Slot} from "./types/Time.sol";
import {Timeline} from "./types/Timeline.sol";
import {Windows} from "./types/Windows.sol";

/// @title Block production: proposals, prover commitments, reveals, proofs and backup
/// @notice It has no owner and cannot be upgraded. A guardian, if the deployment has one, may pause it. Nobody else has
/// a privilege. `IRollup` documents its functions, and `Reader` has the views.
contract Rollup is Proposals, Commitments, Blocks, Pausing {
    /// @param genesis As in `RollupBase`.
    constructor(
        Parameters memory parameters,
        Contracts memory contracts_,
        uint64 l1GenesisTime_,
        uint64 l1SlotSeconds_,
        L1Slot genesis
    ) RollupBase(parameters, contracts_, l1GenesisTime_, l1SlotSeconds_, genesis) {}

    /// @inheritdoc IRollup
    function settle() external nonReentrant {
        SlotInTurn memory current = _slotInTurn();
        if (!current.expired) revert NothingToSettle();
        _expire(current);
    }

    /// @inheritdoc IRollup
    function sync() external nonReentrant {
        SlotInTurn memory current = _slotInTurn();
        if (current.expired) _expire(current);
    }

    // ---- views ----------------------------------------------------------------------------------------------------

    /// @inheritdoc IRollup
    function rules() external view returns (Windows, Limits, uint96, uint96, uint96) {
        return (_windows, _limits, _minBond, _abandonPenalty, _withholdPenalty);
    }

    /// @inheritdoc IRollup
    function slotInTurn() external view returns (Slot) {
        return _slotInTurn().timeline.slot();
    }

    /// @inheritdoc IRollup
    function isCandidate(SequencerId sequencer) external view returns (bool) {
        Record storage record = _state.records[_state.cursor.recordIndex()];
        Timeline timeline = record.timeline;
        if (!_state.cursor.isInFlight(timeline)) return false;
        uint256 count = timeline.count();
        for (uint256 rank = 0; rank < count; ++rank) {
            if (record.candidates[timeline.indexOf(rank)].sequencer == sequencer) return true;
        }
        return false;
    }

    /// @inheritdoc IRollup
    function tip() external view returns (Tip memory) {
        Cursor cursor = _state.cursor;
        return Tip({
            headerHash: _state.finalized[cursor.tipSlot()],
            stateRoot: _state.stateRoot,
            depositsEnd: cursor.depositsEnd(),
            exitsEnd: cursor.exitsEnd(),
            height: cursor.height(),
            slot: cursor.tipSlot()
        });
    }

    /// @inheritdoc IRollup
    function finalizedHeader(Slot slot) external view returns (bytes32) {
        return _state.finalized[slot];
    }

    /// @inheritdoc IRollup
    function extsload(uint256 first, uint8 count) external view returns (bytes32[] memory result) {
        result = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            assembly ("memory-safe") {
                // Each word is written inside the array of `count` words.
                mstore(add(add(result, 0x20), shl(5, i)), sload(add(first, i)))
            }
        }
    }
}
