// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../contracts/interfaces/IEscrow.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Asks for a part of the sender's free escrow back; the delay starts
/// @notice usage: forge script script/EscrowRequestWithdrawal.s.sol --sig 'run(uint128)' AMOUNT --rpc-url URL --broadcast
///
/// AMOUNT in token units.
contract EscrowRequestWithdrawal is Operator {
    function run(uint128 amount) external transacts {
        _send(
            _contract("escrow"),
            abi.encodeCall(IEscrow.requestWithdrawal, (amount)),
            string.concat("request ", vm.toString(amount), " token units back from the escrow")
        );
    }
}
