// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../contracts/interfaces/IEscrow.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Pays out what the sender asked back from the escrow, once the delay is over
/// @notice usage: forge script script/EscrowWithdraw.s.sol --sig 'run(address)' TO --rpc-url URL --broadcast
contract EscrowWithdraw is Operator {
    function run(address to) external transacts {
        _send(
            _contract("escrow"),
            abi.encodeCall(IEscrow.withdraw, (to)),
            string.concat("withdraw from the escrow to ", vm.toString(to))
        );
    }
}
