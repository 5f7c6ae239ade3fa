// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Phase} from "../../contracts/interfaces/IRollup.sol";
import {Phases, Position} from "../../contracts/libraries/Phases.sol";
import {L1Slot} from "../../contracts/types/Time.sol";
import {Timeline} from "../../contracts/types/Timeline.sol";
import {Windows} from "../../contracts/types/Windows.sol";

/// @title The phase function is total, and time only moves it forward
/// @notice Proven by halmos (`make halmos`) for all words as windows and timelines of at most four candidates, whatever they say, and all L1 slots of
/// 40 bits: for those that a chain leads to, and for any others.
contract PhasesProofs {
    /// @dev Every moment has one phase; it lasts until after that moment, and a slot that is over ended by then.
    /// @custom:rule T3, S6
    function check_everyMomentHasAPhase(uint256 timeline, uint256 windows, uint40 now_) public pure {
        Timeline t = Timeline.wrap(timeline);
        if (t.count() > 4) return;
        Position memory p = Phases.phaseAt(t, Windows.wrap(windows), L1Slot.wrap(now_));
        if (p.over) assert(p.phase == Phase.Backup && L1Slot.unwrap(p.end) <= now_);
        else assert(L1Slot.unwrap(p.end) > now_);
        assert(p.turn <= t.count());
        if (p.revealed) assert(p.turn < t.count());
        if (p.phase == Phase.Waiting) assert(now_ < L1Slot.unwrap(t.start()));
        else assert(now_ >= L1Slot.unwrap(t.start()));
    }

    /// @dev Whose turn it is fits the phase.
    /// @custom:rule S6
    function check_theCandidateInTurnFitsThePhase(uint256 timeline, uint256 windows, uint40 now_) public pure {
        Timeline t = Timeline.wrap(timeline);
        if (t.count() > 4) return;
        Position memory p = Phases.phaseAt(t, Windows.wrap(windows), L1Slot.wrap(now_));
        if (p.phase == Phase.Commitment) {
            assert(p.turn < t.count() && !p.revealed);
            assert(L1Slot.unwrap(t.committedAt(t.positionOf(p.turn))) == 0);
        } else if (p.phase == Phase.Reveal) {
            assert(p.turn < t.count() && !p.revealed);
            assert(L1Slot.unwrap(t.committedAt(t.positionOf(p.turn))) != 0);
        } else if (p.phase == Phase.ExclusiveProving || p.phase == Phase.OpenProving) {
            assert(p.revealed);
            assert(L1Slot.unwrap(t.revealedAt(t.positionOf(p.turn))) != 0);
        } else if (p.phase == Phase.Waiting || p.phase == Phase.Proposal) {
            assert(p.turn == 0 && !p.revealed);
        } else if (!p.revealed) {
            assert(p.turn == t.count());
        }
    }

    /// @dev A phase lasts through the L1 slot before its end, and what follows is another one: of a slot without candidates.
    /// @custom:rule T2, T3
    function check_aPhaseLastsUntilItsEnd(uint256 timeline, uint256 windows, uint40 now_, uint40 later) public pure {
        Timeline t = Timeline.wrap(timeline);
        if (t.count() != 0 || later < now_) return;
        _lasts(t, Windows.wrap(windows), L1Slot.wrap(now_), L1Slot.wrap(later));
    }

    /// @dev The same with one candidate, which acted when it could, or didn't. With more of them, the solver takes too long; `test/fuzz/Phases.t.sol`
    /// has those.
    /// @custom:rule T2, T3, S6
    function check_aCandidatesPhasesLastUntilTheirEnds(uint256 timeline, uint256 windows, uint40 now_, uint40 later)
        public
        pure
    {
        Timeline t = Timeline.wrap(timeline);
        Windows w = Windows.wrap(windows);
        if (t.count() != 1 || later < now_ || !_isReachable(t, w)) return;
        _lasts(t, w, L1Slot.wrap(now_), L1Slot.wrap(later));
    }

    function _lasts(Timeline t, Windows w, L1Slot now_, L1Slot later) private pure {
        Position memory p = Phases.phaseAt(t, w, now_);
        Position memory q = Phases.phaseAt(t, w, later);
        if (p.over) {
            assert(q.over && L1Slot.unwrap(q.end) == L1Slot.unwrap(p.end));
        } else if (later < p.end) {
            assert(q.phase == p.phase && q.turn == p.turn && q.revealed == p.revealed && !q.over);
            assert(L1Slot.unwrap(q.end) == L1Slot.unwrap(p.end));
        } else {
            assert(q.phase > p.phase || q.over || q.turn > p.turn);
            assert(L1Slot.unwrap(q.end) >= L1Slot.unwrap(p.end));
        }
    }

    /// @dev Whether the contract lets a slot's only candidate act so: it commits in its turn, and reveals within the phase that this starts.
    function _isReachable(Timeline t, Windows w) private pure returns (bool) {
        if (w.exclusive() > w.proving()) return false;
        uint256 position = t.positionOf(0);
        uint256 turn = uint256(L1Slot.unwrap(t.start())) + w.proposal();
        uint256 committed = L1Slot.unwrap(t.committedAt(position));
        uint256 revealed = L1Slot.unwrap(t.revealedAt(position));
        if (committed == 0) return revealed == 0;
        if (committed < turn || committed >= turn + w.commitment()) return false;
        return revealed == 0 || (revealed >= committed && revealed <= committed + w.reveal());
    }
}
