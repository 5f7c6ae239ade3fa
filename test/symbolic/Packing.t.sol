// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Rates} from "../../contracts/interfaces/IRewards.sol";
import {Parameters} from "../../contracts/interfaces/IRollup.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {Limits, packLimits} from "../../contracts/types/Limits.sol";
import {PackedRates, packRates} from "../../contracts/types/PackedRates.sol";
import {StoredCandidate} from "../../contracts/types/State.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Timeline, openTimeline} from "../../contracts/types/Timeline.sol";
import {Windows, packWindows} from "../../contracts/types/Windows.sol";

/// @title Packed words: a written field reads back, and no other field changes
/// @notice Proven by halmos (`make halmos`) for all arguments. Timelines are any words, including those that no slot
/// reaches.
/// @custom:rule K1
contract PackingProofs {
    function check_aTimelineStartsAsItWasOpened(uint40 slot, uint40 start, uint16 delta) public pure {
        if (delta > start) return;
        Timeline timeline = openTimeline(Slot.wrap(slot), L1Slot.wrap(start), L1Slot.wrap(start - delta));
        assert(Slot.unwrap(timeline.slot()) == slot);
        assert(L1Slot.unwrap(timeline.start()) == start);
        assert(L1Slot.unwrap(timeline.previousStart()) == start - delta);
        assert(timeline.count() == 0);
        assert(timeline.order() == 0);
        assert(timeline.blobsSeen() == 0);
        for (uint256 i = 0; i < 4; ++i) {
            assert(L1Slot.unwrap(timeline.committedAt(i)) == 0);
            assert(L1Slot.unwrap(timeline.revealedAt(i)) == 0);
        }
    }

    function check_aRankingChangesNothingElse(uint256 word, uint8 count, uint8 order) public pure {
        Timeline before = Timeline.wrap(word);
        Timeline timeline = before.withRanking(count, order);
        assert(timeline.count() == count);
        assert(timeline.order() == order);
        for (uint256 rank = 0; rank < 4; ++rank) {
            assert(timeline.indexOf(rank) == (order >> (2 * rank)) & 3);
        }
        _sameSlot(before, timeline);
        for (uint256 i = 0; i < 4; ++i) {
            _sameHistory(before, timeline, i);
        }
        assert(timeline.blobsSeen() == before.blobsSeen());
    }

    function check_aCommitmentIsKeptAndStartsTheBlobs(uint256 word, uint256 index, uint16 after_) public pure {
        Timeline before = Timeline.wrap(word);
        if (index > 3 || after_ == type(uint16).max) return;
        // No slot starts in L1 slot 0: zero stands for none.
        if (L1Slot.unwrap(before.start()) == 0) return;
        // A candidate gets one commitment.
        if (L1Slot.unwrap(before.committedAt(index)) != 0) return;
        L1Slot now_ = before.start().plus(after_);
        Timeline timeline = before.withCommitment(index, now_);
        assert(L1Slot.unwrap(timeline.committedAt(index)) == L1Slot.unwrap(now_));
        assert(timeline.blobsSeen() == 0);
        _sameSlot(before, timeline);
        _sameRanking(before, timeline);
        assert(L1Slot.unwrap(timeline.revealedAt(index)) == L1Slot.unwrap(before.revealedAt(index)));
        for (uint256 i = 0; i < 4; ++i) {
            if (i != index) _sameHistory(before, timeline, i);
        }
    }

    function check_aRevealIsKept(uint256 word, uint256 index, uint16 after_) public pure {
        Timeline before = Timeline.wrap(word);
        if (index > 3 || after_ == type(uint16).max) return;
        // No slot starts in L1 slot 0: zero stands for none.
        if (L1Slot.unwrap(before.start()) == 0) return;
        // A candidate is revealed once.
        if (L1Slot.unwrap(before.revealedAt(index)) != 0) return;
        L1Slot now_ = before.start().plus(after_);
        Timeline timeline = before.withReveal(index, now_);
        assert(L1Slot.unwrap(timeline.revealedAt(index)) == L1Slot.unwrap(now_));
        assert(timeline.blobsSeen() == before.blobsSeen());
        _sameSlot(before, timeline);
        _sameRanking(before, timeline);
        assert(L1Slot.unwrap(timeline.committedAt(index)) == L1Slot.unwrap(before.committedAt(index)));
        for (uint256 i = 0; i < 4; ++i) {
            if (i != index) _sameHistory(before, timeline, i);
        }
    }

    function check_blobsSeenChangeNothingElse(uint256 word, uint16 seen) public pure {
        Timeline before = Timeline.wrap(word);
        Timeline timeline = before.withBlobsSeen(seen);
        assert(timeline.blobsSeen() == seen);
        _sameSlot(before, timeline);
        _sameRanking(before, timeline);
        for (uint256 i = 0; i < 4; ++i) {
            _sameHistory(before, timeline, i);
        }
    }

    /// @custom:rule S5
    function check_theWindowsAreTheParameters(Parameters memory parameters) public pure {
        Windows windows = packWindows(parameters);
        assert(windows.proposal() == parameters.proposalPhase);
        assert(windows.commitment() == parameters.commitmentPhase);
        assert(windows.reveal() == parameters.revealPhase);
        assert(windows.proving() == parameters.provingPhase);
        assert(windows.exclusive() == parameters.exclusiveProving);
        assert(windows.halt() == parameters.haltPhase);
        assert(windows.backup() == parameters.backupPhase);
        assert(windows.seedDelay() == parameters.seedDelay);
        assert(windows.seedGrid() == parameters.seedGrid);
        assert(windows.pause() == parameters.pauseLength);
        assert(windows.stallAfter() == parameters.stallAfter);
        assert(windows.maxStall() == parameters.maxStall);
        assert(windows.idle() == uint256(parameters.proposalPhase) + parameters.haltPhase + parameters.backupPhase);
    }

    /// @dev The paid time is at most an idle slot's and the longest stall, and never shrinks with time.
    /// @custom:rule E10
    function check_thePaidTimeIsBounded(Parameters memory parameters, uint16 sinceStart, uint16 sinceTip, uint16 more)
        public
        pure
    {
        Windows windows = packWindows(parameters);
        uint256 paid = windows.paid(sinceStart, sinceTip);
        assert(paid <= windows.idle() + windows.maxStall());
        if (sinceTip <= windows.stallAfter()) assert(paid <= windows.idle() && paid <= sinceStart);
        assert(windows.paid(sinceStart, uint256(sinceTip) + more) >= paid);
        assert(windows.paid(uint256(sinceStart) + more, sinceTip) >= paid);
    }

    function check_theLimitsAreTheParameters(Parameters memory parameters) public pure {
        Limits limits = packLimits(parameters);
        assert(limits.candidates() == parameters.maxCandidates);
        assert(limits.blobs() == parameters.maxBlobs);
        assert(limits.chunks() == parameters.maxChunks);
        assert(limits.deposits() == parameters.maxDeposits);
        assert(limits.exits() == parameters.maxExits);
        assert(limits.rescueShareBps() == parameters.rescueShareBps);
    }

    function check_ratesAreUnpackedAsTheyWerePacked(Rates memory rates) public pure {
        PackedRates packed = packRates(rates);
        assert(!packed.isFollowed());
        assert(packed.followed().isFollowed());
        _sameRates(packed.unpack(), rates);
        _sameRates(packed.followed().unpack(), rates);
        assert(packed.rewardPerL1Slot() == rates.rewardPerL1Slot);
        assert(packed.sequencerBps() == rates.sequencerBps);
        assert(packed.bonusBps() == rates.bonusBps);
        assert(packed.proverBps() == rates.proverBps);
        assert(packed.promptnessBps() == rates.promptnessBps);
    }

    StoredCandidate private _candidate;

    /// @dev Sequencer and score share a storage word.
    function check_aScoreBesideItsSequencer(uint32 sequencer, uint192 score, uint192 next) public {
        _candidate.sequencer = SequencerId.wrap(sequencer);
        _candidate.score = score;
        assert(SequencerId.unwrap(_candidate.sequencer) == sequencer);
        _candidate.score = next;
        assert(_candidate.score == next);
        assert(SequencerId.unwrap(_candidate.sequencer) == sequencer);
    }

    /// @dev Payee and price share a storage word. A price may be below zero.
    function check_aPriceBesideItsPayee(address payee, int96 price, int96 next) public {
        _candidate.payee = payee;
        _candidate.price = price;
        assert(_candidate.payee == payee);
        _candidate.price = next;
        assert(_candidate.price == next);
        assert(_candidate.payee == payee);
    }

    function _sameRates(Rates memory expected, Rates memory actual) private pure {
        assert(expected.rewardPerL1Slot == actual.rewardPerL1Slot);
        assert(expected.sequencerBps == actual.sequencerBps);
        assert(expected.bonusBps == actual.bonusBps);
        assert(expected.proverBps == actual.proverBps);
        assert(expected.submitterBps == actual.submitterBps);
        assert(expected.promptnessBps == actual.promptnessBps);
    }

    function _sameSlot(Timeline before, Timeline afterwards) private pure {
        assert(Slot.unwrap(before.slot()) == Slot.unwrap(afterwards.slot()));
        assert(L1Slot.unwrap(before.start()) == L1Slot.unwrap(afterwards.start()));
        assert(L1Slot.unwrap(before.previousStart()) == L1Slot.unwrap(afterwards.previousStart()));
    }

    function _sameRanking(Timeline before, Timeline afterwards) private pure {
        assert(before.count() == afterwards.count());
        assert(before.order() == afterwards.order());
    }

    function _sameHistory(Timeline before, Timeline afterwards, uint256 index) private pure {
        assert(L1Slot.unwrap(before.committedAt(index)) == L1Slot.unwrap(afterwards.committedAt(index)));
        assert(L1Slot.unwrap(before.revealedAt(index)) == L1Slot.unwrap(afterwards.revealedAt(index)));
    }
}
