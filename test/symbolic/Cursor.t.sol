// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Cursor, RECORD_COUNT, genesisCursor} from "../../contracts/types/Cursor.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Timeline, openTimeline} from "../../contracts/types/Timeline.sol";

/// @title Each change of the cursor changes its own fields only
/// @notice Proven by halmos (`make halmos`) for all cursors, including those that no chain reaches.
contract CursorProofs {
    /// @custom:rule K1, S1
    function check_genesis(uint40 start, uint16 distance) public pure {
        if (distance > start) return;
        Cursor cursor = genesisCursor(L1Slot.wrap(start), L1Slot.wrap(start - distance));
        assert(Slot.unwrap(cursor.slot()) == 0);
        assert(L1Slot.unwrap(cursor.start()) == start);
        assert(L1Slot.unwrap(cursor.previousStart()) == start - distance);
        assert(cursor.recordIndex() == 0);
        assert(cursor.sinceTip(cursor.start()) == distance);
        assert(cursor.height() == 0);
        assert(Slot.unwrap(cursor.tipSlot()) == type(uint64).max);
        assert(cursor.depositsEnd() == 0);
        assert(cursor.exitsEnd() == 0);
    }

    /// @custom:rule K1, K2, S1
    function check_closingASlot(uint256 word, uint32 slot, uint40 start, uint16 length) public pure {
        Cursor before = Cursor.wrap(word);
        // 32 bits hold a number for every two seconds. Slots begin in order, and L1 slots have 40 bits.
        if (slot == type(uint32).max || start < L1Slot.unwrap(before.start())) return;
        if (uint256(start) + length > type(uint40).max) return;
        L1Slot next = L1Slot.wrap(uint64(start) + length);
        Timeline timeline = openTimeline(Slot.wrap(slot), L1Slot.wrap(start), L1Slot.wrap(start));
        Cursor cursor = before.withSlotSettled(timeline, next);
        assert(Slot.unwrap(cursor.slot()) == uint64(slot) + 1);
        assert(cursor.start() == next);
        assert(L1Slot.unwrap(cursor.previousStart()) == start);
        assert(cursor.recordIndex() == (before.recordIndex() + 1) % RECORD_COUNT);
        // The time since the last block goes on, up to its maximum.
        assert(cursor.sinceTip(next) == before.sinceTip(next));
        _sameTip(before, cursor);
        // A settled slot is not in flight, whatever happened in it.
        assert(!cursor.isInFlight(timeline.withRanking(1, 0)));
        assert(!cursor.isInFlight(timeline.withRanking(4, 0xe4)));
    }

    /// @custom:rule K1
    function check_aPause(uint256 word, uint32 slot, uint40 voided, uint40 start, uint16 distance) public pure {
        Cursor before = Cursor.wrap(word);
        if (distance > start || slot == type(uint32).max || voided < L1Slot.unwrap(before.start())) return;
        Timeline timeline = openTimeline(Slot.wrap(slot), L1Slot.wrap(voided), before.start());
        Cursor cursor = before.withSlotVoided(timeline, L1Slot.wrap(start), L1Slot.wrap(start - distance));
        assert(Slot.unwrap(cursor.slot()) == uint256(slot) + 1);
        assert(L1Slot.unwrap(cursor.start()) == start);
        assert(L1Slot.unwrap(cursor.previousStart()) == start - distance);
        assert(cursor.recordIndex() == before.recordIndex());
        // The time from the start of the voided slot on is no time without a block.
        assert(cursor.sinceTip(cursor.start()) == before.sinceTip(timeline.start()));
        _sameTip(before, cursor);
    }

    /// @custom:rule K1, F4
    function check_aNewTip(uint256 word, uint32 slot, uint40 deposits, uint40 exits) public pure {
        Cursor before = Cursor.wrap(word);
        // All ones stands for no block, and 2^32 blocks take longer than 2^32 seconds.
        if (slot == type(uint32).max || before.height() == type(uint32).max) return;
        // A start is at most 65,535 after the one before it.
        if (before.previousStart() > before.start()) return;
        Cursor cursor = before.withTip(Slot.wrap(slot), deposits, exits);
        assert(Slot.unwrap(cursor.tipSlot()) == slot);
        assert(cursor.depositsEnd() == deposits);
        assert(cursor.exitsEnd() == exits);
        assert(cursor.height() == before.height() + 1);
        assert(Slot.unwrap(cursor.slot()) == Slot.unwrap(before.slot()));
        assert(L1Slot.unwrap(cursor.start()) == L1Slot.unwrap(before.start()));
        assert(L1Slot.unwrap(cursor.previousStart()) == L1Slot.unwrap(before.previousStart()));
        assert(cursor.recordIndex() == before.recordIndex());
        // The time counts from the start of the block's slot, the last one.
        uint256 sinceStart = L1Slot.unwrap(before.start()) - L1Slot.unwrap(before.previousStart());
        assert(cursor.sinceTip(cursor.start()) == sinceStart);
    }

    /// @dev The time since the last block grows with the time, up to its maximum.
    /// @custom:rule K1, E10
    function check_theTimeSinceTheTipSaturates(uint256 word, uint40 later) public pure {
        Cursor cursor = Cursor.wrap(word);
        uint256 start = L1Slot.unwrap(cursor.start());
        if (later < start) return;
        uint256 sum = cursor.sinceTip(cursor.start()) + later - start;
        assert(cursor.sinceTip(L1Slot.wrap(later)) == (sum > type(uint16).max ? type(uint16).max : sum));
    }

    /// @custom:rule K2
    function check_onlyASlotWithCandidatesIsInFlight(uint256 word, uint256 timeline) public pure {
        Cursor cursor = Cursor.wrap(word);
        Timeline timeline_ = Timeline.wrap(timeline);
        assert(
            cursor.isInFlight(timeline_)
                == (timeline_.count() != 0 && Slot.unwrap(timeline_.slot()) >= Slot.unwrap(cursor.slot()))
        );
    }

    function _sameTip(Cursor before, Cursor afterwards) private pure {
        assert(Slot.unwrap(before.tipSlot()) == Slot.unwrap(afterwards.tipSlot()));
        assert(before.height() == afterwards.height());
        assert(before.depositsEnd() == afterwards.depositsEnd());
        assert(before.exitsEnd() == afterwards.exitsEnd());
    }
}
