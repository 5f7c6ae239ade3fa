// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {HandlerTest} from "./HandlerTest.sol";
import {ForgetsClaims, ForgetsExits, ForgetsSupply, OvertakesDeposits, WaitsForDust} from "./bugs/BridgeBugs.sol";
import {BridgeHandler} from "./handlers/BridgeHandler.sol";

/// @title Invariants of the bridge, even if the ledger's proofs prove nothing
contract BridgeInvariantTest is HandlerTest {
    BridgeHandler private handler;

    function setUp() public {
        handler = new BridgeHandler();
        _target(address(handler));
    }

    /// forge-config: default.invariant.runs = 16
    /// forge-config: long.invariant.runs = 128
    /// @custom:rule W2, W4, W5, W6, W7
    function invariant_aWithdrawalIsClaimedOnceAndNeverMoreThanWasDeposited() public view {
        handler.checkClaims();
        handler.checkSolvency();
        handler.checkExits();
        handler.checkQueue();
        handler.checkReverts();
    }
}

/// @title Each planted bug is caught
contract BridgeBugsTest is HandlerTest {
    uint256 private constant STEPS = 300;

    /// @custom:rule W2, W4, W5, W6, W7, M1
    function test_withoutABugEverythingHolds() public {
        BridgeHandler handler = new BridgeHandler();
        handler.setUp();
        for (uint256 i = 0; i < STEPS; ++i) {
            handler.step(i);
            handler.checkClaims();
            handler.checkSolvency();
            handler.checkExits();
            handler.checkQueue();
            handler.checkReverts();
        }
        assertGt(handler.claimed(), 0, "claimed");
        assertGt(handler.refused(), 0, "refused");
        assertGt(handler.exits(), 0, "exits");
        assertGt(handler.pending(), 0, "pending exits");
    }

    /// @custom:rule W4
    function test_forgettingAClaimIsCaught() public {
        assertTrue(_caught(address(new ForgetsClaims()), BridgeHandler.checkClaims.selector, STEPS));
    }

    /// @custom:rule W5
    function test_forgettingTheSupplyIsCaught() public {
        assertTrue(_caught(address(new ForgetsSupply()), BridgeHandler.checkSolvency.selector, STEPS));
    }

    /// @custom:rule W2
    function test_forgettingAnExitIsCaught() public {
        assertTrue(_caught(address(new ForgetsExits()), BridgeHandler.checkExits.selector, STEPS));
    }

    /// @custom:rule W7
    function test_waitingForDustIsCaught() public {
        assertTrue(_caught(address(new WaitsForDust()), BridgeHandler.checkExits.selector, STEPS));
    }

    /// @custom:rule W7
    function test_overtakingADepositIsCaught() public {
        assertTrue(_caught(address(new OvertakesDeposits()), BridgeHandler.checkExits.selector, STEPS));
    }
}
