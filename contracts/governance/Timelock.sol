// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {LibCall} from "solady/utils/LibCall.sol";

import {L1Clock} from "../L1Clock.sol";
import {Action, IPayload} from "../interfaces/IPayload.sol";
import {ITimelock, PayloadStatus, QueuedPayload} from "../interfaces/ITimelock.sol";
import {L1Slot} from "../types/Time.sol";

/// @title Executes payloads of governance after a delay
contract Timelock is ITimelock, L1Clock, ReentrancyGuardTransient {
    /// @dev Stored state of a payload; all zero before it is queued.
    struct Entry {
        bytes32 actionsHash;
        L1Slot executableFrom;
        L1Slot expiresAt;
        bool executed;
    }

    /// @notice Maximum number of actions of a payload.
    uint256 public constant MAX_ACTIONS = 16;
    /// @notice Maximum length of a payload's encoded actions, in bytes. It fits well into an event and a call.
    uint256 public constant MAX_ACTIONS_BYTES = 16_384;
    /// @dev Maximum number of bytes that are kept of a failed action's return data.
    uint16 private constant MAX_REASON_BYTES = 256;

    /// @inheritdoc ITimelock
    address public immutable votes;
    /// @inheritdoc ITimelock
    uint32 public immutable delay;
    /// @inheritdoc ITimelock
    uint32 public immutable grace;

    mapping(address payload => Entry) private _entries;

    constructor(address votes_, uint32 delay_, uint32 grace_, uint64 l1GenesisTime_, uint64 l1SlotSeconds_)
        L1Clock(l1GenesisTime_, l1SlotSeconds_)
    {
        if (votes_ == address(0)) revert BadParameter("votes");
        if (delay_ == 0) revert BadParameter("delay");
        if (grace_ == 0) revert BadParameter("grace");
        votes = votes_;
        delay = delay_;
        grace = grace_;
    }

    /// @inheritdoc ITimelock
    function queue(address payload) external nonReentrant {
        if (msg.sender != votes) revert NotVotes(votes, msg.sender);
        Entry storage entry = _entries[payload];
        PayloadStatus status = _statusOf(entry);
        if (status != PayloadStatus.None) revert WrongStatus(payload, PayloadStatus.None, status);
        Action[] memory actions = _readActions(payload);
        bytes32 hash = keccak256(abi.encode(actions));
        L1Slot executableFrom = l1Slot().plus(delay);
        L1Slot expiresAt = executableFrom.plus(grace);
        entry.actionsHash = hash;
        entry.executableFrom = executableFrom;
        entry.expiresAt = expiresAt;
        emit Queued(payload, hash, actions, executableFrom, expiresAt);
    }

    /// @inheritdoc ITimelock
    function execute(address payload, Action[] calldata actions) external nonReentrant {
        Entry storage entry = _entries[payload];
        PayloadStatus status = _statusOf(entry);
        if (status != PayloadStatus.Ready) revert WrongStatus(payload, PayloadStatus.Ready, status);
        bytes32 hash = keccak256(abi.encode(actions));
        if (hash != entry.actionsHash) revert WrongActions(entry.actionsHash, hash);
        entry.executed = true;
        emit Executed(payload, hash);
        for (uint256 i = 0; i < actions.length; ++i) {
            _call(i, actions[i].target, actions[i].data);
        }
    }

    /// @inheritdoc ITimelock
    function queued(address payload) external view returns (QueuedPayload memory) {
        Entry storage entry = _entries[payload];
        return QueuedPayload({
            status: _statusOf(entry),
            executableFrom: entry.executableFrom,
            expiresAt: entry.expiresAt,
            actionsHash: entry.actionsHash
        });
    }

    /// @inheritdoc ITimelock
    function actionsOf(address payload) external view returns (Action[] memory) {
        return IPayload(payload).actions();
    }

    /// @dev Actions of the payload. An external call to this contract, so that every failure of the payload is caught
    /// and gives an error with its address.
    function _readActions(address payload) private view returns (Action[] memory) {
        if (payload.code.length == 0) revert PayloadWithoutCode(payload);
        try this.actionsOf(payload) returns (Action[] memory actions) {
            if (actions.length == 0) revert NoActions(payload);
            if (actions.length > MAX_ACTIONS) revert TooManyActions(MAX_ACTIONS, actions.length);
            uint256 length = abi.encode(actions).length;
            if (length > MAX_ACTIONS_BYTES) revert ActionsTooLong(MAX_ACTIONS_BYTES, length);
            return actions;
        } catch {
            revert UnreadablePayload(payload);
        }
    }

    function _call(uint256 index, address target, bytes calldata data) private {
        if (target.code.length == 0) revert TargetWithoutCode(index, target);
        (bool success,, bytes memory reason) = LibCall.tryCall(target, 0, gasleft(), MAX_REASON_BYTES, data);
        if (!success) revert ActionFailed(index, target, reason);
    }

    function _statusOf(Entry storage entry) private view returns (PayloadStatus) {
        if (entry.actionsHash == 0) return PayloadStatus.None;
        if (entry.executed) return PayloadStatus.Executed;
        L1Slot now_ = l1Slot();
        if (now_ < entry.executableFrom) return PayloadStatus.Waiting;
        return now_ < entry.expiresAt ? PayloadStatus.Ready : PayloadStatus.Expired;
    }
}
