// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../contracts/interfaces/IEscrow.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Pays what the sender requested back from the escrow, after the delay
/// @notice usage: forge script script/EscrowWithdraw.s.sol --rpc-url URL --broadcast
/// --sig 'run(address)' TO
contract EscrowWithdraw is Operator {
    function run(address to) external transacts {
        _send(
            _contract("escrow"),
            abi.encodeCall(IEscrow.withdraw, (to)),
            string.concat("withdraw from the escrow to ", vm.toString(to))
        );
    }
}
