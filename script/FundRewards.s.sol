// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRewards} from "../contracts/interfaces/IRewards.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Pays the sender's tokens into the reward pot
/// @notice usage: forge script script/FundRewards.s.sol --rpc-url URL --broadcast
/// --sig 'run(uint256)' AMOUNT
///
/// AMOUNT is in token units.
contract FundRewards is Operator {
    function run(uint256 amount) external transacts {
        address rewards = _contract("rewards");
        _approve(rewards, amount);
        _send(
            rewards,
            abi.encodeCall(IRewards.fund, (amount)),
            string.concat("pay ", _tokens(amount), " into the reward pot")
        );
    }
}
