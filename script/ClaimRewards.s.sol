// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRewards} from "../contracts/interfaces/IRewards.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Pays the sender's rewards, as much of them as the pot holds
/// @notice usage: forge script script/ClaimRewards.s.sol --rpc-url URL --broadcast
/// --sig 'run(address)' TO
contract ClaimRewards is Operator {
    function run(address to) external transacts {
        bytes memory result = _send(
            _contract("rewards"),
            abi.encodeCall(IRewards.claim, (to)),
            string.concat("claim rewards to ", vm.toString(to))
        );
        _print(string.concat("paid ", _tokens(abi.decode(result, (uint256)))));
    }
}
