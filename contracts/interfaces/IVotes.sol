// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Slot} from "../types/Time.sol";

/// @title What the rollup tells governance
interface IVotes {
    /// @notice Rollup only. The finalized block of `slot`, of an elected sequencer, signals `payload`, which isn't zero. For the rollup it never
    /// reverts, whatever the payload is.
    function signal(Slot slot, address payload) external;
}
