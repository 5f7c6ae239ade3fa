// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Action, IPayload} from "../../contracts/interfaces/IPayload.sol";
import {ITimelock} from "../../contracts/interfaces/ITimelock.sol";
import {IVotes} from "../../contracts/interfaces/IVotes.sol";

/// @notice A payload whose actions anyone can change. It is not trustworthy.
contract MutablePayload is IPayload {
    Action[] private _actions;

    function set(Action[] memory actions_) external {
        delete _actions;
        for (uint256 i = 0; i < actions_.length; ++i) {
            _actions.push(actions_[i]);
        }
    }

    function actions() external view returns (Action[] memory) {
        return _actions;
    }
}

contract RevertingPayload is IPayload {
    error Refused();

    function actions() external pure returns (Action[] memory) {
        revert Refused();
    }
}

/// @notice Burns all gas it gets.
contract BurningPayload is IPayload {
    function actions() external pure returns (Action[] memory) {
        assembly {
            invalid()
        }
    }
}

/// @notice Returns `length` bytes that do not encode a list of actions.
contract GarbagePayload {
    uint256 private immutable LENGTH;
    uint256 private immutable FIRST_WORD;

    constructor(uint256 length, uint256 firstWord) {
        LENGTH = length;
        FIRST_WORD = firstWord;
    }

    fallback() external {
        uint256 length = LENGTH;
        uint256 firstWord = FIRST_WORD;
        assembly {
            mstore(0, firstWord)
            return(0, length)
        }
    }
}

/// @notice Tries to change state while its actions are read.
contract WritingPayload {
    uint256 public written;
    IVotes private immutable VOTES;

    constructor(IVotes votes) {
        VOTES = votes;
    }

    function actions() external returns (Action[] memory) {
        written = 1;
        VOTES.push(0, address(this));
        return new Action[](1);
    }
}

/// @notice Target of actions: counts its calls, and misbehaves as told.
contract Target {
    error Refused(uint256 value);

    uint256[] public values;
    address public caller;
    bytes private _call;
    address private _callTo;

    function set(uint256 value) external payable {
        caller = msg.sender;
        values.push(value);
    }

    function refuse(uint256 value) external pure {
        revert Refused(value);
    }

    /// @dev Reverts with megabytes of data.
    function bomb() external pure {
        assembly {
            mstore(0x40, 0)
            revert(0, 2000000)
        }
    }

    /// @dev The target of `reenter`.
    function prepare(address to, bytes memory data) external {
        _callTo = to;
        _call = data;
    }

    function reenter() external {
        (bool success, bytes memory reason) = _callTo.call(_call);
        if (success) return;
        assembly {
            revert(add(reason, 32), mload(reason))
        }
    }

    function count() external view returns (uint256) {
        return values.length;
    }
}

/// @notice A payload with one action.
function single(address target, bytes memory data) pure returns (Action[] memory actions) {
    actions = new Action[](1);
    actions[0] = Action(target, data);
}

/// @notice The call that executes a payload.
function executeCall(address payload, Action[] memory actions) pure returns (bytes memory) {
    return abi.encodeCall(ITimelock.execute, (payload, actions));
}
