// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot} from "../types/Time.sol";

/// @title Arithmetic of entries, rotations and exits
/// @notice Pure functions, so that each rule can be proven for all arguments. A word counts the taken places of 16
/// entry windows; the 16 bits of one window are its lane.
library Entries {
    /// @notice Number of entry windows that share a word.
    uint256 internal constant LANES = 16;
    uint256 private constant LANE_BITS = 16;
    uint256 private constant LANE_MASK = 0xffff;

    /// @notice L1 slots for which a key stays known after another has replaced it. No slot in flight counts from an
    /// earlier L1 slot: between the start of the previous slot and the end of the slot in flight are at most two slots
    /// and a seed, each shorter than the 8,191 L1 slots that the rollup's constructor allows.
    uint256 internal constant HISTORY = 16_384;

    /// @notice Number of the entry window that contains an L1 slot.
    /// @param length Length of a window, above zero.
    function windowOf(L1Slot moment, uint256 length) internal pure returns (uint256) {
        return L1Slot.unwrap(moment) / length;
    }

    /// @notice First active L1 slot of a place in `window`: the start of the window, or `earliest` if that is later.
    /// @param window The window of `earliest` or a later one, below 2^41.
    /// @param length Length of a window, 32 bits.
    function activation(uint256 window, uint256 length, L1Slot earliest) internal pure returns (L1Slot) {
        unchecked {
            // The product of 41 bits and 32 bits fits.
            uint256 start = window * length;
            // Cast: the window is at most 128 windows after that of an L1 slot.
            return start > L1Slot.unwrap(earliest) ? L1Slot.wrap(uint64(start)) : earliest;
        }
    }

    /// @notice Number of taken places in `window`, read from the word of its lane.
    function laneOf(uint256 lanes, uint256 window) internal pure returns (uint256) {
        return (lanes / _oneInLane(window)) & LANE_MASK;
    }

    /// @notice The word with one more place taken in `window`, which has fewer than 65,535 places taken.
    function withOneMore(uint256 lanes, uint256 window) internal pure returns (uint256) {
        unchecked {
            // A lane that is not full does not carry over.
            return lanes + _oneInLane(window);
        }
    }

    /// @notice The word with one place less taken in `window`, which has at least one place taken.
    function withOneLess(uint256 lanes, uint256 window) internal pure returns (uint256) {
        unchecked {
            // A lane above zero does not borrow.
            return lanes - _oneInLane(window);
        }
    }

    /// @notice Whether something that is valid from `from` on is valid at `moment`. Zero stands for never.
    function isValidAt(uint256 from, L1Slot moment) internal pure returns (bool) {
        return from != 0 && from <= L1Slot.unwrap(moment);
    }

    /// @notice Earliest L1 slot for the next rotation of a key that took effect at `from`; 0 if it was never rotated.
    /// @param from 40 bits.
    function nextRotation(uint256 from) internal pure returns (L1Slot) {
        // Cast: the sum of 40 bits and 15 bits fits.
        return from == 0 ? L1Slot.wrap(0) : L1Slot.wrap(uint64(from + HISTORY));
    }

    /// @notice L1 slot that is stored as the start of an exit. Zero stands for no exit, so L1 slot 0 is stored as 1.
    function exitTime(L1Slot now_) internal pure returns (L1Slot) {
        return L1Slot.unwrap(now_) == 0 ? L1Slot.wrap(1) : now_;
    }

    /// @notice First L1 slot in which a stake can be withdrawn.
    /// @param exitAt 40 bits.
    /// @param exitDelay 32 bits.
    function withdrawableFrom(uint256 exitAt, uint256 exitDelay) internal pure returns (L1Slot) {
        // Cast: the sum of 40 bits and 32 bits fits.
        return L1Slot.wrap(uint64(exitAt + exitDelay));
    }

    /// @dev The number 1 in the lane of `window`.
    function _oneInLane(uint256 window) private pure returns (uint256) {
        unchecked {
            // The lane starts at bit 240 or below.
            return 2 ** ((window % LANES) * LANE_BITS);
        }
    }
}
