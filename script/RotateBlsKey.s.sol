// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStaking} from "../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../contracts/types/Ids.sol";
import {BlsSecret} from "./lib/BlsSecret.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Replaces a sequencer's BLS key, from the end of the entry period on; the sender is its owner
/// @notice usage: forge script script/RotateBlsKey.s.sol --rpc-url URL --broadcast
/// --sig 'run(uint32)' SEQUENCER
///
/// FERNET_BLS_SECRET is the new secret key, 64 hexadecimal digits. It only signs here; no transaction contains it.
///
/// If it is kept elsewhere, see Register:
/// --sig 'run(uint32,bytes32[4],bytes32[8])' SEQUENCER BLS_KEY PROOF_OF_POSSESSION
contract RotateBlsKey is Operator {
    function run(uint32 sequencer) external transacts {
        address staking = _contract("staking");
        (bytes32[4] memory key, bytes32[8] memory proof) =
            BlsSecret.possession(IStaking(staking), _sender(), BlsSecret.fromEnvironment());
        _rotate(staking, sequencer, key, proof);
    }

    function run(uint32 sequencer, bytes32[4] calldata blsKey, bytes32[8] calldata proofOfPossession)
        external
        transacts
    {
        _rotate(_contract("staking"), sequencer, blsKey, proofOfPossession);
    }

    function _rotate(address staking, uint32 sequencer, bytes32[4] memory key, bytes32[8] memory proof) private {
        _send(
            staking,
            abi.encodeCall(IStaking.rotateBlsKey, (SequencerId.wrap(sequencer), key, proof)),
            string.concat("replace the BLS key of sequencer ", vm.toString(sequencer))
        );
    }
}
