// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";

import {Action, IPayload} from "../contracts/interfaces/IPayload.sol";
import {ITimelock, PayloadStatus, QueuedPayload} from "../contracts/interfaces/ITimelock.sol";
import {Ballot, IVotes} from "../contracts/interfaces/IVotes.sol";
import {L1Slot} from "../contracts/types/Time.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Prints a payload's votes in a round, its place in the timelock and what it would do
/// @notice usage: forge script script/ShowPayload.s.sol --sig 'run(uint64,address)' ROUND PAYLOAD --rpc-url URL
contract ShowPayload is Operator {
    function run(uint64 round, address payload) external {
        IVotes votes = IVotes(_contract("votes"));
        Ballot memory b = votes.ballot(round, payload);
        console.log("votes          ", b.votes);
        console.log("quorum         ", votes.votingQuorum());
        if (L1Slot.unwrap(b.quorumAt) != 0) {
            console.log("push before    ", L1Slot.unwrap(b.quorumAt) + votes.pushPeriod());
        }
        QueuedPayload memory q = ITimelock(_contract("timelock")).queued(payload);
        console.log("timelock       ", statusName(q.status));
        if (q.status != PayloadStatus.None) {
            console.log("executable from", L1Slot.unwrap(q.executableFrom));
            console.log("expires at     ", L1Slot.unwrap(q.expiresAt));
            console.log("actions' hash  ", vm.toString(q.actionsHash));
        }
        if (payload.code.length == 0) {
            console.log("there is no code at the payload's address");
            return;
        }
        try IPayload(payload).actions() returns (Action[] memory actions) {
            _show(actions, q);
        } catch {
            console.log("the payload doesn't answer");
        }
    }

    function statusName(PayloadStatus status) public pure returns (string memory) {
        string[5] memory names = ["not queued", "waiting", "ready", "executed", "expired"];
        return names[uint256(status)];
    }

    function _show(Action[] memory actions, QueuedPayload memory q) private pure {
        for (uint256 i = 0; i < actions.length; ++i) {
            console.log("action         ", i);
            console.log("  target       ", actions[i].target);
            console.log("  data         ", vm.toString(actions[i].data));
        }
        if (q.status != PayloadStatus.None && keccak256(abi.encode(actions)) != q.actionsHash) {
            console.log("THE PAYLOAD CHANGED: these aren't the actions that were queued");
        }
    }
}
