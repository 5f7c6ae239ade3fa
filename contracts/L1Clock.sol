// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot} from "./types/Time.sol";

/// @title The clock that every contract shares
/// @notice An L1 slot is `(timestamp - l1GenesisTime) / l1SlotSeconds`, rounded down.
abstract contract L1Clock {
    /// @notice Unix time, in seconds, at which L1 slot 0 began.
    uint64 public immutable l1GenesisTime;
    /// @notice Seconds an L1 slot takes.
    uint64 public immutable l1SlotSeconds;

    /// @custom:rule T4, M4
    error BadClock(uint64 l1GenesisTime, uint64 l1SlotSeconds);

    /// @dev Refuses a clock that starts after the deployment or stands still.
    constructor(uint64 genesisTime, uint64 slotSeconds) {
        // seconds of leeway don't matter: only a start after the deployment is refused
        // forge-lint: disable-next-line(block-timestamp)
        if (slotSeconds == 0 || genesisTime > block.timestamp) revert BadClock(genesisTime, slotSeconds);
        l1GenesisTime = genesisTime;
        l1SlotSeconds = slotSeconds;
    }

    /// @notice The current L1 slot.
    function l1Slot() public view returns (L1Slot) {
        return _l1SlotAt(block.timestamp);
    }

    /// @dev L1 slot of a time at or after `l1GenesisTime`; zero for an earlier one.
    function _l1SlotAt(uint256 timestamp) internal view returns (L1Slot) {
        if (timestamp < l1GenesisTime) return L1Slot.wrap(0);
        unchecked {
            // the divisor isn't zero; casting: timestamps are canonical RLP integers of at most 8 bytes, as L1's are
            return L1Slot.wrap(uint64((timestamp - l1GenesisTime) / l1SlotSeconds));
        }
    }
}
