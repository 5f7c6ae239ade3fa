// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Guardian} from "../../../contracts/governance/Guardian.sol";
import {IGuardian} from "../../../contracts/interfaces/IGuardian.sol";
import {Action} from "../../../contracts/interfaces/IPayload.sol";
import {ITimelock} from "../../../contracts/interfaces/ITimelock.sol";
import {GovernanceFixture, RollupDouble} from "../../support/GovernanceFixture.sol";
import {single} from "../../support/Payloads.sol";

contract GuardianTest is GovernanceFixture {
    function _pause() private {
        vm.prank(keeper);
        guardian.pause();
    }

    /// @custom:rule M4
    function test_RevertWhen_constructedWithBadParameters() public {
        vm.expectRevert(abi.encodeWithSelector(IGuardian.BadParameter.selector, "rollup"));
        new Guardian(address(0), address(timelock), keeper);
        vm.expectRevert(abi.encodeWithSelector(IGuardian.BadParameter.selector, "governance"));
        new Guardian(address(rollup), address(0), keeper);
    }

    /// @custom:rule U14
    function test_startsWithOneApproval() public {
        vm.expectEmit();
        emit IGuardian.GuardianChanged(address(0), keeper);
        vm.expectEmit();
        emit IGuardian.PauseApproved();
        Guardian guardian_ = new Guardian(address(rollup), address(timelock), keeper);
        assertEq(guardian_.approvals(), 1);
        assertEq(guardian_.guardian(), keeper);
        assertEq(guardian_.rollup(), address(rollup));
        assertEq(guardian_.governance(), address(timelock));
    }

    /// @custom:rule U13
    function test_pausesOnce() public {
        vm.expectEmit();
        emit IGuardian.PauseUsed(keeper);
        _pause();
        assertEq(rollup.pauses(), 1);
        assertEq(guardian.approvals(), 0);
        rollup.unpause();
        vm.expectRevert(IGuardian.NotApproved.selector);
        _pause();
        assertEq(rollup.pauses(), 1);
    }

    /// @custom:rule U13
    function test_RevertWhen_anotherPauses() public {
        vm.expectRevert(abi.encodeWithSelector(IGuardian.NotGuardian.selector, keeper, address(this)));
        guardian.pause();
        vm.prank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(IGuardian.NotGuardian.selector, keeper, address(timelock)));
        guardian.pause();
    }

    /// @custom:rule U13
    function test_anApprovalSurvivesAPauseThatWasRefused() public {
        _pause();
        _govern(address(guardian), abi.encodeCall(IGuardian.approve, ()));
        vm.expectRevert(abi.encodeWithSelector(RollupDouble.AlreadyPaused.selector, 1));
        _pause();
        assertEq(guardian.approvals(), 1);
    }

    /// @custom:rule U14
    function test_governanceApprovesTheNext() public {
        _pause();
        rollup.unpause();
        _govern(address(guardian), abi.encodeCall(IGuardian.approve, ()));
        assertEq(guardian.approvals(), 1);
        _pause();
        assertEq(rollup.pauses(), 2);
        vm.expectRevert(IGuardian.NotApproved.selector);
        _pause();
    }

    /// @custom:rule U14
    function test_RevertWhen_approvalsPileUp() public {
        Action[] memory actions = single(address(guardian), abi.encodeCall(IGuardian.approve, ()));
        payload.set(actions);
        _queue(address(payload));
        _warp(_now() + DELAY);
        vm.expectRevert(
            abi.encodeWithSelector(
                ITimelock.ActionFailed.selector,
                0,
                address(guardian),
                abi.encodeWithSelector(IGuardian.AlreadyApproved.selector)
            )
        );
        timelock.execute(address(payload), actions);
    }

    /// @custom:rule U15
    function test_governanceChangesTheGuardian() public {
        _govern(address(guardian), abi.encodeCall(IGuardian.setGuardian, (stranger)));
        vm.expectRevert(abi.encodeWithSelector(IGuardian.NotGuardian.selector, stranger, keeper));
        _pause();
        vm.prank(stranger);
        guardian.pause();
        assertEq(rollup.pauses(), 1);
    }

    /// @custom:rule M5
    function test_tellsWhatGovernanceDid() public {
        _pause();
        vm.startPrank(address(timelock));
        vm.expectEmit();
        emit IGuardian.GuardianChanged(keeper, stranger);
        guardian.setGuardian(stranger);
        vm.expectEmit();
        emit IGuardian.PauseApproved();
        guardian.approve();
    }

    /// @custom:rule U15
    function test_withoutAGuardianNobodyPauses() public {
        _govern(address(guardian), abi.encodeCall(IGuardian.setGuardian, (address(0))));
        vm.expectRevert(abi.encodeWithSelector(IGuardian.NotGuardian.selector, address(0), keeper));
        _pause();
    }

    /// @custom:rule U14, U15
    function test_RevertWhen_anotherGoverns() public {
        vm.startPrank(keeper);
        vm.expectRevert(abi.encodeWithSelector(IGuardian.NotGovernance.selector, address(timelock), keeper));
        guardian.approve();
        vm.expectRevert(abi.encodeWithSelector(IGuardian.NotGovernance.selector, address(timelock), keeper));
        guardian.setGuardian(stranger);
    }
}
