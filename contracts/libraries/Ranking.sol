// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";
import {SequencerId} from "../types/Ids.sol";
import {Record, StoredCandidate} from "../types/State.sol";
import {INDEX_BITS, MASK_8, Timeline} from "../types/Timeline.sol";

/// @title The ranked list of a slot's proposals
/// @notice The highest score ranks first. Of equal scores, the earlier proposal ranks first. A candidate keeps its
/// index while its rank changes.
library Ranking {
    /// @notice Adds a proposal to the list of the slot with this timeline, and stores both. If the list is full, the
    /// new proposal replaces the last candidate if its score is higher, and reverts otherwise.
    function insert(
        Record storage self,
        Timeline timeline,
        uint256 maxCandidates,
        SequencerId sequencer,
        uint192 score,
        bytes32 headerHash
    ) internal {
        uint256 count = timeline.count();
        uint256 rank = count;
        uint192 lowest;
        // The count is at most maxCandidates, which is at most 4.
        for (uint256 i = 0; i < count; ++i) {
            StoredCandidate storage other = self.candidates[timeline.indexOf(i)];
            if (other.sequencer == sequencer) revert IRollup.AlreadyProposed(sequencer);
            lowest = other.score;
            if (rank == count && score > lowest) rank = i;
        }
        uint256 order = timeline.order();
        uint256 index = count;
        if (count < maxCandidates) {
            unchecked {
                ++count;
            }
        } else {
            if (rank == count) revert IRollup.ScoreTooLow(score, lowest);
            index = timeline.indexOf(count - 1);
            StoredCandidate storage last = self.candidates[index];
            emit IRollup.Displaced(timeline.slot(), last.sequencer, last.headerHash);
        }
        self.timeline = timeline.withRanking(count, _insertAt(order, rank, index));
        StoredCandidate storage candidate = self.candidates[index];
        candidate.sequencer = sequencer;
        candidate.score = score;
        candidate.headerHash = headerHash;
    }

    /// @dev The order (two bits for each rank, 8 in total) with `index` inserted at `rank`. The ranks from there on
    /// move down by one.
    function _insertAt(uint256 order, uint256 rank, uint256 index) private pure returns (uint256) {
        unchecked {
            // The rank is at most 3.
            uint256 before = (1 << (INDEX_BITS * rank)) - 1;
            return ((order & before) | (index << (INDEX_BITS * rank)) | ((order & ~before) << INDEX_BITS)) & MASK_8;
        }
    }
}
