// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Clock} from "../../contracts/L1Clock.sol";
import {Staking} from "../../contracts/Staking.sol";
import {IStaking, Registration, Sequencer, StakingParameters, Status} from "../../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot} from "../../contracts/types/Time.sol";
import {BlsKeys} from "../support/BlsKeys.sol";
import {Fixture} from "../support/Fixture.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {StdStorage, stdStorage} from "forge-std/Test.sol";

contract StakingTest is Fixture {
    using stdStorage for StdStorage;

    SequencerId private _first = SequencerId.wrap(1);

    function _refuses(StakingParameters memory parameters, string memory name) private {
        vm.expectRevert(abi.encodeWithSelector(IStaking.BadParameter.selector, name));
        new Staking(IERC20(address(token)), address(rollup), timelock, parameters, 0, 1);
    }

    /// @custom:rule M4
    function test_RevertWhen_constructedWithBadContracts() public {
        vm.expectRevert(abi.encodeWithSelector(IStaking.BadParameter.selector, "token"));
        new Staking(IERC20(relay), address(rollup), timelock, _stakingParameters(), 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IStaking.BadParameter.selector, "rollup"));
        new Staking(IERC20(address(token)), address(0), timelock, _stakingParameters(), 0, 1);
    }

    /// @custom:rule M4
    function test_RevertWhen_constructedWithBadParameters() public {
        StakingParameters memory parameters = _stakingParameters();
        parameters.stakeAmount = 0;
        _refuses(parameters, "stakeAmount");
        parameters = _stakingParameters();
        parameters.minimumStake = 0;
        _refuses(parameters, "minimumStake");
        parameters.minimumStake = parameters.stakeAmount + 1;
        _refuses(parameters, "minimumStake");
        parameters = _stakingParameters();
        parameters.entryPeriod = 0;
        _refuses(parameters, "entryPeriod");
        parameters = _stakingParameters();
        parameters.exitDelay = 0;
        _refuses(parameters, "exitDelay");
        parameters = _stakingParameters();
        parameters.entryWindow = 0;
        _refuses(parameters, "entryWindow");
        parameters = _stakingParameters();
        parameters.entryFlush = 0;
        _refuses(parameters, "entryFlush");
        parameters.entryFlush = parameters.maxEntryFlush + 1;
        _refuses(parameters, "entryFlush");
        parameters = _stakingParameters();
        parameters.queueLimit = 129;
        _refuses(parameters, "queueLimit");
    }

    /// @custom:rule M4
    function test_theBoundsOfParametersAreAllowed() public {
        StakingParameters memory parameters = _stakingParameters();
        parameters.minimumStake = parameters.stakeAmount;
        parameters.entryPeriod = 1;
        parameters.exitDelay = 1;
        parameters.entryWindow = 1;
        parameters.entryFlush = parameters.maxEntryFlush = type(uint16).max;
        parameters.queueLimit = 128;
        Staking made = new Staking(IERC20(address(token)), address(rollup), timelock, parameters, 0, 1);
        assertEq(made.minimumStake(), STAKE);
        assertEq(made.entryPeriod(), 1);
        assertEq(made.exitDelay(), 1);
        assertEq(made.entryWindow(), 1);
        assertEq(made.maxEntryFlush(), type(uint16).max);
        assertEq(made.queueLimit(), 128);
        assertEq(made.governance(), timelock);
    }

    /// @custom:rule T4, M4
    function test_RevertWhen_theClockStandsStillOrHasNotBegun() public {
        IERC20 t = IERC20(address(token));
        vm.expectRevert(abi.encodeWithSelector(L1Clock.BadClock.selector, 0, 0));
        new Staking(t, relay, timelock, _stakingParameters(), 0, 0);
        uint64 future = uint64(vm.getBlockTimestamp()) + 1;
        vm.expectRevert(abi.encodeWithSelector(L1Clock.BadClock.selector, future, 1));
        new Staking(t, relay, timelock, _stakingParameters(), future, 1);
    }

    /// @dev The first account of the L2 is a fee recipient as good as any other.
    /// @custom:rule Q1
    function test_feesMayGoToTheFirstAccount() public {
        token.mint(relay, STAKE);
        Registration memory registration = _registration(relay, payee);
        registration.feeRecipient = 1;
        vm.startPrank(relay);
        token.approve(address(staking), STAKE);
        SequencerId id = staking.register(registration);
        vm.stopPrank();
        assertEq(staking.sequencer(id).feeRecipient, 1);
    }

    /// @custom:rule Q1, Q5
    function test_aRegistrationIsQueuedThenActive() public {
        uint64 now_ = _now();
        token.mint(relay, STAKE);
        Registration memory registration = _registration(relay, payee);
        registration.withdrawer = rescuer;
        registration.feeRecipient = 17;
        assertEq(L1Slot.unwrap(staking.nextActivation()), now_ + 4);
        vm.startPrank(relay);
        token.approve(address(staking), STAKE);
        vm.expectEmit();
        emit IStaking.Registered(
            SequencerId.wrap(5), payee, relay, rescuer, 17, STAKE, L1Slot.wrap(now_ + 4), registration.blsKey
        );
        SequencerId id = staking.register(registration);
        vm.stopPrank();

        assertEq(SequencerId.unwrap(id), 5);
        assertEq(staking.count(), 5);
        assertEq(token.balanceOf(address(staking)), 5 * STAKE);
        Sequencer memory sequencer = staking.sequencer(id);
        assertEq(uint256(sequencer.status), uint256(Status.Queued));
        assertEq(sequencer.attester, payee);
        assertEq(sequencer.owner, relay);
        assertEq(sequencer.withdrawer, rescuer);
        assertEq(sequencer.stake, STAKE);
        assertEq(sequencer.feeRecipient, 17);
        assertEq(L1Slot.unwrap(sequencer.activeFrom), now_ + 4);
        assertEq(L1Slot.unwrap(sequencer.exitAt), 0);
        assertEq(sequencer.blsKeyHash, keccak256(abi.encode(registration.blsKey)));
        assertEq(sequencer.nextAttester, address(0));
        assertEq(L1Slot.unwrap(sequencer.nextAttesterFrom), 0);
        assertEq(sequencer.nextBlsKeyHash, 0);
        assertEq(L1Slot.unwrap(sequencer.nextBlsKeyFrom), 0);
        assertEq(staking.attesterOf(id), payee);
        assertEq(staking.attesterAt(id, L1Slot.wrap(0)), payee);
        assertEq(staking.blsKeyHashOf(id), sequencer.blsKeyHash);
        assertEq(staking.blsKeyHashAt(id, L1Slot.wrap(0)), sequencer.blsKeyHash);
        assertEq(staking.ownerOf(id), relay);
        assertEq(staking.withdrawerOf(id), rescuer);
        assertEq(uint256(staking.statusOf(id)), uint256(Status.Queued));
        assertEq(staking.eligibleAttester(id, L1Slot.wrap(now_ + 3)), address(0));
        assertEq(staking.eligibleAttester(id, L1Slot.wrap(now_ + 4)), payee);
        _warp(now_ + 3);
        assertEq(uint256(staking.statusOf(id)), uint256(Status.Queued));
        _warp(now_ + 4);
        assertEq(uint256(staking.statusOf(id)), uint256(Status.Active));
        assertEq(uint256(staking.sequencer(id).status), uint256(Status.Active));
    }

    /// @custom:rule Q1
    function test_theOwnerIsTheWithdrawerUnlessItNamesAnother() public {
        Registration memory registration = _registration(relay, payee);
        token.mint(relay, STAKE);
        vm.startPrank(relay);
        token.approve(address(staking), STAKE);
        vm.expectEmit();
        emit IStaking.Registered(
            SequencerId.wrap(5), payee, relay, relay, 0, STAKE, L1Slot.wrap(_now() + 4), registration.blsKey
        );
        SequencerId id = staking.register(registration);
        assertEq(staking.withdrawerOf(id), relay);
        assertEq(staking.sequencer(id).withdrawer, relay);
    }

    /// @custom:rule Q1
    function test_anUnknownIdHasNothing() public view {
        SequencerId id = SequencerId.wrap(99);
        assertEq(uint256(staking.statusOf(id)), uint256(Status.None));
        assertEq(staking.attesterOf(id), address(0));
        assertEq(staking.attesterAt(id, L1Slot.wrap(1)), address(0));
        assertEq(staking.blsKeyHashOf(id), 0);
        assertEq(staking.ownerOf(id), address(0));
        assertEq(staking.withdrawerOf(id), address(0));
        assertEq(staking.eligibleAttester(id, L1Slot.wrap(type(uint64).max)), address(0));
        assertEq(uint256(staking.sequencer(id).status), uint256(Status.None));
    }

    /// @custom:rule Q1
    function test_RevertWhen_theAttesterIsNobody() public {
        Registration memory registration = _registration(address(this), address(0));
        vm.expectRevert(IStaking.ZeroAddress.selector);
        staking.register(registration);
    }

    /// @custom:rule Q1
    function test_RevertWhen_allIdsAreTaken() public {
        Registration memory registration = _registration(address(this), relay);
        stdstore.enable_packed_slots().target(address(staking)).sig("count()").checked_write(uint256(type(uint32).max));
        vm.expectRevert(IStaking.TooManySequencers.selector);
        staking.register(registration);
    }

    /// @custom:rule Q2
    function test_RevertWhen_theKeyBelongsToAnother() public {
        Registration memory registration = _registration(relay, relay);
        vm.expectRevert(abi.encodeWithSelector(IStaking.BadProofOfPossession.selector, address(this)));
        staking.register(registration);
    }

    /// @custom:rule Q15, Q17
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

    /// @custom:rule Q7, Q15
    function test_aQueuedSequencerMayExit() public {
        SequencerId id = _register(relay, payee);
        vm.prank(relay);
        staking.initiateExit(id);
        assertEq(uint256(staking.statusOf(id)), uint256(Status.Exiting));
    }

    /// @custom:rule Q15
    function test_RevertWhen_aStrangerInitiatesTheExit() public {
        vm.prank(relay);
        vm.expectRevert(abi.encodeWithSelector(IStaking.NotOwner.selector, _first, owners[0], relay));
        staking.initiateExit(_first);
    }

    /// @custom:rule Q15, Q17
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

    /// @custom:rule Q15
    function test_anExitInL1SlotZeroCounts() public {
        vm.warp(1000);
        Staking young = new Staking(IERC20(address(token)), address(rollup), timelock, _stakingParameters(), 1000, 12);
        Registration memory registration = BlsKeys.registration(young, relay, relay, 3);
        token.mint(relay, STAKE);
        vm.startPrank(relay);
        token.approve(address(young), STAKE);
        SequencerId id = young.register(registration);
        young.initiateExit(id);
        assertEq(uint256(young.statusOf(id)), uint256(Status.Exiting));
    }

    /// @custom:rule Q16
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
        vm.recordLogs();
        assertEq(staking.slash(_first, 1), 0);
        assertEq(vm.getRecordedLogs().length, 0, "nothing is burned, and nothing says so");
        assertEq(token.balanceOf(BURNED), STAKE);
        vm.stopPrank();
        // Nothing is left to pay, but the registration ends.
        _warp(_now() + 4);
        staking.withdraw(_first);
        assertEq(token.balanceOf(owners[0]), 0);
        assertEq(uint256(staking.statusOf(_first)), uint256(Status.Exited));
    }

    /// @custom:rule Q16
    function test_RevertWhen_anotherSlashes() public {
        vm.expectRevert(abi.encodeWithSelector(IStaking.NotRollup.selector, address(rollup), address(this)));
        staking.slash(_first, 1);
    }

    /// @custom:rule M5
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
