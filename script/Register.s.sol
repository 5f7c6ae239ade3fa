// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";

import {IStaking} from "../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../contracts/types/Ids.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Registers a sequencer; the sender pays the stake and becomes the owner
/// @notice usage: forge script script/Register.s.sol --sig 'run(address,uint32)' ATTESTER FEE_RECIPIENT --rpc-url URL --broadcast
///
/// ATTESTER signs for the sequencer and sends its transactions. FEE_RECIPIENT is an L2 account index; 0 burns the fees.
contract Register is Operator {
    function run(address attester, uint32 feeRecipient) external broadcast returns (SequencerId id) {
        IStaking staking = IStaking(_contract("staking"));
        _approve(address(staking), staking.stakeAmount());
        id = staking.register(attester, feeRecipient);
        console.log("sequencer", SequencerId.unwrap(id));
    }
}
