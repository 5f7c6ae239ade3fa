// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";

/// @title Checks that the contracts of a deployment name each other
/// @notice For constructors. An address without code or without the expected view gives an error with the parameter's
/// name, and never an empty revert.
library Wiring {
    /// @notice Reverts unless the view `selector` of `target` returns `expected`.
    function expect(string memory name, address target, bytes4 selector, uint256 expected) internal view {
        uint256 actual = read(name, target, selector);
        if (actual != expected) revert IRollup.WiringMismatch(name, expected, actual);
    }

    /// @notice The single word that the view `selector` of `target` returns.
    function read(string memory name, address target, bytes4 selector) internal view returns (uint256) {
        return read(name, target, abi.encodePacked(selector));
    }

    /// @notice The single word that `target` returns for `call`.
    function read(string memory name, address target, bytes memory call) internal view returns (uint256) {
        (bool success, bytes memory result) = target.staticcall(call);
        if (!success || result.length != 32) revert IRollup.BadParameter(name);
        return abi.decode(result, (uint256));
    }
}
