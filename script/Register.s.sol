// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStaking, Registration} from "../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../contracts/types/Ids.sol";
import {BlsSecret} from "./lib/BlsSecret.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Registers a sequencer; the sender pays the stake and becomes the owner
/// @notice usage: forge script script/Register.s.sol --rpc-url URL --broadcast
/// --sig 'run(address,address,uint32)' ATTESTER WITHDRAWER FEE_RECIPIENT
///
/// ATTESTER signs for the sequencer and sends its transactions. WITHDRAWER gets the stake back; zero for the sender.
/// FEE_RECIPIENT is an L2 account index; 0 burns the fees. FERNET_BLS_SECRET is the sequencer's BLS secret key, 64
/// hexadecimal digits. It only signs here; no transaction contains it.
///
/// If the secret is kept elsewhere, PossessionMessage prints what it must sign for the sender. Then:
/// --sig 'run(address,address,uint32,bytes32[4],bytes32[8])'
/// ATTESTER WITHDRAWER FEE_RECIPIENT BLS_KEY PROOF_OF_POSSESSION, with points as words of EIP-2537: [0x…,0x…,…].
contract Register is Operator {
    function run(address attester, address withdrawer, uint32 feeRecipient) external transacts {
        address staking = _contract("staking");
        (bytes32[4] memory key, bytes32[8] memory proof) =
            BlsSecret.possession(IStaking(staking), _sender(), BlsSecret.fromEnvironment());
        _register(staking, Registration(attester, withdrawer, feeRecipient, key, proof));
    }

    function run(
        address attester,
        address withdrawer,
        uint32 feeRecipient,
        bytes32[4] calldata blsKey,
        bytes32[8] calldata proofOfPossession
    ) external transacts {
        _register(_contract("staking"), Registration(attester, withdrawer, feeRecipient, blsKey, proofOfPossession));
    }

    function _register(address staking, Registration memory registration) private {
        _approve(staking, IStaking(staking).stakeAmount());
        bytes memory result = _send(
            staking,
            abi.encodeCall(IStaking.register, (registration)),
            string.concat("register a sequencer with attester ", vm.toString(registration.attester))
        );
        _print(string.concat("sequencer ", vm.toString(SequencerId.unwrap(abi.decode(result, (SequencerId))))));
    }
}
