// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Rollup} from "../../contracts/Rollup.sol";
import {IRandomness} from "../../contracts/interfaces/IRandomness.sol";
import {Header, IRollup, Phase} from "../../contracts/interfaces/IRollup.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title The guardian's pause: what it stops, for how long, and what it leaves unchanged
contract PauseTest is Fixture {
    function _pause() private returns (uint64 until) {
        until = _now() + 50;
        vm.prank(guardian);
        rollup.pause();
        assertEq(L1Slot.unwrap(rollup.pausedUntil()), until);
    }

    /// @dev The next slot follows a virtual one at `until`. Its seed is fixed after the pause, and it produces a block.
    function _goesOn(Slot voided, uint64 until) private {
        CurrentSlot memory current = _view();
        assertEq(current.slot, Slot.unwrap(voided) + 1, "slot numbers never repeat");
        assertEq(current.previousStart, until);
        assertEq(current.seedAt, until + 2);
        assertEq(current.start, until + 3);
        _phaseIs(Phase.Waiting);
        _warp(until - 1);
        assertEq(L1Slot.unwrap(rollup.pausedUntil()), until);
        _warp(until);
        assertEq(L1Slot.unwrap(rollup.pausedUntil()), 0);
        _phaseIs(Phase.Waiting);
        _warp(until + 3);
        _phaseIs(Phase.Proposal);
        // The block with the seed's mix is the first one of the slot, and its hash is known after it.
        _warp(until + 4);
        uint64 height = rollup.tip().height;
        Header memory header = _revealed(2);
        _finalize(prover, header, prover);
        assertEq(rollup.tip().height, height + 1);
    }

    /// @custom:rule G1
    function test_RevertWhen_anotherPauses() public {
        vm.expectRevert(abi.encodeWithSelector(IRollup.NotGuardian.selector, guardian, address(this)));
        rollup.pause();
    }

    /// @custom:rule G3
    function test_RevertWhen_aPauseLastsAlready() public {
        uint64 until = _pause();
        _warp(until - 1);
        vm.startPrank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IRollup.AlreadyPaused.selector, until));
        rollup.pause();
    }

    /// @dev Between two pauses, blocks can be made for as long as a pause lasts. No guardian can stop the chain for
    /// more than half of the time.
    /// @custom:rule G5
    function test_RevertWhen_thePauseBeforeEndedJustNow() public {
        assertEq(L1Slot.unwrap(rollup.pausableFrom()), 0);
        uint64 until = _pause();
        uint64 from = until + 50;
        assertEq(L1Slot.unwrap(rollup.pausableFrom()), from);
        for (uint64 now_ = until; now_ < from; now_ += 49) {
            _warp(now_);
            vm.prank(guardian);
            vm.expectRevert(abi.encodeWithSelector(IRollup.PausedRecently.selector, from, now_));
            rollup.pause();
        }
        _warp(from);
        assertEq(_pause(), from + 50);
        assertEq(L1Slot.unwrap(rollup.pausableFrom()), from + 100);
    }

    /// @custom:rule G3
    function test_RevertWhen_theGenesisLiesAhead() public {
        address predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 7);
        _deployAround(IERC20(address(token)), _rates(), predicted);
        uint64 genesis = _now() + 20;
        Rollup made = new Rollup(_parameters(), _contracts(), GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(genesis));
        vm.startPrank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IRollup.AlreadyPaused.selector, genesis));
        made.pause();
        _warp(genesis);
        made.pause();
        assertEq(Slot.unwrap(made.slotInTurn()), 1);
    }

    /// @custom:rule G1, G2
    function test_anIdleSlotIsVoided() public {
        Slot slot = _slot();
        vm.expectEmit();
        emit IRollup.SlotVoided(slot);
        vm.expectEmit();
        emit IRollup.Paused(L1Slot.wrap(_now() + 50));
        uint64 until = _pause();
        _goesOn(slot, until);
    }

    /// @dev Proposals, commitments and a reveal become void: all bonds are released, and nobody is penalized.
    /// @custom:rule G1
    function test_nobodyPaysForAVoidedSlot() public {
        uint256[] memory ranked = _ranked();
        Header memory withheld = _propose(ranked[0]);
        _propose(ranked[1]);
        Header memory header = _propose(ranked[2]);
        Slot slot = header.slot;
        _warp(_view().start + 4);
        _commit(ranked[0], withheld);
        // The first candidate does not reveal, and the second gets no commitment.
        _warp(_now() + 4 + 3);
        _commit(ranked[2], header);
        _reveal(header);
        assertEq(escrow.account(prover).locked, 2 * BOND);
        vm.expectEmit();
        emit IRollup.BondReleased(slot, prover, BOND);
        vm.expectEmit();
        emit IRollup.BondReleased(slot, prover, BOND);
        vm.expectEmit();
        emit IRollup.SlotVoided(slot);
        uint64 until = _pause();
        assertEq(escrow.account(prover).locked, 0);
        assertEq(escrow.account(prover).free, 1000e18);
        for (uint256 i = 0; i < 4; ++i) {
            assertEq(_stake(i), STAKE);
            assertFalse(rollup.isCandidate(_id(i)));
        }
        assertEq(rollup.tip().height, 0);
        _goesOn(slot, until);
    }

    /// @custom:rule G1, E5
    function test_aSlotThatIsOverIsSettledAsEver() public {
        Header memory header = _revealed(0);
        _warp(_now() + 61 + 1 + 8);
        vm.expectEmit();
        emit IRollup.BondSlashed(header.slot, prover, BOND, address(0), 0);
        vm.expectEmit();
        emit IRollup.SlotExpired(header.slot);
        vm.expectEmit();
        emit IRollup.SlotVoided(header.slot.advance(1));
        uint64 until = _pause();
        assertEq(token.balanceOf(BURNED), BOND);
        _goesOn(header.slot.advance(1), until);
    }

    /// @custom:rule G1
    function test_aSlotThatWaitsIsVoided() public {
        Header memory header = _revealed(0);
        _finalize(prover, header, prover);
        _phaseIs(Phase.Waiting);
        uint64 until = _pause();
        assertEq(rollup.finalizedHeader(header.slot), _hash(header));
        _goesOn(header.slot.advance(1), until);
    }

    /// @dev No path makes a block while the pause lasts. A long time without calls after the pause changes nothing.
    /// @custom:rule G2
    function test_RevertWhen_producingInAPause() public {
        Header memory header = _revealed(0);
        bytes memory proof = _proof(header, prover);
        Slot slot = header.slot;
        uint64 until = _pause();
        vm.expectRevert(abi.encodeWithSelector(IRollup.WrongSlot.selector, slot.advance(1), slot));
        rollup.finalize(header, prover, proof);
        header.slot = slot.advance(1);
        vm.expectRevert(abi.encodeWithSelector(IRollup.WrongPhase.selector, Phase.ExclusiveProving, Phase.Waiting));
        rollup.finalize(header, prover, proof);
        vm.expectRevert(abi.encodeWithSelector(IRollup.WrongPhase.selector, Phase.Backup, Phase.Waiting));
        rollup.finalizeBackup(header, prover, proof);
        SequencerId id = _id(0);
        vm.prank(attesters[0]);
        vm.expectRevert(abi.encodeWithSelector(IRollup.WrongPhase.selector, Phase.Proposal, Phase.Waiting));
        rollup.propose(slot.advance(1), id, "hash", "", "");
        _warp(until + 3 + 13 * 100_000);
        assertEq(_view().slot, Slot.unwrap(slot) + 1 + 100_000);
        _phaseIs(Phase.Proposal);
    }

    /// @dev The mix that the slot before the pause would have led to is not used. The seed is from an L1 slot after the
    /// pause.
    /// @custom:rule G2
    function test_RevertWhen_theSeedIsOneFromBeforeThePauseEnded() public {
        uint64 early = _view().seedAt;
        uint64 until = _pause();
        _warp(until + 3);
        bytes memory proof = _seedProof(early);
        Slot slot = _slot();
        SequencerId id = _id(0);
        vm.prank(attesters[0]);
        vm.expectRevert(abi.encodeWithSelector(IRandomness.NotAfterTarget.selector, until + 2, early + 1));
        rollup.propose(slot, id, "hash", proof, "");
    }

    /// @dev Funds move as usual.
    /// @custom:rule G4
    function test_claimsExitsAndEscrowWorkInAPause() public {
        Header memory header = _revealed(0);
        _finalize(relay, header, payee);
        _pause();
        vm.prank(payee);
        assertEq(rewards.claim(payee), PROVER_SHARE + PRICE);
        vm.prank(prover);
        escrow.requestWithdrawal(1000e18);
        vm.prank(owners[0]);
        staking.initiateExit(_id(0));
        _warp(_now() + 4);
        staking.withdraw(_id(0));
        assertEq(token.balanceOf(owners[0]), STAKE);
        assertNotEq(L1Slot.unwrap(rollup.pausedUntil()), 0);
        // What was requested before or in a pause is paid in one, too.
        _warp(_now() + 96);
        _pause();
        vm.prank(prover);
        escrow.withdraw(prover);
        assertEq(token.balanceOf(prover), 1000e18);
    }

    /// @dev A sequencer that registers during the pause may propose after it only if it is active when the pause ends.
    /// @custom:rule G2, S2
    function test_whoeverIsActiveWhenThePauseEndsMayPropose() public {
        uint64 until = _pause();
        _warp(until - 4);
        SequencerId inTime = _register(relay, relay);
        _warp(until - 3);
        SequencerId late = _register(rescuer, rescuer);
        _warp(until + 4);
        bytes memory proof = _seedProof(until + 2);
        Slot slot = _slot();
        vm.prank(rescuer);
        vm.expectRevert(abi.encodeWithSelector(IRollup.NotEligible.selector, late, until));
        rollup.propose(slot, late, "hash", proof, "");
        vm.prank(relay);
        rollup.propose(slot, inTime, "hash", proof, "");
    }
}
