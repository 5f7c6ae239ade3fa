// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../contracts/interfaces/IEscrow.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Requests a part of the sender's free escrow back, and starts the delay
/// @notice usage: forge script script/EscrowRequestWithdrawal.s.sol --rpc-url URL --broadcast
/// --sig 'run(uint128)' AMOUNT
///
/// AMOUNT is in token units.
contract EscrowRequestWithdrawal is Operator {
    function run(uint128 amount) external transacts {
        _send(
            _contract("escrow"),
            abi.encodeCall(IEscrow.requestWithdrawal, (amount)),
            string.concat("request ", _tokens(amount), " back from the escrow")
        );
    }
}
