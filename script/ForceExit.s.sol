// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";

import {IBridge} from "../contracts/interfaces/IBridge.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Forces the whole balance of an L2 account out to L1; the sender is its owner
/// @notice usage: forge script script/ForceExit.s.sol --rpc-url URL --broadcast
/// --sig 'run(uint32,address)' ACCOUNT TO
///
/// ACCOUNT is the index that BridgeDeposit printed. Sequencers can't leave the exit out: a block must consume it when
/// its number in the queue is reached. Then TO claims it like a withdrawal.
contract ForceExit is Operator {
    function run(uint32 account, address to) external transacts {
        bytes memory result = _send(
            _contract("bridge"),
            abi.encodeCall(IBridge.forceExit, (account, to)),
            string.concat("force the balance of L2 account ", vm.toString(account), " out to ", vm.toString(to))
        );
        console.log("number in the queue", abi.decode(result, (uint64)));
    }
}
