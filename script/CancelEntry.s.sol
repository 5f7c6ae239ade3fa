// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStaking} from "../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../contracts/types/Ids.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Removes a sequencer from the entry queue and pays its stake to its withdrawer; the sender is its owner
/// @notice usage: forge script script/CancelEntry.s.sol --rpc-url URL --broadcast
/// --sig 'run(uint32)' SEQUENCER
contract CancelEntry is Operator {
    function run(uint32 sequencer) external transacts {
        _send(
            _contract("staking"),
            abi.encodeCall(IStaking.cancelEntry, (SequencerId.wrap(sequencer))),
            string.concat("cancel the entry of sequencer ", vm.toString(sequencer))
        );
    }
}
