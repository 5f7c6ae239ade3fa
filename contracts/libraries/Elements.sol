// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Blob elements of withdrawals and forced exits
/// @notice One blob element encodes one operation, from the lowest bit: from (32), to (32), amount (64), fee (32), kind
/// (8). After a withdrawal comes an element with its target: the address (160), kind (8). A forced exit is a withdrawal
/// with `to` = 1, and has a target, too.
library Elements {
    uint256 private constant WITHDRAWAL = 2;
    uint256 private constant TARGET = 4;
    uint256 private constant KIND_BIT = 160;
    uint256 private constant AMOUNT_BIT = 64;

    function isWithdrawal(bytes32 element) internal pure returns (bool) {
        return uint256(element) >> KIND_BIT == WITHDRAWAL;
    }

    /// @notice Amount of a withdrawal, in L2 units.
    function amount(bytes32 element) internal pure returns (uint64) {
        // Cast: the field has 64 bits.
        return uint64(uint256(element) >> AMOUNT_BIT);
    }

    /// @notice Whether the element is a target with an address that is not zero.
    function isTarget(bytes32 element) internal pure returns (bool) {
        return uint256(element) >> KIND_BIT == TARGET && target(element) != address(0);
    }

    function target(bytes32 element) internal pure returns (address) {
        // Cast: the field has 160 bits.
        return address(uint160(uint256(element)));
    }
}
