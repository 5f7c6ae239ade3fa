// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";

import {IBridge} from "../contracts/interfaces/IBridge.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Forces everything that an L2 account has out to L1, whatever sequencers want; the sender is its owner
/// @notice usage: forge script script/ForceExit.s.sol --sig 'run(uint32,address)' ACCOUNT TO --rpc-url URL --broadcast
///
/// ACCOUNT is the index that BridgeDeposit printed. A block must consume the exit in its turn; then it is claimed by TO like a withdrawal.
contract ForceExit is Operator {
    function run(uint32 account, address to) external transacts returns (uint64 number) {
        bytes memory result = _send(
            _contract("bridge"),
            abi.encodeCall(IBridge.forceExit, (account, to)),
            string.concat("force everything of L2 account ", vm.toString(account), " out to ", vm.toString(to))
        );
        number = abi.decode(result, (uint64));
        console.log("place in the queue", number);
    }
}
