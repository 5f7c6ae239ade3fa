// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ForgetsApprovals, ForgetsExecutions} from "./bugs/GovernanceBugs.sol";
import {GovernanceHandler} from "./handlers/GovernanceHandler.sol";
import {Test} from "forge-std/Test.sol";

/// @title What holds for governance whatever blocks vote for and people do
contract GovernanceInvariantTest is Test {
    GovernanceHandler private handler;

    function setUp() public {
        handler = new GovernanceHandler();
        handler.setUp();
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = GovernanceHandler.step.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector(address(handler), selectors));
    }

    /// forge-config: default.invariant.runs = 32
    /// forge-config: default.invariant.depth = 200
    /// @custom:rule U5, U6, U8, U11, U14
    function invariant_whatAQuorumSignalledHappensOnceInTimeAndNothingElse() public view {
        handler.checkPayloads();
        handler.checkPauses();
        handler.checkReverts();
    }
}

/// @title Each planted bug is caught
contract GovernanceBugsTest is Test {
    uint256 private constant STEPS = 1500;

    function _caught(GovernanceHandler handler, bytes4 check) private returns (bool) {
        handler.setUp();
        for (uint256 i = 0; i < STEPS; ++i) {
            handler.step(i);
            (bool holds,) = address(handler).staticcall(abi.encodePacked(check));
            if (!holds) return true;
        }
        return false;
    }

    function test_withoutABugEverythingHolds() public {
        GovernanceHandler handler = new GovernanceHandler();
        handler.setUp();
        for (uint256 i = 0; i < STEPS; ++i) {
            handler.step(i);
            handler.checkPayloads();
            handler.checkPauses();
            handler.checkReverts();
        }
        assertGt(handler.pushes(), 1, "pushes");
        assertGt(handler.executions(), 1, "executions");
        assertGt(handler.pauses(), 1, "pauses");
    }

    /// @custom:rule U11
    function test_forgettingAnExecutionIsCaught() public {
        assertTrue(_caught(new ForgetsExecutions(), GovernanceHandler.checkPayloads.selector));
    }

    /// @custom:rule U13
    function test_forgettingAnApprovalIsCaught() public {
        assertTrue(_caught(new ForgetsApprovals(), GovernanceHandler.checkPauses.selector));
    }
}
