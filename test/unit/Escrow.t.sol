// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Escrow} from "../../contracts/Escrow.sol";
import {EscrowAccount, IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {L1Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

contract EscrowTest is Fixture {
    function _expectBad(string memory name) private {
        vm.expectRevert(abi.encodeWithSelector(IEscrow.BadParameter.selector, name));
    }

    /// @custom:rule M4
    function test_RevertWhen_constructedWithBadParameters() public {
        IERC20 t = IERC20(address(token));
        _expectBad("token");
        new Escrow(IERC20(relay), relay, 1, 0, 1);
        _expectBad("rollup");
        new Escrow(t, address(0), 1, 0, 1);
        _expectBad("withdrawalDelay");
        new Escrow(t, relay, 0, 0, 1);
    }

    /// @custom:rule E6
    function test_depositsForAnother() public {
        token.approve(address(escrow), 5);
        vm.expectEmit();
        emit IEscrow.Deposited(relay, address(this), 5);
        escrow.deposit(relay, 5);
        assertEq(escrow.account(relay).free, 5);
    }

    /// @custom:rule E6
    function test_RevertWhen_depositingNothingOrForNobody() public {
        vm.expectRevert(IEscrow.ZeroAmount.selector);
        escrow.deposit(relay, 0);
        vm.expectRevert(IEscrow.ZeroAddress.selector);
        escrow.deposit(address(0), 1);
    }

    /// @custom:rule E6
    function test_RevertWhen_aBalanceWouldNotFit() public {
        token.mint(address(this), type(uint128).max);
        token.approve(address(escrow), type(uint256).max);
        uint256 sum = uint256(1000e18) + type(uint128).max;
        vm.expectRevert(abi.encodeWithSelector(IEscrow.AmountTooHigh.selector, type(uint128).max, sum));
        escrow.deposit(prover, type(uint128).max);
    }

    /// @custom:rule E6
    function test_withdrawalWaitsForItsDelay() public {
        uint64 now_ = _now();
        vm.startPrank(prover);
        vm.expectEmit();
        emit IEscrow.WithdrawalRequested(prover, 400e18, L1Slot.wrap(now_ + 4));
        escrow.requestWithdrawal(400e18);
        EscrowAccount memory account = escrow.account(prover);
        assertEq(account.free, 600e18);
        assertEq(account.withdrawing, 400e18);
        _warp(now_ + 1);
        escrow.requestWithdrawal(100e18);
        assertEq(escrow.account(prover).withdrawing, 500e18);
        _warp(now_ + 4);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NotWithdrawableYet.selector, prover, now_ + 5, now_ + 4));
        escrow.withdraw(relay);
        _warp(now_ + 5);
        vm.expectEmit();
        emit IEscrow.Withdrawn(prover, relay, 500e18);
        escrow.withdraw(relay);
        assertEq(token.balanceOf(relay), 500e18);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingRequested.selector, prover));
        escrow.withdraw(relay);
        vm.expectRevert(IEscrow.ZeroAddress.selector);
        escrow.withdraw(address(0));
    }

    /// @custom:rule E6
    function test_RevertWhen_requestingTooMuchOrNothing() public {
        vm.startPrank(prover);
        vm.expectRevert(IEscrow.ZeroAmount.selector);
        escrow.requestWithdrawal(0);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InsufficientFree.selector, prover, 1000e18, 1000e18 + 1));
        escrow.requestWithdrawal(1000e18 + 1);
    }

    /// @custom:rule E6
    function test_lockReleaseSlash() public {
        vm.startPrank(address(rollup));
        vm.expectEmit();
        emit IEscrow.Locked(prover, 100e18);
        escrow.lock(prover, 100e18);
        assertEq(escrow.account(prover).free, 900e18);
        assertEq(escrow.account(prover).locked, 100e18);
        vm.expectEmit();
        emit IEscrow.Released(prover, 40e18);
        escrow.release(prover, 40e18);
        assertEq(escrow.account(prover).free, 940e18);
        vm.expectEmit();
        emit IEscrow.Slashed(prover, 50e18, relay, 20e18);
        escrow.slash(prover, 50e18, relay, 20e18);
        assertEq(escrow.account(relay).free, 20e18);
        assertEq(token.balanceOf(BURNED), 30e18);
        escrow.slash(prover, 5e18, address(0), 0);
        escrow.slash(prover, 5e18 - 1, prover, 5e18 - 1);
        escrow.slash(prover, 1, prover, 1); // the least there is
        assertEq(escrow.account(prover).locked, 0);
        assertEq(escrow.account(prover).free, 945e18);
        assertEq(token.balanceOf(BURNED), 35e18);
    }

    /// @dev Some tokens refuse a transfer of zero.
    /// @custom:rule E6
    function test_nothingIsTransferredWhereNothingIsBurned() public {
        vm.startPrank(address(rollup));
        escrow.lock(prover, 5);
        vm.expectCall(address(token), abi.encodeWithSelector(IERC20.transfer.selector), 0);
        escrow.slash(prover, 5, relay, 5);
        assertEq(escrow.account(relay).free, 5);
    }

    /// @custom:rule E6
    function test_RevertWhen_theRollupAsksForTheImpossible() public {
        vm.startPrank(address(rollup));
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InsufficientFree.selector, prover, 1000e18, 1001e18));
        escrow.lock(prover, 1001e18);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InsufficientLocked.selector, prover, 0, 1));
        escrow.release(prover, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InsufficientLocked.selector, prover, 0, 1));
        escrow.slash(prover, 1, relay, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.ShareTooHigh.selector, 1, 2));
        escrow.slash(prover, 1, relay, 2);
        vm.expectRevert(IEscrow.ZeroAddress.selector);
        escrow.slash(prover, 1, address(0), 1);
    }

    /// @custom:rule E6
    function test_RevertWhen_anotherThanTheRollupMovesBonds() public {
        bytes memory reason = abi.encodeWithSelector(IEscrow.NotRollup.selector, address(rollup), address(this));
        vm.expectRevert(reason);
        escrow.lock(prover, 1);
        vm.expectRevert(reason);
        escrow.release(prover, 1);
        vm.expectRevert(reason);
        escrow.slash(prover, 1, relay, 1);
    }

    /// @custom:rule E6
    function test_lockedBondsCannotLeave() public {
        vm.prank(address(rollup));
        escrow.lock(prover, 990e18);
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InsufficientFree.selector, prover, 10e18, 11e18));
        escrow.requestWithdrawal(11e18);
    }
}
