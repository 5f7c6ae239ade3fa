// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot} from "./types/Time.sol";

/// @title The clock that all contracts share
/// @notice An L1 slot is `(timestamp - l1GenesisTime) / l1SlotSeconds`, rounded down.
abstract contract L1Clock {
    /// @notice Unix time, in seconds, at which L1 slot 0 began.
    uint64 public immutable l1GenesisTime;
    /// @notice Seconds of an L1 slot.
    uint64 public immutable l1SlotSeconds;

    /// @custom:rule T4, M4
    error BadClock(uint64 l1GenesisTime, uint64 l1SlotSeconds);

    /// @dev Refuses a clock that starts after the deployment, and one without slot length.
    constructor(uint64 genesisTime, uint64 slotSeconds) {
        // The timestamp may be wrong by seconds: this only refuses a start after the deployment.
        // forge-lint: disable-next-line(block-timestamp)
        if (slotSeconds == 0 || genesisTime > block.timestamp) revert BadClock(genesisTime, slotSeconds);
        l1GenesisTime = genesisTime;
        l1SlotSeconds = slotSeconds;
    }

    /// @notice The current L1 slot.
    function l1Slot() public view returns (L1Slot) {
        return _l1SlotAt(block.timestamp);
    }

    /// @dev L1 slot of a time; zero for a time before `l1GenesisTime`.
    function _l1SlotAt(uint256 timestamp) internal view returns (L1Slot) {
        if (timestamp < l1GenesisTime) return L1Slot.wrap(0);
        unchecked {
            // The divisor is not zero. Cast: timestamps of headers have at most 8 bytes, and so has the block's.
            return L1Slot.wrap(uint64((timestamp - l1GenesisTime) / l1SlotSeconds));
        }
    }
}
