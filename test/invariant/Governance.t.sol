// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {HandlerTest} from "./HandlerTest.sol";
import {ForgetsApprovals, ForgetsExecutions} from "./bugs/GovernanceBugs.sol";
import {GovernanceHandler} from "./handlers/GovernanceHandler.sol";

/// @title Invariants of governance, whatever blocks vote for and accounts do
contract GovernanceInvariantTest is HandlerTest {
    GovernanceHandler private handler;

    function setUp() public {
        handler = new GovernanceHandler();
        _target(address(handler));
    }

    /// forge-config: default.invariant.runs = 32
    /// forge-config: long.invariant.runs = 256
    /// forge-config: default.invariant.depth = 200
    /// @custom:rule U5, U6, U8, U11, U14
    function invariant_whatAQuorumSignalledHappensOnceInTimeAndNothingElse() public view {
        handler.checkPayloads();
        handler.checkPauses();
        handler.checkReverts();
    }
}

/// @title Each planted bug is caught
contract GovernanceBugsTest is HandlerTest {
    uint256 private constant STEPS = 1500;

    /// @custom:rule U5, U6, U8, U11, U13, U14, M1
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
        assertTrue(_caught(address(new ForgetsExecutions()), GovernanceHandler.checkPayloads.selector, STEPS));
    }

    /// @custom:rule U13
    function test_forgettingAnApprovalIsCaught() public {
        assertTrue(_caught(address(new ForgetsApprovals()), GovernanceHandler.checkPauses.selector, STEPS));
    }
}
