// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Entries} from "../../contracts/libraries/Entries.sol";
import {L1Slot} from "../../contracts/types/Time.sol";

/// @title Entry windows, rotations and exits
/// @notice Proven by halmos (`make halmos`) for all arguments within the library's bounds.
contract EntriesProofs {
    /// @dev The window of an L1 slot contains that slot. For window lengths that are a power of two, which the solver
    /// can divide by.
    /// @custom:rule Q4
    function check_anL1SlotLiesInItsWindow(uint40 moment) public pure {
        for (uint256 bits = 0; bits < 12; bits += 3) {
            uint256 length = 2 ** bits;
            uint256 window = Entries.windowOf(L1Slot.wrap(moment), length);
            assert(window * length <= moment);
            assert(moment - window * length < length);
        }
    }

    /// @dev An L1 slot is given by its window and the remainder, and the length of a window by examples.
    /// @custom:rule Q5
    function check_anActivationLiesInItsWindow(uint32 window, uint8 offset, uint8 ahead) public pure {
        _activation(window, offset, ahead, 1);
        _activation(window, offset, ahead, 8);
        _activation(window, offset, ahead, 32);
        _activation(window, offset, ahead, 225);
    }

    function _activation(uint256 window, uint256 offset, uint256 ahead, uint256 length) private pure {
        if (offset >= length) return;
        uint256 earliest = window * length + offset;
        // Cast: 32 bits times 8 bits, and 8 bits.
        L1Slot at0 = Entries.activation(window + ahead, length, L1Slot.wrap(uint64(earliest)));
        uint256 active = L1Slot.unwrap(at0);
        assert(active >= earliest);
        assert(active >= (window + ahead) * length);
        assert(active < (window + ahead + 1) * length);
        assert(active == (ahead == 0 ? earliest : (window + ahead) * length));
    }

    /// @dev All lanes of a word, one by one.
    /// @custom:rule Q4, K1
    function check_aPlaceTakenIsTakenOnce(uint256 lanes) public pure {
        for (uint256 window = 0; window < Entries.LANES; ++window) {
            uint256 lane = (lanes >> (16 * window)) & 0xffff;
            assert(Entries.laneOf(lanes, window) == lane);
            // A full window is not asked.
            if (lane == type(uint16).max) return;
            uint256 more = Entries.withOneMore(lanes, window);
            assert((more >> (16 * window)) & 0xffff == lane + 1);
            assert(more ^ lanes == ((lane + 1) ^ lane) << (16 * window));
            assert(Entries.withOneLess(more, window) == lanes);
        }
    }

    /// @custom:rule Q10, Q11
    function check_whatIsValidStaysValid(uint40 from, uint64 moment, uint64 later) public pure {
        if (later < moment) return;
        bool valid = Entries.isValidAt(from, L1Slot.wrap(moment));
        assert(valid == (from != 0 && moment >= from));
        if (valid) assert(Entries.isValidAt(from, L1Slot.wrap(later)));
    }

    /// @custom:rule Q12
    function check_aRotationWaitsForTheHistory(uint40 from) public pure {
        uint256 next = L1Slot.unwrap(Entries.nextRotation(from));
        assert(next == (from == 0 ? 0 : uint256(from) + Entries.HISTORY));
    }

    /// @custom:rule Q15, Q17
    function check_anExitIsMarkedAndPaidAfterItsDelay(uint40 now_, uint32 delay) public pure {
        uint256 mark = L1Slot.unwrap(Entries.exitTime(L1Slot.wrap(now_)));
        assert(mark != 0);
        assert(mark == (now_ == 0 ? 1 : now_));
        uint256 from = L1Slot.unwrap(Entries.withdrawableFrom(mark, delay));
        assert(from == mark + delay);
        assert(from >= uint256(now_) + delay);
    }
}
