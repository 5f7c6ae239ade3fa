// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Timelock} from "../../../contracts/governance/Timelock.sol";
import {Votes} from "../../../contracts/governance/Votes.sol";
import {IRollup} from "../../../contracts/interfaces/IRollup.sol";
import {ITimelock, PayloadStatus} from "../../../contracts/interfaces/ITimelock.sol";
import {IVotes} from "../../../contracts/interfaces/IVotes.sol";
import {L1Slot, Slot} from "../../../contracts/types/Time.sol";
import {GovernanceFixture} from "../../support/GovernanceFixture.sol";
import {BurningPayload, RevertingPayload, WritingPayload} from "../../support/Payloads.sol";

contract VotesTest is GovernanceFixture {
    function _construct(address rollup_, uint64 round, uint64 quorum, uint32 pushPeriod) private {
        new Votes(rollup_, address(timelock), round, quorum, pushPeriod, GENESIS_TIME, SLOT_SECONDS);
    }

    function _expectBad(string memory name) private {
        vm.expectRevert(abi.encodeWithSelector(IVotes.BadParameter.selector, name));
    }

    /// @custom:rule M4, U4
    function test_RevertWhen_constructedWithBadParameters() public {
        _expectBad("rollup");
        _construct(address(0), ROUND, QUORUM, PUSH_PERIOD);
        _expectBad("votingRound");
        _construct(address(rollup), 0, QUORUM, PUSH_PERIOD);
        _expectBad("votingQuorum");
        _construct(address(rollup), 10, 11, PUSH_PERIOD);
        _expectBad("votingQuorum");
        _construct(address(rollup), 10, 5, PUSH_PERIOD);
        _expectBad("votingQuorum");
        _construct(address(rollup), 11, 5, PUSH_PERIOD);
        _expectBad("pushPeriod");
        _construct(address(rollup), ROUND, QUORUM, 0);
    }

    /// @custom:rule M4
    function test_RevertWhen_theTimelockHasOtherVotesOrAnotherClock() public {
        address predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.expectRevert(
            abi.encodeWithSelector(
                IRollup.WiringMismatch.selector,
                "timelock",
                uint256(uint160(predicted)),
                uint256(uint160(address(votes)))
            )
        );
        _construct(address(rollup), ROUND, QUORUM, PUSH_PERIOD);

        predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        Timelock other = new Timelock(predicted, DELAY, GRACE, GENESIS_TIME, 6);
        vm.expectRevert(abi.encodeWithSelector(IRollup.WiringMismatch.selector, "timelock", SLOT_SECONDS, 6));
        new Votes(address(rollup), address(other), ROUND, QUORUM, PUSH_PERIOD, GENESIS_TIME, SLOT_SECONDS);

        predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        other = new Timelock(predicted, DELAY, GRACE, 5, SLOT_SECONDS);
        vm.expectRevert(abi.encodeWithSelector(IRollup.WiringMismatch.selector, "timelock", GENESIS_TIME, 5));
        new Votes(address(rollup), address(other), ROUND, QUORUM, PUSH_PERIOD, GENESIS_TIME, SLOT_SECONDS);

        vm.expectRevert(abi.encodeWithSelector(IRollup.BadParameter.selector, "timelock"));
        new Votes(address(rollup), stranger, ROUND, QUORUM, PUSH_PERIOD, GENESIS_TIME, SLOT_SECONDS);
    }

    /// @custom:rule U2
    function test_keepsItsParameters() public view {
        assertEq(votes.rollup(), address(rollup));
        assertEq(votes.timelock(), address(timelock));
        assertEq(votes.votingRound(), ROUND);
        assertEq(votes.votingQuorum(), QUORUM);
        assertEq(votes.pushPeriod(), PUSH_PERIOD);
    }

    /// @custom:rule U2
    function test_roundsAreOfEqualLength() public view {
        assertEq(votes.roundOf(Slot.wrap(9)), 0);
        assertEq(votes.roundOf(Slot.wrap(10)), 1);
    }

    /// @custom:rule U1, U2
    function test_countsABlocksVote() public {
        vm.expectEmit();
        emit IVotes.Signalled(Slot.wrap(29), 2, address(payload), 1);
        _signal(29, address(payload));
        assertEq(votes.ballot(2, address(payload)).votes, 1);
        assertEq(L1Slot.unwrap(votes.ballot(2, address(payload)).quorumAt), 0);
    }

    /// @custom:rule U1
    function test_RevertWhen_anotherSignals() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IVotes.NotRollup.selector, address(rollup), stranger));
        votes.signal(Slot.wrap(1), address(payload));
    }

    /// @custom:rule U2
    function test_aRoundsVotesDontCountInTheNext() public {
        // The last slots of round 0 and the first of round 1.
        for (uint64 slot = 7; slot < 13; ++slot) {
            _signal(slot, address(payload));
        }
        assertEq(votes.ballot(0, address(payload)).votes, 3);
        assertEq(votes.ballot(1, address(payload)).votes, 3);
        vm.expectRevert(abi.encodeWithSelector(IVotes.NoQuorum.selector, QUORUM, 3));
        votes.push(0, address(payload));
        vm.expectRevert(abi.encodeWithSelector(IVotes.NoQuorum.selector, QUORUM, 3));
        votes.push(1, address(payload));
    }

    /// @custom:rule U4
    function test_theQuorumIsExact() public {
        _vote(0, address(payload), QUORUM - 1);
        vm.expectRevert(abi.encodeWithSelector(IVotes.NoQuorum.selector, QUORUM, QUORUM - 1));
        votes.push(0, address(payload));
        vm.expectEmit();
        emit IVotes.Signalled(Slot.wrap(9), 0, address(payload), QUORUM);
        vm.expectEmit();
        emit IVotes.QuorumReached(0, address(payload), L1Slot.wrap(DEPLOYED_AT + PUSH_PERIOD));
        _signal(9, address(payload));
        assertEq(L1Slot.unwrap(votes.ballot(0, address(payload)).quorumAt), DEPLOYED_AT);
        vm.expectEmit();
        emit IVotes.Pushed(0, address(payload));
        votes.push(0, address(payload));
        assertTrue(votes.pushed(address(payload)));
        _statusIs(address(payload), PayloadStatus.Waiting);
    }

    /// @custom:rule U4
    function test_laterVotesDontMoveTheQuorumsTime() public {
        _vote(0, address(payload), QUORUM);
        _warp(DEPLOYED_AT + 5);
        _signal(8, address(payload));
        assertEq(votes.ballot(0, address(payload)).votes, QUORUM + 1);
        assertEq(L1Slot.unwrap(votes.ballot(0, address(payload)).quorumAt), DEPLOYED_AT);
    }

    /// @custom:rule U5
    function test_aQuorumCanBePushedThroughoutThePushPeriod() public {
        _vote(0, address(payload), QUORUM);
        _warp(DEPLOYED_AT + PUSH_PERIOD - 1);
        vm.prank(stranger);
        votes.push(0, address(payload));
        assertTrue(votes.pushed(address(payload)));
    }

    /// @custom:rule U5
    function test_RevertWhen_pushedTooLate() public {
        _vote(0, address(payload), QUORUM);
        _warp(DEPLOYED_AT + PUSH_PERIOD);
        L1Slot closed = L1Slot.wrap(DEPLOYED_AT + PUSH_PERIOD);
        vm.expectRevert(abi.encodeWithSelector(IVotes.PushClosed.selector, closed, closed));
        votes.push(0, address(payload));
        // A later round may still reach the quorum for it.
        _vote(5, address(payload), QUORUM);
        votes.push(5, address(payload));
        assertTrue(votes.pushed(address(payload)));
    }

    /// @custom:rule U6
    function test_RevertWhen_pushedTwice() public {
        _queue(address(payload));
        vm.expectRevert(abi.encodeWithSelector(IVotes.AlreadyPushed.selector, address(payload)));
        votes.push(0, address(payload));
    }

    /// @custom:rule U6
    function test_RevertWhen_pushedByAnotherRound() public {
        _vote(0, address(payload), QUORUM);
        _vote(1, address(payload), QUORUM);
        votes.push(1, address(payload));
        vm.expectRevert(abi.encodeWithSelector(IVotes.AlreadyPushed.selector, address(payload)));
        votes.push(0, address(payload));
    }

    function _ignored(uint64 slot) private {
        uint64 before = votes.ballot(slot / ROUND, address(payload)).votes;
        vm.expectEmit();
        emit IVotes.SignalIgnored(Slot.wrap(slot), address(payload));
        _signal(slot, address(payload));
        assertEq(votes.ballot(slot / ROUND, address(payload)).votes, before);
    }

    /// @custom:rule U6
    function test_aPushedPayloadTakesNoMoreVotes() public {
        _queue(address(payload));
        // It waits in the timelock. Neither its round nor a later one can push it again.
        _ignored(9);
        _ignored(10);
        _warp(DEPLOYED_AT + DELAY);
        _statusIs(address(payload), PayloadStatus.Ready);
        _ignored(20);
    }

    /// @custom:rule U6
    function test_anExecutedPayloadTakesNoMoreVotes() public {
        _queue(address(payload));
        _warp(DEPLOYED_AT + DELAY);
        timelock.execute(address(payload), payload.actions());
        _ignored(30);
        vm.expectRevert(abi.encodeWithSelector(IVotes.AlreadyPushed.selector, address(payload)));
        votes.push(3, address(payload));
    }

    /// @custom:rule U6
    function test_anExpiredPayloadTakesNoMoreVotes() public {
        _queue(address(payload));
        _warp(DEPLOYED_AT + DELAY + GRACE);
        _statusIs(address(payload), PayloadStatus.Expired);
        _ignored(30);
    }

    /// A vote never reverts for the rollup, as the payload is not called.
    /// @custom:rule U3
    function test_anyPayloadTakesVotes() public {
        address[5] memory payloads = [
            address(new RevertingPayload()), address(new BurningPayload()), stranger, address(votes), address(timelock)
        ];
        for (uint256 i = 0; i < payloads.length; ++i) {
            vm.prank(address(rollup));
            votes.signal{gas: 100_000}(Slot.wrap(3), payloads[i]);
            assertEq(votes.ballot(0, payloads[i]).votes, 1);
        }
        vm.prank(address(rollup));
        votes.signal(Slot.wrap(type(uint64).max), stranger);
        assertEq(votes.ballot(type(uint64).max / ROUND, stranger).votes, 1);
    }

    /// A payload that cannot be queued stays unpushed, and may be pushed once it can be queued.
    /// @custom:rule U7
    function test_RevertWhen_aPushedPayloadCantBeQueued() public {
        address later = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        _vote(0, later, QUORUM);
        vm.expectRevert(abi.encodeWithSelector(ITimelock.PayloadWithoutCode.selector, later));
        votes.push(0, later);
        assertFalse(votes.pushed(later));

        RevertingPayload refusing = new RevertingPayload();
        assertEq(address(refusing), later);
        vm.expectRevert(abi.encodeWithSelector(ITimelock.UnreadablePayload.selector, later));
        votes.push(0, later);
        vm.etch(later, address(payload).code);
        vm.expectRevert(abi.encodeWithSelector(ITimelock.NoActions.selector, later));
        votes.push(0, later);
    }

    /// Actions are read by a static call, so a payload that pushes itself or writes anything cannot be queued.
    /// @custom:rule U9
    function test_RevertWhen_aPayloadReentersPush() public {
        WritingPayload writing = new WritingPayload(votes);
        _vote(0, address(writing), QUORUM);
        vm.expectRevert(abi.encodeWithSelector(ITimelock.UnreadablePayload.selector, address(writing)));
        votes.push(0, address(writing));
        assertEq(writing.written(), 0);
        assertFalse(votes.pushed(address(writing)));
    }

    /// @custom:rule U4
    function test_aQuorumInL1SlotZeroCounts() public {
        _warp(0);
        _vote(0, address(payload), QUORUM);
        assertEq(L1Slot.unwrap(votes.ballot(0, address(payload)).quorumAt), 1);
        votes.push(0, address(payload));
        assertTrue(votes.pushed(address(payload)));
    }
}
