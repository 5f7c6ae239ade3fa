// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Phase} from "../../contracts/interfaces/IRollup.sol";
import {Phases, SlotStatus} from "../../contracts/libraries/Phases.sol";
import {L1Slot} from "../../contracts/types/Time.sol";
import {Timeline} from "../../contracts/types/Timeline.sol";
import {Windows} from "../../contracts/types/Windows.sol";

/// @title The phase function is total, and time only moves it forward
/// @notice Proven by halmos (`make halmos`) for all words as windows, all timelines of at most four candidates and all
/// L1 slots of 40 bits, including those that no chain reaches.
contract PhasesProofs {
    /// @dev Every moment has one phase, which ends after that moment. A slot that is over ended by that moment.
    /// @custom:rule T3, S6
    function check_everyMomentHasAPhase(uint256 timeline, uint256 windows, uint40 now_) public pure {
        Timeline timeline_ = Timeline.wrap(timeline);
        if (timeline_.count() > 4) return;
        SlotStatus memory status = Phases.statusAt(timeline_, Windows.wrap(windows), L1Slot.wrap(now_));
        if (status.over) assert(status.phase == Phase.Backup && L1Slot.unwrap(status.end) <= now_);
        else assert(L1Slot.unwrap(status.end) > now_);
        assert(status.rank <= timeline_.count());
        if (status.revealed) assert(status.rank < timeline_.count());
        if (status.phase == Phase.Waiting) assert(now_ < L1Slot.unwrap(timeline_.start()));
        else assert(now_ >= L1Slot.unwrap(timeline_.start()));
    }

    /// @dev The candidate in turn fits the phase.
    /// @custom:rule S6
    function check_theCandidateInTurnFitsThePhase(uint256 timeline, uint256 windows, uint40 now_) public pure {
        Timeline timeline_ = Timeline.wrap(timeline);
        if (timeline_.count() > 4) return;
        SlotStatus memory status = Phases.statusAt(timeline_, Windows.wrap(windows), L1Slot.wrap(now_));
        if (status.phase == Phase.Commitment) {
            assert(status.rank < timeline_.count() && !status.revealed);
            assert(L1Slot.unwrap(timeline_.committedAt(timeline_.indexOf(status.rank))) == 0);
        } else if (status.phase == Phase.Reveal) {
            assert(status.rank < timeline_.count() && !status.revealed);
            assert(L1Slot.unwrap(timeline_.committedAt(timeline_.indexOf(status.rank))) != 0);
        } else if (status.phase == Phase.ExclusiveProving || status.phase == Phase.OpenProving) {
            assert(status.revealed);
            assert(L1Slot.unwrap(timeline_.revealedAt(timeline_.indexOf(status.rank))) != 0);
        } else if (status.phase == Phase.Waiting || status.phase == Phase.Proposal) {
            assert(status.rank == 0 && !status.revealed);
        } else if (!status.revealed) {
            assert(status.rank == timeline_.count());
        }
    }

    /// @dev A turn has a start if there is a candidate in turn, and it is not after the moment.
    /// @custom:rule S6, E9
    function check_aCandidateInTurnHasAStart(uint256 timeline, uint256 windows, uint40 now_) public pure {
        Timeline timeline_ = Timeline.wrap(timeline);
        if (timeline_.count() > 4) return;
        SlotStatus memory status = Phases.statusAt(timeline_, Windows.wrap(windows), L1Slot.wrap(now_));
        uint256 start = L1Slot.unwrap(status.turnStart);
        bool inTurn = status.phase >= Phase.Commitment && status.rank < timeline_.count();
        if (!inTurn) assert(start == 0);
        if (status.phase == Phase.Commitment) assert(start <= now_);
        // The first turn starts with the commitment phase.
        uint256 first = L1Slot.unwrap(timeline_.start()) + Windows.wrap(windows).proposal();
        if (inTurn && status.rank == 0) assert(start == first);
    }

    /// @dev A phase lasts through the L1 slot before its end, and another phase follows. For a slot without candidates.
    /// @custom:rule T2, T3
    function check_aPhaseLastsUntilItsEnd(uint256 timeline, uint256 windows, uint40 now_, uint40 later) public pure {
        Timeline timeline_ = Timeline.wrap(timeline);
        if (timeline_.count() != 0 || later < now_) return;
        _lasts(timeline_, Windows.wrap(windows), L1Slot.wrap(now_), L1Slot.wrap(later));
    }

    /// @dev The same for one candidate that acted when it could, or did not act. The solver takes too long with more
    /// candidates; `test/fuzz/Phases.t.sol` has those.
    /// @custom:rule T2, T3, S6
    function check_aCandidatesPhasesLastUntilTheirEnds(uint256 timeline, uint256 windows, uint40 now_, uint40 later)
        public
        pure
    {
        Timeline timeline_ = Timeline.wrap(timeline);
        Windows windows_ = Windows.wrap(windows);
        if (timeline_.count() != 1 || later < now_ || !_isReachable(timeline_, windows_)) return;
        _lasts(timeline_, windows_, L1Slot.wrap(now_), L1Slot.wrap(later));
    }

    function _lasts(Timeline timeline, Windows windows, L1Slot now_, L1Slot later) private pure {
        SlotStatus memory status = Phases.statusAt(timeline, windows, now_);
        SlotStatus memory status_ = Phases.statusAt(timeline, windows, later);
        if (status.over) {
            assert(status_.over && L1Slot.unwrap(status_.end) == L1Slot.unwrap(status.end));
        } else if (later < status.end) {
            assert(
                status_.phase == status.phase && status_.rank == status.rank && status_.revealed == status.revealed
                    && status_.turnStart == status.turnStart && !status_.over
            );
            assert(L1Slot.unwrap(status_.end) == L1Slot.unwrap(status.end));
        } else {
            assert(status_.phase > status.phase || status_.over || status_.rank > status.rank);
            assert(L1Slot.unwrap(status_.end) >= L1Slot.unwrap(status.end));
        }
    }

    /// @dev Whether the contract allows these actions of a slot's only candidate: it commits in its turn, and reveals
    /// within the reveal phase that follows.
    function _isReachable(Timeline timeline, Windows windows) private pure returns (bool) {
        if (windows.exclusive() > windows.proving()) return false;
        uint256 index = timeline.indexOf(0);
        uint256 turn = uint256(L1Slot.unwrap(timeline.start())) + windows.proposal();
        uint256 committed = L1Slot.unwrap(timeline.committedAt(index));
        uint256 revealed = L1Slot.unwrap(timeline.revealedAt(index));
        if (committed == 0) return revealed == 0;
        if (committed < turn || committed >= turn + windows.commitment()) return false;
        return revealed == 0 || (revealed >= committed && revealed <= committed + windows.reveal());
    }
}
