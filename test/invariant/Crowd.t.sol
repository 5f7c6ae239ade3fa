// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {HandlerTest} from "./HandlerTest.sol";
import {Jams, LetsLatecomersIn, RevivesTerms, SeedsByTime, SkipsExits, VerifiesNothing} from "./bugs/Bugs.sol";
import {CrowdHandler} from "./handlers/CrowdHandler.sol";

/// @title Invariants of slots, with many more actors and actions
contract CrowdInvariantTest is HandlerTest {
    CrowdHandler private handler;

    function setUp() public {
        handler = new CrowdHandler();
        _target(address(handler));
    }

    /// @dev The invariants of `Slots.t.sol`.
    /// forge-config: default.invariant.runs = 24
    /// forge-config: long.invariant.runs = 192
    /// @custom:rule S1, E1, E5, M1
    function invariant_theCrowdChangesNothing() public view {
        handler.checkTokens();
        handler.checkBonds();
        handler.checkPenalties();
        handler.checkChain();
        handler.checkRanking();
        handler.checkPhases();
        handler.checkVotes();
        handler.checkPays();
        handler.checkSlashes();
        handler.checkCommits();
        handler.checkReverts();
    }

    /// forge-config: default.invariant.runs = 24
    /// forge-config: long.invariant.runs = 192
    /// @custom:rule V4, W3, W6, W7
    function invariant_blocksConsumeEachLaneInOrderInTimeAndUpToItsMaximum() public view {
        handler.checkLanes();
    }

    /// forge-config: default.invariant.runs = 24
    /// forge-config: long.invariant.runs = 192
    /// @custom:rule Q14, S4
    function invariant_theSetIsFrozenBeforeTheSeedAndTheSeedBeforeTheSlot() public view {
        handler.checkFreezeOrder();
    }

    /// forge-config: default.invariant.runs = 24
    /// forge-config: long.invariant.runs = 192
    /// @custom:rule R2, R4
    function invariant_aSeedDependsOnNobody() public view {
        handler.checkSeeds();
    }

    /// forge-config: default.invariant.runs = 24
    /// forge-config: long.invariant.runs = 192
    /// @custom:rule C1
    function invariant_termsDieWithTheirSlot() public view {
        handler.checkTerms();
    }

    /// forge-config: default.invariant.runs = 24
    /// forge-config: long.invariant.runs = 192
    /// @custom:rule B1
    function invariant_backupAcceptsNothingThatTheNormalPathRefuses() public view {
        handler.checkBackup();
    }

    /// forge-config: default.invariant.runs = 24
    /// forge-config: long.invariant.runs = 192
    /// @custom:rule S4, S5
    function invariant_theChainCanMoveOn() public view {
        handler.checkMovesOn();
    }
}

/// @title Each planted bug breaks its own invariant
contract CrowdBugsTest is HandlerTest {
    uint256 private constant STEPS = 600;

    /// @dev Without a bug, all invariants hold, and every action is tried.
    /// @custom:rule S1, S4, S5, S6, P2, E1, E2, E3, E5, Q14, R2, R4, C1, B1, M1, V4, W3, W6, W7
    function test_withoutABugEverythingHolds() public {
        CrowdHandler handler = new CrowdHandler();
        handler.setUp();
        for (uint256 i = 0; i < STEPS * 3 / 2; ++i) {
            handler.step(i);
            handler.checkTokens();
            handler.checkBonds();
            handler.checkPenalties();
            handler.checkChain();
            handler.checkRanking();
            handler.checkPhases();
            handler.checkReverts();
            handler.checkFreezeOrder();
            handler.checkSeeds();
            handler.checkTerms();
            handler.checkBackup();
            handler.checkMovesOn();
            handler.checkPays();
            handler.checkSlashes();
            handler.checkCommits();
            handler.checkLanes();
        }
        assertGt(handler.finalized() + handler.rescued(), 0, "finalized");
        assertGt(handler.backedUp(), 0, "backed up");
        assertGt(handler.replays(), 0, "replays");
        assertGt(handler.badBlocks(), 0, "bad blocks");
        assertGt(handler.queued(), 0, "queued");
        assertGt(handler.rotations(), 0, "rotations");
        assertGt(handler.arrivals(), 0, "arrivals");
        assertGt(handler.fullLanes(), 0, "full lanes");
        assertGt(handler.leftOvers(), 0, "left overs");
        assertGt(handler.continuations(), 0, "continuations");
    }

    /// @custom:rule Q14
    function test_latecomersAreCaught() public {
        assertTrue(_caught(address(new LetsLatecomersIn()), CrowdHandler.checkFreezeOrder.selector, STEPS));
    }

    /// @custom:rule R2
    function test_aSeedByTimeIsCaught() public {
        assertTrue(_caught(address(new SeedsByTime()), CrowdHandler.checkSeeds.selector, STEPS));
    }

    /// @custom:rule C1
    function test_revivedTermsAreCaught() public {
        assertTrue(_caught(address(new RevivesTerms()), CrowdHandler.checkTerms.selector, STEPS));
    }

    /// @custom:rule B1
    function test_verifyingNothingIsCaught() public {
        assertTrue(_caught(address(new VerifiesNothing()), CrowdHandler.checkBackup.selector, STEPS));
    }

    /// @custom:rule W6
    function test_skippingForcedExitsIsCaught() public {
        assertTrue(_caught(address(new SkipsExits()), CrowdHandler.checkBackup.selector, STEPS));
    }

    /// @custom:rule S4
    function test_aJamIsCaught() public {
        assertTrue(_caught(address(new Jams()), CrowdHandler.checkMovesOn.selector, STEPS));
    }
}
