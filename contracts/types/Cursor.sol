// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot, Slot} from "./Time.sol";
import {MASK_16, MASK_40, MASK_8, Timeline} from "./Timeline.sol";

/// @notice State of the chain after every settled slot, in one word. Fields from the lowest bit, with their sizes in
/// bits:
/// - slot after the last settled one (32)
/// - start of that slot, if no idle slot comes before its first proposal (40)
/// - distance from the start of the last settled slot to that start (16)
/// - index of the record that the next slot with proposals uses (8)
/// - L1 slots from the start of the last finalized block's slot to that start, at most 65,535; the time of pauses does
///   not count (16)
/// - number of finalized blocks (32)
/// - slot of the last finalized block; all ones before the first block (32)
/// - number of deposits that blocks have consumed (40)
/// - number of forced exits that blocks have consumed (40)
type Cursor is uint256;

using CursorLib for Cursor global;

/// @dev Number of records. Slots with proposals use them in rotation.
uint256 constant RECORD_COUNT = 4;

uint256 constant CURSOR_START_BIT = 32;
uint256 constant CURSOR_DISTANCE_BIT = 72;
uint256 constant CURSOR_RECORD_BIT = 88;
uint256 constant CURSOR_SINCE_TIP_BIT = 96;
uint256 constant CURSOR_HEIGHT_BIT = 112;
uint256 constant CURSOR_TIP_BIT = 144;
uint256 constant CURSOR_DEPOSITS_BIT = 176;
uint256 constant CURSOR_EXITS_BIT = 216;
uint256 constant MASK_32 = (1 << 32) - 1;
/// @dev All fields about the slots since the last block, and all fields about the blocks.
uint256 constant MASK_SLOTS = (1 << CURSOR_HEIGHT_BIT) - 1;

/// @notice The cursor of a chain without blocks. Slot 0 starts at `start_`, and the virtual slot before it at
/// `previousStart_`, from which a stall counts.
function genesisCursor(L1Slot start_, L1Slot previousStart_) pure returns (Cursor) {
    unchecked {
        // The seed delay and the seed grid, of 16 bits each, separate the two starts. The rollup's constructor bounds
        // their sum.
        uint256 distance = L1Slot.unwrap(start_) - L1Slot.unwrap(previousStart_);
        return Cursor.wrap(
            (uint256(L1Slot.unwrap(start_)) << CURSOR_START_BIT) | (distance << CURSOR_DISTANCE_BIT)
                | (distance << CURSOR_SINCE_TIP_BIT) | (MASK_32 << CURSOR_TIP_BIT)
        );
    }
}

