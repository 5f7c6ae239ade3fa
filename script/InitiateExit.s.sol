// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStaking} from "../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../contracts/types/Ids.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Starts a sequencer's exit; the sender is its owner or attester
/// @notice usage: forge script script/InitiateExit.s.sol --rpc-url URL --broadcast
/// --sig 'run(uint32)' SEQUENCER
contract InitiateExit is Operator {
    function run(uint32 sequencer) external transacts {
        _send(
            _contract("staking"),
            abi.encodeCall(IStaking.initiateExit, (SequencerId.wrap(sequencer))),
            string.concat("start the exit of sequencer ", vm.toString(sequencer))
        );
    }
}
