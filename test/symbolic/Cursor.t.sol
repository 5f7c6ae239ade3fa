// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Cursor, RECORD_COUNT, genesisCursor} from "../../contracts/types/Cursor.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Timeline, openTimeline} from "../../contracts/types/Timeline.sol";

/// @title Each change of the cursor changes its own fields only
/// @notice Proven by halmos (`make halmos`) for all cursors, including those that no chain reaches.
contract CursorProofs {
    /// @custom:rule K1, S1
    function check_genesis(uint40 start, uint40 previousStart) public pure {
        Cursor cursor = genesisCursor(L1Slot.wrap(start), L1Slot.wrap(previousStart));
        assert(Slot.unwrap(cursor.slot()) == 0);
        assert(L1Slot.unwrap(cursor.start()) == start);
        assert(L1Slot.unwrap(cursor.previousStart()) == previousStart);
        assert(cursor.recordIndex() == 0);
        assert(cursor.height() == 0);
        assert(Slot.unwrap(cursor.tipSlot()) == type(uint64).max);
        assert(cursor.depositsEnd() == 0);
    }

    /// @custom:rule K1, K2, S1
    function check_closingASlot(uint256 word, uint40 slot, uint40 start, uint40 next) public pure {
        Cursor before = Cursor.wrap(word);
        // 40 bits hold a number for every second.
        if (slot == type(uint40).max) return;
        Timeline timeline = openTimeline(Slot.wrap(slot), L1Slot.wrap(start), L1Slot.wrap(start));
        Cursor cursor = before.withSlotSettled(timeline, L1Slot.wrap(next));
        assert(Slot.unwrap(cursor.slot()) == uint64(slot) + 1);
        assert(L1Slot.unwrap(cursor.start()) == next);
        assert(L1Slot.unwrap(cursor.previousStart()) == start);
        assert(cursor.recordIndex() == (before.recordIndex() + 1) % RECORD_COUNT);
        _sameTip(before, cursor);
        // A settled slot is not in flight, whatever happened in it.
        assert(!cursor.isInFlight(timeline.withRanking(1, 0)));
        assert(!cursor.isInFlight(timeline.withRanking(4, 0xe4)));
    }

    /// @custom:rule K1
    function check_aPause(uint256 word, uint40 slot, uint40 start, uint40 previousStart) public pure {
        Cursor before = Cursor.wrap(word);
        Cursor cursor = before.withNextSlot(Slot.wrap(slot), L1Slot.wrap(start), L1Slot.wrap(previousStart));
        assert(Slot.unwrap(cursor.slot()) == slot);
        assert(L1Slot.unwrap(cursor.start()) == start);
        assert(L1Slot.unwrap(cursor.previousStart()) == previousStart);
        assert(cursor.recordIndex() == before.recordIndex());
        _sameTip(before, cursor);
    }

    /// @custom:rule K1, F4
    function check_aNewTip(uint256 word, uint40 slot, uint56 deposits) public pure {
        Cursor before = Cursor.wrap(word);
        // All ones stands for no block, and 2^32 blocks take longer than 2^32 seconds.
        if (slot == type(uint40).max || before.height() == type(uint32).max) return;
        Cursor cursor = before.withTip(Slot.wrap(slot), deposits);
        assert(Slot.unwrap(cursor.tipSlot()) == slot);
        assert(cursor.depositsEnd() == deposits);
        assert(cursor.height() == before.height() + 1);
        assert(Slot.unwrap(cursor.slot()) == Slot.unwrap(before.slot()));
        assert(L1Slot.unwrap(cursor.start()) == L1Slot.unwrap(before.start()));
        assert(L1Slot.unwrap(cursor.previousStart()) == L1Slot.unwrap(before.previousStart()));
        assert(cursor.recordIndex() == before.recordIndex());
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
    }
}
