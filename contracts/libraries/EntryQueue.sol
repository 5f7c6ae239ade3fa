// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Entries} from "./Entries.sol";

/// @notice Places of the entry windows. An entry window has a fixed number of places, which is called its flush.
struct Queue {
    /// Number of registrations ever made.
    uint32 count;
    /// Places of a window with the number `since` or a higher one.
    uint16 flush;
    /// Places of a window with a lower number.
    uint16 previousFlush;
    uint40 since;
    /// Taken places, of 16 windows in a word.
    mapping(uint256 => uint256) taken;
}

/// @title The entry queue
/// @notice A registration takes a place in the first entry window that has a free one. Its activation is known at once,
/// and no later transaction is needed for it.
library EntryQueue {
    using EntryQueue for Queue;

    /// @notice Maximum number of windows to search beyond the first. Bounds the gas of a registration.
    uint256 internal constant MAX_LIMIT = 128;

    /// @notice Number of places of a window.
    function flushOf(Queue storage self, uint256 window) internal view returns (uint256) {
        return window < self.since ? self.previousFlush : self.flush;
    }

    /// @notice First window with a free place, from `first` to `first + limit`. `found` is false if all are full.
    /// @param limit At most `MAX_LIMIT`.
    function find(Queue storage self, uint256 first, uint256 limit) internal view returns (uint256 window, bool found) {
        unchecked {
            // The number of a window is an L1 slot divided by a length, so it is below 2^64.
            uint256 last = first + limit;
            uint256 since = self.since;
            uint256 flush = self.flush;
            uint256 previous = self.previousFlush;
            uint256 word = type(uint256).max;
            uint256 lanes;
            for (window = first; window <= last; ++window) {
                if (window / Entries.LANES != word) {
                    word = window / Entries.LANES;
                    lanes = self.taken[word];
                }
                if (Entries.laneOf(lanes, window) < (window < since ? previous : flush)) return (window, true);
            }
        }
    }

    /// @notice Takes a place in a window that has a free one.
    function take(Queue storage self, uint256 window) internal {
        uint256 word = window / Entries.LANES;
        self.taken[word] = Entries.withOneMore(self.taken[word], window);
    }

    /// @notice Frees a taken place.
    function release(Queue storage self, uint256 window) internal {
        uint256 word = window / Entries.LANES;
        self.taken[word] = Entries.withOneLess(self.taken[word], window);
    }

    /// @notice Sets the places of all windows after `current`. Taken places stay taken.
    function setFlush(Queue storage self, uint256 current, uint16 flush) internal {
        // Casts: the flush of a window fits into 16 bits. The number of a window fits into 40 bits, as an L1 slot does.
        self.previousFlush = uint16(self.flushOf(current));
        self.flush = flush;
        self.since = uint40(current + 1);
    }
}
