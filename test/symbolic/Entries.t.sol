// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Entries} from "../../contracts/libraries/Entries.sol";
import {L1Slot} from "../../contracts/types/Time.sol";

/// @title Entry windows, rotations and exits
/// @notice Proven by halmos (`make halmos`) for all arguments within the bounds that the library states.
contract EntriesProofs {
    /// @dev The lengths of script/config, and one that is no power of two nor a divisor of anything.
    function check_anActivationLiesInItsWindow(uint40 earliest, uint8 ahead) public pure {
        _activation(earliest, ahead, 1);
        _activation(earliest, ahead, 8);
        _activation(earliest, ahead, 32);
        _activation(earliest, ahead, 225);
    }

    function _activation(uint40 earliest, uint8 ahead, uint256 length) private pure {
        uint256 window = Entries.windowOf(L1Slot.wrap(earliest), length) + ahead;
        uint256 active = L1Slot.unwrap(Entries.activation(window, length, L1Slot.wrap(earliest)));
        assert(active >= earliest);
        assert(active >= window * length);
        assert(active < (window + 1) * length);
        if (ahead == 0) assert(active == earliest);
        else assert(active == window * length);
    }

    function check_aPlaceTakenIsTakenOnce(uint256 lanes, uint8 window, uint8 other) public pure {
        uint256 lane = Entries.laneOf(lanes, window);
        // a window that is full isn't asked
        if (lane == type(uint16).max) return;
        uint256 more = Entries.withOneMore(lanes, window);
        assert(Entries.laneOf(more, window) == lane + 1);
        assert(Entries.withOneLess(more, window) == lanes);
        if (other % 16 != window % 16) assert(Entries.laneOf(more, other) == Entries.laneOf(lanes, other));
    }

    function check_whatIsValidStaysValid(uint40 from, uint64 moment, uint64 later) public pure {
        if (later < moment) return;
        bool valid = Entries.isValidAt(from, L1Slot.wrap(moment));
        assert(valid == (from != 0 && moment >= from));
        if (valid) assert(Entries.isValidAt(from, L1Slot.wrap(later)));
    }

    function check_aRotationWaitsForTheHistory(uint40 from) public pure {
        uint256 next = L1Slot.unwrap(Entries.nextRotation(from));
        assert(next == (from == 0 ? 0 : uint256(from) + Entries.HISTORY));
    }

    function check_anExitIsMarkedAndPaidAfterItsDelay(uint40 now_, uint32 delay) public pure {
        uint256 mark = L1Slot.unwrap(Entries.exitMark(L1Slot.wrap(now_)));
        assert(mark != 0);
        assert(mark == (now_ == 0 ? 1 : now_));
        uint256 from = L1Slot.unwrap(Entries.withdrawableFrom(mark, delay));
        assert(from == mark + delay);
        assert(from >= uint256(now_) + delay);
    }
}
