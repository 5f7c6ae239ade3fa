// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {HandlerTest} from "./HandlerTest.sol";
import {
    AcceptsAnyPrice,
    AsksOnlyTheCode,
    BurnsTooMuch,
    ForgetsBonds,
    ForgetsDelays,
    ForgetsPenalties,
    ForgetsPrices,
    ForgetsTime,
    ForgetsTurns,
    ForgetsVotes,
    IgnoresWithdrawing,
    NeverRecovers,
    RanksTheWorseFirst,
    ReleasesLateBonds,
    RepeatsSlots,
    ReplacesKeysAtOnce,
    SharesEveryBond,
    WaitsTooLong
} from "./bugs/Bugs.sol";
import {Indexer} from "./handlers/Indexer.sol";
import {SlotHandler} from "./handlers/SlotHandler.sol";
import {Test} from "forge-std/Test.sol";

/// @title Invariants of slots, whatever the actors do
contract SlotsInvariantTest is HandlerTest {
    SlotHandler private handler;

    function setUp() public {
        handler = new SlotHandler();
        _target(address(handler));
    }

    /// @custom:rule E1, E6
    function invariant_tokensAreConservedToTheWei() public view {
        handler.checkTokens();
    }

    /// @custom:rule E5
    function invariant_bondsAreReleasedOrSlashedOnce() public view {
        handler.checkBonds();
    }

    /// @custom:rule Q16, E2, E3
    function invariant_penaltiesNeverExceedTheStake() public view {
        handler.checkPenalties();
    }

    /// @custom:rule S1, F4
    function invariant_aSlotHasAtMostOneBlockOnTheTip() public view {
        handler.checkChain();
    }

    /// @custom:rule P2, P3
    function invariant_aLowerScoreNeverDisplacesAHigherOne() public view {
        handler.checkRanking();
    }

    /// @custom:rule S6, T2, T3
    function invariant_phasesAreThoseOfTheReference() public view {
        handler.checkPhases();
    }

    /// @custom:rule O1, U2
    function invariant_aVoteCountsOnceAndOnlyForTheElected() public view {
        handler.checkVotes();
    }

    /// @custom:rule E1, E9, E10, E11, E13
    function invariant_aBlockIsPaidForItsTimeAndItsPromptness() public view {
        handler.checkPays();
    }

    /// @custom:rule E12, E13
    function invariant_asMuchOfABondIsSlashedAsItsProverFailed() public view {
        handler.checkSlashes();
    }

    /// @custom:rule C5, C6, E14
    function invariant_aSignedQuoteWithABondAndAFairPriceBinds() public view {
        handler.checkCommits();
    }

    /// @custom:rule M1
    function invariant_everyRefusalHasItsOwnError() public view {
        handler.checkReverts();
    }
}

