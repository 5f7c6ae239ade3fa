// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Action, IPayload} from "../contracts/interfaces/IPayload.sol";
import {ITimelock} from "../contracts/interfaces/ITimelock.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Executes a queued payload after its delay; anyone may send it
/// @notice usage: forge script script/ExecutePayload.s.sol --rpc-url URL --broadcast
/// --sig 'run(address)' PAYLOAD
///
/// If the payload no longer returns the actions that were queued, the actions of its `Queued` event are needed, encoded
/// as `abi.encode(actions)`: --sig 'run(address,bytes)' PAYLOAD ACTIONS
contract ExecutePayload is Operator {
    /// @notice The payload doesn't return the actions that were queued. Pass them as the second argument.
    error ActionsNeeded(address payload, bytes32 queued);

    function run(address payload) external {
        bytes32 expected = ITimelock(_contract("timelock")).queued(payload).actionsHash;
        // it was never queued: the timelock refuses it
        if (expected == 0) return execute(payload, new Action[](0));
        if (payload.code.length == 0) revert ActionsNeeded(payload, expected);
        try IPayload(payload).actions() returns (Action[] memory actions) {
            if (keccak256(abi.encode(actions)) != expected) revert ActionsNeeded(payload, expected);
            execute(payload, actions);
        } catch {
            revert ActionsNeeded(payload, expected);
        }
    }

    function run(address payload, bytes calldata actions) external {
        execute(payload, abi.decode(actions, (Action[])));
    }

    function execute(address payload, Action[] memory actions) public transacts {
        _send(
            _contract("timelock"),
            abi.encodeCall(ITimelock.execute, (payload, actions)),
            string.concat("execute payload ", vm.toString(payload))
        );
    }
}
