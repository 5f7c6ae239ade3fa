// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../contracts/interfaces/IEscrow.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Adds the sender's tokens to a prover's escrow, from which bonds are locked
/// @notice usage: forge script script/EscrowDeposit.s.sol --rpc-url URL --broadcast
/// --sig 'run(address,uint128)' PROVER AMOUNT
///
/// AMOUNT is in token units.
contract EscrowDeposit is Operator {
    function run(address prover, uint128 amount) external transacts {
        address escrow = _contract("escrow");
        _approve(escrow, amount);
        _send(
            escrow,
            abi.encodeCall(IEscrow.deposit, (prover, amount)),
            string.concat("deposit ", _tokens(amount), " in the escrow of ", vm.toString(prover))
        );
    }
}