/// @title Each planted bug breaks its own invariant
contract PlantedBugsTest is HandlerTest {
    uint256 private constant STEPS = 600;

    /// @dev Without a bug, all invariants hold, and every ending is reached.
    /// @custom:rule S1, S6, T2, T3, P2, P3, F4, E1, E2, E3, E5, E6, Q16, O1, U2, M1
    /// @custom:rule C5, C6, E9, E10, E11, E12, E13, E14
    function test_withoutABugEverythingHolds() public {
        SlotHandler handler = new SlotHandler();
        handler.setUp();
        for (uint256 i = 0; i < 2 * STEPS; ++i) {
            handler.step(i);
            handler.checkTokens();
            handler.checkBonds();
            handler.checkPenalties();
            handler.checkChain();
            handler.checkVotes();
            handler.checkRanking();
            handler.checkPhases();
            handler.checkPays();
            handler.checkSlashes();
            handler.checkCommits();
            handler.checkReverts();
        }
        assertGt(handler.finalized(), 0, "finalized");
        assertGt(handler.rescued(), 0, "rescued");
        assertGt(handler.backedUp(), 0, "backed up");
        assertGt(handler.expired(), 0, "expired");
        assertGt(handler.paused(), 0, "paused");
        assertGt(handler.stalls(), 0, "stalls");
        assertGt(handler.draws(), 0, "draws on withdrawals");
        assertGt(handler.refusedPrices(), 0, "refused prices");
        assertGt(handler.namedQuotes(), 0, "quotes by named keys");
        assertGt(handler.lateProofs(), 0, "late proofs");
        assertGt(handler.replaced(), 0, "other blocks than the revealed ones");
    }

    /// @custom:rule E1
    function test_burningTooMuchIsCaught() public {
        assertTrue(_caught(address(new BurnsTooMuch()), SlotHandler.checkTokens.selector, STEPS));
    }

    /// @custom:rule E5
    function test_forgettingABondIsCaught() public {
        assertTrue(_caught(address(new ForgetsBonds()), SlotHandler.checkBonds.selector, STEPS));
    }

    /// @custom:rule E2, E3
    function test_forgettingAPenaltyIsCaught() public {
        assertTrue(_caught(address(new ForgetsPenalties()), SlotHandler.checkPenalties.selector, STEPS));
    }

    /// @custom:rule S1
    function test_repeatingASlotIsCaught() public {
        assertTrue(_caught(address(new RepeatsSlots()), SlotHandler.checkChain.selector, STEPS));
    }

    /// @custom:rule P2
    function test_rankingTheWorseFirstIsCaught() public {
        assertTrue(_caught(address(new RanksTheWorseFirst()), SlotHandler.checkRanking.selector, STEPS));
    }

    /// @custom:rule O1
    function test_forgettingAVoteIsCaught() public {
        assertTrue(_caught(address(new ForgetsVotes()), SlotHandler.checkVotes.selector, STEPS));
    }

    /// @custom:rule S6
    function test_waitingTooLongIsCaught() public {
        assertTrue(_caught(address(new WaitsTooLong()), SlotHandler.checkPhases.selector, STEPS));
    }

    // ---- pay and bonds --------------------------------------------------------------------------------------------

    /// @custom:rule E10
    function test_payingBySlotIsCaught() public {
        assertTrue(_caught(address(new ForgetsTime()), SlotHandler.checkPays.selector, STEPS));
    }

    /// @custom:rule E10
    function test_aStallWithoutAnEndIsCaught() public {
        assertTrue(_caught(address(new NeverRecovers()), SlotHandler.checkPays.selector, STEPS));
    }

    /// @custom:rule E9
    function test_forgettingTheStartOfTheTurnIsCaught() public {
        assertTrue(_caught(address(new ForgetsTurns()), SlotHandler.checkPays.selector, STEPS));
    }

    /// @custom:rule E11
    function test_payingLateProofsInFullIsCaught() public {
        assertTrue(_caught(address(new ForgetsDelays()), SlotHandler.checkPays.selector, STEPS));
    }

    /// @custom:rule E1, C5
    function test_forgettingAPriceIsCaught() public {
        assertTrue(_caught(address(new ForgetsPrices()), SlotHandler.checkPays.selector, STEPS));
    }

    /// @custom:rule C5
    function test_acceptingAnyPriceIsCaught() public {
        assertTrue(_caught(address(new AcceptsAnyPrice()), SlotHandler.checkCommits.selector, STEPS));
    }

    /// @custom:rule E12
    function test_releasingALateBondIsCaught() public {
        assertTrue(_caught(address(new ReleasesLateBonds()), SlotHandler.checkSlashes.selector, 4 * STEPS));
    }

    /// @custom:rule E13
    function test_sharingABondForAnotherBlockIsCaught() public {
        assertTrue(_caught(address(new SharesEveryBond()), SlotHandler.checkSlashes.selector, 4 * STEPS));
    }

    /// @custom:rule E14
    function test_ignoringWhatIsRequestedBackIsCaught() public {
        assertTrue(_caught(address(new IgnoresWithdrawing()), SlotHandler.checkCommits.selector, 4 * STEPS));
    }

    /// @custom:rule E14
    function test_replacingANamedKeyAtOnceIsCaught() public {
        assertTrue(_caught(address(new ReplacesKeysAtOnce()), SlotHandler.checkCommits.selector, 4 * STEPS));
    }

    /// @custom:rule C6
    function test_askingOnlyTheCodeIsCaught() public {
        assertTrue(_caught(address(new AsksOnlyTheCode()), SlotHandler.checkCommits.selector, STEPS));
    }
}

/// @title Events are complete: an indexer that has them needs no view
contract RebuildTest is Test {
    uint256 private constant STEPS = 1500;

    /// @custom:rule M5
    function test_everythingFollowsFromEvents() public {
        Indexer rebuilder = new Indexer();
        rebuilder.setUp();
        rebuilder.checkRebuilt();
        for (uint256 i = 0; i < STEPS; ++i) {
            rebuilder.step(i);
            rebuilder.checkRebuilt();
        }
        assertGt(rebuilder.read(), STEPS / 2);
        assertGt(rebuilder.paused(), 0, "paused");
        assertGt(rebuilder.expired(), 0, "expired");
        assertGt(rebuilder.rescued(), 0, "rescued");
    }
}
