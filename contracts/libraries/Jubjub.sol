// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ScalarField} from "../verifier/ScalarField.sol";

/// @title The curve of the L2's keys: -x² + y² = 1 + d·x²·y² over the scalar field of BLS12-381
library Jubjub {
    /// @notice The coefficient d = -(10240 / 10241), as in the Zcash protocol specification, section 5.4.9.3.
    uint256 internal constant D = 0x2a9318e74bfa2b48f5fd9207e6bd7fd4292d7f6d37579d2601065fd6d6343eb1;

    /// @notice Whether (x, y) are the canonical coordinates of a point of the curve with x ≠ 0, which excludes the
    /// points of order 1 and 2.
    function isKey(uint256 x, uint256 y) internal pure returns (bool) {
        if (x == 0 || x >= ScalarField.ORDER || y >= ScalarField.ORDER) return false;
        uint256 xx = ScalarField.mul(x, x);
        uint256 yy = ScalarField.mul(y, y);
        return ScalarField.sub(yy, xx) == ScalarField.add(1, ScalarField.mul(D, ScalarField.mul(xx, yy)));
    }
}
