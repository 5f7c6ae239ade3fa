// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStaking} from "../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../contracts/types/Ids.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Replaces a sequencer's attester, from the end of the entry period on; the sender is its owner
/// @notice usage: forge script script/RotateAttester.s.sol --rpc-url URL --broadcast
/// --sig 'run(uint32,address)' SEQUENCER ATTESTER
contract RotateAttester is Operator {
    function run(uint32 sequencer, address attester) external transacts {
        _send(
            _contract("staking"),
            abi.encodeCall(IStaking.rotateAttester, (SequencerId.wrap(sequencer), attester)),
            string.concat("make ", vm.toString(attester), " the attester of sequencer ", vm.toString(sequencer))
        );
    }
}
