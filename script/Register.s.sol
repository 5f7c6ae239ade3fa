// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";

import {IStaking, Registration} from "../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../contracts/types/Ids.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Registers a sequencer; the sender pays the stake and becomes the owner
/// @notice usage: forge script script/Register.s.sol --sig 'run(address,address,uint32,bytes32[4],bytes32[8])' \
///   ATTESTER WITHDRAWER FEE_RECIPIENT BLS_KEY PROOF_OF_POSSESSION --rpc-url URL --broadcast
///
/// ATTESTER signs for the sequencer and sends its transactions. WITHDRAWER gets the stake back; zero for the sender. FEE_RECIPIENT is an L2 account
/// index; 0 burns the fees. BLS_KEY and PROOF_OF_POSSESSION are words of points as in EIP-2537: [0x…,0x…,…].
contract Register is Operator {
    function run(
        address attester,
        address withdrawer,
        uint32 feeRecipient,
        bytes32[4] calldata blsKey,
        bytes32[8] calldata proofOfPossession
    ) external broadcast returns (SequencerId id) {
        IStaking staking = IStaking(_contract("staking"));
        _approve(address(staking), staking.stakeAmount());
        id = staking.register(Registration(attester, withdrawer, feeRecipient, blsKey, proofOfPossession));
        console.log("sequencer", SequencerId.unwrap(id));
    }
}
