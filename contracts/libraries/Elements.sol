// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What a block's data says about withdrawals
/// @notice One blob element is one operation, little end first: bits 0 to 31 from, 32 to 63 to, 64 to 127 amount, 128 to 159 fee, 160 to 167 kind.
/// A withdrawal is followed by its target: bits 0 to 159 the address. So is a forced exit, which is a withdrawal with `to` = 1.
library Elements {
    uint256 private constant WITHDRAWAL = 2;
    uint256 private constant TARGET = 4;
    uint256 private constant KIND_BIT = 160;
    uint256 private constant AMOUNT_BIT = 64;

    function isWithdrawal(bytes32 element) internal pure returns (bool) {
        return uint256(element) >> KIND_BIT == WITHDRAWAL;
    }

    /// @notice Amount, in L2 units, of a withdrawal.
    function amount(bytes32 element) internal pure returns (uint64) {
        // casting: the field has 64 bits
        return uint64(uint256(element) >> AMOUNT_BIT);
    }

    function isTarget(bytes32 element) internal pure returns (bool) {
        return uint256(element) >> KIND_BIT == TARGET && target(element) != address(0);
    }

    function target(bytes32 element) internal pure returns (address) {
        // casting: the field has 160 bits
        return address(uint160(uint256(element)));
    }
}
