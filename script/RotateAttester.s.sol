// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStaking} from "../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../contracts/types/Ids.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Gives a sequencer another attester, after the entry period; the sender is its owner
/// @notice usage: forge script script/RotateAttester.s.sol --sig 'run(uint32,address)' SEQUENCER ATTESTER --rpc-url URL --broadcast
contract RotateAttester is Operator {
    function run(uint32 sequencer, address attester) external transacts {
        _send(
            _contract("staking"),
            abi.encodeCall(IStaking.rotateAttester, (SequencerId.wrap(sequencer), attester)),
            string.concat("make ", vm.toString(attester), " the attester of sequencer ", vm.toString(sequencer))
        );
    }
}
