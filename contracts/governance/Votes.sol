// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Clock} from "../L1Clock.sol";
import {ITimelock} from "../interfaces/ITimelock.sol";
import {Ballot, IVotes} from "../interfaces/IVotes.sol";
import {Wiring} from "../libraries/Wiring.sol";
import {L1Slot, Slot} from "../types/Time.sol";

/// @title Counts the votes of finalized blocks
contract Votes is IVotes, L1Clock {
    /// @inheritdoc IVotes
    address public immutable rollup;
    /// @inheritdoc IVotes
    address public immutable timelock;
    /// @inheritdoc IVotes
    uint64 public immutable votingRound;
    /// @inheritdoc IVotes
    uint64 public immutable votingQuorum;
    /// @inheritdoc IVotes
    uint32 public immutable pushPeriod;

    mapping(uint64 round => mapping(address payload => Ballot)) private _ballots;
    /// @inheritdoc IVotes
    mapping(address payload => bool) public pushed;

    /// @param timelock_ Must name this contract as its votes contract, and use the same clock.
    constructor(
        address rollup_,
        address timelock_,
        uint64 votingRound_,
        uint64 votingQuorum_,
        uint32 pushPeriod_,
        uint64 l1GenesisTime_,
        uint64 l1SlotSeconds_
    ) L1Clock(l1GenesisTime_, l1SlotSeconds_) {
        if (rollup_ == address(0)) revert BadParameter("rollup");
        if (votingRound_ == 0) revert BadParameter("votingRound");
        // More than half, so that two payloads cannot both reach the quorum of one round.
        if (votingQuorum_ <= votingRound_ / 2 || votingQuorum_ > votingRound_) revert BadParameter("votingQuorum");
        if (pushPeriod_ == 0) revert BadParameter("pushPeriod");
        Wiring.expect("timelock", timelock_, ITimelock.votes.selector, uint256(uint160(address(this))));
        Wiring.expect("timelock", timelock_, bytes4(keccak256("l1GenesisTime()")), l1GenesisTime_);
        Wiring.expect("timelock", timelock_, bytes4(keccak256("l1SlotSeconds()")), l1SlotSeconds_);
        rollup = rollup_;
        timelock = timelock_;
        votingRound = votingRound_;
        votingQuorum = votingQuorum_;
        pushPeriod = pushPeriod_;
    }

    /// @inheritdoc IVotes
    function signal(Slot slot, address payload) external {
        if (msg.sender != rollup) revert NotRollup(rollup, msg.sender);
        if (pushed[payload]) {
            emit SignalIgnored(slot, payload);
            return;
        }
        uint64 round = roundOf(slot);
        Ballot storage stored = _ballots[round][payload];
        uint64 votes;
        unchecked {
            // A round has at most one vote for each of its slots.
            votes = stored.votes + 1;
        }
        stored.votes = votes;
        emit Signalled(slot, round, payload, votes);
        if (votes == votingQuorum) {
            L1Slot now_ = l1Slot();
            // Zero stands for no quorum, so L1 slot 0 is stored as 1.
            if (L1Slot.unwrap(now_) == 0) now_ = L1Slot.wrap(1);
            stored.quorumAt = now_;
            emit QuorumReached(round, payload, now_.plus(pushPeriod));
        }
    }

    /// @inheritdoc IVotes
    function push(uint64 round, address payload) external {
        if (pushed[payload]) revert AlreadyPushed(payload);
        Ballot memory stored = _ballots[round][payload];
        if (stored.votes < votingQuorum) revert NoQuorum(votingQuorum, stored.votes);
        L1Slot closesAt = stored.quorumAt.plus(pushPeriod);
        if (l1Slot() >= closesAt) revert PushClosed(closesAt, l1Slot());
        pushed[payload] = true;
        emit Pushed(round, payload);
        ITimelock(timelock).queue(payload);
    }

    /// @inheritdoc IVotes
    function ballot(uint64 round, address payload) external view returns (Ballot memory) {
        return _ballots[round][payload];
    }

    /// @inheritdoc IVotes
    function roundOf(Slot slot) public view returns (uint64) {
        // The constructor refuses rounds without slots.
        return Slot.unwrap(slot) / votingRound;
    }
}
