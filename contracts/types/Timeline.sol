// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot, Slot} from "./Time.sol";

/// @notice What happened in one slot, and when, in one word. A candidate has a rank, which can change while others
/// propose, and an index, which is its place in storage and stays. Fields from the lowest bit, with their sizes in
/// bits:
/// - slot (40)
/// - start (40)
/// - distance from the start of the previous slot to this start (16)
/// - number of candidates (8)
/// - order: the index of the candidate at each rank (4 × 2)
/// - for each index, the offsets of the candidate's commitment and of its completed reveal (4 × (16, 16)). An offset is
///   the distance from the start plus one; 0 means that the event did not happen.
/// - bit set of the blobs that were seen for the latest commitment (16)
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

/// @notice The timeline of a slot without candidates. Slots and L1 slots fit into 40 bits, as an L1 slot takes at least
/// a second. The rollup's constructor bounds the distance between two starts to 16 bits.
function openTimeline(Slot slot_, L1Slot start_, L1Slot previousStart_) pure returns (Timeline) {
    uint256 start40 = L1Slot.unwrap(start_);
    unchecked {
        // A slot starts after the previous one.
        return Timeline.wrap(
            uint256(Slot.unwrap(slot_)) | (start40 << START_BIT)
                | ((start40 - L1Slot.unwrap(previousStart_)) << START_DISTANCE_BIT)
        );
    }
}

/// @notice Reads and changes of a timeline. Every cast is safe: its operand is masked to fewer bits than the target
/// has.
library TimelineLib {
    function slot(Timeline self) internal pure returns (Slot) {
        return Slot.wrap(uint64(Timeline.unwrap(self) & MASK_40));
    }

    function start(Timeline self) internal pure returns (L1Slot) {
        return L1Slot.wrap(uint64((Timeline.unwrap(self) >> START_BIT) & MASK_40));
    }

    function previousStart(Timeline self) internal pure returns (L1Slot) {
        unchecked {
            // The distance was computed from a start that is not smaller.
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

    /// @notice Index (0 to 3) of the candidate at `rank`, which is below 4.
    function indexOf(Timeline self, uint256 rank) internal pure returns (uint256) {
        return (Timeline.unwrap(self) >> (ORDER_BIT + INDEX_BITS * rank)) & MASK_2;
    }

    /// @notice L1 slot of the commitment of the candidate at `index`; zero if there is none.
    function committedAt(Timeline self, uint256 index) internal pure returns (L1Slot) {
        return offsetToL1Slot(self, (Timeline.unwrap(self) >> (COMMITTED_BIT + CANDIDATE_BITS * index)) & MASK_16);
    }

    /// @notice L1 slot of the completed reveal of the candidate at `index`; zero if there is none.
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

    /// @notice Adds a commitment of the candidate at `index`, which has none, and clears the seen blobs.
    function withCommitment(Timeline self, uint256 index, L1Slot l1Slot) internal pure returns (Timeline) {
        uint256 cleared = Timeline.unwrap(self) & ~(MASK_16 << SEEN_BIT);
        return Timeline.wrap(cleared | (offsetOf(self, l1Slot) << (COMMITTED_BIT + CANDIDATE_BITS * index)));
    }

    /// @notice Adds the completed reveal of the candidate at `index`, which has none.
    function withReveal(Timeline self, uint256 index, L1Slot l1Slot) internal pure returns (Timeline) {
        return
            Timeline.wrap(Timeline.unwrap(self) | (offsetOf(self, l1Slot) << (REVEALED_BIT + CANDIDATE_BITS * index)));
    }

    /// @notice Replaces the seen blobs.
    /// @param seen Bit set of the seen blobs, at most 16 bits.
    function withBlobsSeen(Timeline self, uint256 seen) internal pure returns (Timeline) {
        return Timeline.wrap((Timeline.unwrap(self) & ~(MASK_16 << SEEN_BIT)) | (seen << SEEN_BIT));
    }

    /// @notice Distance from the start to `l1Slot` plus one. `l1Slot` lies within the slot, whose length the rollup's
    /// constructor bounds to 16 bits.
    function offsetOf(Timeline self, L1Slot l1Slot) internal pure returns (uint256) {
        unchecked {
            return L1Slot.unwrap(l1Slot) - L1Slot.unwrap(self.start()) + 1;
        }
    }

    /// @notice L1 slot of an offset; zero for offset 0.
    function offsetToL1Slot(Timeline self, uint256 offset) internal pure returns (L1Slot) {
        if (offset == 0) return L1Slot.wrap(0);
        unchecked {
            // The sum of a 40-bit and a 16-bit number fits.
            return L1Slot.wrap(uint64(L1Slot.unwrap(self.start()) + offset - 1));
        }
    }
}
