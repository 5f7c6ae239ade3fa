// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Phase} from "../interfaces/IRollup.sol";
import {Cursor} from "../types/Cursor.sol";
import {L1Slot, Slot} from "../types/Time.sol";
import {Timeline, openTimeline} from "../types/Timeline.sol";
import {Windows} from "../types/Windows.sol";

/// @notice Where a slot is at one moment.
struct SlotStatus {
    Phase phase;
    /// rank in turn; once a block is revealed, its rank; the number of candidates where nobody is left
    uint256 rank;
    /// whether the candidate at `turn` is revealed
    bool revealed;
    /// whether the slot is over
    bool over;
    /// first L1 slot after the phase, if nothing happens; of a slot that is over, first L1 slot after it
    L1Slot end;
}

/// @notice The slot in turn.
struct SlotInTurn {
    /// the stored cursor, moved past the stored slot if that one is over
    Cursor cursor;
    Timeline timeline;
    SlotStatus status;
    /// the stored slot is over without a block, and `last` is how it ended
    bool expired;
    SlotStatus expiredStatus;
}

/// @title Phases of a slot, and the slot in turn
/// @notice Pure functions of stored facts and the clock; `vectors/phases.json` ties them to the client.
/// All sums are of a 40-bit L1 slot and fewer than 2^8 lengths of 16 bits, so that none can overflow 64 bits.
library Phases {
    /// @notice The phase of a slot. Windows are half-open: a phase that ends at `end` lasts through `end - 1`.
    function statusAt(Timeline timeline, Windows windows, L1Slot now_)
        internal
        pure
        returns (SlotStatus memory status)
    {
        L1Slot end = timeline.start();
        if (now_ < end) return _withPhase(status, Phase.Waiting, end);
        end = end.plus(windows.proposal());
        if (now_ < end) return _withPhase(status, Phase.Proposal, end);

        uint256 count = timeline.count();
        for (uint256 rank = 0; rank < count; ++rank) {
            status.rank = rank;
            uint256 index = timeline.indexOf(rank);
            L1Slot committedAt = timeline.committedAt(index);
            if (L1Slot.unwrap(committedAt) == 0) {
                end = end.plus(windows.commitment());
                if (now_ < end) return _withPhase(status, Phase.Commitment, end);
                continue;
            }
            L1Slot revealedAt = timeline.revealedAt(index);
            if (L1Slot.unwrap(revealedAt) == 0) {
                end = committedAt.plus(1 + windows.reveal());
                if (now_ < end) return _withPhase(status, Phase.Reveal, end);
                continue;
            }
            status.revealed = true;
            end = revealedAt.plus(1 + windows.exclusive());
            if (now_ < end) return _withPhase(status, Phase.ExclusiveProving, end);
            end = revealedAt.plus(1 + windows.proving());
            if (now_ < end) return _withPhase(status, Phase.OpenProving, end);
            break;
        }
        if (!status.revealed) status.rank = count;

        end = end.plus(windows.halt());
        if (now_ < end) return _withPhase(status, Phase.Halt, end);
        end = end.plus(windows.backup());
        status.over = now_ >= end;
        return _withPhase(status, Phase.Backup, end);
    }

    /// @notice The slot in turn, given the cursor and the record it points at. Slots that nobody touched are skipped at once.
    function slotInTurn(Cursor cursor, Timeline recorded, Windows windows, L1Slot now_)
        internal
        pure
        returns (SlotInTurn memory current)
    {
        if (cursor.isInFlight(recorded)) {
            SlotStatus memory status = statusAt(recorded, windows, now_);
            if (!status.over) {
                current.cursor = cursor;
                current.timeline = recorded;
                current.status = status;
                return current;
            }
            current.expired = true;
            current.expiredStatus = status;
            cursor = cursor.withSlotSettled(recorded, windows.nextStart(recorded.start(), status.end));
        }
        current.cursor = cursor;
        current.timeline = idleTimeline(cursor, windows, now_);
        current.status = statusAt(current.timeline, windows, now_);
    }

    /// @notice The slot in turn after the cursor's last settled one, nobody having proposed since.
    function idleTimeline(Cursor cursor, Windows windows, L1Slot now_) internal pure returns (Timeline) {
        L1Slot first = cursor.start();
        uint256 length = windows.idle();
        if (now_ < first.plus(length)) return openTimeline(cursor.slot(), first, cursor.previousStart());
        unchecked {
            // now >= first + length, and length is at least 3
            uint256 passed = (L1Slot.unwrap(now_) - L1Slot.unwrap(first)) / length;
            L1Slot previous = first.plus((passed - 1) * length);
            return openTimeline(cursor.slot().advance(passed), previous.plus(length), previous);
        }
    }

    function _withPhase(SlotStatus memory status, Phase phase, L1Slot end) private pure returns (SlotStatus memory) {
        status.phase = phase;
        status.end = end;
        return status;
    }
}
