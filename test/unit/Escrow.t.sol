// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Escrow} from "../../contracts/Escrow.sol";
import {EscrowAccount, IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {L1Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

contract EscrowTest is Fixture {
    // Named keys.
    address private constant FIRST = address(0x51);
    address private constant SECOND = address(0x52);
    address private constant THIRD = address(0x53);

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

    // ---- sums -----------------------------------------------------------------------------------------------------

    /// @dev Deposits by this contract for `account`.
    function _put(address account, uint128 amount) private {
        token.mint(address(this), amount);
        token.approve(address(escrow), amount);
        escrow.deposit(account, amount);
    }

    function _tooHigh(address account, uint128 amount, uint256 sum) private {
        token.mint(address(this), amount);
        token.approve(address(escrow), amount);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.AmountTooHigh.selector, uint256(2 ** 127), sum));
        escrow.deposit(account, amount);
    }

    /// @dev What is free, locked and requested back counts together.
    /// @custom:rule E14
    function test_RevertWhen_theBalancesWouldExceedTheirMaximum() public {
        uint128 most = 2 ** 127;
        _tooHigh(relay, most + 1, uint256(most) + 1);
        _tooHigh(relay, type(uint128).max, type(uint128).max);
        _put(relay, most);
        _tooHigh(relay, 1, uint256(most) + 1);
        _tooHigh(relay, type(uint128).max, uint256(most) + type(uint128).max);
        vm.prank(address(rollup));
        escrow.lock(relay, 5);
        _tooHigh(relay, 1, uint256(most) + 1);
        vm.prank(relay);
        escrow.requestWithdrawal(most - 5);
        _tooHigh(relay, 1, uint256(most) + 1);
        vm.prank(address(rollup));
        escrow.slash(relay, 5, address(0), 0);
        _put(relay, 5);
        _tooHigh(relay, 1, uint256(most) + 1);
    }

    /// @dev Attack: an account with all that a deposit may bring cannot make the end of a slot fail. Its bonds are
    /// released, and it gets shares of others' bonds beyond the maximum.
    /// @custom:rule E14
    function test_attack_aFullAccountFreezesNoRelease() public {
        uint128 most = 2 ** 127;
        _put(relay, most);
        vm.startPrank(address(rollup));
        escrow.lock(relay, type(uint96).max);
        escrow.lock(prover, 900e18);
        escrow.slash(prover, 900e18, relay, 900e18);
        escrow.release(relay, type(uint96).max);
        vm.stopPrank();
        assertEq(escrow.account(relay).free, uint256(most) + 900e18);
        _tooHigh(relay, 1, uint256(most) + 900e18 + 1);
        vm.startPrank(relay);
        escrow.requestWithdrawal(most);
        escrow.requestWithdrawal(900e18);
        assertEq(escrow.account(relay).withdrawing, uint256(most) + 900e18);
        vm.stopPrank();
        vm.startPrank(address(rollup));
        escrow.lock(relay, type(uint96).max);
        escrow.release(relay, type(uint96).max);
        assertEq(escrow.account(relay).free, type(uint96).max);
    }

    // ---- withdrawals ----------------------------------------------------------------------------------------------

    /// @custom:rule E6
    function test_withdrawalWaitsForItsDelay() public {
        uint64 now_ = _now();
        vm.startPrank(prover);
        vm.expectEmit();
        emit IEscrow.WithdrawalRequested(prover, 400e18, L1Slot.wrap(now_ + 100));
        escrow.requestWithdrawal(400e18);
        EscrowAccount memory account = escrow.account(prover);
        assertEq(account.free, 600e18);
        assertEq(account.withdrawing, 400e18);
        _warp(now_ + 1);
        escrow.requestWithdrawal(100e18);
        assertEq(escrow.account(prover).withdrawing, 500e18);
        _warp(now_ + 100);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NotWithdrawableYet.selector, prover, now_ + 101, now_ + 100));
        escrow.withdraw(relay);
        _warp(now_ + 101);
        vm.expectEmit();
        emit IEscrow.Withdrawn(prover, relay, 500e18);
        escrow.withdraw(relay);
        assertEq(token.balanceOf(relay), 500e18);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingRequested.selector, prover));
        escrow.withdraw(relay);
        vm.expectRevert(IEscrow.ZeroAddress.selector);
        escrow.withdraw(address(0));
    }

    function _balances(uint128 free, uint128 locked, uint128 withdrawing) private view {
        EscrowAccount memory account = escrow.account(prover);
        assertEq(account.free, free, "free");
        assertEq(account.locked, locked, "locked");
        assertEq(account.withdrawing, withdrawing, "withdrawing");
    }

    function _lock(uint128 amount) private {
        vm.prank(address(rollup));
        escrow.lock(prover, amount);
    }

    function _lockFails(uint128 available, uint128 amount) private {
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InsufficientFree.selector, prover, available, amount));
        _lock(amount);
    }

    /// @custom:rule E14
    function test_aBondDrawsOnWhatIsRequestedBack() public {
        vm.prank(prover);
        escrow.requestWithdrawal(900e18);
        // Free first.
        _lock(60e18);
        _balances(40e18, 60e18, 900e18);
        _lock(40e18);
        _balances(0, 100e18, 900e18);
        _lock(1);
        _balances(0, 100e18 + 1, 900e18 - 1);
        vm.prank(address(rollup));
        escrow.release(prover, 30e18);
        _balances(30e18, 70e18 + 1, 900e18 - 1);
        // Both at once, and all of both.
        vm.expectEmit();
        emit IEscrow.Locked(prover, 50e18);
        _lock(50e18);
        _balances(0, 120e18 + 1, 880e18 - 1);
        _lockFails(880e18 - 1, 880e18);
        _lock(880e18 - 1);
        _balances(0, 1000e18, 0);
        _lockFails(0, 1);
        // A release goes to free, even if the bond came from what was requested back.
        vm.prank(address(rollup));
        escrow.release(prover, 1000e18);
        _balances(1000e18, 0, 0);
        _warp(_now() + 100);
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingRequested.selector, prover));
        escrow.withdraw(prover);
    }

    /// @dev What can be withdrawn is the prover's alone, from exactly that L1 slot on.
    /// @custom:rule E14
    function test_aBondDrawsOnNothingThatCanBeWithdrawn() public {
        vm.prank(prover);
        escrow.requestWithdrawal(900e18);
        uint64 from = _now() + 100;
        _warp(from - 1);
        _lock(150e18);
        _balances(0, 150e18, 850e18);
        _warp(from);
        _lockFails(0, 1);
        vm.prank(address(rollup));
        escrow.release(prover, 150e18);
        _lockFails(150e18, 150e18 + 1);
        _lock(150e18);
        _balances(0, 150e18, 850e18);
        // A further request restarts the delay of the whole.
        vm.prank(address(rollup));
        escrow.release(prover, 150e18);
        vm.prank(prover);
        escrow.requestWithdrawal(1);
        _lock(1000e18);
        _balances(0, 1000e18, 0);
    }

    // ---- named keys -----------------------------------------------------------------------------------------------

    function _signersAre(address current, address next, uint64 from) private view {
        assertEq(escrow.signerOf(prover), current, "current");
        (address pending, L1Slot pendingFrom) = escrow.pendingSigner(prover);
        assertEq(pending, next, "pending");
        assertEq(L1Slot.unwrap(pendingFrom), from, "from");
    }

    function _setSigner(address signer, uint64 from) private {
        vm.expectEmit();
        emit IEscrow.SignerSet(prover, signer, L1Slot.wrap(from));
        vm.prank(prover);
        escrow.setSigner(signer);
    }

    /// @custom:rule E14
    function test_theFirstNamedKeyBindsAtOnce() public {
        _signersAre(address(0), address(0), 0);
        _setSigner(FIRST, _now());
        _signersAre(FIRST, address(0), 0);
        assertEq(escrow.signerOf(rescuer), address(0), "of nobody else");
        _warp(_now() + 1000);
        _signersAre(FIRST, address(0), 0);
    }

    /// @custom:rule E14
    function test_anotherKeyBindsAfterTheDelay() public {
        _setSigner(FIRST, _now());
        uint64 from = _now() + 100;
        _setSigner(SECOND, from);
        _signersAre(FIRST, SECOND, from);
        _warp(from - 1);
        _signersAre(FIRST, SECOND, from);
        _warp(from);
        _signersAre(SECOND, address(0), 0);
        // SECOND binds, and is replaced in the same way.
        _setSigner(THIRD, from + 100);
        _signersAre(SECOND, THIRD, from + 100);
    }

    /// @custom:rule E14
    function test_aLaterChangeReplacesAPendingOneAndRestartsTheDelay() public {
        _setSigner(FIRST, _now());
        uint64 start = _now();
        _setSigner(SECOND, start + 100);
        _warp(start + 99);
        _setSigner(THIRD, start + 199);
        _signersAre(FIRST, THIRD, start + 199);
        _warp(start + 100);
        _signersAre(FIRST, THIRD, start + 199);
        // Back to the key that binds: nothing changes, and nothing is pending in the end.
        _setSigner(FIRST, start + 200);
        _signersAre(FIRST, FIRST, start + 200);
        _warp(start + 200);
        _signersAre(FIRST, address(0), 0);
    }

    /// @custom:rule E14
    function test_aKeyIsRemovedAfterTheDelay() public {
        _setSigner(FIRST, _now());
        uint64 from = _now() + 100;
        _setSigner(address(0), from);
        _signersAre(FIRST, address(0), from);
        _warp(from - 1);
        _signersAre(FIRST, address(0), from);
        _warp(from);
        _signersAre(address(0), address(0), 0);
        // Without a key that binds, another one does at once.
        _setSigner(SECOND, from);
        _signersAre(SECOND, address(0), 0);
    }

    /// @dev Nothing was named before, so nothing is pending either.
    /// @custom:rule E14
    function test_namingNobodyFirstChangesNothing() public {
        _setSigner(address(0), _now());
        _signersAre(address(0), address(0), 0);
        _setSigner(FIRST, _now());
        _signersAre(FIRST, address(0), 0);
    }

    /// @dev In L1 slot 0, the first key binds from L1 slot 1 on.
    /// @custom:rule E14
    function test_aKeyNamedInL1Slot0() public {
        _warp(0);
        _setSigner(FIRST, 1);
        _signersAre(address(0), FIRST, 1);
        _warp(1);
        _signersAre(FIRST, address(0), 0);
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
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InsufficientFree.selector, relay, 0, 1));
        escrow.lock(relay, 1);
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
