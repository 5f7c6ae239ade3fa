// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Staking} from "../../contracts/Staking.sol";
import {IStaking, Registration, StakingParameters, Status} from "../../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";

/// @title The entry queue: two places in each window of eight L1 slots
contract EntryQueueTest is Fixture {
    uint64 private constant WINDOW = 8;

    /// @dev First L1 slot of the entry window in which the tests start. The entry period is half a window.
    uint64 private _start;

    uint256 private _entered;

    function _stakingParameters() internal pure override returns (StakingParameters memory parameters) {
        parameters = super._stakingParameters();
        parameters.entryFlush = 2;
        parameters.maxEntryFlush = 3;
        parameters.queueLimit = 2;
    }

    function setUp() public override {
        super.setUp();
        _start = (_now() / WINDOW + 1) * WINDOW;
        _warp(_start);
    }

    function _enterSlot() private returns (SequencerId id) {
        return _register(relay, makeAddr(vm.toString(++_entered)));
    }

    function _activeFrom(SequencerId id) private view returns (uint64) {
        return L1Slot.unwrap(staking.sequencer(id).activeFrom);
    }

    function _entersAt(uint64 expected) private returns (SequencerId id) {
        assertEq(L1Slot.unwrap(staking.nextActivation()), expected, "said before");
        id = _enterSlot();
        assertEq(_activeFrom(id), expected);
    }

    function _window(uint64 l1Slot, uint256 places, uint256 taken) private view {
        (uint256 actualPlaces, uint256 actualTaken) = staking.entryWindowAt(L1Slot.wrap(l1Slot));
        assertEq(actualPlaces, places, "places");
        assertEq(actualTaken, taken, "taken");
    }

    function _full() private view returns (bytes memory) {
        return abi.encodeWithSelector(IStaking.QueueFull.selector, L1Slot.wrap(_start + 3 * WINDOW));
    }

    function _fill() private {
        _entersAt(_start + 4);
        _entersAt(_start + 4);
        _entersAt(_start + WINDOW);
        _entersAt(_start + WINDOW);
        _entersAt(_start + 2 * WINDOW);
        _entersAt(_start + 2 * WINDOW);
    }

    /// @custom:rule Q4, Q5
    function test_aFullWindowSendsOnToTheNext() public {
        _fill();
        _window(_start + 7, 2, 2);
        _window(_start + 8, 2, 2);
        _window(_start + 23, 2, 2);
        _window(_start + 24, 2, 0);
    }

    /// @custom:rule Q5
    function test_anEntryPeriodCanEndInTheMiddleOfAWindow() public {
        _warp(_start + 2);
        _entersAt(_start + 6);
        _warp(_start + 3);
        _entersAt(_start + 7);
        _entersAt(_start + 8);
        _warp(_start + 6);
        _entersAt(_start + 10);
        _entersAt(_start + 16);
    }

    /// @custom:rule Q6
    function test_RevertWhen_theQueueIsFull() public {
        _fill();
        Registration memory registration = _registration(relay, relay);
        vm.expectRevert(_full());
        staking.nextActivation();
        vm.prank(relay);
        vm.expectRevert(_full());
        staking.register(registration);
        _warp(_start + 4);
        _entersAt(_start + 3 * WINDOW);
    }

    /// @custom:rule Q5
    function test_theQueueDrainsWithoutAKeeper() public {
        _fill();
        _warp(_start + 100 * WINDOW + 5);
        _entersAt(_start + 101 * WINDOW + 1);
    }

    // ---- cancellation ---------------------------------------------------------------------------------------------

    /// @custom:rule Q7
    function test_aCancelledEntryIsRefundedAndItsPlaceIsFree() public {
        _entersAt(_start + 4);
        SequencerId id = _entersAt(_start + 4);
        vm.prank(relay);
        staking.setWithdrawer(id, payee);
        _entersAt(_start + WINDOW);
        vm.expectEmit();
        emit IStaking.EntryCancelled(id, payee, STAKE);
        vm.prank(relay);
        staking.cancelEntry(id);
        assertEq(token.balanceOf(payee), STAKE);
        assertEq(staking.sequencer(id).stake, 0);
        assertEq(uint256(staking.statusOf(id)), uint256(Status.Exited));
        _window(_start, 2, 1);
        _entersAt(_start + 4);
        _window(_start, 2, 2);
        _entersAt(_start + WINDOW);
        // Its entry window begins, and it does not become active.
        _warp(_start + WINDOW);
        assertEq(staking.eligibleAttester(id, L1Slot.wrap(_start + WINDOW)), address(0));
        assertEq(uint256(staking.statusOf(id)), uint256(Status.Exited));
    }

    /// @custom:rule Q7
    function test_RevertWhen_anEntryIsCancelledTwice() public {
        SequencerId id = _enterSlot();
        vm.startPrank(relay);
        staking.cancelEntry(id);
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongStatus.selector, id, Status.Queued, Status.Exited));
        staking.cancelEntry(id);
    }

    /// @custom:rule Q7
    function test_RevertWhen_anActiveSequencerCancels() public {
        SequencerId id = _enterSlot();
        _warp(_start + 4);
        vm.prank(relay);
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongStatus.selector, id, Status.Queued, Status.Active));
        staking.cancelEntry(id);
    }

    /// @custom:rule Q7
    function test_RevertWhen_anotherCancels() public {
        SequencerId id = _enterSlot();
        address attester = staking.attesterOf(id);
        vm.prank(attester);
        vm.expectRevert(abi.encodeWithSelector(IStaking.NotOwner.selector, id, relay, attester));
        staking.cancelEntry(id);
    }

    /// @custom:rule Q7
    function test_RevertWhen_aCancelledEntryExitsOrIsWithdrawn() public {
        SequencerId id = _enterSlot();
        vm.startPrank(relay);
        staking.cancelEntry(id);
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongStatus.selector, id, Status.Active, Status.Exited));
        staking.initiateExit(id);
        _warp(_now() + 4);
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongStatus.selector, id, Status.Exiting, Status.Exited));
        staking.withdraw(id);
    }

    /// @custom:rule Q7
    function test_anEntryCanBeCancelledInL1SlotZero() public {
        vm.warp(1000);
        Staking young = new Staking(token, address(rollup), timelock, _stakingParameters(), 1000, 12);
        staking = young;
        SequencerId id = _enterSlot();
        vm.prank(relay);
        young.cancelEntry(id);
        assertEq(young.eligibleAttester(id, L1Slot.wrap(1000)), address(0));
    }

    /// @dev An exit does not free the place: the stake is bound as long as that of an active sequencer.
    /// @custom:rule Q7
    function test_aQueuedSequencerThatExitsKeepsItsPlace() public {
        SequencerId id = _enterSlot();
        vm.prank(relay);
        staking.initiateExit(id);
        _window(_start, 2, 1);
    }

    // ---- flush ----------------------------------------------------------------------------------------------------

    /// @custom:rule Q8
    function test_governanceChangesTheFlushOfWindowsToCome() public {
        vm.expectEmit();
        emit IStaking.EntryFlushSet(3, L1Slot.wrap(_start + WINDOW));
        vm.prank(timelock);
        staking.setEntryFlush(3);
        _window(_start + 7, 2, 0);
        _window(_start + 8, 3, 0);
        _entersAt(_start + 4);
        _entersAt(_start + 4);
        _entersAt(_start + 8);
        _entersAt(_start + 8);
        _entersAt(_start + 8);
        _entersAt(_start + 16);
    }

    /// @custom:rule Q8
    function test_aLowerFlushLeavesTakenPlacesAlone() public {
        _entersAt(_start + 4);
        _entersAt(_start + 4);
        SequencerId a = _entersAt(_start + 8);
        _entersAt(_start + 8);
        vm.prank(timelock);
        staking.setEntryFlush(1);
        _window(_start + 8, 1, 2);
        _entersAt(_start + 16);
        vm.prank(relay);
        staking.cancelEntry(a);
        _window(_start + 8, 1, 1);
        // No place becomes free until fewer than the new flush are taken.
        vm.expectRevert(_full());
        staking.nextActivation();
    }

    /// @custom:rule Q8
    function test_theFlushOfTheWindowThatRunsStaysHoweverOftenItIsSet() public {
        vm.startPrank(timelock);
        staking.setEntryFlush(3);
        staking.setEntryFlush(1);
        _window(_start, 2, 0);
        _window(_start + 8, 1, 0);
        _warp(_start + 8);
        staking.setEntryFlush(2);
        _window(_start + 15, 1, 0);
        _window(_start + 16, 2, 0);
    }

    /// @custom:rule Q8
    function test_RevertWhen_anotherSetsTheFlush() public {
        vm.expectRevert(abi.encodeWithSelector(IStaking.NotGovernance.selector, timelock, address(this)));
        staking.setEntryFlush(1);
    }

    /// @custom:rule Q8
    function test_RevertWhen_theFlushIsOutOfRange() public {
        vm.startPrank(timelock);
        vm.expectRevert(abi.encodeWithSelector(IStaking.EntryFlushOutOfRange.selector, 3, 0));
        staking.setEntryFlush(0);
        vm.expectRevert(abi.encodeWithSelector(IStaking.EntryFlushOutOfRange.selector, 3, 4));
        staking.setEntryFlush(4);
    }
}
