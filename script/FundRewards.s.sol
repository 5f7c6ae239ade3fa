// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRewards} from "../contracts/interfaces/IRewards.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Puts the sender's tokens into the reward pot
/// @notice usage: forge script script/FundRewards.s.sol --sig 'run(uint256)' AMOUNT --rpc-url URL --broadcast
///
/// AMOUNT in token units.
contract FundRewards is Operator {
    function run(uint256 amount) external broadcast {
        IRewards rewards = IRewards(_contract("rewards"));
        _approve(address(rewards), amount);
        rewards.fund(amount);
    }
}
