// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Action, IPayload} from "../contracts/interfaces/IPayload.sol";
import {ITimelock, PayloadStatus, QueuedPayload} from "../contracts/interfaces/ITimelock.sol";
import {Ballot, IVotes} from "../contracts/interfaces/IVotes.sol";
import {L1Slot} from "../contracts/types/Time.sol";
import {Operator} from "./lib/Operator.sol";
import {Text, Units} from "./lib/Text.sol";

/// @title Prints a payload's votes in a round, its state in the timelock and what it would do
/// @notice usage: forge script script/ShowPayload.s.sol --rpc-url URL
/// --sig 'run(uint64,address)' ROUND PAYLOAD
contract ShowPayload is Operator {
    using Text for Units;

    function run(uint64 round, address payload) external {
        _print(report(round, payload));
    }

    /// @notice What `run` prints.
    function report(uint64 round, address payload) public returns (string memory text) {
        Units memory units = _units();
        QueuedPayload memory queued = ITimelock(_contract("timelock")).queued(payload);
        text = string.concat(
            Text.line("payload", vm.toString(payload)),
            _votes(round, payload, units),
            Text.line("timelock", Text.payloadStatus(queued.status))
        );
        if (queued.status != PayloadStatus.None) {
            text = string.concat(
                text,
                Text.line("  executable", string.concat("from ", units.moment(queued.executableFrom))),
                Text.line("  expires", units.moment(queued.expiresAt)),
                Text.line("  actions hash", vm.toString(queued.actionsHash))
            );
        }
        if (payload.code.length == 0) return string.concat(text, "the payload's address has no code\n");
        try IPayload(payload).actions() returns (Action[] memory actions) {
            return string.concat(text, _actions(actions, queued));
        } catch {
            return string.concat(text, "the payload's actions() fails\n");
        }
    }

    function _votes(uint64 round, address payload, Units memory units) private returns (string memory text) {
        IVotes votes = IVotes(_contract("votes"));
        Ballot memory ballot = votes.ballot(round, payload);
        text = Text.line(
            string.concat("votes in round ", vm.toString(round)),
            string.concat(vm.toString(ballot.votes), ", the quorum is ", vm.toString(votes.votingQuorum()))
        );
        if (L1Slot.unwrap(ballot.quorumAt) == 0) return text;
        L1Slot closesAt = ballot.quorumAt.plus(votes.pushPeriod());
        return string.concat(text, Text.line("  push before", units.moment(closesAt)));
    }

    function _actions(Action[] memory actions, QueuedPayload memory queued) private pure returns (string memory text) {
        for (uint256 i = 0; i < actions.length; ++i) {
            text = string.concat(
                text,
                Text.line("action", vm.toString(i)),
                Text.line("  target", vm.toString(actions[i].target)),
                Text.line("  data", vm.toString(actions[i].data))
            );
        }
        if (queued.status != PayloadStatus.None && keccak256(abi.encode(actions)) != queued.actionsHash) {
            text = string.concat(text, "THE PAYLOAD CHANGED: these aren't the actions that were queued\n");
        }
    }
}
