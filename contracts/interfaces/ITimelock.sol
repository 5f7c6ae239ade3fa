// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot} from "../types/Time.sol";
import {Action} from "./IPayload.sol";

/// @notice Derived from stored times, never stored.
enum PayloadStatus {
    /// never queued
    None,
    /// queued, the delay isn't over
    Waiting,
    /// may be executed
    Ready,
    Executed,
    /// the grace period is over; final
    Expired
}

/// @notice A payload in the timelock.
struct QueuedPayload {
    PayloadStatus status;
    /// first L1 slot of execution
    L1Slot executableFrom;
    /// first L1 slot in which it can't be executed any more
    L1Slot expiresAt;
    /// `keccak256(abi.encode(actions))`, with the actions as they were when it was queued
    bytes32 actionsHash;
}

/// @title Makes voted changes wait, then makes them
/// @notice No owner, no canceller, no way to change its delays. It calls (never delegatecalls) without value and can do what the contracts allow it by name, and what
/// any other account can.
interface ITimelock {
    /// @notice The actions are fixed from here on; `execute` wants them as they are in this event.
    event Queued(
        address indexed payload, bytes32 indexed actionsHash, Action[] actions, L1Slot executableFrom, L1Slot expiresAt
    );
    event Executed(address indexed payload, bytes32 indexed actionsHash);

    /// @custom:rule U8
    error NotVotes(address expected, address actual);
    /// @notice The payload isn't in the state that the call needs.
    /// @custom:rule U6, U8
    error WrongStatus(address payload, PayloadStatus expected, PayloadStatus actual);
    /// @custom:rule U9
    error PayloadWithoutCode(address payload);
    /// @notice `actions()` reverted, ran out of gas or returned something else.
    /// @custom:rule U9
    error UnreadablePayload(address payload);
    /// @custom:rule U9
    error NoActions(address payload);
    /// @custom:rule U9
    error TooManyActions(uint256 maximum, uint256 actual);
    /// @notice Encoded lengths in bytes.
    /// @custom:rule U9
    error ActionsTooLong(uint256 maximum, uint256 actual);
    /// @custom:rule U10
    error WrongActions(bytes32 expected, bytes32 actual);
    /// @custom:rule U11
    error TargetWithoutCode(uint256 index, address target);
    /// @notice An action reverted, with (at most 256 bytes of) its reason.
    /// @custom:rule U11
    error ActionFailed(uint256 index, address target, bytes reason);
    /// @custom:rule M4
    error BadParameter(string name);

    /// @notice Votes only (`NotVotes`), once for a payload. Reads its actions and keeps their hash.
    /// @dev `WrongStatus` unless it is new, `PayloadWithoutCode`, `UnreadablePayload`, `NoActions`, `TooManyActions`, `ActionsTooLong`.
    function queue(address payload) external;

    /// @notice Makes the calls of a payload, in order, all of them or none. Anyone, once, from `delay` L1 slots after it was queued on and before `grace`
    /// further ones passed. The payload itself isn't asked again.
    /// @param actions as in `Queued`
    /// @dev `WrongStatus` unless ready, `WrongActions`, `TargetWithoutCode`, `ActionFailed`.
    function execute(address payload, Action[] calldata actions) external;

    /// @notice What the timelock knows of a payload at the current L1 slot.
    function queued(address payload) external view returns (QueuedPayload memory);
    /// @notice What the payload would be queued with now; reverts if it can't be read.
    function actionsOf(address payload) external view returns (Action[] memory);
    /// @notice L1 slots from queue to execution.
    function delay() external view returns (uint32);
    /// @notice L1 slots in which a payload can be executed.
    function grace() external view returns (uint32);
    /// @notice Who queues.
    function votes() external view returns (address);
}
