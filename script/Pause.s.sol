// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IGuardian} from "../contracts/interfaces/IGuardian.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Pauses block production and uses the approval up; the sender is the guardian
/// @notice usage: forge script script/Pause.s.sol --rpc-url URL --broadcast
contract Pause is Operator {
    function run() external transacts {
        _send(
            _contract("guardian"), abi.encodeCall(IGuardian.pause, ()), "pause block production and use the approval up"
        );
    }
}
