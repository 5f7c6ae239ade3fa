// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";

import {IBridge} from "../contracts/interfaces/IBridge.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Deposits the sender's tokens to an L2 account, which is made if there is none
/// @notice usage: forge script script/BridgeDeposit.s.sol --sig 'run(address,uint256,uint256,uint64)' OWNER KEY_X KEY_Y AMOUNT --rpc-url URL --broadcast
///
/// The key signs for the account on the L2; OWNER can force it out from L1. Neither can be changed. AMOUNT in L2 units.
contract BridgeDeposit is Operator {
    function run(address owner, uint256 keyX, uint256 keyY, uint64 amount)
        external
        transacts
        returns (uint64 number, uint32 index)
    {
        IBridge bridge = IBridge(_contract("bridge"));
        _approve(address(bridge), amount * bridge.unit());
        bytes memory result = _send(
            address(bridge),
            abi.encodeCall(IBridge.deposit, (owner, keyX, keyY, amount)),
            string.concat("deposit ", vm.toString(amount), " L2 units to an account of ", vm.toString(owner))
        );
        (number, index) = abi.decode(result, (uint64, uint32));
        console.log("place in the queue", number);
        console.log("L2 account        ", index);
    }
}
