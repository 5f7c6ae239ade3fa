// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

/// @notice What every handler is: a deployment of its own, and one random act after the other.
interface IPlayer {
    function setUp() external;
    function step(uint256 seed) external;
}

/// @title Lets a handler play: at random for the invariants, in a fixed order for the planted bugs
abstract contract Play is Test {
    /// @dev Makes `step` of the handler, set up, the only call that forge tries.
    function _target(address handler) internal {
        IPlayer(handler).setUp();
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = IPlayer.step.selector;
        targetContract(handler);
        targetSelector(FuzzSelector(handler, selectors));
    }

    /// @dev Plays `steps` steps until `check` fails; whether it did.
    function _caught(address handler, bytes4 check, uint256 steps) internal returns (bool) {
        IPlayer(handler).setUp();
        for (uint256 i = 0; i < steps; ++i) {
            IPlayer(handler).step(i);
            (bool holds,) = handler.staticcall(abi.encodePacked(check));
            if (!holds) return true;
        }
        return false;
    }
}
