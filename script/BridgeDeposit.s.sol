// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "../contracts/interfaces/IBridge.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Deposits the sender's tokens to an L2 account, and creates the account if it doesn't exist
/// @notice usage: forge script script/BridgeDeposit.s.sol --rpc-url URL --broadcast
/// --sig 'run(address,uint256,uint256,uint64)' OWNER KEY_X KEY_Y AMOUNT
///
/// AMOUNT is in L2 units. The key, a point of Jubjub, signs for the account on L2. OWNER, an L1 address, can force the
/// account's balance out to L1. Neither can be changed.
contract BridgeDeposit is Operator {
    function run(address owner, uint256 keyX, uint256 keyY, uint64 amount) external transacts {
        IBridge bridge = IBridge(_contract("bridge"));
        uint256 units = amount * bridge.unit();
        _approve(address(bridge), units);
        bytes memory result = _send(
            address(bridge),
            abi.encodeCall(IBridge.deposit, (owner, keyX, keyY, amount)),
            string.concat("deposit ", _tokens(units), " to an L2 account of ", vm.toString(owner))
        );
        (uint64 number, uint32 index) = abi.decode(result, (uint64, uint32));
        _print(
            string.concat("number ", vm.toString(number), " in the queue of deposits, L2 account ", vm.toString(index))
        );
    }
}
