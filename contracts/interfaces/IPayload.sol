// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice One call of the timelock. It sends no value.
struct Action {
    address target;
    /// Selector and arguments.
    bytes data;
}

/// @title A governance payload, which sequencers vote for
/// @notice The timelock reads the actions once, when the payload is queued. A trustworthy payload is deployed before
/// the vote, has no storage, and answers `actions` from its code alone. Whoever can change the answer before it is
/// queued can change what was voted for.
interface IPayload {
    /// @notice The calls to make, in order. There are 1 to `ITimelock.MAX_ACTIONS`, and their encoding has at most
    /// `ITimelock.MAX_ACTIONS_BYTES` bytes.
    function actions() external view returns (Action[] memory);
}
