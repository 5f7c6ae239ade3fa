// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Phase} from "../interfaces/IRollup.sol";
import {Cursor} from "../types/Cursor.sol";
import {L1Slot, Slot} from "../types/Time.sol";
import {Timeline, openTimeline} from "../types/Timeline.sol";
import {Windows} from "../types/Windows.sol";

/// @notice Where a slot is at one moment.
struct Position {
    Phase phase;
    /// rank in turn; once a block is revealed, its rank; the number of candidates where nobody is left
    uint256 turn;
    /// whether the candidate at `turn` is revealed
    bool revealed;
    /// whether the slot is over
    bool over;
    /// first L1 slot after the phase, if nothing happens; of a slot that is over, first L1 slot after it
    L1Slot end;
}

/// @notice The slot in turn.
struct Location {
    /// the stored cursor, moved past the stored slot if that one is over
    Cursor cursor;
    Timeline timeline;
    Position position;
    /// the stored slot is over without a block, and `last` is how it ended
    bool expired;
    Position last;
}

/// @title Phases of a slot, and the slot in turn
/// @notice Pure functions of stored facts and the clock; `vectors/phases.json` ties them to the client.
/// All sums are of a 40-bit L1 slot and fewer than 2^8 lengths of 16 bits, so that none can overflow 64 bits.
library Phases {
    /// @notice The phase of a slot. Windows are half-open: a phase that ends at `end` lasts through `end - 1`.
    function phaseAt(Timeline t, Windows w, L1Slot now_) internal pure returns (Position memory p) {
        L1Slot end = t.start();
        if (now_ < end) return _position(p, Phase.Waiting, end);
        end = end.plus(w.proposal());
        if (now_ < end) return _position(p, Phase.Proposal, end);

        uint256 count = t.count();
        for (uint256 rank = 0; rank < count; ++rank) {
            p.turn = rank;
            uint256 position = t.positionOf(rank);
            L1Slot committedAt = t.committedAt(position);
            if (L1Slot.unwrap(committedAt) == 0) {
                end = end.plus(w.commitment());
                if (now_ < end) return _position(p, Phase.Commitment, end);
                continue;
            }
            L1Slot revealedAt = t.revealedAt(position);
            if (L1Slot.unwrap(revealedAt) == 0) {
                end = committedAt.plus(1 + w.reveal());
                if (now_ < end) return _position(p, Phase.Reveal, end);
                continue;
            }
            p.revealed = true;
            end = revealedAt.plus(1 + w.exclusive());
            if (now_ < end) return _position(p, Phase.ExclusiveProving, end);
            end = revealedAt.plus(1 + w.proving());
            if (now_ < end) return _position(p, Phase.OpenProving, end);
            break;
        }
        if (!p.revealed) p.turn = count;

        end = end.plus(w.halt());
        if (now_ < end) return _position(p, Phase.Halt, end);
        end = end.plus(w.backup());
        p.over = now_ >= end;
        return _position(p, Phase.Backup, end);
    }

    /// @notice The slot in turn, given the cursor and the record it points at. Slots that nobody touched are skipped at once.
    function locate(Cursor cursor, Timeline recorded, Windows w, L1Slot now_)
        internal
        pure
        returns (Location memory l)
    {
        if (cursor.isInFlight(recorded)) {
            Position memory p = phaseAt(recorded, w, now_);
            if (!p.over) {
                l.cursor = cursor;
                l.timeline = recorded;
                l.position = p;
                return l;
            }
            l.expired = true;
            l.last = p;
            cursor = cursor.closed(recorded, w.nextStart(recorded.start(), p.end));
        }
        l.cursor = cursor;
        l.timeline = idle(cursor, w, now_);
        l.position = phaseAt(l.timeline, w, now_);
    }

    /// @notice The slot in turn after the cursor's last settled one, nobody having proposed since.
    function idle(Cursor cursor, Windows w, L1Slot now_) internal pure returns (Timeline) {
        L1Slot first = cursor.start();
        uint256 length = w.idle();
        if (now_ < first.plus(length)) return openTimeline(cursor.slot(), first, cursor.previousStart());
        unchecked {
            // now >= first + length, and length is at least 3
            uint256 passed = (L1Slot.unwrap(now_) - L1Slot.unwrap(first)) / length;
            L1Slot previous = first.plus((passed - 1) * length);
            return openTimeline(cursor.slot().advance(passed), previous.plus(length), previous);
        }
    }

    function _position(Position memory p, Phase phase, L1Slot end) private pure returns (Position memory) {
        p.phase = phase;
        p.end = end;
        return p;
    }
}
