// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";
import {SlotInTurn} from "../libraries/Phases.sol";
import {Settlement} from "../libraries/Settlement.sol";
import {Record} from "../types/State.sol";
import {L1Slot} from "../types/Time.sol";
import {RollupBase} from "./RollupBase.sol";

/// @title The guardian's pause: a bounded time without blocks and without penalties
abstract contract Pausing is RollupBase {
    using Settlement for Record;

    /// @inheritdoc IRollup
    function pause() external nonReentrant {
        if (msg.sender != guardian) revert NotGuardian(guardian, msg.sender);
        L1Slot until = pausedUntil();
        if (L1Slot.unwrap(until) != 0) revert AlreadyPaused(until);
        L1Slot now_ = l1Slot();
        if (now_ < _state.pausableFrom) revert PausedRecently(_state.pausableFrom, now_);
        until = now_.plus(_windows.pause());
        _state.pausableFrom = until.plus(_windows.pause());
        SlotInTurn memory current = _slotInTurn();
        if (current.expired) _expire(current);
        // As at genesis, a virtual slot starts and ends at `until`, so the next seed is fixed after the pause.
        _state.cursor = current.cursor.withSlotVoided(current.timeline, _windows.nextStart(until, until), until);
        _record(current).releaseBonds(current.timeline, escrow);
        emit SlotVoided(current.timeline.slot());
        emit Paused(until);
    }

    /// @inheritdoc IRollup
    function pausableFrom() external view returns (L1Slot) {
        return _state.pausableFrom;
    }

    /// @inheritdoc IRollup
    function pausedUntil() public view returns (L1Slot) {
        // A slot that is over has started, so only a virtual slot can start in the future: that of a pause, or that of
        // genesis.
        L1Slot previousStart = _state.cursor.previousStart();
        return previousStart > l1Slot() ? previousStart : L1Slot.wrap(0);
    }
}
