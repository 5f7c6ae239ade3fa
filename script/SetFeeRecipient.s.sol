// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStaking} from "../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../contracts/types/Ids.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Changes the L2 account that a sequencer's blocks pay fees to; the sender is its owner
/// @notice usage: forge script script/SetFeeRecipient.s.sol --rpc-url URL --broadcast
/// --sig 'run(uint32,uint32)' SEQUENCER FEE_RECIPIENT
///
/// FEE_RECIPIENT is an L2 account index; 0 burns the fees.
contract SetFeeRecipient is Operator {
    function run(uint32 sequencer, uint32 feeRecipient) external transacts {
        _send(
            _contract("staking"),
            abi.encodeCall(IStaking.setFeeRecipient, (SequencerId.wrap(sequencer), feeRecipient)),
            string.concat(
                "pay the fees of sequencer ", vm.toString(sequencer), " to L2 account ", vm.toString(feeRecipient)
            )
        );
    }
}
