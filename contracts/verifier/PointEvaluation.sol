// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title KZG openings of blobs: the point-evaluation precompile of EIP-4844
library PointEvaluation {
    /// @notice Length of a compressed point: a commitment or an opening proof.
    uint256 internal constant POINT_LENGTH = 48;

    uint256 private constant PRECOMPILE = 0x0a;
    uint256 private constant INPUT_LENGTH = 192;
    uint256 private constant OUTPUT_LENGTH = 64;
    /// @dev Four times the price of EIP-4844. It leaves room for a repricing, and bounds the gas that an invalid
    /// opening burns.
    uint256 private constant GAS_LIMIT = 200_000;

    /// @notice Whether the blob polynomial with this versioned hash has the value `y` at `z`.
    /// @param opening Commitment and proof, 48 bytes each, one after the other.
    function opens(bytes32 versionedHash, uint256 z, uint256 y, bytes32[3] calldata opening)
        internal
        view
        returns (bool)
    {
        bytes memory input = new bytes(INPUT_LENGTH);
        // Memory-safe: `input` has 192 bytes, and the 96 bytes of the opening are its last.
        assembly ("memory-safe") {
            mstore(add(input, 32), versionedHash)
            mstore(add(input, 64), z)
            mstore(add(input, 96), y)
            calldatacopy(add(input, 128), opening, 96)
        }
        return _call(input);
    }

    /// @notice The same check, with commitment and proof as separate arguments. False unless both have 48 bytes.
    function opens(bytes32 versionedHash, uint256 z, uint256 y, bytes calldata commitment, bytes calldata proof)
        internal
        view
        returns (bool)
    {
        if (commitment.length != POINT_LENGTH || proof.length != POINT_LENGTH) return false;
        return _call(abi.encodePacked(versionedHash, z, y, commitment, proof));
    }

    /// @dev `input` has 192 bytes.
    function _call(bytes memory input) private view returns (bool ok) {
        // Memory-safe: reads `input` and writes nothing. A chain without the precompile returns no data, which counts
        // as refused.
        assembly ("memory-safe") {
            ok := staticcall(GAS_LIMIT, PRECOMPILE, add(input, 32), INPUT_LENGTH, 0, 0)
            ok := and(ok, eq(returndatasize(), OUTPUT_LENGTH))
        }
    }
}
