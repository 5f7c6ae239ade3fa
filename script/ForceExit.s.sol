// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "../contracts/interfaces/IBridge.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Forces the whole balance of an L2 account out to L1; the sender is its owner
/// @notice usage: forge script script/ForceExit.s.sol --rpc-url URL --broadcast
/// --sig 'run(uint32,address)' ACCOUNT TO
///
/// ACCOUNT is the index that BridgeDeposit printed. Blocks must have consumed the first deposit to it since its last
/// forced exit; ShowSlot prints how many deposits they have consumed. Sequencers can't leave the exit out: a block must
/// consume it when its number in the queue of exits is reached. Then TO claims it like a withdrawal.
contract ForceExit is Operator {
    function run(uint32 account, address to) external transacts {
        bytes memory result = _send(
            _contract("bridge"),
            abi.encodeCall(IBridge.forceExit, (account, to)),
            string.concat("force the balance of L2 account ", vm.toString(account), " out to ", vm.toString(to))
        );
        _print(string.concat("number ", vm.toString(abi.decode(result, (uint64))), " in the queue of forced exits"));
    }
}