/// @notice Reads and changes of a cursor. Every cast is safe: its operand is masked to fewer bits than the target has.
library CursorLib {
    function slot(Cursor self) internal pure returns (Slot) {
        return Slot.wrap(uint64(Cursor.unwrap(self) & MASK_32));
    }

    function start(Cursor self) internal pure returns (L1Slot) {
        return L1Slot.wrap(uint64((Cursor.unwrap(self) >> CURSOR_START_BIT) & MASK_40));
    }

    function previousStart(Cursor self) internal pure returns (L1Slot) {
        unchecked {
            // The distance was computed from a start that is not smaller.
            return
                L1Slot.wrap(
                    uint64(L1Slot.unwrap(self.start()) - ((Cursor.unwrap(self) >> CURSOR_DISTANCE_BIT) & MASK_16))
                );
        }
    }

    function recordIndex(Cursor self) internal pure returns (uint256) {
        return (Cursor.unwrap(self) >> CURSOR_RECORD_BIT) & MASK_8;
    }

    /// @notice L1 slots from the start of the last finalized block's slot, or from the genesis, to `moment`, at most
    /// 65,535. `moment` is the start of the cursor's slot or later.
    function sinceTip(Cursor self, L1Slot moment) internal pure returns (uint256 distance) {
        unchecked {
            // The sum of 16 bits and 64 bits fits.
            distance = ((Cursor.unwrap(self) >> CURSOR_SINCE_TIP_BIT) & MASK_16) + L1Slot.unwrap(moment)
                - L1Slot.unwrap(self.start());
        }
        if (distance > MASK_16) distance = MASK_16;
    }

    function height(Cursor self) internal pure returns (uint64) {
        return uint64((Cursor.unwrap(self) >> CURSOR_HEIGHT_BIT) & MASK_32);
    }

    /// @notice Slot of the last finalized block; `type(uint64).max` before the first block.
    function tipSlot(Cursor self) internal pure returns (Slot) {
        uint256 tip = (Cursor.unwrap(self) >> CURSOR_TIP_BIT) & MASK_32;
        return Slot.wrap(tip == MASK_32 ? type(uint64).max : uint64(tip));
    }

    function depositsEnd(Cursor self) internal pure returns (uint64) {
        return uint64((Cursor.unwrap(self) >> CURSOR_DEPOSITS_BIT) & MASK_40);
    }

    function exitsEnd(Cursor self) internal pure returns (uint64) {
        return uint64(Cursor.unwrap(self) >> CURSOR_EXITS_BIT);
    }

    /// @notice Whether the cursor's record, with this timeline, belongs to a slot with proposals that is not settled
    /// yet. A record that an earlier slot left behind has a lower slot number. An unused record has no candidates.
    function isInFlight(Cursor self, Timeline timeline) internal pure returns (bool) {
        return timeline.count() != 0 && Slot.unwrap(timeline.slot()) >= Slot.unwrap(self.slot());
    }

    /// @notice The cursor after the slot of `timeline` is settled. The next slot starts at `start_` if no idle slot
    /// comes before it.
    function withSlotSettled(Cursor self, Timeline timeline, L1Slot start_) internal pure returns (Cursor) {
        unchecked {
            // The record index wraps at RECORD_COUNT.
            return _withSlots(
                self,
                timeline.slot().advance(1),
                start_,
                timeline.start(),
                (self.recordIndex() + 1) % RECORD_COUNT,
                self.sinceTip(start_)
            );
        }
    }

    /// @notice The cursor after a pause voided the slot of `timeline`. The next slot starts at `start_` and follows a
    /// virtual slot that started at `previousStart_`. The record index stays: the record holds an earlier slot, so it
    /// may be overwritten. The time since the last block is that at the start of the voided slot: a pause is no stall.
    function withSlotVoided(Cursor self, Timeline timeline, L1Slot start_, L1Slot previousStart_)
        internal
        pure
        returns (Cursor)
    {
        return _withSlots(
            self,
            timeline.slot().advance(1),
            start_,
            previousStart_,
            self.recordIndex(),
            self.sinceTip(timeline.start())
        );
    }

    /// @notice The cursor after `slot_` produced a block, which consumed the deposits up to `depositsEnd_` and the
    /// forced exits up to `exitsEnd_`. The slot is settled already.
    function withTip(Cursor self, Slot slot_, uint64 depositsEnd_, uint64 exitsEnd_) internal pure returns (Cursor) {
        unchecked {
            // A block takes at least two seconds, and an entry of the queue is a transaction of more than 50,000 gas,
            // so the numbers of 32 and 40 bits last for centuries. The slot of the block is the last settled one, so
            // both distances are the same.
            uint256 distance = (Cursor.unwrap(self) >> CURSOR_DISTANCE_BIT) & MASK_16;
            return Cursor.wrap(
                (Cursor.unwrap(self) & (MASK_SLOTS ^ (MASK_16 << CURSOR_SINCE_TIP_BIT)))
                    | (distance << CURSOR_SINCE_TIP_BIT) | ((uint256(self.height()) + 1) << CURSOR_HEIGHT_BIT)
                    | (uint256(Slot.unwrap(slot_)) << CURSOR_TIP_BIT) | (uint256(depositsEnd_) << CURSOR_DEPOSITS_BIT)
                    | (uint256(exitsEnd_) << CURSOR_EXITS_BIT)
            );
        }
    }

    /// @dev The cursor with all fields about slots replaced. A slot takes at least two L1 slots, of a second or more
    /// each, so 32 bits hold every slot number. The rollup's constructor bounds the distance of two starts to 16 bits.
    function _withSlots(
        Cursor self,
        Slot slot_,
        L1Slot start_,
        L1Slot previousStart_,
        uint256 record,
        uint256 sinceTip_
    ) private pure returns (Cursor) {
        uint256 start40 = L1Slot.unwrap(start_);
        unchecked {
            // A slot starts after the previous one.
            return Cursor.wrap(
                (Cursor.unwrap(self) & ~MASK_SLOTS) | uint256(Slot.unwrap(slot_)) | (start40 << CURSOR_START_BIT)
                    | ((start40 - L1Slot.unwrap(previousStart_)) << CURSOR_DISTANCE_BIT) | (record << CURSOR_RECORD_BIT)
                    | (sinceTip_ << CURSOR_SINCE_TIP_BIT)
            );
        }
    }
}
