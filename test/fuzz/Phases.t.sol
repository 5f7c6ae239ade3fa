// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Parameters, Phase} from "../../contracts/interfaces/IRollup.sol";
import {Phases, SlotInTurn, SlotStatus} from "../../contracts/libraries/Phases.sol";
import {Cursor, genesisCursor} from "../../contracts/types/Cursor.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Timeline, openTimeline} from "../../contracts/types/Timeline.sol";
import {Windows, packWindows} from "../../contracts/types/Windows.sol";
import {CandidateTimes, NEVER, Reference} from "../support/Reference.sol";
import {Test} from "forge-std/Test.sol";

/// @title The phase function against the reference model, for any parameters and any history
contract PhasesTest is Test {
    /// @dev Half of the parameters are small, so that boundaries are hit often.
    function _parameters(uint256 seed) private pure returns (Parameters memory parameters) {
        uint256 range = seed % 2 == 0 ? 3 : 12;
        // Cast: each is below 13.
        parameters.proposalPhase = uint16(_pick(seed, 1, range));
        parameters.commitmentPhase = uint16(_pick(seed, 2, range));
        parameters.revealPhase = uint16(_pick(seed, 3, range));
        parameters.provingPhase = uint16(_pick(seed, 4, range));
        parameters.exclusiveProving = uint16(_pick(seed, 5, parameters.provingPhase));
        parameters.haltPhase = uint16(_pick(seed, 6, range));
        parameters.backupPhase = uint16(_pick(seed, 7, range));
        parameters.seedGrid = uint16(_pick(seed, 8, 2));
        parameters.seedDelay = 1;
    }

    function _pick(uint256 seed, uint256 salt, uint256 range) private pure returns (uint256) {
        return 1 + uint256(keccak256(abi.encode(seed, salt))) % range;
    }

    /// @custom:rule T3, S6
    function testFuzz_phasesAreThoseOfTheReference(uint256 seed, uint256 count, uint256 start, uint256 moves) public {
        Parameters memory parameters = _parameters(seed);
        count = bound(count, 0, 4);
        start = bound(start, 100, 2 ** 40 - 10_000);
        CandidateTimes[] memory candidates = new CandidateTimes[](count);
        for (uint256 i = 0; i < count; ++i) {
            candidates[i] = CandidateTimes(NEVER, NEVER);
        }
        Timeline timeline = openTimeline(_slot(9), _l1(start), _l1(start - 50)).withRanking(count, 0xe4);
        uint256 longest = 4000;
        uint256 time = start - 2;
        for (uint256 step = 0; step < longest; ++step) {
            SlotStatus memory actual = Phases.statusAt(timeline, packWindows(parameters), _l1(time));
            Reference.Answer memory expected = Reference.phase(parameters, start, candidates, time);
            assertEq(uint256(actual.phase), uint256(expected.phase), "phase");
            assertEq(actual.over, expected.over, "over");
            assertEq(L1Slot.unwrap(actual.end), expected.end, "end");
            if (actual.phase < Phase.Halt) assertEq(actual.rank, expected.rank, "turn");
            assertEq(L1Slot.unwrap(actual.turnStart), expected.turnStart, "start of the turn");
            if (actual.over) return;
            // Half of the time, the candidate in turn acts.
            moves = uint256(keccak256(abi.encode(moves)));
            if (actual.phase == Phase.Commitment && moves % 2 == 0) {
                timeline = timeline.withCommitment(actual.rank, _l1(time));
                candidates[actual.rank].committedAt = time;
                if (moves % 3 == 0) {
                    timeline = timeline.withReveal(actual.rank, _l1(time));
                    candidates[actual.rank].revealedAt = time;
                }
            } else if (actual.phase == Phase.Reveal && moves % 4 == 0) {
                timeline = timeline.withReveal(actual.rank, _l1(time));
                candidates[actual.rank].revealedAt = time;
            }
            ++time;
        }
        assertTrue(false, "the slot never ends");
    }

    /// @custom:rule T1, S1
    function testFuzz_timesCompareAsNumbers(uint64 a, uint64 b, bool same) public pure {
        if (same) b = a;
        (L1Slot x, L1Slot y) = (L1Slot.wrap(a), L1Slot.wrap(b));
        assertEq(
            abi.encode(x < y, x <= y, x > y, x >= y, x == y, x != y),
            abi.encode(a < b, a <= b, a > b, a >= b, a == b, a != b)
        );
        (Slot s, Slot t) = (Slot.wrap(a), Slot.wrap(b));
        assertEq(abi.encode(s < t, s > t, s == t, s != t), abi.encode(a < b, a > b, a == b, a != b));
    }

    /// @dev Skipping idle slots in one step gives the same as going through them one by one.
    /// @custom:rule S5
    function testFuzz_idleSlotsOneByOne(uint256 seed, uint256 first, uint256 passed) public pure {
        Parameters memory parameters = _parameters(seed);
        Windows windows = packWindows(parameters);
        first = bound(first, 100, 2 ** 39);
        passed = bound(passed, 0, 2000);
        uint256 slot;
        uint256 start = first;
        uint256 previous = first - 50;
        while (start + windows.idle() <= first + passed) {
            previous = start;
            start += windows.idle();
            ++slot;
        }
        Timeline timeline =
            Phases.idleTimeline(genesisCursor(_l1(first), _l1(first - 50)), windows, _l1(first + passed));
        assertEq(Slot.unwrap(timeline.slot()), slot);
        assertEq(L1Slot.unwrap(timeline.start()), start);
        assertEq(L1Slot.unwrap(timeline.previousStart()), previous);
    }

    /// @dev The seed's L1 slot is after the previous slot's start, on the grid, and before the slot's start.
    /// @custom:rule S3, S4
    function testFuzz_theSeedIsFixedBetweenTheTwoStarts(uint16 delay, uint16 grid, uint256 start, uint256 end)
        public
        pure
    {
        Parameters memory parameters;
        parameters.seedDelay = delay == 0 ? 1 : delay;
        parameters.seedGrid = grid == 0 ? 1 : grid;
        start = bound(start, 0, 2 ** 40 - 1);
        end = bound(end, start + 1, start + 65_535);
        Windows windows = packWindows(parameters);
        uint256 seedAt = L1Slot.unwrap(windows.seedAt(_l1(start)));
        assertGt(seedAt, start);
        assertEq(seedAt % parameters.seedGrid, 0);
        assertGe(seedAt, start + parameters.seedDelay);
        assertLt(seedAt, start + parameters.seedDelay + parameters.seedGrid);
        uint256 next = L1Slot.unwrap(windows.nextStart(_l1(start), _l1(end)));
        assertGt(next, seedAt);
        assertGe(next, end);
        assertTrue(next == end || next == seedAt + 1);
    }

    /// @custom:rule T3, K1
    function testFuzz_timelineKeepsWhatItWasTold(
        uint256 slot,
        uint256 start,
        uint16 delta,
        uint256 order,
        uint256[4] memory committed,
        uint256[4] memory revealed,
        uint16 seen
    ) public pure {
        slot = bound(slot, 0, 2 ** 40 - 1);
        start = bound(start, delta, 2 ** 40 - 1);
        order = bound(order, 0, 255);
        Timeline timeline = openTimeline(_slot(slot), _l1(start), _l1(start - delta)).withRanking(3, 255);
        timeline = timeline.withRanking(4, order);
        for (uint256 i = 0; i < 4; ++i) {
            committed[i] = start + bound(committed[i], 0, 65_534);
            revealed[i] = start + bound(revealed[i], 0, 65_534);
            timeline =
                timeline.withBlobsSeen(0xffff).withCommitment(i, _l1(committed[i])).withReveal(i, _l1(revealed[i]));
            assertEq(timeline.blobsSeen(), 0, "a commitment starts the count");
        }
        timeline = timeline.withBlobsSeen(0xffff).withBlobsSeen(seen);
        assertEq(Slot.unwrap(timeline.slot()), slot);
        assertEq(L1Slot.unwrap(timeline.start()), start);
        assertEq(L1Slot.unwrap(timeline.previousStart()), start - delta);
        assertEq(timeline.count(), 4);
        assertEq(timeline.order(), order);
        assertEq(timeline.blobsSeen(), seen);
        for (uint256 i = 0; i < 4; ++i) {
            assertEq(timeline.indexOf(i), (order >> (2 * i)) & 3);
            assertEq(L1Slot.unwrap(timeline.committedAt(i)), committed[i]);
            assertEq(L1Slot.unwrap(timeline.revealedAt(i)), revealed[i]);
        }
    }

    /// @dev The time that a block is paid for, against the reference that counts it.
    /// @custom:rule E10
    function testFuzz_paidTimesAreThoseOfTheReference(uint256 seed, uint16[4] memory lengths, uint16 stallAfter)
        public
        pure
    {
        Parameters memory parameters = _parameters(seed);
        parameters.stallAfter = stallAfter;
        // Casts: below 600.
        parameters.maxStall = uint16(lengths[0] % 600);
        uint256 sinceStart = lengths[1];
        uint256 sinceTip = lengths[2];
        // Half of the time, both are near a bound.
        if (lengths[3] % 2 == 0) {
            sinceStart = packWindows(parameters).idle() + lengths[1] % 3 - 1;
            sinceTip = uint256(stallAfter) + lengths[2] % 3;
            if (lengths[3] % 4 == 0) sinceTip += parameters.maxStall;
            if (sinceTip != 0) --sinceTip;
        }
        assertEq(packWindows(parameters).paid(sinceStart, sinceTip), Reference.paid(parameters, sinceStart, sinceTip));
    }

    /// @custom:rule T3, K1
    function testFuzz_cursorKeepsWhatItWasTold(
        uint256 slot,
        uint256 start,
        uint256 length,
        uint256[2] memory consumed,
        uint256 laps
    ) public pure {
        slot = bound(slot, 0, 2 ** 32 - 3);
        start = bound(start, 0, 2 ** 39);
        length = bound(length, 1, 65_535);
        consumed[0] = bound(consumed[0], 0, 2 ** 40 - 1);
        consumed[1] = bound(consumed[1], 0, 2 ** 40 - 1);
        laps = bound(laps, 1, 9);
        uint256 next = start + length;
        Cursor cursor = genesisCursor(_l1(5), _l1(4));
        assertEq(Slot.unwrap(cursor.slot()), 0);
        assertEq(L1Slot.unwrap(cursor.start()), 5);
        assertEq(L1Slot.unwrap(cursor.previousStart()), 4);
        assertEq(cursor.sinceTip(_l1(5)), 1);
        assertEq(Slot.unwrap(cursor.tipSlot()), type(uint64).max);
        Timeline timeline = openTimeline(_slot(slot), _l1(start), _l1(start));
        for (uint256 i = 1; i <= laps; ++i) {
            // Casts: below 2^40.
            cursor = cursor.withSlotSettled(timeline, _l1(next))
                .withTip(_slot(slot), uint64(consumed[0]), uint64(consumed[1]));
            assertEq(cursor.recordIndex(), i % 4);
            assertEq(cursor.height(), i);
        }
        assertEq(Slot.unwrap(cursor.slot()), slot + 1);
        assertEq(L1Slot.unwrap(cursor.start()), next);
        assertEq(L1Slot.unwrap(cursor.previousStart()), start);
        assertEq(cursor.sinceTip(_l1(next)), length);
        _hasTip(cursor, slot, consumed);
        assertFalse(cursor.isInFlight(timeline.withRanking(1, 0)));
        assertFalse(cursor.isInFlight(openTimeline(_slot(slot + 1), _l1(start), _l1(start))));
        assertTrue(cursor.isInFlight(openTimeline(_slot(slot + 1), _l1(start), _l1(start)).withRanking(1, 0)));
        // A slot without a block adds its time.
        timeline = openTimeline(_slot(slot + 1), _l1(next), _l1(start));
        Cursor settled = cursor.withSlotSettled(timeline, _l1(next + 100));
        assertEq(settled.sinceTip(_l1(next + 100)), length + 100 > 65_535 ? 65_535 : length + 100);
        _hasTip(settled, slot, consumed);
        // A pause that voids a slot after 3 more L1 slots: these count, and the time from then on doesn't.
        timeline = openTimeline(_slot(slot / 2), _l1(next + 3), _l1(next));
        cursor = cursor.withSlotVoided(timeline, _l1(next + 7), _l1(next));
        assertEq(Slot.unwrap(cursor.slot()), slot / 2 + 1);
        assertEq(L1Slot.unwrap(cursor.start()), next + 7);
        assertEq(L1Slot.unwrap(cursor.previousStart()), next);
        assertEq(cursor.recordIndex(), laps % 4);
        assertEq(cursor.height(), laps);
        assertEq(cursor.sinceTip(_l1(next + 7)), length + 3 > 65_535 ? 65_535 : length + 3);
        _hasTip(cursor, slot, consumed);
    }

    function _hasTip(Cursor cursor, uint256 slot, uint256[2] memory consumed) private pure {
        assertEq(Slot.unwrap(cursor.tipSlot()), slot);
        assertEq(cursor.depositsEnd(), consumed[0]);
        assertEq(cursor.exitsEnd(), consumed[1]);
    }

    /// @dev The time without a block is counted up to 65,535 L1 slots, in one step and in many.
    /// @custom:rule E10, K1
    function testFuzz_theTimeSinceTheTipSaturates(uint16[8] memory lengths, uint40 idle) public pure {
        uint256 start = 1000;
        uint256 expected = 3;
        Cursor cursor = genesisCursor(_l1(start), _l1(start - 3));
        for (uint256 i = 0; i < lengths.length; ++i) {
            uint256 length = uint256(lengths[i]) + 1;
            Timeline timeline = openTimeline(_slot(i), _l1(start), _l1(start - 3));
            start += length;
            cursor = cursor.withSlotSettled(timeline, _l1(start));
            expected += length;
            if (expected > 65_535) expected = 65_535;
            assertEq(cursor.sinceTip(_l1(start)), expected);
        }
        uint256 later = expected + idle;
        assertEq(cursor.sinceTip(_l1(start + idle)), later > 65_535 ? 65_535 : later);
    }

    /// @dev After an expired slot, the slot in turn follows from its end.
    /// @custom:rule S4
    function test_locatesTheSlotAfterAnExpiredOne() public pure {
        Parameters memory parameters;
        (parameters.proposalPhase, parameters.commitmentPhase, parameters.revealPhase, parameters.provingPhase) =
        (4, 3, 3, 60);
        (
            parameters.exclusiveProving,
            parameters.haltPhase,
            parameters.backupPhase,
            parameters.seedDelay,
            parameters.seedGrid
        ) = (40, 1, 8, 2, 1);
        Windows windows = packWindows(parameters);
        Cursor cursor = genesisCursor(_l1(103), _l1(100));
        Timeline timeline = openTimeline(_slot(0), _l1(103), _l1(100)).withRanking(1, 0);
        // 4 + 3 + 9 later.
        SlotInTurn memory current = Phases.slotInTurn(cursor, timeline, windows, _l1(118));
        assertFalse(current.expired);
        assertEq(uint256(current.status.phase), uint256(Phase.Backup));
        current = Phases.slotInTurn(cursor, timeline, windows, _l1(119));
        assertTrue(current.expired);
        assertEq(current.expiredStatus.rank, 1);
        assertEq(Slot.unwrap(current.timeline.slot()), 1);
        assertEq(L1Slot.unwrap(current.timeline.start()), 119);
        assertEq(L1Slot.unwrap(current.timeline.previousStart()), 103);
        assertEq(uint256(current.status.phase), uint256(Phase.Proposal));
        assertEq(current.cursor.recordIndex(), 1);
        assertEq(current.cursor.sinceTip(_l1(119)), 19);
    }

    function _l1(uint256 value) private pure returns (L1Slot) {
        // Cast: below 2^41.
        return L1Slot.wrap(uint64(value));
    }

    function _slot(uint256 value) private pure returns (Slot) {
        // Cast: below 2^41.
        return Slot.wrap(uint64(value));
    }
}
