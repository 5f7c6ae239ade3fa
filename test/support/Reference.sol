// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Parameters, Phase} from "../../contracts/interfaces/IRollup.sol";

uint256 constant NEVER = type(uint256).max;

/// @notice Events of a candidate in the reference model; `NEVER` for an event that did not happen.
struct CandidateTimes {
    uint256 committedAt;
    uint256 revealedAt;
}

/// @title A reference model of the phases of a slot
/// @notice Goes through the slot L1 slot by L1 slot, where the contract compares bounds. It is slow and simple. Times
/// are plain integers.
library Reference {
    struct Answer {
        Phase phase;
        uint256 rank;
        /// Start of the turn of the candidate at `rank`; zero if there is none.
        uint256 turnStart;
        bool over;
        uint256 end;
    }

    /// @notice Goes from `start` to `now_`, one L1 slot at a time, and counts how long the current phase has lasted.
    function phase(Parameters memory parameters, uint256 start, CandidateTimes[] memory candidates, uint256 now_)
        internal
        pure
        returns (Answer memory answer)
    {
        if (now_ < start) return Answer(Phase.Waiting, 0, 0, false, start);
        answer.phase = Phase.Proposal;
        uint256 left = parameters.proposalPhase;
        uint256 time = start;
        while (true) {
            if (left == 0) {
                bool proven = answer.phase > Phase.Reveal;
                (answer.phase, left) = _next(parameters, candidates, answer);
                if (!proven) answer.turnStart = answer.phase == Phase.Commitment ? time : 0;
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
            // An event in this L1 slot counts from the next one on.
            if (answer.phase == Phase.Commitment && candidates[answer.rank].committedAt == time) {
                answer.phase = Phase.Reveal;
                left = uint256(parameters.revealPhase) + 1;
            }
            if (answer.phase == Phase.Reveal && candidates[answer.rank].revealedAt == time) {
                answer.phase = Phase.ExclusiveProving;
                left = uint256(parameters.exclusiveProving) + 1;
            }
            ++time;
            --left;
        }
    }

    /// @dev The phase after one that ran out, and its length.
    function _next(Parameters memory parameters, CandidateTimes[] memory candidates, Answer memory answer)
        private
        pure
        returns (Phase, uint256)
    {
        if (answer.phase == Phase.Proposal) {
            if (candidates.length != 0) return (Phase.Commitment, parameters.commitmentPhase);
        } else if (answer.phase == Phase.Commitment || answer.phase == Phase.Reveal) {
            ++answer.rank;
            if (answer.rank < candidates.length) return (Phase.Commitment, parameters.commitmentPhase);
        } else if (answer.phase == Phase.ExclusiveProving) {
            // An empty phase runs out at once.
            return (Phase.OpenProving, parameters.provingPhase - parameters.exclusiveProving);
        } else if (answer.phase == Phase.Halt) {
            return (Phase.Backup, parameters.backupPhase);
        } else if (answer.phase == Phase.Backup) {
            answer.over = true;
            return (Phase.Backup, 0);
        }
        return (Phase.Halt, parameters.haltPhase);
    }

    /// @notice L1 slots that a block is paid for, counted one by one: those since the previous slot's start, at most as
    /// many as an idle slot has, and those of the stall.
    /// @param sinceStart L1 slots from the previous slot's start to the slot's.
    /// @param sinceTip L1 slots from the start of the last block's slot to the slot's, less those of pauses.
    function paid(Parameters memory parameters, uint256 sinceStart, uint256 sinceTip)
        internal
        pure
        returns (uint256 length)
    {
        uint256 idle = uint256(parameters.proposalPhase) + parameters.haltPhase + parameters.backupPhase;
        for (uint256 i = 0; i < sinceStart && i < idle; ++i) {
            ++length;
        }
        for (uint256 i = 0; i < parameters.maxStall && parameters.stallAfter + i < sinceTip; ++i) {
            ++length;
        }
    }
}
