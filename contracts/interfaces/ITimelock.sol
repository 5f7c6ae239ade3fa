// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot} from "../types/Time.sol";
import {Action} from "./IPayload.sol";

/// @notice Status of a payload. It is derived from stored times and the current L1 slot, and never stored.
enum PayloadStatus {
    /// Never queued.
    None,
    /// Queued, before its delay is over.
    Waiting,
    /// May be executed.
    Ready,
    Executed,
    /// Not executed before its grace period was over. Final.
    Expired
}

/// @notice A payload in the timelock.
struct QueuedPayload {
    PayloadStatus status;
    /// First L1 slot in which it can be executed.
    L1Slot executableFrom;
    /// First L1 slot in which it can no longer be executed.
    L1Slot expiresAt;
    /// `keccak256(abi.encode(actions))`, of the actions at the time of queueing.
    bytes32 actionsHash;
}

/// @title Executes payloads of governance after a delay
/// @notice It has no owner and no canceller, and its delays are fixed. It makes plain calls without value, never
/// delegatecalls. It can do what the contracts allow it by name, and what any other account can do.
interface ITimelock {
    /// @notice A payload was queued. Its actions are fixed from now on, and `execute` expects them as in this event.
    event Queued(
        address indexed payload, bytes32 indexed actionsHash, Action[] actions, L1Slot executableFrom, L1Slot expiresAt
    );
    event Executed(address indexed payload, bytes32 indexed actionsHash);

    /// @custom:rule U8
    error NotVotes(address expected, address actual);
    /// @notice The payload does not have the status that the call needs.
    /// @custom:rule U6, U8
    error WrongStatus(address payload, PayloadStatus expected, PayloadStatus actual);
    /// @custom:rule U9
    error PayloadWithoutCode(address payload);
    /// @notice `actions()` reverted, ran out of gas, or returned malformed data.
    /// @custom:rule U9
    error UnreadablePayload(address payload);
    /// @custom:rule U9
    error NoActions(address payload);
    /// @custom:rule U9
    error TooManyActions(uint256 maximum, uint256 actual);
    /// @notice Lengths of the encoded actions, in bytes.
    /// @custom:rule U9
    error ActionsTooLong(uint256 maximum, uint256 actual);
    /// @custom:rule U10
    error WrongActions(bytes32 expected, bytes32 actual);
    /// @custom:rule U11
    error TargetWithoutCode(uint256 index, address target);
    /// @notice An action reverted. `reason` has the first 256 bytes of its reason.
    /// @custom:rule U11
    error ActionFailed(uint256 index, address target, bytes reason);
    /// @custom:rule M4
    error BadParameter(string name);

    /// @notice Queues a payload, once. Reads its actions and stores their hash. Votes contract only.
    /// @dev Errors: `NotVotes`; `WrongStatus` if the payload was queued before; `PayloadWithoutCode`;
    /// `UnreadablePayload`; `NoActions`; `TooManyActions`; `ActionsTooLong`.
    function queue(address payload) external;

    /// @notice Makes all calls of a payload, in order; if one fails, none takes effect. Possible once, from `delay` L1
    /// slots after queueing until `grace` further ones have passed. Does not read the payload again. Anyone.
    /// @param actions The actions of the payload's `Queued` event.
    /// @dev Errors: `WrongStatus` unless the payload is ready; `WrongActions`; `TargetWithoutCode`; `ActionFailed`.
    function execute(address payload, Action[] calldata actions) external;

    /// @notice State of a payload at the current L1 slot.
    function queued(address payload) external view returns (QueuedPayload memory);
    /// @notice Actions that the payload would be queued with now. Reverts if they cannot be read.
    function actionsOf(address payload) external view returns (Action[] memory);
    /// @notice L1 slots from queueing until a payload can be executed.
    function delay() external view returns (uint32);
    /// @notice L1 slots during which a payload can be executed.
    function grace() external view returns (uint32);
    /// @notice The votes contract, which queues payloads.
    function votes() external view returns (address);
}
