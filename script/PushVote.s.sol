// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IVotes} from "../contracts/interfaces/IVotes.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Queues a payload that has the quorum in the timelock; anyone may send it
/// @notice usage: forge script script/PushVote.s.sol --sig 'run(uint64,address)' ROUND PAYLOAD --rpc-url URL --broadcast
///
/// ROUND is the slot of any of the round's votes divided by `votingRound`, rounded down.
contract PushVote is Operator {
    function run(uint64 round, address payload) external transacts {
        _send(
            _contract("votes"),
            abi.encodeCall(IVotes.push, (round, payload)),
            string.concat("queue payload ", vm.toString(payload), " of round ", vm.toString(round), " in the timelock")
        );
    }
}
