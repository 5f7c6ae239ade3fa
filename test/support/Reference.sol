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
    function phase(Parameters memory parameters, uint256 start, Turn[] memory turns, uint256 now_)
        internal
        pure
        returns (Answer memory answer)
    {
        if (now_ < start) return Answer(Phase.Waiting, 0, false, start);
        answer.phase = Phase.Proposal;
        uint256 left = parameters.proposalPhase;
        uint256 time = start;
        while (true) {
            if (left == 0) {
                (answer.phase, left) = _next(parameters, turns, answer);
                if (answer.over) {
                    answer.end = time;
                    return answer;
                }
                continue;
            }
            if (time == now_) {
                answer.end = time + left;
                return answer;
            }
            // What happens in this L1 slot counts from the next one on.
            if (answer.phase == Phase.Commitment && turns[answer.turn].committedAt == time) {
                answer.phase = Phase.Reveal;
                left = uint256(parameters.revealPhase) + 1;
            }
            if (answer.phase == Phase.Reveal && turns[answer.turn].revealedAt == time) {
                answer.phase = Phase.ExclusiveProving;
                left = uint256(parameters.exclusiveProving) + 1;
            }
            ++time;
            --left;
        }
    }

    /// @dev What follows a phase that ran out.
    function _next(Parameters memory parameters, Turn[] memory turns, Answer memory answer)
        private
        pure
        returns (Phase, uint256)
    {
        if (answer.phase == Phase.Proposal) {
            if (turns.length != 0) return (Phase.Commitment, parameters.commitmentPhase);
        } else if (answer.phase == Phase.Commitment || answer.phase == Phase.Reveal) {
            ++answer.turn;
            if (answer.turn < turns.length) return (Phase.Commitment, parameters.commitmentPhase);
        } else if (answer.phase == Phase.ExclusiveProving) {
            // An empty window runs out at once.
            return (Phase.OpenProving, parameters.provingPhase - parameters.exclusiveProving);
        } else if (answer.phase == Phase.Halt) {
            return (Phase.Backup, parameters.backupPhase);
        } else if (answer.phase == Phase.Backup) {
            answer.over = true;
            return (Phase.Backup, 0);
        }
        return (Phase.Halt, parameters.haltPhase);
    }
}
