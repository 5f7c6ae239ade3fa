// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Rewards} from "../../contracts/Rewards.sol";
import {IRewards} from "../../contracts/interfaces/IRewards.sol";
import {Fixture} from "../support/Fixture.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

contract RewardsTest is Fixture {
    function _credit(address account, uint256 amount) private {
        vm.prank(address(rollup));
        rewards.credit(account, amount);
    }

    function test_RevertWhen_constructedWithBadParameters() public {
        vm.expectRevert(abi.encodeWithSelector(IRewards.BadParameter.selector, "token"));
        new Rewards(IERC20(relay), relay);
        vm.expectRevert(abi.encodeWithSelector(IRewards.BadParameter.selector, "rollup"));
        new Rewards(IERC20(address(token)), address(0));
    }

    function test_fundsFillThePot() public {
        vm.expectEmit();
        emit IRewards.Funded(address(this), 5);
        rewards.fund(5);
        assertEq(rewards.pot(), 1000e18 + 5);
        vm.expectRevert(IRewards.ZeroAmount.selector);
        rewards.fund(0);
    }

    function test_creditsArePaidOnce() public {
        vm.expectEmit();
        emit IRewards.Credited(relay, 3e18);
        _credit(relay, 3e18);
        _credit(payee, 1e18);
        assertEq(rewards.totalOwed(), 4e18);
        vm.startPrank(relay);
        vm.expectEmit();
        emit IRewards.Claimed(relay, rescuer, 3e18, 0);
        assertEq(rewards.claim(rescuer), 3e18);
        assertEq(token.balanceOf(rescuer), 3e18);
        assertEq(rewards.totalOwed(), 1e18);
        vm.expectRevert(abi.encodeWithSelector(IRewards.NothingOwed.selector, relay));
        rewards.claim(rescuer);
    }

    function test_aShortPotPaysWhatItHasAndOwesTheRest() public {
        _credit(relay, 1500e18);
        vm.startPrank(relay);
        assertEq(rewards.claim(relay), 1000e18);
        assertEq(_owed(relay), 500e18);
        vm.expectRevert(abi.encodeWithSelector(IRewards.PotEmpty.selector, 500e18));
        rewards.claim(relay);
        vm.stopPrank();
        rewards.fund(600e18);
        vm.prank(relay);
        assertEq(rewards.claim(relay), 500e18);
        assertEq(rewards.pot(), 100e18);
    }

    function test_RevertWhen_claimingToNobody() public {
        _credit(relay, 1);
        vm.prank(relay);
        vm.expectRevert(IRewards.ZeroAddress.selector);
        rewards.claim(address(0));
    }

    function test_RevertWhen_anotherCredits() public {
        vm.expectRevert(abi.encodeWithSelector(IRewards.NotRollup.selector, address(rollup), address(this)));
        rewards.credit(relay, 1);
    }
}
