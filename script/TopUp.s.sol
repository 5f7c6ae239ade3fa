// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStaking} from "../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../contracts/types/Ids.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Adds the sender's tokens to a queued or active sequencer's stake, up to the stake of a registration
/// @notice usage: forge script script/TopUp.s.sol --rpc-url URL --broadcast
/// --sig 'run(uint32,uint96)' SEQUENCER AMOUNT
///
/// AMOUNT is in token units.
contract TopUp is Operator {
    function run(uint32 sequencer, uint96 amount) external transacts {
        address staking = _contract("staking");
        _approve(staking, amount);
        _send(
            staking,
            abi.encodeCall(IStaking.topUp, (SequencerId.wrap(sequencer), amount)),
            string.concat("add ", _tokens(amount), " to the stake of sequencer ", vm.toString(sequencer))
        );
    }
}
