// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice One call of the timelock, without value.
struct Action {
    address target;
    /// selector and arguments
    bytes data;
}

/// @title What sequencers vote for
/// @notice Its actions are read once, when it is queued. A payload worth a vote is deployed, holds no storage and answers `actions` from its code alone: whoever
/// can change it until then changes what was voted for.
interface IPayload {
    /// @notice The calls to make, in order: 1 to `ITimelock.MAX_ACTIONS`, at most `ITimelock.MAX_ACTIONS_BYTES` encoded.
    function actions() external view returns (Action[] memory);
}
