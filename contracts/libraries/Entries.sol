// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot} from "../types/Time.sol";

/// @title Arithmetic of entries, rotations and exits
/// @notice No state, so that each rule can be proven for all arguments.
library Entries {
    /// @notice Windows whose taken places share a word, 16 bits each.
    uint256 internal constant LANES = 16;
    uint256 private constant LANE_BITS = 16;
    uint256 private constant LANE_MASK = 0xffff;

    /// @notice L1 slots that a key stays known after another took its place: no slot in flight counts from an earlier L1 slot. From the start of
    /// the previous slot to the end of the one in flight are at most two slots and a seed, each below the 8,191 that the rollup's
    /// constructor allows.
    uint256 internal constant HISTORY = 16_384;

    /// @notice Entry window that an L1 slot lies in.
    /// @param length above zero
    function windowOf(L1Slot moment, uint256 length) internal pure returns (uint256) {
        return L1Slot.unwrap(moment) / length;
    }

    /// @notice When a place in `window` becomes active: with the window, but not before `earliest`, which isn't after the window's end.
    /// @param window a window at or after that of `earliest`, below 2^41
    /// @param length 32 bits
    function activation(uint256 window, uint256 length, L1Slot earliest) internal pure returns (L1Slot) {
        unchecked {
            // 41 bits times 32 bits
            uint256 start = window * length;
            // casting: a window at or after that of an L1 slot, at most 128 windows later
            return start > L1Slot.unwrap(earliest) ? L1Slot.wrap(uint64(start)) : earliest;
        }
    }

    /// @notice Places taken in `window`, of the word that it shares.
    function laneOf(uint256 lanes, uint256 window) internal pure returns (uint256) {
        return (lanes / _oneInLane(window)) & LANE_MASK;
    }

    /// @notice The word with one more place taken in `window`, which has fewer than 65,535 of them taken.
    function withOneMore(uint256 lanes, uint256 window) internal pure returns (uint256) {
        unchecked {
            // a lane that isn't full doesn't carry over
            return lanes + _oneInLane(window);
        }
    }

    /// @notice The word with one place less taken in `window`, which has one taken.
    function withOneLess(uint256 lanes, uint256 window) internal pure returns (uint256) {
        unchecked {
            // a lane above zero doesn't borrow
            return lanes - _oneInLane(window);
        }
    }

    /// @notice Whether what is valid from `from` on is valid at `moment`. Zero stands for never.
    function isValidAt(uint256 from, L1Slot moment) internal pure returns (bool) {
        return from != 0 && from <= L1Slot.unwrap(moment);
    }

    /// @notice First L1 slot in which what counts from `from` on may be followed by something else. Zero stands for nothing, which may be at once.
    /// @param from 40 bits
    function nextRotation(uint256 from) internal pure returns (L1Slot) {
        // casting: 40 bits and 15 bits
        return from == 0 ? L1Slot.wrap(0) : L1Slot.wrap(uint64(from + HISTORY));
    }

    /// @notice When an exit is said to be signalled: zero means that none was, so L1 slot 0 counts as 1.
    function exitTime(L1Slot now_) internal pure returns (L1Slot) {
        return L1Slot.unwrap(now_) == 0 ? L1Slot.wrap(1) : now_;
    }

    /// @notice First L1 slot in which a stake can be withdrawn.
    /// @param exitAt 40 bits
    /// @param exitDelay 32 bits
    function withdrawableFrom(uint256 exitAt, uint256 exitDelay) internal pure returns (L1Slot) {
        // casting: 40 bits and 32 bits
        return L1Slot.wrap(uint64(exitAt + exitDelay));
    }

    /// @dev One place in the lane of `window`.
    function _oneInLane(uint256 window) private pure returns (uint256) {
        unchecked {
            // at most 15 lanes of 16 bits
            return 2 ** ((window % LANES) * LANE_BITS);
        }
    }
}
