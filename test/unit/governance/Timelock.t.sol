// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {Timelock} from "../../../contracts/governance/Timelock.sol";
import {Action} from "../../../contracts/interfaces/IPayload.sol";
import {ITimelock, PayloadStatus, QueuedPayload} from "../../../contracts/interfaces/ITimelock.sol";
import {IVotes} from "../../../contracts/interfaces/IVotes.sol";
import {L1Slot} from "../../../contracts/types/Time.sol";
import {GovernanceFixture} from "../../support/GovernanceFixture.sol";
import {
    BurningPayload,
    GarbagePayload,
    MutablePayload,
    RevertingPayload,
    Target,
    executeCall,
    single
} from "../../support/Payloads.sol";

contract TimelockTest is GovernanceFixture {
    function _expectBad(string memory name) private {
        vm.expectRevert(abi.encodeWithSelector(ITimelock.BadParameter.selector, name));
    }

    function _expectStatus(PayloadStatus expected, PayloadStatus actual) private {
        vm.expectRevert(abi.encodeWithSelector(ITimelock.WrongStatus.selector, address(payload), expected, actual));
    }

    /// @dev Sets the payload's actions, has it voted for, and waits until it can be executed.
    function _ready(Action[] memory actions) private {
        payload.set(actions);
        _queue(address(payload));
        _warp(_now() + DELAY);
    }

    /// @custom:rule M4
    function test_RevertWhen_constructedWithBadParameters() public {
        _expectBad("votes");
        new Timelock(address(0), 1, 1, 0, 1);
        _expectBad("delay");
        new Timelock(stranger, 0, 1, 0, 1);
        _expectBad("grace");
        new Timelock(stranger, 1, 0, 0, 1);
    }

    /// @custom:rule U8
    function test_keepsItsParameters() public view {
        assertEq(timelock.votes(), address(votes));
        assertEq(timelock.delay(), DELAY);
        assertEq(timelock.grace(), GRACE);
    }

    /// @custom:rule U8
    function test_RevertWhen_anotherQueues() public {
        vm.expectRevert(abi.encodeWithSelector(ITimelock.NotVotes.selector, address(votes), address(this)));
        timelock.queue(address(payload));
    }

    /// @custom:rule U9, U10
    function test_queueingFixesActionsAndTimes() public {
        Action[] memory actions = payload.actions();
        bytes32 hash = keccak256(abi.encode(actions));
        _vote(0, address(payload), QUORUM);
        _statusIs(address(payload), PayloadStatus.None);
        L1Slot executableFrom = L1Slot.wrap(DEPLOYED_AT + DELAY);
        L1Slot expiresAt = L1Slot.wrap(DEPLOYED_AT + DELAY + GRACE);
        vm.expectEmit();
        emit ITimelock.Queued(address(payload), hash, actions, executableFrom, expiresAt);
        votes.push(0, address(payload));
        QueuedPayload memory queued = timelock.queued(address(payload));
        assertEq(uint256(queued.status), uint256(PayloadStatus.Waiting));
        assertEq(L1Slot.unwrap(queued.executableFrom), DEPLOYED_AT + DELAY);
        assertEq(L1Slot.unwrap(queued.expiresAt), DEPLOYED_AT + DELAY + GRACE);
        assertEq(queued.actionsHash, hash);
    }

    /// @custom:rule U6
    function test_RevertWhen_queuedTwice() public {
        _queue(address(payload));
        vm.startPrank(address(votes));
        _expectStatus(PayloadStatus.None, PayloadStatus.Waiting);
        timelock.queue(address(payload));
        _warp(DEPLOYED_AT + DELAY + GRACE);
        _expectStatus(PayloadStatus.None, PayloadStatus.Expired);
        timelock.queue(address(payload));
    }

    // ---- payloads that can't be read --------------------------------------------------------------------------------

    function _expectUnreadable(address unreadable) private {
        vm.expectRevert(abi.encodeWithSelector(ITimelock.UnreadablePayload.selector, unreadable));
        vm.prank(address(votes));
        timelock.queue(unreadable);
    }

    /// @custom:rule U9
    function test_RevertWhen_thePayloadHasNoCode() public {
        vm.expectRevert(abi.encodeWithSelector(ITimelock.PayloadWithoutCode.selector, stranger));
        vm.prank(address(votes));
        timelock.queue(stranger);
    }

    /// @custom:rule U9, M3
    function test_RevertWhen_thePayloadReverts() public {
        _expectUnreadable(address(new RevertingPayload()));
    }

    /// @custom:rule U9, M3
    function test_RevertWhen_thePayloadBurnsItsGas() public {
        _expectUnreadable(address(new BurningPayload()));
    }

    /// @custom:rule U9, M3
    function test_RevertWhen_thePayloadReturnsGarbage() public {
        _expectUnreadable(address(new GarbagePayload(0, 0)));
        _expectUnreadable(address(new GarbagePayload(32, 0x20)));
        _expectUnreadable(address(new GarbagePayload(64, type(uint256).max)));
        _expectUnreadable(address(target));
    }

    /// Megabytes of returned data cost gas of the account that pushes the payload, and nothing else.
    /// @custom:rule U9, M3
    function test_RevertWhen_thePayloadReturnsMegabytes() public {
        address bomb = address(new GarbagePayload(2_000_000, type(uint256).max));
        _expectUnreadable(bomb);
        // It would decode to an empty list.
        address padded = address(new GarbagePayload(2_000_000, 0x20));
        vm.expectRevert(abi.encodeWithSelector(ITimelock.NoActions.selector, padded));
        vm.prank(address(votes));
        timelock.queue(padded);
    }

    /// @custom:rule U9
    function test_RevertWhen_thereAreNoActionsOrTooMany() public {
        vm.startPrank(address(votes));
        payload.set(new Action[](0));
        vm.expectRevert(abi.encodeWithSelector(ITimelock.NoActions.selector, address(payload)));
        timelock.queue(address(payload));
        payload.set(new Action[](17));
        vm.expectRevert(abi.encodeWithSelector(ITimelock.TooManyActions.selector, 16, 17));
        timelock.queue(address(payload));
        payload.set(new Action[](16));
        timelock.queue(address(payload));
    }

    /// @custom:rule U9
    function test_RevertWhen_theActionsAreTooLong() public {
        vm.startPrank(address(votes));
        // The encoding adds 192 bytes: offset, length, offset of the action, target, offset of the data, its length.
        uint256 room = timelock.MAX_ACTIONS_BYTES() - 192;
        payload.set(single(address(target), new bytes(room + 1)));
        vm.expectRevert(abi.encodeWithSelector(ITimelock.ActionsTooLong.selector, 16_384, 16_416));
        timelock.queue(address(payload));
        payload.set(single(address(target), new bytes(room)));
        timelock.queue(address(payload));
    }

    // ---- execution --------------------------------------------------------------------------------------------------

    /// @custom:rule U11
    function test_anyoneExecutesInOrder() public {
        Action[] memory actions = new Action[](3);
        for (uint256 i = 0; i < 3; ++i) {
            actions[i] = Action(address(target), abi.encodeCall(Target.set, (10 - i)));
        }
        _ready(actions);
        vm.expectEmit();
        emit ITimelock.Executed(address(payload), keccak256(abi.encode(actions)));
        vm.prank(stranger);
        timelock.execute(address(payload), actions);
        assertEq(target.count(), 3);
        assertEq(target.values(0), 10);
        assertEq(target.values(2), 8);
        assertEq(target.caller(), address(timelock));
        _statusIs(address(payload), PayloadStatus.Executed);
    }

    /// @custom:rule U8
    function test_RevertWhen_executedBeforeItIsQueued() public {
        Action[] memory actions = payload.actions();
        _expectStatus(PayloadStatus.Ready, PayloadStatus.None);
        timelock.execute(address(payload), actions);
    }

    /// @custom:rule U8
    function test_theWindowOfExecutionIsExact() public {
        Action[] memory actions = payload.actions();
        _queue(address(payload));
        _warp(DEPLOYED_AT + DELAY - 1);
        _statusIs(address(payload), PayloadStatus.Waiting);
        _expectStatus(PayloadStatus.Ready, PayloadStatus.Waiting);
        timelock.execute(address(payload), actions);
        _warp(DEPLOYED_AT + DELAY + GRACE);
        _statusIs(address(payload), PayloadStatus.Expired);
        _expectStatus(PayloadStatus.Ready, PayloadStatus.Expired);
        timelock.execute(address(payload), actions);
        _warp(DEPLOYED_AT + DELAY + GRACE - 1);
        timelock.execute(address(payload), actions);
    }

    /// @custom:rule U11
    function test_RevertWhen_executedTwice() public {
        Action[] memory actions = payload.actions();
        _ready(actions);
        timelock.execute(address(payload), actions);
        _expectStatus(PayloadStatus.Ready, PayloadStatus.Executed);
        timelock.execute(address(payload), actions);
        _warp(_now() + GRACE);
        _statusIs(address(payload), PayloadStatus.Executed);
        assertEq(target.count(), 1);
    }

    /// @custom:rule U10
    function test_RevertWhen_otherActionsAreExecuted() public {
        Action[] memory actions = payload.actions();
        _ready(actions);
        Action[] memory others = single(address(target), abi.encodeCall(Target.set, (8)));
        vm.expectRevert(
            abi.encodeWithSelector(
                ITimelock.WrongActions.selector, keccak256(abi.encode(actions)), keccak256(abi.encode(others))
            )
        );
        timelock.execute(address(payload), others);
    }

    /// The queued actions are executed, whatever the payload returns by then.
    /// @custom:rule U10
    function test_aPayloadThatChangesAfterQueueingChangesNothing() public {
        Action[] memory actions = payload.actions();
        _ready(actions);
        payload.set(single(address(target), abi.encodeCall(Target.set, (8))));
        timelock.execute(address(payload), actions);
        assertEq(target.values(0), 7);
    }

    /// @custom:rule U10
    function test_aPayloadThatIsGoneCanBeExecuted() public {
        Action[] memory actions = payload.actions();
        _ready(actions);
        vm.etch(address(payload), "");
        assertEq(address(payload).code.length, 0);
        timelock.execute(address(payload), actions);
        assertEq(target.values(0), 7);
    }

    /// @custom:rule U11
    function test_RevertWhen_oneActionFailsNoneIsDone() public {
        Action[] memory actions = new Action[](2);
        actions[0] = Action(address(target), abi.encodeCall(Target.set, (1)));
        actions[1] = Action(address(target), abi.encodeCall(Target.refuse, (5)));
        _ready(actions);
        vm.expectRevert(
            abi.encodeWithSelector(
                ITimelock.ActionFailed.selector, 1, address(target), abi.encodeWithSelector(Target.Refused.selector, 5)
            )
        );
        timelock.execute(address(payload), actions);
        assertEq(target.count(), 0);
        _statusIs(address(payload), PayloadStatus.Ready);
    }

    /// @custom:rule U11
    function test_RevertWhen_aTargetHasNoCode() public {
        Action[] memory actions = single(stranger, "");
        _ready(actions);
        vm.expectRevert(abi.encodeWithSelector(ITimelock.TargetWithoutCode.selector, 0, stranger));
        timelock.execute(address(payload), actions);
    }

    /// Only the beginning of a reason is kept, so it costs no memory to execute.
    /// @custom:rule U11
    function test_RevertWhen_aTargetRevertsWithMegabytes() public {
        Action[] memory actions = single(address(target), abi.encodeCall(Target.bomb, ()));
        _ready(actions);
        vm.expectRevert(abi.encodeWithSelector(ITimelock.ActionFailed.selector, 0, address(target), new bytes(256)));
        timelock.execute(address(payload), actions);
    }

    function _expectReentered() private {
        vm.expectRevert(
            abi.encodeWithSelector(
                ITimelock.ActionFailed.selector,
                0,
                address(target),
                abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector)
            )
        );
    }

    /// @custom:rule U12
    function test_RevertWhen_anActionReentersItsOwnExecution() public {
        Action[] memory actions = single(address(target), abi.encodeCall(Target.reenter, ()));
        target.prepare(address(timelock), executeCall(address(payload), actions));
        _ready(actions);
        _expectReentered();
        timelock.execute(address(payload), actions);
    }

    /// @custom:rule U12
    function test_RevertWhen_anActionExecutesAnotherPayload() public {
        MutablePayload second = new MutablePayload();
        Action[] memory inner = single(address(target), abi.encodeCall(Target.set, (1)));
        second.set(inner);
        _queue(address(second));
        Action[] memory actions = single(address(target), abi.encodeCall(Target.reenter, ()));
        target.prepare(address(timelock), executeCall(address(second), inner));
        _ready(actions);
        _expectReentered();
        timelock.execute(address(payload), actions);
        // On its own, it can be executed.
        timelock.execute(address(second), inner);
    }

    /// @custom:rule U12
    function test_RevertWhen_anActionPushesAPayload() public {
        MutablePayload second = new MutablePayload();
        second.set(single(address(target), ""));
        Action[] memory actions = single(address(target), abi.encodeCall(Target.reenter, ()));
        target.prepare(address(votes), abi.encodeCall(IVotes.push, (9, address(second))));
        _ready(actions);
        _vote(9, address(second), QUORUM);
        _expectReentered();
        timelock.execute(address(payload), actions);
        assertFalse(votes.pushed(address(second)));
    }

    /// @custom:rule M2
    function test_RevertWhen_valueIsSent() public {
        Action[] memory actions = payload.actions();
        _ready(actions);
        vm.deal(address(this), 1);
        (bool success,) = address(timelock).call{value: 1}(executeCall(address(payload), actions));
        assertFalse(success);
        (success,) = address(timelock).call{value: 1}("");
        assertFalse(success);
    }
}
