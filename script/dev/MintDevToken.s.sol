// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Operator} from "../lib/Operator.sol";
import {DevToken} from "./DevToken.sol";

/// @title Mints development tokens; the sender is the token's owner, which is the account that deployed it
/// @notice usage: forge script script/dev/MintDevToken.s.sol --rpc-url URL --broadcast
/// --sig 'run(address,uint256)' TO AMOUNT
///
/// AMOUNT is in token units: 1000000000000000000 is one FDEV.
contract MintDevToken is Operator {
    /// @notice The deployment has a token of its own: nobody mints it here.
    error NotTheDevelopmentToken(address token);
    /// @notice Only the development token's owner mints it.
    error NotTheTokenOwner(address expected, address actual);

    function run(address to, uint256 amount) external transacts {
        address token = _contract("token");
        if (token.codehash != keccak256(type(DevToken).runtimeCode)) revert NotTheDevelopmentToken(token);
        address owner = DevToken(token).owner();
        if (owner != _sender()) revert NotTheTokenOwner(owner, _sender());
        _send(
            token,
            abi.encodeCall(DevToken.mint, (to, amount)),
            string.concat("mint ", _tokens(amount), " to ", vm.toString(to))
        );
    }
}
