// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";
import {SequencerId} from "../types/Ids.sol";
import {Record, StoredCandidate} from "../types/State.sol";
import {Timeline} from "../types/Timeline.sol";

/// @title The ranked list of a slot's proposals
/// @notice Highest score first; of equal scores, the earlier proposal. A candidate keeps its physical position while its rank moves.
library Ranking {
    /// @notice Puts a proposal on the list of the slot whose timeline is `t` (so far, or newly opened), and stores both.
    /// A full list drops its last candidate if the new one scores higher.
    function insert(
        Record storage self,
        Timeline t,
        uint256 maxCandidates,
        SequencerId sequencer,
        uint192 score,
        bytes32 headerHash
    ) internal {
        uint256 count = t.count();
        uint256 rank = count;
        uint192 lowest;
        // count is at most maxCandidates, which is at most 4
        for (uint256 i = 0; i < count; ++i) {
            StoredCandidate storage other = self.candidates[t.positionOf(i)];
            if (other.sequencer == sequencer) revert IRollup.AlreadyProposed(sequencer);
            lowest = other.score;
            if (rank == count && score > lowest) rank = i;
        }
        uint256 order = t.order();
        uint256 position = count;
        if (count < maxCandidates) {
            unchecked {
                ++count;
            }
        } else {
            if (rank == count) revert IRollup.ScoreTooLow(score, lowest);
            position = t.positionOf(count - 1);
            StoredCandidate storage last = self.candidates[position];
            emit IRollup.Displaced(t.slot(), last.sequencer, last.headerHash);
        }
        self.timeline = t.withRanking(count, _insertAt(order, rank, position));
        StoredCandidate storage candidate = self.candidates[position];
        candidate.sequencer = sequencer;
        candidate.score = score;
        candidate.headerHash = headerHash;
    }

    /// @dev The order (two bits a rank, 8 in all) with `position` at `rank` and the ranks from there on moved down by one.
    function _insertAt(uint256 order, uint256 rank, uint256 position) private pure returns (uint256) {
        unchecked {
            // rank is at most 3; shifting one is meant
            // forge-lint: disable-next-line(incorrect-shift)
            uint256 before = (1 << (2 * rank)) - 1;
            return ((order & before) | (position << (2 * rank)) | ((order & ~before) << 2)) & 0xff;
        }
    }
}
