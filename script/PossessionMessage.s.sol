// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStaking} from "../contracts/interfaces/IStaking.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Prints what a BLS key must sign to be registered by an owner
/// @notice usage: forge script script/PossessionMessage.s.sol --rpc-url URL
/// --sig 'run(address,bytes32[4])' OWNER BLS_KEY
///
/// BLS_KEY is the public key as words of EIP-2537: [0x…,0x…,0x…,0x…]. The signature is of the minimal-public-key-size
/// scheme, with the tag BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_.
contract PossessionMessage is Operator {
    function run(address owner, bytes32[4] calldata blsKey) external {
        _print(string.concat("message ", vm.toString(messageOf(owner, blsKey))));
    }

    function messageOf(address owner, bytes32[4] calldata blsKey) public returns (bytes memory) {
        return IStaking(_contract("staking")).possessionMessage(owner, blsKey);
    }
}
