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

/// @title Words that hold several facts: what is written is read again, and nothing else changes
/// @notice Proven by halmos (`make halmos`) for all arguments. Timelines are any words, not only those that a slot leads to.
/// @custom:rule K1
contract PackingProofs {
    function check_aTimelineStartsAsItWasOpened(uint40 slot, uint40 start, uint16 delta) public pure {
        if (delta > start) return;
        Timeline t = openTimeline(Slot.wrap(slot), L1Slot.wrap(start), L1Slot.wrap(start - delta));
        assert(Slot.unwrap(t.slot()) == slot);
        assert(L1Slot.unwrap(t.start()) == start);
        assert(L1Slot.unwrap(t.previousStart()) == start - delta);
        assert(t.count() == 0);
        assert(t.order() == 0);
        assert(t.blobsSeen() == 0);
        for (uint256 i = 0; i < 4; ++i) {
            assert(L1Slot.unwrap(t.committedAt(i)) == 0);
            assert(L1Slot.unwrap(t.revealedAt(i)) == 0);
        }
    }

    function check_aRankingChangesNothingElse(uint256 word, uint8 count, uint8 order) public pure {
        Timeline before = Timeline.wrap(word);
        Timeline t = before.withRanking(count, order);
        assert(t.count() == count);
        assert(t.order() == order);
        for (uint256 rank = 0; rank < 4; ++rank) {
            assert(t.positionOf(rank) == (order >> (2 * rank)) & 3);
        }
        _sameSlot(before, t);
        for (uint256 i = 0; i < 4; ++i) {
            _sameHistory(before, t, i);
        }
        assert(t.blobsSeen() == before.blobsSeen());
    }

    function check_aCommitmentIsKeptAndStartsTheBlobs(uint256 word, uint256 position, uint16 after_) public pure {
        Timeline before = Timeline.wrap(word);
        if (position > 3 || after_ == type(uint16).max) return;
        // No slot starts in L1 slot 0: zero stands for none.
        if (L1Slot.unwrap(before.start()) == 0) return;
        // a position gets one commitment
        if (L1Slot.unwrap(before.committedAt(position)) != 0) return;
        L1Slot now_ = before.start().plus(after_);
        Timeline t = before.withCommitment(position, now_);
        assert(L1Slot.unwrap(t.committedAt(position)) == L1Slot.unwrap(now_));
        assert(t.blobsSeen() == 0);
        _sameSlot(before, t);
        _sameRanking(before, t);
        assert(L1Slot.unwrap(t.revealedAt(position)) == L1Slot.unwrap(before.revealedAt(position)));
        for (uint256 i = 0; i < 4; ++i) {
            if (i != position) _sameHistory(before, t, i);
        }
    }

    function check_aRevealIsKept(uint256 word, uint256 position, uint16 after_) public pure {
        Timeline before = Timeline.wrap(word);
        if (position > 3 || after_ == type(uint16).max) return;
        // No slot starts in L1 slot 0: zero stands for none.
        if (L1Slot.unwrap(before.start()) == 0) return;
        // a position is revealed once
        if (L1Slot.unwrap(before.revealedAt(position)) != 0) return;
        L1Slot now_ = before.start().plus(after_);
        Timeline t = before.withReveal(position, now_);
        assert(L1Slot.unwrap(t.revealedAt(position)) == L1Slot.unwrap(now_));
        assert(t.blobsSeen() == before.blobsSeen());
        _sameSlot(before, t);
        _sameRanking(before, t);
        assert(L1Slot.unwrap(t.committedAt(position)) == L1Slot.unwrap(before.committedAt(position)));
        for (uint256 i = 0; i < 4; ++i) {
            if (i != position) _sameHistory(before, t, i);
        }
    }

    function check_blobsSeenChangeNothingElse(uint256 word, uint16 seen) public pure {
        Timeline before = Timeline.wrap(word);
        Timeline t = before.withBlobsSeen(seen);
        assert(t.blobsSeen() == seen);
        _sameSlot(before, t);
        _sameRanking(before, t);
        for (uint256 i = 0; i < 4; ++i) {
            _sameHistory(before, t, i);
        }
    }

    /// @custom:rule S5
    function check_theWindowsAreTheParameters(Parameters memory p) public pure {
        Windows w = packWindows(p);
        assert(w.proposal() == p.proposalPhase);
        assert(w.commitment() == p.commitmentPhase);
        assert(w.reveal() == p.revealPhase);
        assert(w.proving() == p.provingPhase);
        assert(w.exclusive() == p.exclusiveProving);
        assert(w.halt() == p.haltPhase);
        assert(w.backup() == p.backupPhase);
        assert(w.seedDelay() == p.seedDelay);
        assert(w.seedGrid() == p.seedGrid);
        assert(w.pause() == p.pauseLength);
        assert(w.idle() == uint256(p.proposalPhase) + p.haltPhase + p.backupPhase);
    }

    function check_theLimitsAreTheParameters(Parameters memory p) public pure {
        Limits l = packLimits(p);
        assert(l.candidates() == p.maxCandidates);
        assert(l.blobs() == p.maxBlobs);
        assert(l.chunks() == p.maxChunks);
        assert(l.deposits() == p.maxDeposits);
        assert(l.rescueShareBps() == p.rescueShareBps);
    }

    function check_ratesAreUnpackedAsTheyWerePacked(Rates memory r) public pure {
        PackedRates packed = packRates(r);
        assert(!packed.isFollowed());
        assert(packed.followed().isFollowed());
        _sameRates(packed.unpack(), r);
        _sameRates(packed.followed().unpack(), r);
        assert(packed.blockReward() == r.blockReward);
        assert(packed.revealBonus() == r.revealBonus);
        assert(packed.sequencerBps() == r.sequencerBps);
        assert(packed.proverBps() == r.proverBps);
    }

    StoredCandidate private _candidate;

    /// @dev Sequencer and score share a word of storage.
    function check_aScoreBesideItsSequencer(uint32 sequencer, uint192 score, uint192 next) public {
        _candidate.sequencer = SequencerId.wrap(sequencer);
        _candidate.score = score;
        assert(SequencerId.unwrap(_candidate.sequencer) == sequencer);
        _candidate.score = next;
        assert(_candidate.score == next);
        assert(SequencerId.unwrap(_candidate.sequencer) == sequencer);
    }

    function _sameRates(Rates memory a, Rates memory b) private pure {
        assert(a.blockReward == b.blockReward);
        assert(a.revealBonus == b.revealBonus);
        assert(a.sequencerBps == b.sequencerBps);
        assert(a.proverBps == b.proverBps);
        assert(a.submitterBps == b.submitterBps);
    }

    function _sameSlot(Timeline a, Timeline b) private pure {
        assert(Slot.unwrap(a.slot()) == Slot.unwrap(b.slot()));
        assert(L1Slot.unwrap(a.start()) == L1Slot.unwrap(b.start()));
        assert(L1Slot.unwrap(a.previousStart()) == L1Slot.unwrap(b.previousStart()));
    }

    function _sameRanking(Timeline a, Timeline b) private pure {
        assert(a.count() == b.count());
        assert(a.order() == b.order());
    }

    function _sameHistory(Timeline a, Timeline b, uint256 position) private pure {
        assert(L1Slot.unwrap(a.committedAt(position)) == L1Slot.unwrap(b.committedAt(position)));
        assert(L1Slot.unwrap(a.revealedAt(position)) == L1Slot.unwrap(b.revealedAt(position)));
    }
}
