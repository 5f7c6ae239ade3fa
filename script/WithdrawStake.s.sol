// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStaking} from "../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../contracts/types/Ids.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Pays an exiting sequencer's stake to its withdrawer, after the exit delay; anyone may send it
/// @notice usage: forge script script/WithdrawStake.s.sol --rpc-url URL --broadcast
/// --sig 'run(uint32)' SEQUENCER
contract WithdrawStake is Operator {
    function run(uint32 sequencer) external transacts {
        _send(
            _contract("staking"),
            abi.encodeCall(IStaking.withdraw, (SequencerId.wrap(sequencer))),
            string.concat("pay the stake of sequencer ", vm.toString(sequencer), " to its withdrawer")
        );
    }
}
