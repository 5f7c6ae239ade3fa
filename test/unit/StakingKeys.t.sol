// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStaking, Sequencer, Status} from "../../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot} from "../../contracts/types/Time.sol";
import {BlsKeys} from "../support/BlsKeys.sol";
import {Fixture} from "../support/Fixture.sol";

/// @title Changes of a registration: keys, withdrawer, stake, fee recipient
contract StakingKeysTest is Fixture {
    uint64 private constant HISTORY = 16_384;
    uint256 private constant SECRET = 77;

    SequencerId private _first = SequencerId.wrap(1);
    address private _next = makeAddr("next attester");

    function _rotate(address attester) private {
        vm.prank(owners[0]);
        staking.rotateAttester(_first, attester);
    }

    function _rotateBls(uint256 secret) private returns (bytes32 hash) {
        bytes32[4] memory key = BlsKeys.publicKey(secret);
        bytes32[8] memory proof = BlsKeys.possession(staking, owners[0], secret);
        vm.prank(owners[0]);
        staking.rotateBlsKey(_first, key, proof);
        return keccak256(abi.encode(key));
    }

    function _at(uint256 l1Slot) private pure returns (L1Slot) {
        // Cast: L1 slots are small numbers.
        return L1Slot.wrap(uint64(l1Slot));
    }

    // ---- attester -------------------------------------------------------------------------------------------------

    /// @custom:rule Q10
    function test_anAttesterChangesAfterTheEntryPeriodAndNeverInThePast() public {
        uint64 now_ = _now();
        vm.expectEmit();
        emit IStaking.AttesterRotated(_first, _next, _at(now_ + 4));
        _rotate(_next);
        for (uint256 i = 0; i < 10; ++i) {
            _warp(now_ + i);
            assertEq(staking.attesterAt(_first, _at(now_ + 3)), attesters[0]);
            assertEq(staking.attesterAt(_first, _at(now_ + 4)), _next);
            assertEq(staking.eligibleAttester(_first, _at(now_ + 3)), attesters[0]);
            assertEq(staking.eligibleAttester(_first, _at(now_ + 4)), _next);
            assertEq(staking.attesterOf(_first), i < 4 ? attesters[0] : _next);
            Sequencer memory sequencer = staking.sequencer(_first);
            assertEq(sequencer.attester, i < 4 ? attesters[0] : _next);
            assertEq(sequencer.nextAttester, i < 4 ? _next : address(0));
            assertEq(L1Slot.unwrap(sequencer.nextAttesterFrom), i < 4 ? now_ + 4 : 0);
            assertEq(sequencer.nextBlsKeyHash, 0);
        }
    }

    /// @custom:rule Q15, Q10
    function test_onlyTheAttesterOfTheMomentMaySignalTheExit() public {
        uint64 now_ = _now();
        _rotate(_next);
        vm.prank(_next);
        vm.expectRevert(abi.encodeWithSelector(IStaking.NotOwner.selector, _first, owners[0], _next));
        staking.initiateExit(_first);
        _warp(now_ + 4);
        vm.prank(attesters[0]);
        vm.expectRevert(abi.encodeWithSelector(IStaking.NotOwner.selector, _first, owners[0], attesters[0]));
        staking.initiateExit(_first);
        vm.prank(_next);
        staking.initiateExit(_first);
        assertEq(uint256(staking.statusOf(_first)), uint256(Status.Exiting));
    }

    /// @custom:rule Q12
    function test_RevertWhen_anAttesterIsRotatedAgainTooEarly() public {
        uint64 now_ = _now();
        _rotate(_next);
        uint64 again = now_ + 4 + HISTORY;
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(owners[0]);
            bytes4 selector = IStaking.RotationTooEarly.selector;
            vm.expectRevert(abi.encodeWithSelector(selector, _first, _at(again), _at(_now())));
            staking.rotateAttester(_first, relay);
            _warp(again - 1);
        }
        _warp(again);
        _rotate(relay);
        assertEq(staking.attesterAt(_first, _at(again + 3)), _next);
        assertEq(staking.attesterAt(_first, _at(again + 4)), relay);
        assertEq(staking.attesterOf(_first), _next);
        _warp(again + 4);
        assertEq(staking.attesterOf(_first), relay);
    }

    /// @custom:rule Q10
    function test_RevertWhen_theNextAttesterIsNobody() public {
        vm.prank(owners[0]);
        vm.expectRevert(IStaking.ZeroAddress.selector);
        staking.rotateAttester(_first, address(0));
    }

    /// @custom:rule Q10
    function test_aQueuedSequencerRotates() public {
        SequencerId id = _register(relay, payee);
        vm.prank(relay);
        staking.rotateAttester(id, _next);
        _warp(_now() + 4);
        assertEq(staking.eligibleAttester(id, _at(_now())), _next);
    }

    // ---- BLS key --------------------------------------------------------------------------------------------------

    /// @custom:rule Q11
    function test_aBlsKeyChangesAfterTheEntryPeriod() public {
        uint64 now_ = _now();
        bytes32 before = staking.blsKeyHashOf(_first);
        bytes32[4] memory key = BlsKeys.publicKey(SECRET);
        vm.expectEmit();
        emit IStaking.BlsKeyRotated(_first, key, _at(now_ + 4));
        bytes32 hash = _rotateBls(SECRET);
        for (uint256 i = 0; i < 10; ++i) {
            _warp(now_ + i);
            assertEq(staking.blsKeyHashAt(_first, _at(now_ + 3)), before);
            assertEq(staking.blsKeyHashAt(_first, _at(now_ + 4)), hash);
            assertEq(staking.blsKeyHashOf(_first), i < 4 ? before : hash);
            Sequencer memory sequencer = staking.sequencer(_first);
            assertEq(sequencer.blsKeyHash, i < 4 ? before : hash);
            assertEq(sequencer.nextBlsKeyHash, i < 4 ? hash : bytes32(0));
            assertEq(L1Slot.unwrap(sequencer.nextBlsKeyFrom), i < 4 ? now_ + 4 : 0);
            assertEq(sequencer.nextAttester, address(0));
            // Slots that count from before the change are open with the old key and then closed. They are never open
            // with the new one.
            assertEq(staking.eligibleAttester(_first, _at(now_ + 3)), i < 4 ? attesters[0] : address(0));
            assertEq(staking.eligibleAttester(_first, _at(now_ + 4)), attesters[0]);
            assertEq(staking.attesterOf(_first), attesters[0]);
        }
    }

    /// @custom:rule Q10, Q11
    function test_bothKeysRotateIndependently() public {
        uint64 now_ = _now();
        _rotate(_next);
        _warp(now_ + 2);
        bytes32 hash = _rotateBls(SECRET);
        _warp(now_ + 6);
        assertEq(staking.attesterAt(_first, _at(now_ + 3)), attesters[0]);
        assertEq(staking.eligibleAttester(_first, _at(now_ + 5)), address(0));
        assertEq(staking.eligibleAttester(_first, _at(now_ + 6)), _next);
        assertEq(staking.blsKeyHashOf(_first), hash);
    }

    /// @custom:rule Q12
    function test_RevertWhen_aBlsKeyIsRotatedAgainTooEarly() public {
        uint64 now_ = _now();
        bytes32 second = _rotateBls(SECRET);
        uint64 again = now_ + 4 + HISTORY;
        bytes32[4] memory key = BlsKeys.publicKey(SECRET + 1);
        bytes32[8] memory proof = BlsKeys.possession(staking, owners[0], SECRET + 1);
        _warp(again - 1);
        vm.prank(owners[0]);
        vm.expectRevert(abi.encodeWithSelector(IStaking.RotationTooEarly.selector, _first, _at(again), _at(again - 1)));
        staking.rotateBlsKey(_first, key, proof);
        _warp(again);
        bytes32 third = _rotateBls(SECRET + 1);
        assertEq(staking.blsKeyHashAt(_first, _at(again + 3)), second);
        assertEq(staking.blsKeyHashAt(_first, _at(again + 4)), third);
    }

    /// @custom:rule Q2, Q11
    function test_RevertWhen_theNewBlsKeyIsNotTheOwners() public {
        bytes32[4] memory key = BlsKeys.publicKey(SECRET);
        bytes32[8] memory proof = BlsKeys.possession(staking, owners[1], SECRET);
        vm.prank(owners[0]);
        vm.expectRevert(abi.encodeWithSelector(IStaking.BadProofOfPossession.selector, owners[0]));
        staking.rotateBlsKey(_first, key, proof);
        assertEq(L1Slot.unwrap(staking.sequencer(_first).nextBlsKeyFrom), 0);
    }

    // ---- withdrawer -----------------------------------------------------------------------------------------------

    /// @custom:rule Q13
    function test_onlyTheWithdrawerHandsTheStakeOver() public {
        vm.expectEmit();
        emit IStaking.WithdrawerSet(_first, payee);
        vm.prank(owners[0]);
        staking.setWithdrawer(_first, payee);
        assertEq(staking.withdrawerOf(_first), payee);
        assertEq(staking.sequencer(_first).withdrawer, payee);
        assertEq(staking.ownerOf(_first), owners[0]);
        vm.prank(owners[0]);
        vm.expectRevert(abi.encodeWithSelector(IStaking.NotWithdrawer.selector, _first, payee, owners[0]));
        staking.setWithdrawer(_first, owners[0]);
        vm.prank(payee);
        vm.expectRevert(IStaking.ZeroAddress.selector);
        staking.setWithdrawer(_first, address(0));
        vm.prank(owners[0]);
        staking.initiateExit(_first);
        // The same holds during an exit.
        vm.prank(payee);
        staking.setWithdrawer(_first, rescuer);
        _warp(_now() + 4);
        staking.withdraw(_first);
        assertEq(token.balanceOf(rescuer), STAKE);
        assertEq(token.balanceOf(owners[0]), 0);
        vm.prank(rescuer);
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongStatus.selector, _first, Status.Active, Status.Exited));
        staking.setWithdrawer(_first, payee);
    }

    /// @custom:rule Q13
    function test_RevertWhen_nobodysWithdrawerIsSet() public {
        SequencerId unknown = SequencerId.wrap(99);
        vm.prank(address(0));
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongStatus.selector, unknown, Status.Active, Status.None));
        staking.setWithdrawer(unknown, payee);
    }

    // ---- stake ----------------------------------------------------------------------------------------------------

    function _toppedUp(uint96 amount, uint96 stake) private {
        token.mint(relay, amount);
        vm.startPrank(relay);
        token.approve(address(staking), amount);
        vm.expectEmit(address(staking));
        emit IStaking.ToppedUp(_first, relay, amount, stake);
        staking.topUp(_first, amount);
        vm.stopPrank();
    }

    /// @custom:rule Q9
    function test_anyoneTopsUpAStake() public {
        vm.prank(address(rollup));
        staking.slash(_first, 30e18);
        _toppedUp(10e18, 80e18);
        _toppedUp(20e18, 100e18);
        assertEq(staking.sequencer(_first).stake, STAKE);
        assertEq(token.balanceOf(relay), 0);
        assertEq(token.balanceOf(address(staking)), 4 * STAKE);
    }

    /// @custom:rule Q9
    function test_RevertWhen_theStakeWouldBeTooHigh() public {
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakeTooHigh.selector, _first, STAKE, uint256(STAKE) + 1));
        staking.topUp(_first, 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStaking.StakeTooHigh.selector, _first, STAKE, uint256(STAKE) + uint256(type(uint96).max)
            )
        );
        staking.topUp(_first, type(uint96).max);
        SequencerId queued = _register(relay, payee);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakeTooHigh.selector, queued, STAKE, uint256(STAKE) + 1));
        staking.topUp(queued, 1);
    }

    /// @custom:rule Q9
    function test_RevertWhen_nothingIsAdded() public {
        vm.expectRevert(IStaking.ZeroAmount.selector);
        staking.topUp(_first, 0);
    }

    /// @custom:rule Q9, Q16
    function test_RevertWhen_aTopUpComesAfterTheEjection() public {
        vm.prank(address(rollup));
        staking.slash(_first, 60e18);
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongStatus.selector, _first, Status.Active, Status.Exiting));
        staking.topUp(_first, 60e18);
    }

    // ---- who may --------------------------------------------------------------------------------------------------

    /// @custom:rule Q13
    function test_theOwnerSetsTheFeeRecipient() public {
        vm.expectEmit();
        emit IStaking.FeeRecipientSet(_first, 9);
        vm.prank(owners[0]);
        staking.setFeeRecipient(_first, 9);
        assertEq(staking.sequencer(_first).feeRecipient, 9);
        assertEq(staking.withdrawerOf(_first), owners[0]);
    }

    /// @custom:rule Q10, Q11, Q13
    function test_RevertWhen_aStrangerChangesSomething() public {
        bytes32[4] memory key;
        bytes32[8] memory proof;
        vm.startPrank(attesters[0]);
        bytes memory notOwner = abi.encodeWithSelector(IStaking.NotOwner.selector, _first, owners[0], attesters[0]);
        vm.expectRevert(notOwner);
        staking.setFeeRecipient(_first, 9);
        vm.expectRevert(notOwner);
        staking.rotateAttester(_first, relay);
        vm.expectRevert(notOwner);
        staking.rotateBlsKey(_first, key, proof);
    }

    /// @custom:rule Q9, Q10, Q11
    function test_RevertWhen_theSequencerIsLeaving() public {
        bytes32[4] memory key;
        bytes32[8] memory proof;
        vm.startPrank(owners[0]);
        staking.initiateExit(_first);
        bytes memory wrong =
            abi.encodeWithSelector(IStaking.WrongStatus.selector, _first, Status.Active, Status.Exiting);
        vm.expectRevert(wrong);
        staking.setFeeRecipient(_first, 9);
        vm.expectRevert(wrong);
        staking.rotateAttester(_first, relay);
        vm.expectRevert(wrong);
        staking.rotateBlsKey(_first, key, proof);
        vm.expectRevert(wrong);
        staking.topUp(_first, 1);
    }
}
