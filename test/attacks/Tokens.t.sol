// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Header, IRollup} from "../../contracts/interfaces/IRollup.sol";
import {IStaking, Registration} from "../../contracts/interfaces/IStaking.sol";
import {Tokens} from "../../contracts/libraries/Tokens.sol";
import {L1Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";
import {OddToken, TestToken} from "../support/TestToken.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @title Tokens that call back, take a fee, return false or nothing: supported, or refused with an error
contract TokenAttacks is Fixture {
    OddToken private odd;
    /// @dev The registration that this contract uses.
    Registration private registration;

    /// @dev Everything is deployed with the odd token, which behaves normally until told otherwise.
    function setUp() public override {
        super.setUp();
        odd = new OddToken();
        token = TestToken(address(odd));
        _warp(DEPLOYED_AT);
        _deploy(IERC20(address(odd)), _parameters());
        for (uint256 i = 0; i < 4; ++i) {
            _register(owners[i], attesters[i]);
        }
        _fundEscrow(prover, 1000e18);
        odd.mint(address(this), 1000e18);
        odd.approve(address(rewards), type(uint256).max);
        odd.approve(address(escrow), type(uint256).max);
        odd.approve(address(staking), type(uint256).max);
        rewards.fund(100e18);
        registration = _registration(address(this), relay);
        _warp(_view().start + 2 * 13);
    }

    /// @custom:rule E7
    function test_aTokenThatReturnsNothingIsFine() public {
        odd.misbehave(OddToken.Oddity.ReturnsNothing);
        escrow.deposit(relay, 5);
        staking.register(registration);
        rewards.fund(7);
        vm.startPrank(prover);
        escrow.requestWithdrawal(10);
        _warp(_now() + 100);
        escrow.withdraw(relay);
        assertEq(odd.balanceOf(relay), 10);
    }

    function _refused(OddToken.Oddity oddity) private {
        odd.misbehave(oddity);
        vm.expectRevert(
            abi.encodeWithSelector(
                Tokens.TransferFailed.selector, address(odd), address(this), address(escrow), uint256(5)
            )
        );
        escrow.deposit(relay, 5);
        vm.expectRevert(
            abi.encodeWithSelector(
                Tokens.TransferFailed.selector, address(odd), address(this), address(staking), uint256(STAKE)
            )
        );
        staking.register(registration);
        vm.expectRevert(
            abi.encodeWithSelector(
                Tokens.TransferFailed.selector, address(odd), address(this), address(rewards), uint256(7)
            )
        );
        rewards.fund(7);
    }

    /// @custom:rule E7
    function test_RevertWhen_theTokenReturnsFalse() public {
        _refused(OddToken.Oddity.ReturnsFalse);
    }

    /// @custom:rule E7
    function test_RevertWhen_theTokenReverts() public {
        _refused(OddToken.Oddity.Reverts);
    }

    /// @custom:rule E7
    function test_RevertWhen_theTokenTakesAFee() public {
        odd.misbehave(OddToken.Oddity.TakesFee);
        vm.expectRevert(
            abi.encodeWithSelector(Tokens.WrongAmountReceived.selector, address(odd), uint256(100), uint256(99))
        );
        escrow.deposit(relay, 100);
        vm.expectRevert(
            abi.encodeWithSelector(Tokens.WrongAmountReceived.selector, address(odd), STAKE, STAKE - STAKE / 100)
        );
        staking.register(registration);
    }

    /// @custom:rule E7
    function test_RevertWhen_aPaymentFails() public {
        vm.prank(prover);
        escrow.requestWithdrawal(10);
        _warp(_now() + 100);
        odd.misbehave(OddToken.Oddity.ReturnsFalse);
        vm.prank(prover);
        vm.expectRevert(
            abi.encodeWithSelector(Tokens.TransferFailed.selector, address(odd), address(escrow), relay, uint256(10))
        );
        escrow.withdraw(relay);
        assertEq(escrow.account(prover).withdrawing, 10, "nothing is lost");
    }

    // ---- callbacks ------------------------------------------------------------------------------------------------

    /// @dev A deposit inside another deposit's transfer is not counted twice: the outer deposit sees too many tokens
    /// and reverts.
    /// @custom:rule E7
    function test_RevertWhen_aDepositIsNestedInAnother() public {
        odd.mint(address(odd), 50);
        vm.prank(address(odd));
        odd.approve(address(escrow), 50);
        odd.callBack(address(escrow), abi.encodeCall(IEscrow.deposit, (relay, 50)));
        vm.expectRevert(
            abi.encodeWithSelector(Tokens.WrongAmountReceived.selector, address(odd), uint256(5), uint256(55))
        );
        escrow.deposit(relay, 5);
    }

    /// @custom:rule E7
    function test_aWithdrawalCannotBeRepeatedInItsOwnTransfer() public {
        odd.mint(address(odd), 50);
        vm.startPrank(address(odd));
        odd.approve(address(escrow), 50);
        escrow.deposit(address(odd), 50);
        escrow.requestWithdrawal(50);
        _warp(_now() + 100);
        odd.callBack(address(escrow), abi.encodeCall(IEscrow.withdraw, (relay)));
        escrow.withdraw(relay);
        vm.stopPrank();
        assertFalse(odd.callbackSucceeded());
        assertEq(odd.callbackResult(), abi.encodeWithSelector(IEscrow.NothingRequested.selector, address(odd)));
        assertEq(odd.balanceOf(relay), 50);
    }

    /// @dev The burn of a penalty calls back in the middle of a finalization.
    /// @custom:rule E7
    function test_theRollupCannotBeReentered() public {
        uint256[] memory ranked = _ranked();
        _propose(ranked[0]);
        Header memory header = _propose(ranked[1]);
        _warp(_view().start + 4 + 3);
        _commit(ranked[1], header);
        _reveal(header);
        odd.callBack(address(rollup), abi.encodeCall(IRollup.sync, ()));
        _finalize(prover, header, prover);
        assertFalse(odd.callbackSucceeded());
        assertEq(
            odd.callbackResult(), abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector)
        );
        assertEq(rollup.tip().headerHash, _hash(header));
        assertEq(_stake(ranked[0]), STAKE - 1e18);
    }

    /// @dev During the burn of a penalty, the sequencer's stake is already reduced and its exit already started.
    /// @custom:rule E7
    function test_stakesAreUpToDateWhenTheTokenCallsOut() public {
        vm.prank(owners[0]);
        staking.initiateExit(_id(0));
        odd.callBack(address(staking), abi.encodeCall(IStaking.withdraw, (_id(0))));
        _warp(_now() + 4);
        staking.withdraw(_id(0));
        assertFalse(odd.callbackSucceeded());
        assertEq(odd.balanceOf(owners[0]), STAKE);
        assertEq(L1Slot.unwrap(staking.sequencer(_id(0)).exitAt), _now() - 4);
    }
}
