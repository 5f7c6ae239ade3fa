// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Entries} from "./Entries.sol";

/// @notice Places in entry windows, counted by window, and how many a window has.
struct Queue {
    /// registrations ever made
    uint32 count;
    /// places of a window from number `since` on, and of one before it
    uint16 flush;
    uint16 previousFlush;
    uint40 since;
    /// taken places of 16 windows in a word
    mapping(uint256 => uint256) taken;
}

/// @title The entry queue
/// @notice A registration takes a place in the first window that has one. Nobody has to come and move a queue on: its time is known when it registers.
library EntryQueue {
    using EntryQueue for Queue;

    /// @notice Windows searched at most beyond the first: bounds the gas of a registration.
    uint256 internal constant MAX_LIMIT = 128;

    /// @notice Places of a window.
    function flushOf(Queue storage self, uint256 window) internal view returns (uint256) {
        return window < self.since ? self.previousFlush : self.flush;
    }

    /// @notice First window with room among `first` … `first + limit`; `found` is false if all are full.
    /// @param limit at most `MAX_LIMIT`
    function find(Queue storage self, uint256 first, uint256 limit) internal view returns (uint256 window, bool found) {
        unchecked {
            // windows are L1 slots over a length: below 2^64
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

    /// @notice Takes a place in a window that has one.
    function take(Queue storage self, uint256 window) internal {
        uint256 word = window / Entries.LANES;
        self.taken[word] = Entries.withOneMore(self.taken[word], window);
    }

    /// @notice Gives a taken place back.
    function release(Queue storage self, uint256 window) internal {
        uint256 word = window / Entries.LANES;
        self.taken[word] = Entries.withOneLess(self.taken[word], window);
    }

    /// @notice From the window after `current` on, windows have `flush` places. What is taken stays taken.
    function setFlush(Queue storage self, uint256 current, uint16 flush) internal {
        // casting: the flush of a window fits 16 bits, a window's number 40, as an L1 slot's does
        self.previousFlush = uint16(self.flushOf(current));
        self.flush = flush;
        self.since = uint40(current + 1);
    }
}
