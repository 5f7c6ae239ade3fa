// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRewards} from "../contracts/interfaces/IRewards.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Puts the sender's tokens into the reward pot
/// @notice usage: forge script script/FundRewards.s.sol --sig 'run(uint256)' AMOUNT --rpc-url URL --broadcast
///
/// AMOUNT in token units.
contract FundRewards is Operator {
    function run(uint256 amount) external transacts {
        address rewards = _contract("rewards");
        _approve(rewards, amount);
        _send(
            rewards,
            abi.encodeCall(IRewards.fund, (amount)),
            string.concat("put ", vm.toString(amount), " token units into the reward pot")
        );
    }
}
