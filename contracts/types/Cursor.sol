// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot, Slot} from "./Time.sol";
import {MASK_40, MASK_8, Timeline} from "./Timeline.sol";

/// @notice State of the chain after every settled slot, in one word. Fields from the lowest bit, with their sizes in
/// bits:
/// - slot after the last settled one (40)
/// - start of that slot, if no idle slot comes before its first proposal (40)
/// - start of the last settled slot (40)
/// - index of the record that the next slot with proposals uses (8)
/// - number of finalized blocks (32)
/// - slot of the last finalized block; all ones before the first block (40)
/// - number of queue entries that blocks have consumed (56)
type Cursor is uint256;

using CursorLib for Cursor global;

/// @dev Number of records. Slots with proposals use them in rotation.
uint256 constant RECORD_COUNT = 4;

uint256 constant CURSOR_START_BIT = 40;
uint256 constant CURSOR_PREVIOUS_BIT = 80;
uint256 constant CURSOR_RECORD_BIT = 120;
uint256 constant CURSOR_HEIGHT_BIT = 128;
uint256 constant CURSOR_TIP_BIT = 160;
uint256 constant CURSOR_DEPOSITS_BIT = 200;
uint256 constant MASK_32 = (1 << 32) - 1;
uint256 constant MASK_56 = (1 << 56) - 1;
uint256 constant MASK_128 = (1 << 128) - 1;

/// @notice The cursor of a chain without blocks. Slot 0 starts at `start_`.
function genesisCursor(L1Slot start_, L1Slot previousStart_) pure returns (Cursor) {
    return Cursor.wrap(
        (uint256(L1Slot.unwrap(start_)) << CURSOR_START_BIT)
            | (uint256(L1Slot.unwrap(previousStart_)) << CURSOR_PREVIOUS_BIT) | (MASK_40 << CURSOR_TIP_BIT)
    );
}

/// @notice Reads and changes of a cursor. Every cast is safe: its operand is masked to fewer bits than the target has.
library CursorLib {
    function slot(Cursor self) internal pure returns (Slot) {
        return Slot.wrap(uint64(Cursor.unwrap(self) & MASK_40));
    }

    function start(Cursor self) internal pure returns (L1Slot) {
        return L1Slot.wrap(uint64((Cursor.unwrap(self) >> CURSOR_START_BIT) & MASK_40));
    }

    function previousStart(Cursor self) internal pure returns (L1Slot) {
        return L1Slot.wrap(uint64((Cursor.unwrap(self) >> CURSOR_PREVIOUS_BIT) & MASK_40));
    }

    function recordIndex(Cursor self) internal pure returns (uint256) {
        return (Cursor.unwrap(self) >> CURSOR_RECORD_BIT) & MASK_8;
    }

    function height(Cursor self) internal pure returns (uint64) {
        return uint64((Cursor.unwrap(self) >> CURSOR_HEIGHT_BIT) & MASK_32);
    }

    /// @notice Slot of the last finalized block; `type(uint64).max` before the first block.
    function tipSlot(Cursor self) internal pure returns (Slot) {
        uint256 tip = (Cursor.unwrap(self) >> CURSOR_TIP_BIT) & MASK_40;
        return Slot.wrap(tip == MASK_40 ? type(uint64).max : uint64(tip));
    }

    function depositsEnd(Cursor self) internal pure returns (uint64) {
        return uint64((Cursor.unwrap(self) >> CURSOR_DEPOSITS_BIT) & MASK_56);
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
            // A slot takes at least one L1 slot, so 40 bits hold every slot number. The record index wraps at
            // RECORD_COUNT.
            return Cursor.wrap(
                (Cursor.unwrap(self) & ~MASK_128) | (uint256(Slot.unwrap(timeline.slot())) + 1)
                    | (uint256(L1Slot.unwrap(start_)) << CURSOR_START_BIT)
                    | (uint256(L1Slot.unwrap(timeline.start())) << CURSOR_PREVIOUS_BIT)
                    | (((self.recordIndex() + 1) % RECORD_COUNT) << CURSOR_RECORD_BIT)
            );
        }
    }

    /// @notice The cursor whose next slot is `slot_`, which starts at `start_` and follows a slot that started at
    /// `previousStart_`. The record index stays: the record holds an earlier slot, so it may be overwritten.
    function withNextSlot(Cursor self, Slot slot_, L1Slot start_, L1Slot previousStart_)
        internal
        pure
        returns (Cursor)
    {
        return Cursor.wrap(
            (Cursor.unwrap(self) & (~MASK_128 | (MASK_8 << CURSOR_RECORD_BIT))) | uint256(Slot.unwrap(slot_))
                | (uint256(L1Slot.unwrap(start_)) << CURSOR_START_BIT)
                | (uint256(L1Slot.unwrap(previousStart_)) << CURSOR_PREVIOUS_BIT)
        );
    }

    /// @notice The cursor after `slot_` produced a block, with all queue entries up to `depositsEnd_` consumed.
    function withTip(Cursor self, Slot slot_, uint64 depositsEnd_) internal pure returns (Cursor) {
        unchecked {
            // 2^32 blocks take longer than 2^32 seconds. Each queue entry is a transaction, so there are fewer than
            // 2^56 of them.
            return Cursor.wrap(
                (Cursor.unwrap(self) & MASK_128) | ((uint256(self.height()) + 1) << CURSOR_HEIGHT_BIT)
                    | (uint256(Slot.unwrap(slot_)) << CURSOR_TIP_BIT) | (uint256(depositsEnd_) << CURSOR_DEPOSITS_BIT)
            );
        }
    }
}
