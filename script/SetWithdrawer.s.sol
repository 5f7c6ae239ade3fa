// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStaking} from "../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../contracts/types/Ids.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Replaces the account that gets a sequencer's stake back; the sender is the withdrawer
/// @notice usage: forge script script/SetWithdrawer.s.sol --rpc-url URL --broadcast
/// --sig 'run(uint32,address)' SEQUENCER WITHDRAWER
contract SetWithdrawer is Operator {
    function run(uint32 sequencer, address withdrawer) external transacts {
        _send(
            _contract("staking"),
            abi.encodeCall(IStaking.setWithdrawer, (SequencerId.wrap(sequencer), withdrawer)),
            string.concat("make ", vm.toString(withdrawer), " the withdrawer of sequencer ", vm.toString(sequencer))
        );
    }
}
