// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot, Slot} from "../types/Time.sol";

/// @notice Votes for one payload in one round.
struct Ballot {
    /// finalized blocks of the round that signalled the payload
    uint64 votes;
    /// L1 slot in which they became the quorum, 0 before
    L1Slot quorumAt;
}

/// @title Counts what finalized blocks signal
/// @notice One block, one vote. A payload with `votingQuorum` votes in one round of `votingRound` slots may be pushed to the timelock, once.
interface IVotes {
    /// @notice A vote counted; `votes` with it.
    event Signalled(Slot indexed slot, uint64 indexed round, address indexed payload, uint64 votes);
    /// @notice A vote for a payload that was pushed before: it counts for nothing.
    event SignalIgnored(Slot indexed slot, address indexed payload);
    /// @notice `payload` may be pushed until before `closesAt`.
    event QuorumReached(uint64 indexed round, address indexed payload, L1Slot closesAt);
    event Pushed(uint64 indexed round, address indexed payload);

    /// @custom:rule U1
    error NotRollup(address expected, address actual);
    /// @custom:rule U4, U5
    error NoQuorum(uint64 expected, uint64 actual);
    /// @custom:rule U5
    error PushClosed(L1Slot closesAt, L1Slot now_);
    /// @custom:rule U6
    error AlreadyPushed(address payload);
    /// @custom:rule M4
    error BadParameter(string name);

    /// @notice Rollup only (`NotRollup`). The finalized block of `slot`, of an elected sequencer, signals `payload`, which isn't zero. For the rollup it never
    /// reverts, whatever the payload is: the payload isn't called.
    function signal(Slot slot, address payload) external;

    /// @notice Queues a payload that reached the quorum in `round` in the timelock. Anyone, once for a payload, from the L1 slot of the quorum on and before
    /// `pushPeriod` L1 slots passed since. The round needn't be over.
    /// @dev `AlreadyPushed`, `NoQuorum`, `PushClosed`, the errors of `ITimelock.queue`.
    function push(uint64 round, address payload) external;

    /// @notice Votes of a payload in a round.
    function ballot(uint64 round, address payload) external view returns (Ballot memory);
    /// @notice Whether the payload was queued. It takes no votes from then on, whatever becomes of it.
    function pushed(address payload) external view returns (bool);
    /// @notice Round of a slot: `slot / votingRound`, rounded down.
    function roundOf(Slot slot) external view returns (uint64);
    /// @notice Slots of a round.
    function votingRound() external view returns (uint64);
    /// @notice Votes of one round that a payload needs; more than half of `votingRound`.
    function votingQuorum() external view returns (uint64);
    /// @notice L1 slots from the quorum on in which a payload can be pushed.
    function pushPeriod() external view returns (uint32);
    /// @notice Whose blocks vote.
    function rollup() external view returns (address);
    /// @notice Where payloads are queued.
    function timelock() external view returns (address);
}
