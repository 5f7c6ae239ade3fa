// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Clock} from "../../contracts/L1Clock.sol";
import {Staking} from "../../contracts/Staking.sol";
import {IStaking, Sequencer, Status} from "../../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {StdStorage, stdStorage} from "forge-std/Test.sol";

contract StakingTest is Fixture {
    using stdStorage for StdStorage;

    SequencerId private _first = SequencerId.wrap(1);

    function _expectBad(string memory name) private {
        vm.expectRevert(abi.encodeWithSelector(IStaking.BadParameter.selector, name));
    }

    function test_RevertWhen_constructedWithBadParameters() public {
        IERC20 t = IERC20(address(token));
        address r = address(rollup);
        _expectBad("token");
        new Staking(IERC20(relay), r, 10, 5, 1, 1, 0, 1);
        _expectBad("rollup");
        new Staking(t, address(0), 10, 5, 1, 1, 0, 1);
        _expectBad("stakeAmount");
        new Staking(t, r, 0, 0, 1, 1, 0, 1);
        _expectBad("minimumStake");
        new Staking(t, r, 10, 0, 1, 1, 0, 1);
        _expectBad("minimumStake");
        new Staking(t, r, 10, 11, 1, 1, 0, 1);
        _expectBad("entryPeriod");
        new Staking(t, r, 10, 10, 0, 1, 0, 1);
        _expectBad("exitDelay");
        new Staking(t, r, 10, 10, 1, 0, 0, 1);
    }

    function test_RevertWhen_theClockStandsStillOrHasNotBegun() public {
        IERC20 t = IERC20(address(token));
        vm.expectRevert(abi.encodeWithSelector(L1Clock.BadClock.selector, 0, 0));
        new Staking(t, relay, 10, 5, 1, 1, 0, 0);
        uint64 future = uint64(vm.getBlockTimestamp()) + 1;
        vm.expectRevert(abi.encodeWithSelector(L1Clock.BadClock.selector, future, 1));
        new Staking(t, relay, 10, 5, 1, 1, future, 1);
    }

    function test_aRegistrationIsQueuedThenActive() public {
        uint64 now_ = _now();
        token.mint(relay, STAKE);
        vm.startPrank(relay);
        token.approve(address(staking), STAKE);
        vm.expectEmit();
        emit IStaking.Registered(SequencerId.wrap(5), payee, relay, 17, STAKE, L1Slot.wrap(now_ + 4));
        SequencerId id = staking.register(payee, 17);
        vm.stopPrank();

        assertEq(SequencerId.unwrap(id), 5);
        assertEq(staking.count(), 5);
        Sequencer memory s = staking.sequencer(id);
        assertEq(s.attester, payee);
        assertEq(s.owner, relay);
        assertEq(s.stake, STAKE);
        assertEq(s.feeRecipient, 17);
        assertEq(L1Slot.unwrap(s.activeFrom), now_ + 4);
        assertEq(L1Slot.unwrap(s.exitAt), 0);
        assertEq(staking.attesterOf(id), payee);
        assertEq(staking.ownerOf(id), relay);
        assertEq(uint256(staking.statusOf(id)), uint256(Status.Queued));
        assertEq(staking.eligibleAttester(id, L1Slot.wrap(now_ + 3)), address(0));
        assertEq(staking.eligibleAttester(id, L1Slot.wrap(now_ + 4)), payee);
        _warp(now_ + 3);
        assertEq(uint256(staking.statusOf(id)), uint256(Status.Queued));
        _warp(now_ + 4);
        assertEq(uint256(staking.statusOf(id)), uint256(Status.Active));
    }

    function test_anUnknownIdHasNothing() public view {
        SequencerId id = SequencerId.wrap(99);
        assertEq(uint256(staking.statusOf(id)), uint256(Status.None));
        assertEq(staking.attesterOf(id), address(0));
        assertEq(staking.ownerOf(id), address(0));
        assertEq(staking.eligibleAttester(id, L1Slot.wrap(type(uint64).max)), address(0));
    }

    function test_RevertWhen_theAttesterIsNobody() public {
        vm.expectRevert(IStaking.ZeroAddress.selector);
        staking.register(address(0), 0);
    }

    function test_RevertWhen_allIdsAreTaken() public {
        stdstore.target(address(staking)).sig("count()").checked_write(uint256(type(uint32).max));
        vm.expectRevert(IStaking.TooManySequencers.selector);
        staking.register(relay, 0);
    }

    function test_exitAndWithdrawal() public {
        uint64 now_ = _now();
        vm.expectEmit();
        emit IStaking.ExitInitiated(_first, L1Slot.wrap(now_), L1Slot.wrap(now_ + 4));
        vm.prank(attesters[0]);
        staking.initiateExit(_first);
        assertEq(uint256(staking.statusOf(_first)), uint256(Status.Exiting));
        assertEq(staking.eligibleAttester(_first, L1Slot.wrap(now_)), address(0));
        _warp(now_ + 3);
        vm.expectRevert(abi.encodeWithSelector(IStaking.NotWithdrawableYet.selector, _first, now_ + 4, now_ + 3));
        staking.withdraw(_first);
        _warp(now_ + 4);
        vm.expectEmit();
        emit IStaking.Withdrawn(_first, owners[0], STAKE);
        staking.withdraw(_first);
        assertEq(token.balanceOf(owners[0]), STAKE);
        assertEq(uint256(staking.statusOf(_first)), uint256(Status.Exited));
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongStatus.selector, _first, Status.Exiting, Status.Exited));
        staking.withdraw(_first);
    }

    function test_aQueuedSequencerMayExit() public {
        SequencerId id = _register(relay, payee);
        vm.prank(relay);
        staking.initiateExit(id);
        assertEq(uint256(staking.statusOf(id)), uint256(Status.Exiting));
    }

    function test_RevertWhen_aStrangerInitiatesTheExit() public {
        vm.prank(relay);
        vm.expectRevert(abi.encodeWithSelector(IStaking.NotOwner.selector, _first, owners[0], relay));
        staking.initiateExit(_first);
    }

    function test_RevertWhen_theStatusForbidsExitOrWithdrawal() public {
        SequencerId unknown = SequencerId.wrap(77);
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongStatus.selector, unknown, Status.Active, Status.None));
        staking.initiateExit(unknown);
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongStatus.selector, unknown, Status.Exiting, Status.None));
        staking.withdraw(unknown);
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongStatus.selector, _first, Status.Exiting, Status.Active));
        staking.withdraw(_first);
        vm.startPrank(owners[0]);
        staking.initiateExit(_first);
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongStatus.selector, _first, Status.Active, Status.Exiting));
        staking.initiateExit(_first);
    }

    function test_anExitInL1SlotZeroCounts() public {
        vm.warp(1000);
        Staking young = new Staking(IERC20(address(token)), address(rollup), 10, 5, 2, 3, 1000, 12);
        token.mint(relay, 10);
        vm.startPrank(relay);
        token.approve(address(young), 10);
        SequencerId id = young.register(relay, 0);
        young.initiateExit(id);
        assertEq(uint256(young.statusOf(id)), uint256(Status.Exiting));
    }

    function test_slashing() public {
        vm.startPrank(address(rollup));
        vm.expectEmit();
        emit IStaking.Slashed(_first, 50e18, 50e18);
        assertEq(staking.slash(_first, 50e18), 50e18);
        assertEq(uint256(staking.statusOf(_first)), uint256(Status.Active), "the minimum is enough");
        vm.expectEmit();
        emit IStaking.ExitInitiated(_first, L1Slot.wrap(_now()), L1Slot.wrap(_now() + 4));
        assertEq(staking.slash(_first, 1), 1);
        assertEq(uint256(staking.statusOf(_first)), uint256(Status.Exiting), "ejected");
        _warp(_now() + 2);
        assertEq(staking.slash(_first, 1), 1);
        assertEq(L1Slot.unwrap(staking.sequencer(_first).exitAt), _now() - 2, "the exit isn't restarted");
        assertEq(staking.slash(_first, 100e18), 50e18 - 2, "no more than there is");
        assertEq(staking.slash(_first, 1), 0);
        assertEq(token.balanceOf(BURNED), STAKE);
        vm.stopPrank();
        // Nothing is left to pay, but the registration ends.
        _warp(_now() + 4);
        staking.withdraw(_first);
        assertEq(token.balanceOf(owners[0]), 0);
        assertEq(uint256(staking.statusOf(_first)), uint256(Status.Exited));
    }

    function test_RevertWhen_anotherSlashes() public {
        vm.expectRevert(abi.encodeWithSelector(IStaking.NotRollup.selector, address(rollup), address(this)));
        staking.slash(_first, 1);
    }

    function test_pages() public view {
        assertEq(staking.page(SequencerId.wrap(0), 10).length, 0);
        assertEq(staking.page(SequencerId.wrap(5), 10).length, 0);
        assertEq(staking.page(SequencerId.wrap(1), 0).length, 0);
        assertEq(staking.page(SequencerId.wrap(1), 3).length, 3);
        Sequencer[] memory last = staking.page(SequencerId.wrap(3), type(uint32).max);
        assertEq(last.length, 2);
        assertEq(last[0].attester, attesters[2]);
        assertEq(last[1].attester, attesters[3]);
    }
}
