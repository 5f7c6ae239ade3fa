// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Header, IRollup, Phase, Quote} from "../../contracts/interfaces/IRollup.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";
import {Pay} from "../support/Pay.sol";

/// @title What a block pays by its time, its reveal and its proof, and what late acts cost
contract PaymentsTest is Fixture {
    // ---- the reveal's bonus ---------------------------------------------------------------------------------------

    function _bonus(uint256 delay) private pure returns (uint256) {
        return uint256(BONUS) * (7 - delay) / 7;
    }

    /// @dev The bonus counts from the start of the turn: waiting with the commitment costs as much as waiting with the
    /// reveal.
    /// @custom:rule E9
    function test_bonus_fallsFromTheStartOfTheTurn() public {
        uint256 snapshot = vm.snapshotState();
        for (uint256 toCommit = 0; toCommit < 3; ++toCommit) {
            for (uint256 toReveal = 0; toReveal < 4; ++toReveal) {
                Header memory header = _propose(0);
                _warp(_view().start + 4 + toCommit);
                _commit(0, header);
                _warp(_now() + toReveal);
                assertEq(_view().turnStart, _view().start + 4);
                _reveal(header);
                _finalize(relay, header, payee);
                assertEq(_owed(owners[0]), SEQUENCER_SHARE - PRICE + _bonus(toCommit + toReveal));
                vm.revertToState(snapshot);
            }
        }
    }

    /// @dev The turn of the second candidate starts when the first one failed.
    /// @custom:rule E9
    function test_bonus_ofTheSecondCandidateCountsFromItsOwnTurn() public {
        uint256[] memory ranked = _ranked();
        uint256 snapshot = vm.snapshotState();
        for (uint256 way = 0; way < 2; ++way) {
            Header memory first = _propose(ranked[0]);
            Header memory header = _propose(ranked[1]);
            uint64 turn = _view().start + 4;
            // The first candidate gets no commitment, or does not reveal after one in its second L1 slot.
            if (way == 1) {
                _warp(turn + 1);
                _commit(ranked[0], first);
            }
            turn += way == 0 ? 3 : 1 + 4;
            _warp(turn);
            assertEq(_view().rank, 1);
            assertEq(_view().turnStart, turn);
            _warp(turn + 2);
            _commit(ranked[1], header);
            _warp(turn + 3);
            _reveal(header);
            assertEq(_view().turnStart, turn);
            _finalize(relay, header, payee);
            assertEq(_owed(owners[ranked[1]]), SEQUENCER_SHARE - PRICE + _bonus(3));
            vm.revertToState(snapshot);
        }
    }

    /// @dev With several transactions, the last blob counts.
    /// @custom:rule E9, V3
    function test_bonus_countsToTheCompleteReveal() public {
        Header memory header = _header(3, "two blobs");
        _committed(0, header);
        bytes32[] memory blobs = new bytes32[](1);
        blobs[0] = header.blobHashes[1];
        vm.blobhashes(blobs);
        rollup.reveal(header);
        _warp(_now() + 2);
        blobs[0] = header.blobHashes[0];
        vm.blobhashes(blobs);
        rollup.reveal(header);
        _finalize(relay, header, payee);
        assertEq(_owed(owners[0]), SEQUENCER_SHARE - PRICE + _bonus(2));
    }

    /// @dev Who reveals a block that others prove in backup gets the same bonus.
    /// @custom:rule E9, E13
    function test_bonus_isPaidInBackup() public {
        Header memory header = _committed(0);
        _warp(_now() + 1);
        _reveal(header);
        _warp(_now() + 62);
        _finalizeBackup(relay, header, rescuer);
        assertEq(_owed(owners[0]), SEQUENCER_SHARE + _bonus(1));
    }

    // ---- prompt proofs --------------------------------------------------------------------------------------------

    /// @dev The prover's share falls over the exclusive phase of 40 L1 slots, to a half.
    /// @custom:rule E11
    function test_proof_paysLessWithEveryL1Slot() public {
        uint256[6] memory delays = [uint256(0), 1, 7, 20, 39, 40];
        uint256 snapshot = vm.snapshotState();
        for (uint256 i = 0; i < delays.length; ++i) {
            Header memory header = _revealed(0);
            _warp(_now() + delays[i]);
            _phaseIs(Phase.ExclusiveProving);
            _finalize(relay, header, rescuer);
            uint256 share = uint256(PROVER_SHARE) * (400_000 - 5000 * delays[i]) / 400_000;
            assertEq(_owed(payee), share + PRICE);
            // The difference is nobody's: it stays in the pot.
            assertEq(_owed(owners[0]), SEQUENCER_SHARE - PRICE + BONUS);
            assertEq(_owed(relay), SUBMITTER_SHARE);
            if (delays[i] == 20) assertEq(share, uint256(PROVER_SHARE) * 3 / 4);
            if (delays[i] == 40) assertEq(share, PROVER_SHARE / 2);
            vm.revertToState(snapshot);
        }
    }

    /// @dev In the open phase nothing more is lost. In backup nobody was slow.
    /// @custom:rule E11, E13
    function test_proof_paysTheLowestShareInTheOpenPhaseAndTheWholeInBackup() public {
        Header memory header = _revealed(0);
        uint64 revealedAt = _now();
        uint256 snapshot = vm.snapshotState();
        for (uint256 delay = 41; delay <= 60; delay += 19) {
            _warp(revealedAt + delay);
            _phaseIs(Phase.OpenProving);
            _finalize(relay, header, rescuer);
            assertEq(_owed(rescuer), PROVER_SHARE / 2 + PRICE);
            vm.revertToState(snapshot);
        }
        for (uint256 delay = 62; delay <= 69; delay += 7) {
            _warp(revealedAt + delay);
            _phaseIs(Phase.Backup);
            _finalizeBackup(relay, header, rescuer);
            assertEq(_owed(rescuer), PROVER_SHARE);
            vm.revertToState(snapshot);
        }
    }

    // ---- prices ---------------------------------------------------------------------------------------------------

    function _revealedAt(int128 price) private returns (Header memory header) {
        header = _propose(0);
        _warp(_view().start + 4);
        _commitAt(0, header, price);
        _reveal(header);
    }

    /// @dev A prover may pay for the block: at most what it is sure to get.
    /// @custom:rule C5, E1
    function test_price_belowZeroMovesToTheSequencer() public {
        int128 lowest = -0.78e18;
        uint256 snapshot = vm.snapshotState();
        for (uint256 late = 0; late < 3; ++late) {
            Header memory header = _revealedAt(lowest);
            _warp(_now() + (late == 0 ? 0 : late == 1 ? 40 : 60));
            _finalize(relay, header, rescuer);
            assertEq(_owed(owners[0]), SEQUENCER_SHARE + BONUS + 0.78e18);
            assertEq(_owed(late == 2 ? rescuer : payee), late == 0 ? 0.78e18 : 0);
            vm.revertToState(snapshot);
        }
    }

    /// @custom:rule C5, E1
    function test_price_ofTheWholeShareLeavesTheBonus() public {
        Header memory header = _revealedAt(0.624e18);
        _finalize(relay, header, rescuer);
        assertEq(_owed(owners[0]), BONUS);
        assertEq(_owed(payee), PROVER_SHARE + SEQUENCER_SHARE);
    }

    /// @dev In backup neither party did what the price was for.
    /// @custom:rule C5, E13
    function test_price_countsForNothingInBackup() public {
        uint256 snapshot = vm.snapshotState();
        int128[2] memory prices = [int128(0.624e18), -0.78e18];
        for (uint256 i = 0; i < 2; ++i) {
            Header memory header = _revealedAt(prices[i]);
            _warp(_now() + 62);
            _finalizeBackup(relay, header, rescuer);
            assertEq(_owed(owners[0]), SEQUENCER_SHARE + BONUS);
            assertEq(_owed(rescuer), PROVER_SHARE);
            vm.revertToState(snapshot);
        }
    }

    // ---- late proofs ----------------------------------------------------------------------------------------------

    /// @dev Brings a block with this bond to its proving phase.
    function _revealedWith(uint128 bond) private returns (Header memory header) {
        header = _propose(0);
        _warp(_view().start + 4);
        Quote memory quote = _quote(0, _hash(header));
        quote.bond = bond;
        bytes memory signature = _sign(attesterKeys[0], quote);
        vm.prank(prover);
        rollup.commit(quote, "", signature);
        _reveal(header);
    }

    /// @dev In each L1 slot of the open phase, one more of its twenty parts is slashed. Of an odd bond, the parts are
    /// rounded down.
    /// @custom:rule E12
    function test_late_eachL1SlotCostsOneMorePart() public {
        uint96 bond = 20e18 + 7;
        Header memory header = _revealedWith(bond);
        uint64 revealedAt = _now();
        uint256 snapshot = vm.snapshotState();
        for (uint256 x = 0; x < 20; ++x) {
            _warp(revealedAt + 41 + x);
            _phaseIs(Phase.OpenProving);
            uint96 slashed = uint96(uint256(bond) * (x + 1) / 20);
            uint96 share = slashed / 2;
            (uint256 expected, uint256 expectedShare) = Pay.lateBond(bond, x, 20, 5000);
            assertEq(slashed, expected);
            assertEq(share, expectedShare);
            vm.expectEmit();
            emit IRollup.BondSlashed(header.slot, prover, slashed, rescuer, share);
            if (x < 19) {
                vm.expectEmit();
                emit IRollup.BondReleased(header.slot, prover, bond - slashed);
            }
            _finalize(relay, header, rescuer);
            assertEq(escrow.account(rescuer).free, 1000e18 + share);
            assertEq(escrow.account(prover).free, 1000e18 - slashed);
            assertEq(escrow.account(prover).locked, 0);
            assertEq(token.balanceOf(BURNED), slashed - share);
            if (x == 0) assertEq(slashed, 1e18);
            if (x == 1) assertEq(slashed, 2e18);
            if (x == 19) assertEq(slashed, bond);
            vm.revertToState(snapshot);
        }
        // One L1 slot earlier, nothing is.
        _warp(revealedAt + 40);
        _finalize(relay, header, rescuer);
        assertEq(escrow.account(prover).free, 1000e18);
        assertEq(token.balanceOf(BURNED), 0);
    }

    /// @dev The last L1 slot takes the whole bond, so nothing is released.
    /// @custom:rule E12
    function test_late_theLastL1SlotReleasesNothing() public {
        Header memory header = _revealed(0);
        _warp(_now() + 60);
        vm.expectCall(address(escrow), abi.encodeWithSelector(escrow.release.selector), 0);
        _finalize(relay, header, rescuer);
    }

    /// @dev The failed candidates' provers lose nothing, however late the block is.
    /// @custom:rule E3, E12
    function test_late_bondsOfFailedCandidatesAreReleasedWhole() public {
        uint256[] memory ranked = _ranked();
        Header memory withheld = _propose(ranked[0]);
        Header memory header = _propose(ranked[1]);
        _warp(_view().start + 4);
        _commit(ranked[0], withheld);
        _warp(_now() + 4);
        _commit(ranked[1], header);
        _reveal(header);
        _warp(_now() + 45);
        _finalize(relay, header, rescuer);
        assertEq(escrow.account(prover).free, 1000e18 - BOND / 4);
        assertEq(escrow.account(prover).locked, 0);
        assertEq(_stake(ranked[0]), STAKE - 5e18);
    }

    // ---- backup ---------------------------------------------------------------------------------------------------

    /// @dev A prover lets its block fail and proves another one in backup, of its own choice: it pays its whole bond
    /// for that.
    /// @custom:rule E13
    function test_attack_defaultingIntoBackupCostsTheWholeBond() public {
        Header memory revealed = _revealed(0);
        _warp(_now() + 62);
        uint256 snapshot = vm.snapshotState();
        Header memory own = _header(1, "the prover's own");
        _finalizeBackup(prover, own, prover);
        assertEq(escrow.account(prover).free, 1000e18 - BOND);
        assertEq(escrow.account(prover).locked, 0);
        assertEq(token.balanceOf(BURNED), BOND);
        assertEq(_owed(prover), PROVER_SHARE + SUBMITTER_SHARE);
        assertEq(_owedToOwners(), 0);
        vm.revertToState(snapshot);
        // The revealed block brings the share of the bond, whoever proves it.
        _finalizeBackup(relay, revealed, rescuer);
        assertEq(escrow.account(rescuer).free, 1000e18 + BOND / 2);
        assertEq(escrow.account(prover).free, 1000e18 - BOND);
        assertEq(token.balanceOf(BURNED), BOND / 2);
        assertEq(_owed(owners[0]), SEQUENCER_SHARE + BONUS);
    }

    // ---- paid time ------------------------------------------------------------------------------------------------

    /// @dev L1 slots that a block of the slot in turn is paid for. The slot's block pays for as many.
    function _paid() private returns (uint256 paid) {
        paid = _view().paid;
        uint256 snapshot = vm.snapshotState();
        CurrentSlot memory current = _view();
        _warp(current.start + 5);
        _phaseIs(Phase.Backup);
        (uint256 before, uint256 beforeRelay) = (_owed(rescuer), _owed(relay));
        _finalizeBackup(relay, _header(1, "paid"), rescuer);
        assertEq(_owed(rescuer) - before, paid * PER_L1_SLOT / 2);
        assertEq(_owed(relay) - beforeRelay, paid * PER_L1_SLOT / 10);
        vm.revertToState(snapshot);
    }

    /// @dev The time of a slot is fixed when it starts, and nothing that happens in it changes its pay.
    /// @custom:rule E10
    function test_time_isFixedWhenTheSlotStarts() public {
        _block(0);
        _warp(_view().start - 1 + 5);
        Header memory header = _headerOf(1);
        assertEq(_view().paid, 5);
        _warp(_view().start);
        _proposeHash(1, _hash(header));
        uint64[6] memory moments = [uint64(3), 4, 7, 30, 47, 55];
        uint64 start = _view().start;
        for (uint256 i = 0; i < moments.length; ++i) {
            _warp(start + moments[i]);
            assertEq(_view().paid, 5);
            if (i == 1) _commit(1, header);
            if (i == 2) _reveal(header);
        }
        _finalize(relay, header, rescuer);
        assertEq(_owed(rescuer), uint256(5) * PER_L1_SLOT / 4 + PRICE);
    }

    /// @dev Blocks of slots that follow each other quickly are paid for the time that passed.
    /// @custom:rule E10
    function test_time_quickSlotsPayLess() public {
        assertEq(_view().paid, 13);
        for (uint64 wait = 0; wait < 10; ++wait) {
            uint64 start = _view().start;
            Header memory header = _revealed(0);
            _warp(_now() + wait);
            _finalize(relay, header, payee);
            _warp(_view().start);
            assertEq(_view().start, start + 5 + wait);
            assertEq(_paid(), 5 + wait < 13 ? 5 + wait : 13);
        }
    }

    /// @dev The start follows the seed where the slot before was shorter than that.
    /// @custom:rule E10, S4
    function test_time_countsFromStartToStart() public {
        // A slot with a block in its first phase is impossible, so the shortest one has 5 L1 slots.
        _block(0);
        assertEq(_paid(), 5);
        // An idle slot pays for itself, however long the one before was.
        _warp(_view().start + IDLE);
        assertEq(_paid(), 13);
    }

    /// @dev A slot is paid for an idle slot at most, however long the one before it took: whoever made it fail gains
    /// nothing from its length.
    /// @custom:rule E10
    function test_time_aLongSlotPaysTheNextOneNoMoreThanAnIdleOne() public {
        _block(0);
        uint64 start = _view().start;
        _revealed(0);
        _warp(_now() + 61 + 1 + 8);
        assertEq(_view().previousStart, start);
        assertEq(_view().start, start + 74);
        assertEq(_paid(), 13);
        // Settling changes nothing.
        rollup.settle();
        assertEq(_paid(), 13);
    }

    /// @dev Finalizes a block `wait` L1 slots after its reveal. The next slot starts 5 + `wait` after its slot.
    function _blockAfter(uint256 wait) private {
        _warp(_view().start);
        Header memory header = _revealed(0);
        _warp(_now() + wait);
        _finalize(relay, header, payee);
        _warp(_view().start);
    }

    /// @dev A stall begins after 200 L1 slots without a block, and pays each L1 slot beyond them, up to 100.
    /// @custom:rule E10
    function test_stall_beginsAfterItsTimeAndEndsAtItsMaximum() public {
        // The time since the block's start is 5 and 13 for each idle slot.
        _blockAfter(0);
        uint64 start = _view().start;
        _warp(start + 14 * IDLE);
        assertEq(_paid(), 13); // after 187
        _warp(start + 15 * IDLE);
        assertEq(_paid(), 13); // after 200
        _warp(start + 16 * IDLE);
        assertEq(_paid(), 13 + 13); // after 213
        _warp(start + 22 * IDLE);
        assertEq(_paid(), 13 + 91); // after 291
        _warp(start + 23 * IDLE);
        assertEq(_paid(), 13 + 100); // after 304
        _warp(start + 24 * IDLE);
        assertEq(_paid(), 13 + 100);
    }

    /// @custom:rule E10
    function test_stall_countsEachL1Slot() public {
        uint256 snapshot = vm.snapshotState();
        for (uint256 wait = 0; wait < 3; ++wait) {
            _blockAfter(wait);
            _warp(_view().start + 15 * IDLE);
            assertEq(_paid(), 13 + wait); // after 200 + wait
            vm.revertToState(snapshot);
        }
        for (uint256 wait = 8; wait < 11; ++wait) {
            _blockAfter(wait);
            _warp(_view().start + 22 * IDLE);
            assertEq(_paid(), 13 + (wait < 9 ? 99 : 100)); // after 291 + wait
            vm.revertToState(snapshot);
        }
    }

    /// @dev A block ends the stall, and its own slot's start is where the next one counts from.
    /// @custom:rule E10
    function test_stall_endsWithABlock() public {
        _warp(_view().start + 50 * IDLE);
        assertEq(_paid(), 113);
        Header memory header = _revealed(0);
        _finalize(relay, header, rescuer);
        assertEq(_owed(payee), uint256(113) * PER_L1_SLOT / 2 + PRICE);
        _warp(_view().start);
        assertEq(_paid(), 5);
        // A backup block of an idle slot ends one, too.
        _warp(_view().start + 50 * IDLE + 5);
        _finalizeBackup(relay, _header(1, "backup"), rescuer);
        assertEq(_owed(rescuer), uint256(113) * PER_L1_SLOT / 2);
        _warp(_view().start);
        assertEq(_paid(), 6);
    }

    /// @dev Before the first block, the time counts from the genesis.
    /// @custom:rule E10, S2
    function test_stall_countsFromTheGenesis() public {
        uint64 first = _view().start - 2 * IDLE;
        assertEq(first, DEPLOYED_AT + 3);
        _warp(first + 15 * IDLE); // 198 after the genesis
        assertEq(_paid(), 13);
        _warp(first + 16 * IDLE); // 211
        assertEq(_paid(), 13 + 11);
    }

    /// @dev After years without a block, the pay is that of the longest stall.
    /// @custom:rule E10
    function test_stall_saturates() public {
        _block(0);
        uint64 start = _view().start;
        uint64[4] memory slots = [uint64(5041), 5042, 10_000, 2_628_000];
        for (uint256 i = 0; i < 4; ++i) {
            // 5041 idle slots and 5 L1 slots are 65,538 L1 slots.
            _warp(start + slots[i] * IDLE);
            assertEq(_paid(), 113);
        }
        // Neither do slots that are settled without a block.
        _propose(0);
        _warp(_now() + 16);
        _phaseIs(Phase.Proposal);
        rollup.settle();
        assertEq(_paid(), 113);
        _block(0);
        assertEq(_paid(), 5);
    }

    /// @dev One failed slot begins no stall, even if it takes as long as a slot can, and so did the one before.
    /// @custom:rule E10
    function test_stall_isNotBegunByOneFailedSlot() public {
        uint256[] memory ranked = _ranked();
        uint64 start = _longestSlot(ranked);
        _warp(start + 90);
        _phaseIs(Phase.Backup);
        _finalizeBackup(relay, _header(1, "backup"), rescuer);
        _warp(start + 91);
        assertEq(_view().start, start + 91);
        start = _longestSlot(_ranked());
        _warp(start + 91);
        assertEq(_view().previousStart, start);
        assertEq(_view().start, start + 91);
        // 182 L1 slots after the start of the last block's slot.
        assertEq(_paid(), 13);
        _warp(start + 91 + 2 * IDLE);
        assertEq(_paid(), 13 + 8);
    }

    /// @dev Three candidates act at the last moment, only the last one reveals, and nobody proves. The slot has 91 L1
    /// slots.
    function _longestSlot(uint256[] memory ranked) private returns (uint64 start) {
        start = _view().start;
        _warp(start + 1);
        Header[3] memory headers;
        for (uint256 rank = 0; rank < 3; ++rank) {
            headers[rank] = _propose(ranked[rank]);
        }
        uint64 turn = start + 4;
        for (uint256 rank = 0; rank < 3; ++rank) {
            _warp(turn + 2);
            assertEq(_view().rank, rank);
            _commit(ranked[rank], headers[rank]);
            turn += 6;
        }
        _warp(turn - 1);
        _reveal(headers[2]);
    }

    /// @dev Neither a pause nor the slot that it ends is a stall, and no time of a pause is paid.
    /// @custom:rule E10, G2
    function test_pause_isNoStall() public {
        _block(0);
        _warp(_view().start + 4);
        vm.prank(guardian);
        rollup.pause();
        uint64 until = _now() + 50;
        _warp(until + 3);
        assertEq(_view().start, until + 3);
        // From the virtual slot at the pause's end.
        assertEq(_paid(), 3);
        // 5 L1 slots from the last block's slot to the slot that the pause ended, and the time after the pause.
        _warp(_view().start + 15 * IDLE);
        assertEq(_paid(), 13);
        _warp(_view().start + IDLE);
        assertEq(_paid(), 13 + 13);
    }

    /// @dev The time before a slot that was over before the pause counts.
    /// @custom:rule E10, G2
    function test_pause_keepsTheTimeBeforeIt() public {
        _block(0);
        _revealed(0);
        // The slot is over after 74 L1 slots. The pause settles it.
        _warp(_now() + 61 + 1 + 8);
        _phaseIs(Phase.Proposal);
        vm.prank(guardian);
        rollup.pause();
        _warp(_now() + 50 + 3);
        assertEq(_paid(), 3);
        // 79 L1 slots, and 13 for each idle slot: 196 after nine of them.
        _warp(_view().start + 9 * IDLE);
        assertEq(_paid(), 13);
        _warp(_view().start + IDLE);
        assertEq(_paid(), 13 + 9);
    }

    /// @dev Idle slots before a pause count, and the slot that it voids doesn't.
    /// @custom:rule E10, G2
    function test_pause_keepsTheTimeOfIdleSlots() public {
        _block(0);
        uint64 first = _view().start;
        _warp(first + 10 * IDLE + 7);
        assertEq(_view().start, first + 10 * IDLE);
        vm.prank(guardian);
        rollup.pause();
        _warp(_now() + 50 + 3);
        assertEq(_paid(), 3);
        // 5 L1 slots, ten idle slots before the pause, and five after it: 200.
        _warp(_view().start + 5 * IDLE);
        assertEq(_paid(), 13);
        _warp(_view().start + IDLE);
        assertEq(_paid(), 13 + 13);
    }

    /// @dev The views of slots far away from any transaction are those of the contracts.
    /// @custom:rule E10, M5
    function test_time_theViewIsWhatIsPaid() public {
        _warp(_view().start + 20 * IDLE);
        uint256 paid = _view().paid;
        Header memory header = _propose(0);
        assertEq(_view().paid, paid);
        _warp(_view().start + 4);
        _commit(0, header);
        _reveal(header);
        _finalize(relay, header, payee);
        assertEq(_owed(relay), paid * PER_L1_SLOT / 10);
        assertTrue(header.slot == Slot.wrap(22));
        assertEq(L1Slot.unwrap(reader.currentSlot().previousStart), DEPLOYED_AT + 3 + 22 * IDLE);
    }
}
