// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Parameters, Phase} from "../../contracts/interfaces/IRollup.sol";

uint256 constant NEVER = type(uint256).max;

/// @notice One candidate of the reference model; `NEVER` where nothing happened.
struct Turn {
    uint256 committedAt;
    uint256 revealedAt;
}

/// @title The phases of a slot, said in another way
/// @notice Lays out the slot's windows L1 slot by L1 slot instead of comparing bounds; slow and plain. Times are plain integers.
library Reference {
    struct Answer {
        Phase phase;
        uint256 turn;
        bool over;
        uint256 end;
    }

    /// @notice Walks from `start` to `now_`, one L1 slot at a time, and counts how long the present phase has lasted.
    function phase(Parameters memory p, uint256 start, Turn[] memory turns, uint256 now_)
        internal
        pure
        returns (Answer memory a)
    {
        if (now_ < start) return Answer(Phase.Waiting, 0, false, start);
        a.phase = Phase.Proposal;
        uint256 left = p.proposalPhase;
        uint256 time = start;
        while (true) {
            if (left == 0) {
                (a.phase, left) = _next(p, turns, a);
                if (a.over) {
                    a.end = time;
                    return a;
                }
                continue;
            }
            if (time == now_) {
                a.end = time + left;
                return a;
            }
            // What happens in this L1 slot counts from the next one on.
            if (a.phase == Phase.Commitment && turns[a.turn].committedAt == time) {
                a.phase = Phase.Reveal;
                left = uint256(p.revealPhase) + 1;
            }
            if (a.phase == Phase.Reveal && turns[a.turn].revealedAt == time) {
                a.phase = Phase.ExclusiveProving;
                left = uint256(p.exclusiveProving) + 1;
            }
            ++time;
            --left;
        }
    }

    /// @dev What follows a phase that ran out.
    function _next(Parameters memory p, Turn[] memory turns, Answer memory a) private pure returns (Phase, uint256) {
        if (a.phase == Phase.Proposal) {
            if (turns.length != 0) return (Phase.Commitment, p.commitmentPhase);
        } else if (a.phase == Phase.Commitment || a.phase == Phase.Reveal) {
            ++a.turn;
            if (a.turn < turns.length) return (Phase.Commitment, p.commitmentPhase);
        } else if (a.phase == Phase.ExclusiveProving) {
            // An empty window runs out at once.
            return (Phase.OpenProving, p.provingPhase - p.exclusiveProving);
        } else if (a.phase == Phase.Halt) {
            return (Phase.Backup, p.backupPhase);
        } else if (a.phase == Phase.Backup) {
            a.over = true;
            return (Phase.Backup, 0);
        }
        return (Phase.Halt, p.haltPhase);
    }
}
