// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Phase} from "../interfaces/IRollup.sol";
import {Cursor} from "../types/Cursor.sol";
import {L1Slot, Slot} from "../types/Time.sol";
import {Timeline, openTimeline} from "../types/Timeline.sol";
import {Windows} from "../types/Windows.sol";

/// @notice Status of a slot at one moment.
struct SlotStatus {
    Phase phase;
    /// Rank of the candidate in turn; 0 before the commitment phase. The number of candidates if all of them failed.
    uint256 rank;
    /// Start of the turn of the candidate at `rank`; zero if there is none.
    L1Slot turnStart;
    /// Whether the candidate in turn has completed its reveal.
    bool revealed;
    /// Whether the slot is over.
    bool over;
    /// First L1 slot after the phase, if nothing happens until then. First L1 slot after the slot, if it is over.
    L1Slot end;
}

/// @notice The slot in turn, and the end of an earlier slot that is not settled.
struct SlotInTurn {
    /// The stored cursor, moved past the stored slot if that slot is over.
    Cursor cursor;
    Timeline timeline;
    SlotStatus status;
    /// Whether the stored slot ended without a block and is not settled.
    bool expired;
    /// Final status of that slot.
    SlotStatus expiredStatus;
}

/// @title Phases of a slot, and the slot in turn
/// @notice Pure functions of stored facts and the clock. `vectors/phases.json` compares them with the client's. All
/// sums are of a 40-bit L1 slot and fewer than 2^8 lengths of 16 bits, so none of them can overflow 64 bits.
library Phases {
    /// @notice The status of a slot. Phases are half-open: a phase that ends at `end` lasts through `end - 1`.
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
            status.turnStart = end;
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
        if (!status.revealed) {
            status.rank = count;
            status.turnStart = L1Slot.wrap(0);
        }

        end = end.plus(windows.halt());
        if (now_ < end) return _withPhase(status, Phase.Halt, end);
        end = end.plus(windows.backup());
        status.over = now_ >= end;
        return _withPhase(status, Phase.Backup, end);
    }

    /// @notice The slot in turn, from the cursor and the record that it points at. Takes constant time, however many
    /// idle slots have passed.
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

    /// @notice L1 slots that a block of the slot of `timeline` is paid for. They are known when the slot starts.
    /// @param cursor The cursor with all earlier slots settled.
    function paidL1Slots(Cursor cursor, Timeline timeline, Windows windows) internal pure returns (uint256) {
        L1Slot start = timeline.start();
        unchecked {
            // A slot starts after the previous one.
            uint256 sinceStart = L1Slot.unwrap(start) - L1Slot.unwrap(timeline.previousStart());
            return windows.paid(sinceStart, cursor.sinceTip(start));
        }
    }

    /// @notice The timeline of the slot in turn, if nobody has proposed since the cursor's last settled slot.
    function idleTimeline(Cursor cursor, Windows windows, L1Slot now_) internal pure returns (Timeline) {
        L1Slot first = cursor.start();
        uint256 length = windows.idle();
        if (now_ < first.plus(length)) return openTimeline(cursor.slot(), first, cursor.previousStart());
        unchecked {
            // `now_` is at least first + length, and the length is at least 3.
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
