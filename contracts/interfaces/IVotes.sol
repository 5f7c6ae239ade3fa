// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot, Slot} from "../types/Time.sol";

/// @notice Votes for one payload in one round.
struct Ballot {
    /// Number of the round's finalized blocks that signalled the payload.
    uint64 votes;
    /// L1 slot in which the quorum was reached; 0 before.
    L1Slot quorumAt;
}

/// @title Counts the votes of finalized blocks
/// @notice Each block has one vote. A payload that gets `votingQuorum` votes in one round of `votingRound` slots may be
/// pushed to the timelock, once.
interface IVotes {
    /// @notice A vote was counted. `votes` includes it.
    event Signalled(Slot indexed slot, uint64 indexed round, address indexed payload, uint64 votes);
    /// @notice A vote was ignored, because its payload was pushed before.
    event SignalIgnored(Slot indexed slot, address indexed payload);
    /// @notice The payload reached the quorum. It may be pushed before L1 slot `closesAt`.
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

    /// @notice Counts the vote of the finalized block of `slot`, which a candidate produced, for `payload`, which is
    /// not zero. Rollup only. Does not call the payload, and never reverts for the rollup.
    /// @dev Errors: `NotRollup`.
    function signal(Slot slot, address payload) external;

    /// @notice Queues a payload that reached the quorum in `round`, once. Possible from the L1 slot of the quorum until
    /// `pushPeriod` L1 slots later, even before the round is over. Anyone.
    /// @dev Errors: `AlreadyPushed`; `NoQuorum`; `PushClosed`; the errors of `ITimelock.queue`.
    function push(uint64 round, address payload) external;

    /// @notice Votes of a payload in a round.
    function ballot(uint64 round, address payload) external view returns (Ballot memory);
    /// @notice Whether the payload was pushed. It gets no votes from then on, whatever happens to it.
    function pushed(address payload) external view returns (bool);
    /// @notice Round of a slot: `slot / votingRound`, rounded down.
    function roundOf(Slot slot) external view returns (uint64);
    /// @notice Number of slots of a round.
    function votingRound() external view returns (uint64);
    /// @notice Number of votes that a payload needs in one round. More than half of `votingRound`.
    function votingQuorum() external view returns (uint64);
    /// @notice L1 slots after the quorum during which a payload can be pushed.
    function pushPeriod() external view returns (uint32);
    /// @notice The rollup whose blocks vote.
    function rollup() external view returns (address);
    /// @notice The timelock, which queues payloads.
    function timelock() external view returns (address);
}
