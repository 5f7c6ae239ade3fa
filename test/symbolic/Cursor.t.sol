// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Cursor, RING, genesisCursor} from "../../contracts/types/Cursor.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Timeline, openTimeline} from "../../contracts/types/Timeline.sol";

/// @title The cursor's steps: each changes what it says, and nothing else
/// @notice Proven by halmos (`make halmos`) for all cursors, not only those that a chain leads to.
contract CursorProofs {
    /// @custom:rule K1, S1
    function check_genesis(uint40 start, uint40 previousStart) public pure {
        Cursor c = genesisCursor(L1Slot.wrap(start), L1Slot.wrap(previousStart));
        assert(Slot.unwrap(c.slot()) == 0);
        assert(L1Slot.unwrap(c.start()) == start);
        assert(L1Slot.unwrap(c.previousStart()) == previousStart);
        assert(c.record() == 0);
        assert(c.height() == 0);
        assert(Slot.unwrap(c.tipSlot()) == type(uint64).max);
        assert(c.depositsEnd() == 0);
    }

    /// @custom:rule K1, K2, S1
    function check_closingASlot(uint256 word, uint40 slot, uint40 start, uint40 next) public pure {
        Cursor before = Cursor.wrap(word);
        // 40 bits hold a number for every second
        if (slot == type(uint40).max) return;
        Timeline t = openTimeline(Slot.wrap(slot), L1Slot.wrap(start), L1Slot.wrap(start));
        Cursor c = before.closed(t, L1Slot.wrap(next));
        assert(Slot.unwrap(c.slot()) == uint64(slot) + 1);
        assert(L1Slot.unwrap(c.start()) == next);
        assert(L1Slot.unwrap(c.previousStart()) == start);
        assert(c.record() == (before.record() + 1) % RING);
        _sameTip(before, c);
        // What is closed isn't in flight any more, whatever happened in it.
        assert(!c.isInFlight(t.withRanking(1, 0)));
        assert(!c.isInFlight(t.withRanking(4, 0xe4)));
    }

    /// @custom:rule K1
    function check_aPause(uint256 word, uint40 slot, uint40 start, uint40 previousStart) public pure {
        Cursor before = Cursor.wrap(word);
        Cursor c = before.anchored(Slot.wrap(slot), L1Slot.wrap(start), L1Slot.wrap(previousStart));
        assert(Slot.unwrap(c.slot()) == slot);
        assert(L1Slot.unwrap(c.start()) == start);
        assert(L1Slot.unwrap(c.previousStart()) == previousStart);
        assert(c.record() == before.record());
        _sameTip(before, c);
    }

    /// @custom:rule K1, F4
    function check_aNewTip(uint256 word, uint40 slot, uint56 deposits) public pure {
        Cursor before = Cursor.wrap(word);
        // all ones stands for no block, and 2^32 blocks take longer than 2^32 seconds
        if (slot == type(uint40).max || before.height() == type(uint32).max) return;
        Cursor c = before.withTip(Slot.wrap(slot), deposits);
        assert(Slot.unwrap(c.tipSlot()) == slot);
        assert(c.depositsEnd() == deposits);
        assert(c.height() == before.height() + 1);
        assert(Slot.unwrap(c.slot()) == Slot.unwrap(before.slot()));
        assert(L1Slot.unwrap(c.start()) == L1Slot.unwrap(before.start()));
        assert(L1Slot.unwrap(c.previousStart()) == L1Slot.unwrap(before.previousStart()));
        assert(c.record() == before.record());
    }

    /// @custom:rule K2
    function check_onlyASlotWithCandidatesIsInFlight(uint256 word, uint256 timeline) public pure {
        Cursor c = Cursor.wrap(word);
        Timeline t = Timeline.wrap(timeline);
        assert(c.isInFlight(t) == (t.count() != 0 && Slot.unwrap(t.slot()) >= Slot.unwrap(c.slot())));
    }

    function _sameTip(Cursor a, Cursor b) private pure {
        assert(Slot.unwrap(a.tipSlot()) == Slot.unwrap(b.tipSlot()));
        assert(a.height() == b.height());
        assert(a.depositsEnd() == b.depositsEnd());
    }
}
