// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot, Slot} from "./Time.sol";

/// @notice When everything happened in one slot, in one word. From the lowest bit:
/// slot (40) · start (40) · start of the slot minus start of the previous one (16) · candidates (8) ·
/// physical position of each rank (4 × 2) · per physical position the commitment's and the completed reveal's distance
/// from the start plus one, 0 for none (4 × (16, 16)) · blobs seen of the candidate that committed last (16).
type Timeline is uint256;

using TimelineLib for Timeline global;

uint256 constant MASK_40 = (1 << 40) - 1;
uint256 constant MASK_16 = (1 << 16) - 1;
uint256 constant MASK_8 = (1 << 8) - 1;
uint256 constant MASK_2 = (1 << 2) - 1;

uint256 constant START_BIT = 40;
uint256 constant START_DISTANCE_BIT = 80;
uint256 constant COUNT_BIT = 96;
uint256 constant ORDER_BIT = 104;
uint256 constant COMMITTED_BIT = 112;
uint256 constant REVEALED_BIT = 128;
uint256 constant SEEN_BIT = 240;
/// @dev Bits of an index in the order.
uint256 constant INDEX_BITS = 2;
/// @dev Bits of a candidate's commitment and reveal.
uint256 constant CANDIDATE_BITS = 32;

/// @notice A slot without candidates. Slots and L1 slots fit 40 bits (an L1 slot is at least a second), and the constructor
/// of the rollup bounds the distance between two starts to 16 bits.
function openTimeline(Slot slot_, L1Slot start_, L1Slot previousStart_) pure returns (Timeline) {
    uint256 start40 = L1Slot.unwrap(start_);
    unchecked {
        // a slot starts after the one before it
        return Timeline.wrap(
            uint256(Slot.unwrap(slot_)) | (start40 << START_BIT)
                | ((start40 - L1Slot.unwrap(previousStart_)) << START_DISTANCE_BIT)
        );
    }
}

/// @notice Reads and changes of a timeline. Casts: the operand is masked to fewer bits than the target has.
library TimelineLib {
    function slot(Timeline self) internal pure returns (Slot) {
        return Slot.wrap(uint64(Timeline.unwrap(self) & MASK_40));
    }

    function start(Timeline self) internal pure returns (L1Slot) {
        return L1Slot.wrap(uint64((Timeline.unwrap(self) >> START_BIT) & MASK_40));
    }

    function previousStart(Timeline self) internal pure returns (L1Slot) {
        unchecked {
            // the difference was made from a start that was not smaller
            return L1Slot.wrap(
                uint64(
                    ((Timeline.unwrap(self) >> START_BIT) & MASK_40)
                        - ((Timeline.unwrap(self) >> START_DISTANCE_BIT) & MASK_16)
                )
            );
        }
    }

    function count(Timeline self) internal pure returns (uint256) {
        return (Timeline.unwrap(self) >> COUNT_BIT) & MASK_8;
    }

    function order(Timeline self) internal pure returns (uint256) {
        return (Timeline.unwrap(self) >> ORDER_BIT) & MASK_8;
    }

    /// @notice Physical position (0 to 3) of the candidate at `rank`, which is below 4.
    function indexOf(Timeline self, uint256 rank) internal pure returns (uint256) {
        return (Timeline.unwrap(self) >> (ORDER_BIT + INDEX_BITS * rank)) & MASK_2;
    }

    /// @notice L1 slot of the commitment at a physical position, zero for none.
    function committedAt(Timeline self, uint256 index) internal pure returns (L1Slot) {
        return offsetToL1Slot(self, (Timeline.unwrap(self) >> (COMMITTED_BIT + CANDIDATE_BITS * index)) & MASK_16);
    }

    /// @notice L1 slot of the completed reveal at a physical position, zero for none.
    function revealedAt(Timeline self, uint256 index) internal pure returns (L1Slot) {
        return offsetToL1Slot(self, (Timeline.unwrap(self) >> (REVEALED_BIT + CANDIDATE_BITS * index)) & MASK_16);
    }

    function blobsSeen(Timeline self) internal pure returns (uint16) {
        return uint16(Timeline.unwrap(self) >> SEEN_BIT);
    }

    function withRanking(Timeline self, uint256 count_, uint256 order_) internal pure returns (Timeline) {
        return Timeline.wrap(
            (Timeline.unwrap(self) & ~((MASK_8 << COUNT_BIT) | (MASK_8 << ORDER_BIT))) | (count_ << COUNT_BIT)
                | (order_ << ORDER_BIT)
        );
    }

    /// @notice Records a commitment at `index`, which has none, and starts counting its blobs.
    function withCommitment(Timeline self, uint256 index, L1Slot l1Slot) internal pure returns (Timeline) {
        uint256 cleared = Timeline.unwrap(self) & ~(MASK_16 << SEEN_BIT);
        return Timeline.wrap(cleared | (offsetOf(self, l1Slot) << (COMMITTED_BIT + CANDIDATE_BITS * index)));
    }

    /// @notice Records the completed reveal at `index`, which has none.
    function withReveal(Timeline self, uint256 index, L1Slot l1Slot) internal pure returns (Timeline) {
        return
            Timeline.wrap(Timeline.unwrap(self) | (offsetOf(self, l1Slot) << (REVEALED_BIT + CANDIDATE_BITS * index)));
    }

    /// @notice `seen` has no more than 16 bits.
    function withBlobsSeen(Timeline self, uint256 seen) internal pure returns (Timeline) {
        return Timeline.wrap((Timeline.unwrap(self) & ~(MASK_16 << SEEN_BIT)) | (seen << SEEN_BIT));
    }

    /// @notice Distance from the start plus one. `at` lies within the slot, whose length the constructor bounds to 16 bits.
    function offsetOf(Timeline self, L1Slot l1Slot) internal pure returns (uint256) {
        unchecked {
            return L1Slot.unwrap(l1Slot) - L1Slot.unwrap(self.start()) + 1;
        }
    }

    function offsetToL1Slot(Timeline self, uint256 offset) internal pure returns (L1Slot) {
        if (offset == 0) return L1Slot.wrap(0);
        unchecked {
            // 40 bits plus 16 bits
            return L1Slot.wrap(uint64(L1Slot.unwrap(self.start()) + offset - 1));
        }
    }
}
