// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Header, IRollup, Outcome, Phase, Quote} from "../../contracts/interfaces/IRollup.sol";
import {IStaking, Status} from "../../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";

/// @title Slots with failures, and how the chain continues
contract FaultsTest is Fixture {
    // ---- succession -----------------------------------------------------------------------------------------------

    /// @custom:rule E2, S6
    function test_succession_noCommitmentPassesTheTurn() public {
        uint256[] memory ranked = _ranked();
        Header memory dead = _propose(ranked[0]);
        Header memory header = _propose(ranked[1]);
        Slot slot = header.slot;
        _warp(_view().start + 4 + 2);
        assertEq(_view().rank, 0);
        _warp(_now() + 1);
        _phaseIs(Phase.Commitment);
        assertEq(_view().rank, 1);
        // The first candidate's turn is over.
        bytes32 deadHash = _hash(dead);
        bytes32 hash = _hash(header);
        Quote memory late = _quote(ranked[0], deadHash);
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IRollup.WrongHeader.selector, hash, deadHash));
        rollup.commit(late, "", "");

        _commit(ranked[1], header);
        _reveal(header);
        vm.expectEmit();
        emit IRollup.CandidateAbandoned(slot, _id(ranked[0]), 1e18);
        _finalize(prover, header, prover);
        assertEq(_stake(ranked[0]), STAKE - 1e18);
        assertEq(_stake(ranked[1]), STAKE);
        assertEq(token.balanceOf(BURNED), 1e18);
        assertEq(rollup.tip().headerHash, hash);
    }

    /// @custom:rule E3, S6
    function test_succession_noRevealPassesTheTurnAndReleasesTheBond() public {
        uint256[] memory ranked = _ranked();
        _propose(ranked[0]);
        Header memory header = _propose(ranked[1]);
        Slot slot = header.slot;
        Header memory withheld = _headerOf(ranked[0]);
        _warp(_view().start + 4);
        _commit(ranked[0], withheld);
        assertEq(escrow.account(prover).locked, BOND);
        _warp(_now() + 3);
        _phaseIs(Phase.Reveal);
        _warp(_now() + 1);
        _phaseIs(Phase.Commitment);
        assertEq(_view().rank, 1);
        vm.blobhashes(withheld.blobHashes);
        vm.expectRevert(abi.encodeWithSelector(IRollup.WrongPhase.selector, Phase.Reveal, Phase.Commitment));
        rollup.reveal(withheld);

        _commit(ranked[1], header);
        assertEq(escrow.account(prover).locked, 2 * BOND, "the first bond is settled with the slot");
        _reveal(header);
        vm.expectEmit();
        emit IRollup.BondReleased(slot, prover, BOND);
        vm.expectEmit();
        emit IRollup.CandidateWithheld(slot, _id(ranked[0]), 5e18);
        _finalize(prover, header, prover);
        assertEq(_stake(ranked[0]), STAKE - 5e18);
        assertEq(escrow.account(prover).locked, 0);
        assertEq(escrow.account(prover).free, 1000e18);
    }

    /// @custom:rule E2, E3
    function test_succession_threeCandidatesTakeTheirTurns() public {
        uint256[] memory ranked = _ranked();
        _propose(ranked[0]);
        _propose(ranked[1]);
        Header memory header = _propose(ranked[2]);
        uint64 start = _view().start;
        for (uint256 turn = 0; turn < 3; ++turn) {
            _warp(start + 4 + 3 * turn);
            _phaseIs(Phase.Commitment);
            assertEq(_view().rank, turn);
            assertEq(_view().end, start + 4 + 3 * turn + 3);
        }
        _commit(ranked[2], header);
        _reveal(header);
        _finalize(prover, header, prover);
        assertEq(_stake(ranked[0]) + _stake(ranked[1]), 2 * (STAKE - 1e18));
        assertEq(_stake(ranked[2]), STAKE);
    }

    /// @custom:rule E4
    function test_succession_ranksAfterTheRevealedOnePayNothing() public {
        uint256[] memory ranked = _ranked();
        Header memory header = _propose(ranked[0]);
        _propose(ranked[1]);
        _propose(ranked[2]);
        _warp(_view().start + 4);
        _commit(ranked[0], header);
        _reveal(header);
        _finalize(prover, header, prover);
        for (uint256 i = 0; i < 4; ++i) {
            assertEq(_stake(i), STAKE);
        }
    }

    // ---- rescue ---------------------------------------------------------------------------------------------------

    /// @custom:rule E1, E5, E12
    function test_rescue_anyonesProofIsPaidAfterTheExclusivePhase() public {
        Header memory header = _revealed(0);
        _warp(_now() + 41);
        _phaseIs(Phase.OpenProving);
        vm.expectEmit();
        // One of twenty parts, half of it for the rescuer.
        emit IRollup.BondSlashed(header.slot, prover, 1e18, rescuer, 0.5e18);
        vm.expectEmit();
        emit IRollup.BondReleased(header.slot, prover, 19e18);
        _finalize(relay, header, rescuer);
        assertEq(_owed(rescuer), PROVER_SHARE / 2 + PRICE);
        assertEq(_owed(payee), 0);
        assertEq(_owed(relay), SUBMITTER_SHARE);
        assertEq(_owed(owners[0]), SEQUENCER_SHARE - PRICE + BONUS);
        assertEq(escrow.account(rescuer).free, 1000.5e18);
        assertEq(escrow.account(prover).free, 999e18);
        assertEq(escrow.account(prover).locked, 0);
        assertEq(token.balanceOf(BURNED), 0.5e18);
    }

    /// @custom:rule E1, E5, E12
    function test_rescue_theLateProverRescuesItselfAtTheCostOfHalfItsBond() public {
        Header memory header = _revealed(0);
        _warp(_now() + 60);
        _phaseIs(Phase.OpenProving);
        _finalize(prover, header, prover);
        assertEq(escrow.account(prover).free, 1000e18 - BOND / 2);
    }

    // ---- backup ---------------------------------------------------------------------------------------------------

    /// @custom:rule B1, E1
    function test_backup_ofAnIdleSlot() public {
        uint64 start = _view().start;
        uint64 slot = _view().slot;
        _warp(start + 4);
        _phaseIs(Phase.Halt);
        _warp(start + 5);
        _phaseIs(Phase.Backup);
        Header memory header = _header(1, "backup");
        vm.expectEmit();
        emit IRollup.BackupBlock(header.slot, _hash(header), header);
        _finalizeBackup(relay, header, rescuer);
        assertEq(rollup.finalizedHeader(Slot.wrap(slot)), _hash(header));
        assertEq(_owed(rescuer), PROVER_SHARE);
        assertEq(_owed(relay), SUBMITTER_SHARE);
        assertEq(_owedToOwners(), 0, "the sequencer's share isn't paid");
        assertEq(_view().slot, slot + 1);
    }

    /// @custom:rule B1, E2, E3
    function test_backup_afterEverybodyFailed() public {
        uint256[] memory ranked = _ranked();
        Header memory withheld = _propose(ranked[0]);
        _propose(ranked[1]);
        _warp(_view().start + 4);
        _commit(ranked[0], withheld);
        _warp(_now() + 1 + 3 + 3 + 1);
        _phaseIs(Phase.Backup);
        assertEq(_view().rank, 2);
        Header memory header = _header(1, "backup");
        _finalizeBackup(rescuer, header, rescuer);
        assertEq(_stake(ranked[0]), STAKE - 5e18);
        assertEq(_stake(ranked[1]), STAKE - 1e18);
        assertEq(escrow.account(prover).free, 1000e18);
        assertEq(_owed(rescuer), PROVER_SHARE + SUBMITTER_SHARE);
        assertEq(_owedToOwners(), 0);
    }

    /// @custom:rule B2, E1, E13
    function test_backup_ofTheRevealedBlockNeedsNoBlobs() public {
        Header memory header = _revealed(0);
        _warp(_now() + 61);
        _phaseIs(Phase.Halt);
        _warp(_now() + 1);
        _phaseIs(Phase.Backup);
        bytes memory proof = _proof(header, rescuer);
        vm.prank(relay);
        vm.expectEmit();
        emit IRollup.BondSlashed(header.slot, prover, BOND, rescuer, BOND / 2);
        vm.expectEmit();
        emit IRollup.Finalized(
            header.slot, _hash(header), rescuer, Outcome.Backup, header.stateRoot, 0, L1Slot.wrap(_now())
        );
        rollup.finalizeBackup(header, rescuer, proof);
        assertEq(_owed(rescuer), PROVER_SHARE, "no price: the prover failed");
        assertEq(_owed(owners[0]), SEQUENCER_SHARE + BONUS);
        assertEq(_owed(relay), SUBMITTER_SHARE);
        assertEq(escrow.account(rescuer).free, 1000e18 + BOND / 2);
        assertEq(_stake(0), STAKE);
    }

    /// @dev An empty block is proven in seconds. If it brought a share of the bond, nobody would prove the revealed
    /// one.
    /// @custom:rule B1, E1, E13
    function test_backup_ofAnotherBlockDespiteARevealedOne() public {
        _revealed(0);
        _warp(_now() + 62);
        Header memory header = _header(1, "another");
        vm.expectEmit();
        emit IRollup.BondSlashed(header.slot, prover, BOND, address(0), 0);
        _finalizeBackup(relay, header, rescuer);
        assertEq(_owed(owners[0]), 0);
        assertEq(_owed(rescuer), PROVER_SHARE);
        assertEq(_owed(relay), SUBMITTER_SHARE);
        assertEq(escrow.account(rescuer).free, 1000e18);
        assertEq(escrow.account(prover).free, 1000e18 - BOND);
        assertEq(token.balanceOf(BURNED), BOND);
        assertEq(_stake(0), STAKE, "it revealed");
        assertEq(rollup.tip().headerHash, _hash(header));
    }

    // ---- empty slots ----------------------------------------------------------------------------------------------

    /// @custom:rule E1, E5
    function test_expiry_burnsTheBondOfAnUnprovenBlock() public {
        Header memory header = _revealed(0);
        uint64 start = _view().start;
        _warp(_now() + 61 + 1 + 8 - 1);
        _phaseIs(Phase.Backup);
        vm.expectRevert(IRollup.NothingToSettle.selector);
        rollup.settle();
        _warp(_now() + 1);
        uint64 slot = _view().slot;
        assertEq(slot, Slot.unwrap(header.slot) + 1);
        assertEq(_view().start, _now(), "the next slot starts where the last one ends");
        assertEq(_view().previousStart, start);
        vm.expectEmit();
        emit IRollup.BondSlashed(header.slot, prover, BOND, address(0), 0);
        vm.expectEmit();
        emit IRollup.SlotExpired(header.slot);
        rollup.settle();
        assertEq(token.balanceOf(BURNED), BOND);
        assertEq(escrow.account(prover).free, 1000e18 - BOND);
        assertEq(rollup.tip().height, 0);
        assertEq(_view().slot, slot, "settling changes nothing about time");
        vm.expectRevert(IRollup.NothingToSettle.selector);
        rollup.settle();
        rollup.sync();
        assertEq(token.balanceOf(BURNED), BOND, "once");
    }

    /// @custom:rule P4, E5
    function test_expiry_isSettledByTheNextProposal() public {
        uint256[] memory ranked = _ranked();
        Header memory withheld = _propose(ranked[0]);
        _propose(ranked[1]);
        _warp(_view().start + 4);
        _commit(ranked[0], withheld);
        _warp(_now() + 1 + 3 + 3 + 1 + 8);
        _phaseIs(Phase.Proposal);
        _propose(ranked[2]);
        assertEq(_stake(ranked[0]), STAKE - 5e18);
        assertEq(_stake(ranked[1]), STAKE - 1e18);
        assertEq(escrow.account(prover).free, 1000e18);
        assertEq(_view().count, 1);
    }

    /// @custom:rule S4
    function test_expiry_theChainGoesOnAfterwards() public {
        _revealed(0);
        _warp(_now() + 500);
        _warp(_view().start + 13);
        Header memory header = _revealed(1);
        _finalize(prover, header, prover);
        assertEq(rollup.tip().headerHash, _hash(header));
        assertEq(rollup.tip().height, 1);
    }

    /// @dev A day, a year, and L1 slots around the boundaries, each in one step.
    /// @custom:rule S5, T3
    function test_idleSlots_areCaughtUpInOneStep() public {
        uint64 first = _view().start;
        uint64 slot = _view().slot;
        uint64[5] memory passed = [uint64(1), 7200, 2_628_000, 1000, 3];
        for (uint256 i = 0; i < passed.length; ++i) {
            uint64 start = first + passed[i] * 13;
            _warp(start - 1);
            assertEq(_view().slot, slot + passed[i] - 1);
            _phaseIs(Phase.Backup);
            _warp(start);
            assertEq(_view().slot, slot + passed[i]);
            assertEq(_view().start, start);
            assertEq(_view().previousStart, start - 13);
            assertEq(_view().seedAt, start - 11);
            _phaseIs(Phase.Proposal);
        }
        _warp(first + 13 * 2_628_000);
        Header memory header = _revealed(3);
        _finalize(prover, header, prover);
        assertEq(Slot.unwrap(rollup.tip().slot), slot + 2_628_000);
    }

    /// @custom:rule S5, T3
    function test_idleSlots_catchingUpCostsTheSameAfterAYear() public {
        _propose(0);
        uint256 snapshot = vm.snapshotState();
        uint256[2] memory gaps = [uint256(1), 2_628_000];
        uint256[2] memory used;
        for (uint256 i = 0; i < 2; ++i) {
            _warp(_view().start + 16 + 13 * gaps[i]);
            rollup.sync();
            used[i] = vm.lastCallGas().gasTotalUsed;
            vm.revertToState(snapshot);
        }
        assertApproxEqAbs(used[0], used[1], 100);
    }

    // ---- exits and slots ------------------------------------------------------------------------------------------

    /// @custom:rule Q17
    function test_exit_aCandidateCannotLeaveBeforeItsSlotIsOver() public {
        Header memory header = _revealed(0);
        SequencerId id = _id(0);
        vm.prank(owners[0]);
        staking.initiateExit(id);
        _warp(_now() + 30);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StillCandidate.selector, id));
        staking.withdraw(id);
        _finalize(prover, header, prover);
        staking.withdraw(id);
        assertEq(token.balanceOf(owners[0]), STAKE);
        assertEq(uint256(staking.statusOf(id)), uint256(Status.Exited));
    }

    /// @custom:rule Q17, P4
    function test_exit_penaltiesOfASlotThatIsOverComeFirst() public {
        _propose(0);
        vm.prank(attesters[0]);
        staking.initiateExit(_id(0));
        _warp(_now() + 100);
        staking.withdraw(_id(0));
        assertEq(token.balanceOf(owners[0]), STAKE - 1e18);
    }
}
