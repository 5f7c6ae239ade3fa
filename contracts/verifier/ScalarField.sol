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
        uint256 order = ORDER;
        uint256 bits = BLOB_LOG;
        // Memory-safe: uses no memory. The loop's counter runs from 12 down to `lowestBit` and stops there.
        assembly ("memory-safe") {
            power := 1
            for { let i := bits } gt(i, lowestBit) {} {
                i := sub(i, 1)
                if and(shr(i, index), 1) { power := mulmod(power, generator, order) }
                generator := mulmod(generator, generator, order)
            }
        }
    }

    /// @notice `generator` to the powers 2^(count - 1), ..., 2, 1: its repeated squares, from the last to the first.
    function squares(uint256 generator, uint256 count) internal pure returns (uint256[] memory result) {
        result = new uint256[](count);
        for (uint256 i = count; i > 0;) {
            unchecked {
                // The loop ends at zero.
                --i;
            }
            result[i] = generator;
            generator = mulmod(generator, generator, ORDER);
        }
    }

    /// @notice Product of the factors whose bits are set in `index`; factor i belongs to bit i.
    /// @param index Below 2 to the power of the number of factors.
    function productAt(uint256[] memory factors, uint256 index) internal pure returns (uint256 product) {
        product = 1;
        uint256 order = ORDER;
        // Memory-safe: reads the words of the array. The index has no bits beyond them.
        assembly ("memory-safe") {
            for { let factor := add(factors, 32) } index { index := shr(1, index) } {
                if and(index, 1) { product := mulmod(product, mload(factor), order) }
                factor := add(factor, 32)
            }
        }
    }

    /// @notice Point of the domain at which a blob's polynomial has the value of element `index` (below 4096).
    function pointOfElement(uint256 index) internal pure returns (uint256) {
        return powerAtBitReversed(ROOT, index, 0);
    }
}
