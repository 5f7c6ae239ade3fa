// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IVotes} from "../contracts/interfaces/IVotes.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Queues a payload in the timelock, once it has the quorum; anyone may send it
/// @notice usage: forge script script/PushVote.s.sol --rpc-url URL --broadcast
/// --sig 'run(uint64,address)' ROUND PAYLOAD
///
/// ROUND is the slot of any vote of the round divided by `votingRound`, rounded down.
contract PushVote is Operator {
    function run(uint64 round, address payload) external transacts {
        _send(
            _contract("votes"),
            abi.encodeCall(IVotes.push, (round, payload)),
            string.concat("queue payload ", vm.toString(payload), " of round ", vm.toString(round), " in the timelock")
        );
    }
}
