// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Arithmetic in the scalar field of BLS12-381, and the evaluation domain of EIP-4844 blobs
/// @notice Arguments are reduced modulo the order, and results are below it, unless said otherwise.
library ScalarField {
    /// @notice Order r of the prime-order groups of BLS12-381.
    uint256 internal constant ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;

    /// @notice Number of elements of a blob.
    uint256 internal constant BLOB_ELEMENTS = 4096;
    /// @notice log2 of `BLOB_ELEMENTS`.
    uint256 internal constant BLOB_LOG = 12;
    /// @notice Generator of the blob's domain: 7^((r - 1) / 4096), as in the consensus specification
    /// (`compute_roots_of_unity`).
    uint256 internal constant ROOT = 0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306;
    /// @notice Inverse of `ROOT`.
    uint256 internal constant INVERSE_ROOT = 0x391b2856c609b4784ae25ffab9dc59865046d17864183203961a252dd8543362;

    function add(uint256 a, uint256 b) internal pure returns (uint256) {
        return addmod(a, b, ORDER);
    }

    function mul(uint256 a, uint256 b) internal pure returns (uint256) {
        return mulmod(a, b, ORDER);
    }

    /// @param b Below the order.
    function sub(uint256 a, uint256 b) internal pure returns (uint256) {
        return addmod(a, ORDER - b, ORDER);
    }

    /// @notice `generator` to the power of `index` with its 12 bits reversed, for a `generator` in the blob's domain.
    /// @dev Bit i of the index stands for the exponent 2^(11 - i). The loop runs from the highest bit, whose factor is
    /// `generator` itself, down to bit `lowestBit`. The bits below `lowestBit` must be zero.
    function powerAtBitReversed(uint256 generator, uint256 index, uint256 lowestBit)
        internal
        pure
        returns (uint256 power)
    {
        power = 1;
        // Unchecked: i runs from 12 down to `lowestBit` and stops there.
        unchecked {
            for (uint256 i = BLOB_LOG; i > lowestBit;) {
                i--;
                if ((index >> i) & 1 != 0) power = mulmod(power, generator, ORDER);
                generator = mulmod(generator, generator, ORDER);
            }
        }
    }

    /// @notice Point of the domain at which a blob's polynomial has the value of element `index` (below 4096).
    function pointOfElement(uint256 index) internal pure returns (uint256) {
        return powerAtBitReversed(ROOT, index, 0);
    }
}
