// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Operation} from "../interfaces/IBridge.sol";

/// @title Encoding of deposits and forced exits as three field elements
/// @notice | | `head` | `x` | `y` |
/// | --- | --- | --- | --- |
/// | deposit | index, amount · 2^32 | key's x, not 0 | key's y |
/// | forced exit | index, 2^96 | target, not 0 | 0 |
///
/// An index has 32 bits and an amount 64 bits, so bit 96 of `head` tells the two kinds apart. Coordinates of keys are
/// below the field's order, and targets below 2^160.
library L1Operations {
    uint256 private constant AMOUNT_BIT = 32;
    /// @notice Lowest `head` of a forced exit.
    uint256 internal constant EXIT = 1 << 96;

    function deposit(uint32 index, uint64 amount, uint256 keyX, uint256 keyY)
        internal
        pure
        returns (L1Operation memory)
    {
        return L1Operation({head: uint256(index) | (uint256(amount) << AMOUNT_BIT), x: keyX, y: keyY});
    }

    function exit(uint32 index, address target) internal pure returns (L1Operation memory) {
        return L1Operation({head: uint256(index) | EXIT, x: uint256(uint160(target)), y: 0});
    }

    /// @notice Rolling hash of a queue after this operation. `before` is the hash before it.
    function chain(L1Operation memory operation, bytes32 before) internal pure returns (bytes32) {
        return keccak256(abi.encode(before, operation));
    }
}
