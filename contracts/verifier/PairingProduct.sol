// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ScalarField} from "./ScalarField.sol";
import {VerifyingKey} from "./VerifyingKey.sol";

/// @title One pairing product over all chunk proofs of a block, in memory
/// @notice Checks e(w_0 A_0, B_0) · … · e(w_{K-1} A_{K-1}, B_{K-1}) · e(-alpha, beta) · e(X, -gamma) · e(c, -delta) =
/// 1. The weights w_k sum to 1, and X = IC_0 + Σ_i (Σ_k w_k x_{k,i}) IC_i.
///
/// Memory from `start` has the K pairs of the chunks, then the stored key (see `VerifyingKey`). The key begins with the
/// other three pairs. A precompile checks curve and subgroup of each point: the MSM or the pairing for A, the pairing
/// for B and c, and the MSM for X by its terms.
library PairingProduct {
    struct Product {
        uint256 start;
        uint256 pairs;
        /// Memory position of the stored key.
        uint256 key;
    }

    // Precompiles of EIP-2537.
    uint256 private constant G1_ADD = 0x0b;
    uint256 private constant G1_MSM = 0x0c;
    uint256 private constant PAIRING = 0x0f;

    // Gas limits of the calls: four times the prices of EIP-2537 (375, 12,000 a term, 37,700 and 32,600 a pair). They
    // leave room for a repricing, and they bound the gas that an invalid proof burns.
    uint256 private constant ADD_GAS = 1_500;
    uint256 private constant TERM_GAS = 48_000;
    uint256 private constant PAIRING_GAS = 150_800;
    uint256 private constant PAIR_GAS = 130_400;

    /// @notice Allocates the product, with zeros in all its gaps.
    /// @param chunks Below 2^32.
    function load(Product memory self, address key, uint256 chunks) internal view {
        uint256 start;
        uint256 keyAt;
        uint256 pair = VerifyingKey.PAIR;
        uint256 length = VerifyingKey.STORED_LENGTH;
        // Memory-safe: allocates `chunks` pairs and the key. A length of 2^32 pairs runs out of gas and does not
        // overflow.
        assembly ("memory-safe") {
            start := mload(0x40)
            keyAt := add(start, mul(chunks, pair))
            mstore(0x40, add(keyAt, length))
            // The first byte of the code is STOP.
            extcodecopy(key, keyAt, 1, length)
        }
        self.start = start;
        self.key = keyAt;
        // Unchecked: below 2^32 + 3.
        unchecked {
            self.pairs = chunks + 3;
        }
    }

    /// @notice Adds `weight` times `value` to the scalar of public input `input`.
    /// @param input Below 4.
    function addScalar(Product memory self, uint256 input, uint256 weight, uint256 value) internal pure {
        uint256 pointer = _scalarAt(self, input);
        uint256 order = ScalarField.ORDER;
        // Memory-safe: the gap of term `input` lies inside the key's memory.
        assembly ("memory-safe") {
            mstore(pointer, addmod(mload(pointer), mulmod(weight, value, order), order))
        }
    }

    /// @notice Sets pair `chunk` to (weight · a, b).
    /// @param chunk Below the number of chunks.
    /// @return ok False if `a` is not a point that can be scaled.
    function setPair(Product memory self, uint256 chunk, uint256 weight, bytes32[4] calldata a, bytes32[8] calldata b)
        internal
        view
        returns (bool ok)
    {
        uint256 pointer;
        // Unchecked: inside the pairs' memory.
        unchecked {
            pointer = self.start + chunk * VerifyingKey.PAIR;
        }
        // Memory-safe: the pair's 384 bytes are allocated. The input of the MSM is written there, and its output
        // overwrites it.
        assembly ("memory-safe") {
            calldatacopy(pointer, a, 128)
            ok := 1
            if iszero(eq(weight, 1)) {
                mstore(add(pointer, 128), weight)
                ok := staticcall(TERM_GAS, G1_MSM, pointer, 160, pointer, 128)
                ok := and(ok, eq(returndatasize(), 128))
            }
            calldatacopy(add(pointer, 128), b, 256)
        }
    }

    /// @notice Sets the point c of the last pair.
    function setC(Product memory self, bytes32[4] calldata c) internal pure {
        uint256 pointer;
        // Unchecked: inside the key's memory.
        unchecked {
            pointer = self.key + VerifyingKey.C_POINT;
        }
        // Memory-safe: the gap of 128 bytes lies inside the key's memory.
        assembly ("memory-safe") {
            calldatacopy(pointer, c, 128)
        }
    }

    /// @notice Computes X from the scalars and returns whether the product is 1. Overwrites the key's memory, so it can
    /// be called once only.
    function isOne(Product memory self) internal view returns (bool ok) {
        uint256 terms;
        uint256 sum;
        uint256 point;
        uint256 pairingGas;
        uint256 pairingLength;
        uint256 termsLength = VerifyingKey.INPUTS * VerifyingKey.TERM;
        uint256 msmGas = TERM_GAS * VerifyingKey.INPUTS;
        // Unchecked: positions inside the allocated memory. The number of pairs is below 2^32 + 3.
        unchecked {
            terms = self.key + VerifyingKey.TERMS;
            // The sum goes right before IC_0, over terms that are no longer needed, so that the addition finds its two
            // points side by side.
            sum = self.key + VerifyingKey.CONSTANT_TERM - VerifyingKey.G1;
            point = self.key + VerifyingKey.INPUT_POINT;
            pairingGas = PAIRING_GAS + self.pairs * PAIR_GAS;
            pairingLength = self.pairs * VerifyingKey.PAIR;
        }
        uint256 start = self.start;
        // Memory-safe: all ranges lie inside the allocated memory, except for the pairing's result, which goes to
        // scratch space.
        assembly ("memory-safe") {
            ok := staticcall(msmGas, G1_MSM, terms, termsLength, sum, 128)
            ok := and(ok, eq(returndatasize(), 128))
            if ok {
                ok := staticcall(ADD_GAS, G1_ADD, sum, 256, point, 128)
                ok := and(ok, eq(returndatasize(), 128))
            }
            if ok {
                ok := staticcall(pairingGas, PAIRING, start, pairingLength, 0, 32)
                ok := and(and(ok, eq(returndatasize(), 32)), eq(mload(0), 1))
            }
        }
    }

    function _scalarAt(Product memory self, uint256 input) private pure returns (uint256) {
        // Unchecked: inside the key's memory.
        unchecked {
            return self.key + VerifyingKey.TERMS + VerifyingKey.G1 + input * VerifyingKey.TERM;
        }
    }
}
