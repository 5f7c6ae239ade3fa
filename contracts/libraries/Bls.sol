// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title BLS signatures over BLS12-381: keys in G1, signatures in G2
/// @notice Hashes to G2 as in RFC 9380 (suite BLS12381G2_XMD:SHA-256_SSWU_RO_) and verifies with one pairing product,
/// using the precompiles of EIP-2537. Points are encoded as in EIP-2537, with coordinates of 64 bytes: a key has 128
/// bytes and a signature 256. The pairing precompile checks curve, subgroup and range of coordinates, so each key and
/// each signature has exactly one encoding.
library Bls {
    // Precompiles of EIP-198 and EIP-2537.
    uint256 private constant MODEXP = 0x05;
    uint256 private constant G2_ADD = 0x0d;
    uint256 private constant PAIRING = 0x0f;
    uint256 private constant MAP_TO_G2 = 0x11;

    // Gas limits of the calls: four times the prices of EIP-7883 (500 for 64-byte operands) and EIP-2537 (600, 23,800,
    // and 37,700 + 2 · 32,600). They leave room for a repricing, and they bound the gas that an invalid point burns.
    uint256 private constant MODEXP_GAS = 2_000;
    uint256 private constant G2_ADD_GAS = 2_400;
    uint256 private constant MAP_GAS = 95_200;
    uint256 private constant PAIRING_GAS = 411_600;

    // Order p of the field of coordinates: its upper 16 and its lower 32 bytes.
    uint256 private constant P_HIGH = 0x1a0111ea397fe69a4b1ba7b6434bacd7;
    uint256 private constant P_LOW = 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;

    // The negated generator of G1.
    bytes32 private constant NEG_G1_X_HIGH = 0x0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0f;
    bytes32 private constant NEG_G1_X_LOW = 0xc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb;
    bytes32 private constant NEG_G1_Y_HIGH = 0x00000000000000000000000000000000114d1d6855d545a8aa7d76c8cf2e21f2;
    bytes32 private constant NEG_G1_Y_LOW = 0x67816aef1db507c96655b9d5caac42364e6f38ba0ecb751bad54dcd6b939c2ca;

    /// @notice A precompile that accepts any input failed. Either the chain does not have it, or the gas ran out.
    /// @custom:rule Q2, D2
    error PrecompileFailed(uint256 precompile);

    /// @notice Whether `signature` is the signature of `key` on the message with the hash `hashed`: e(-G1, signature) ·
    /// e(key, hashed) = 1. False for the key at infinity and for anything that is not a point of its group.
    /// @param hashed A result of `hashToG2`.
    function verify(bytes32[4] calldata key, bytes32[8] calldata signature, bytes32[8] memory hashed)
        internal
        view
        returns (bool ok)
    {
        if (key[0] | key[1] | key[2] | key[3] == 0) return false;
        // Memory-safe: takes 768 bytes from the end of memory, and writes the result to scratch space.
        assembly ("memory-safe") {
            let pairs := mload(0x40)
            mstore(pairs, NEG_G1_X_HIGH)
            mstore(add(pairs, 32), NEG_G1_X_LOW)
            mstore(add(pairs, 64), NEG_G1_Y_HIGH)
            mstore(add(pairs, 96), NEG_G1_Y_LOW)
            calldatacopy(add(pairs, 128), signature, 256)
            calldatacopy(add(pairs, 384), key, 128)
            mcopy(add(pairs, 512), hashed, 256)
            ok := staticcall(PAIRING_GAS, PAIRING, pairs, 768, 0, 32)
            ok := and(and(ok, eq(returndatasize(), 32)), eq(mload(0), 1))
        }
    }

    /// @notice The point of G2 that a message hashes to: `hash_to_curve` of RFC 9380.
    /// @param dst Domain separation tag, 1 to 255 bytes.
    function hashToG2(bytes memory message, bytes memory dst) internal view returns (bytes32[8] memory point) {
        bytes32[8] memory uniform = expandMessage(message, dst);
        // The buffer first holds two elements of Fp2, then the two points that they map to, which the last call adds.
        // The map clears the cofactor of each point, which gives the same sum as clearing it once after the addition.
        bytes32[16] memory buffer;
        for (uint256 i = 0; i < 4; ++i) {
            _reduce(uniform, i, buffer);
        }
        _map(buffer, 1);
        _map(buffer, 0);
        bool ok;
        // Memory-safe: reads the buffer's 512 bytes and writes the point's 256 bytes.
        assembly ("memory-safe") {
            ok := staticcall(G2_ADD_GAS, G2_ADD, buffer, 512, point, 256)
            ok := and(ok, eq(returndatasize(), 256))
        }
        if (!ok) revert PrecompileFailed(G2_ADD);
    }

    /// @notice 256 bytes from a message: `expand_message_xmd` of RFC 9380 with SHA-256.
    /// @param dst Domain separation tag, 1 to 255 bytes.
    function expandMessage(bytes memory message, bytes memory dst) internal pure returns (bytes32[8] memory uniform) {
        // Cast: a tag has at most 255 bytes.
        bytes memory suffix = abi.encodePacked(dst, uint8(dst.length));
        bytes32 first = sha256(abi.encodePacked(new bytes(64), message, uint16(256), uint8(0), suffix));
        bytes32 block_;
        for (uint256 i = 0; i < 8; ++i) {
            // Cast: the value is 1 to 8.
            block_ = sha256(abi.encodePacked(i == 0 ? first : first ^ block_, uint8(i + 1), suffix));
            uniform[i] = block_;
        }
    }

    /// @dev Reduces 64 bytes of `uniform`, at byte 64·i, to element `i` (0 to 3) of the field, and writes it to the 64
    /// bytes at byte 64·i of the buffer.
    function _reduce(bytes32[8] memory uniform, uint256 i, bytes32[16] memory buffer) private view {
        bool ok;
        // Memory-safe: takes 209 bytes from the end of memory. The result's 48 bytes are the last of the 64 bytes at
        // 64·i, which lie inside the buffer and start with zeros.
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore(input, 64)
            mstore(add(input, 32), 1)
            mstore(add(input, 64), 48)
            mcopy(add(input, 96), add(uniform, mul(i, 64)), 64)
            mstore8(add(input, 160), 1)
            mstore(add(input, 161), shl(128, P_HIGH))
            mstore(add(input, 177), P_LOW)
            ok := staticcall(MODEXP_GAS, MODEXP, input, 209, add(buffer, add(mul(i, 64), 16)), 48)
            ok := and(ok, eq(returndatasize(), 48))
        }
        if (!ok) revert PrecompileFailed(MODEXP);
    }

    /// @dev Maps the element of Fp2 in the 128 bytes at 128·i of the buffer to point `i` (0 or 1) of G2, and writes it
    /// to the 256 bytes at 256·i. Point 1 must come first, as point 0 overwrites both elements.
    function _map(bytes32[16] memory buffer, uint256 i) private view {
        bool ok;
        // Memory-safe: both ranges lie inside the buffer's 512 bytes.
        assembly ("memory-safe") {
            ok := staticcall(MAP_GAS, MAP_TO_G2, add(buffer, mul(i, 128)), 128, add(buffer, mul(i, 256)), 256)
            ok := and(ok, eq(returndatasize(), 256))
        }
        if (!ok) revert PrecompileFailed(MAP_TO_G2);
    }
}
