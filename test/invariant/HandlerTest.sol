// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

/// @notice Every handler has its own deployment and makes one random action in each step.
interface IHandler {
    function setUp() external;
    function step(uint256 seed) external;
}

/// @title Runs a handler: at random for the invariants, in a fixed order for the planted bugs
abstract contract HandlerTest is Test {
    /// @dev Sets the handler up, and makes its `step` the only call that forge tries.
    function _target(address handler) internal {
        IHandler(handler).setUp();
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = IHandler.step.selector;
        targetContract(handler);
        targetSelector(FuzzSelector(handler, selectors));
    }

    /// @dev Makes up to `steps` steps. Returns whether `check` failed after one of them.
    function _caught(address handler, bytes4 check, uint256 steps) internal returns (bool) {
        IHandler(handler).setUp();
        for (uint256 i = 0; i < steps; ++i) {
            IHandler(handler).step(i);
            (bool holds,) = handler.staticcall(abi.encodePacked(check));
            if (!holds) return true;
        }
        return false;
    }
}
