// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStaking} from "../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../contracts/types/Ids.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Hands the right to a sequencer's stake to another account; the sender is the withdrawer
/// @notice usage: forge script script/SetWithdrawer.s.sol --sig 'run(uint32,address)' SEQUENCER WITHDRAWER --rpc-url URL --broadcast
contract SetWithdrawer is Operator {
    function run(uint32 sequencer, address withdrawer) external transacts {
        _send(
            _contract("staking"),
            abi.encodeCall(IStaking.setWithdrawer, (SequencerId.wrap(sequencer), withdrawer)),
            string.concat("let ", vm.toString(withdrawer), " have the stake of sequencer ", vm.toString(sequencer))
        );
    }
}
