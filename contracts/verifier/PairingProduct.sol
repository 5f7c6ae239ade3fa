// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ScalarField} from "./ScalarField.sol";
import {VerifyingKey} from "./VerifyingKey.sol";

/// @title One pairing product over all chunk proofs of a block, in memory
/// @notice Checks e(w_0 A_0, B_0) · … · e(w_{K-1} A_{K-1}, B_{K-1}) · e(-alpha, beta) · e(X, -gamma) · e(c, -delta) = 1, where the weights w_k
/// sum to 1 and X = IC_0 + Σ_i (Σ_k w_k x_{k,i}) IC_i. Memory from `start`: K pairs of the chunks, then the stored key (see `VerifyingKey`), whose
/// first part is the other three pairs.
/// Every point meets a precompile that checks its curve and subgroup: A the MSM or the pairing, B and c the pairing, X by its terms in the MSM.
library PairingProduct {
    struct Product {
        uint256 start;
        uint256 pairs;
        /// where the stored key is
        uint256 key;
    }

    // Precompiles of EIP-2537.
    uint256 private constant G1_ADD = 0x0b;
    uint256 private constant G1_MSM = 0x0c;
    uint256 private constant PAIRING = 0x0f;

    // Gas limits of the calls: four times the prices of EIP-2537 (375, 12,000 a term, 37,700 and 32,600 a pair).
    // Room for a repricing, and a bound on what a refused proof burns.
    uint256 private constant ADD_GAS = 1_500;
    uint256 private constant TERM_GAS = 48_000;
    uint256 private constant PAIRING_GAS = 150_800;
    uint256 private constant PAIR_GAS = 130_400;

    /// @notice Lays the product out, with zero in all its gaps.
    /// @param chunks below 2^32
    function load(Product memory self, address key, uint256 chunks) internal view {
        uint256 start;
        uint256 keyAt;
        uint256 pair = VerifyingKey.PAIR;
        uint256 length = VerifyingKey.STORED_LENGTH;
        // memory-safe: allocates `chunks` pairs and the key; a length of 2^32 pairs runs out of gas and not over
        assembly ("memory-safe") {
            start := mload(0x40)
            keyAt := add(start, mul(chunks, pair))
            mstore(0x40, add(keyAt, length))
            // the first byte of the code is STOP
            extcodecopy(key, keyAt, 1, length)
        }
        self.start = start;
        self.key = keyAt;
        // unchecked: below 2^32 + 3
        unchecked {
            self.pairs = chunks + 3;
        }
    }

    /// @notice Adds `weight` times `value` to the scalar of public input `input`.
    /// @param input below 4
    function addScalar(Product memory self, uint256 input, uint256 weight, uint256 value) internal pure {
        uint256 place = _scalarAt(self, input);
        uint256 order = ScalarField.ORDER;
        // memory-safe: the gap of term `input` lies inside the key's memory
        assembly ("memory-safe") {
            mstore(place, addmod(mload(place), mulmod(weight, value, order), order))
        }
    }

    /// @notice Sets pair `chunk` to weight · a and b.
    /// @param chunk below the number of chunks
    /// @return ok false where `a` isn't a point that can be scaled
    function setPair(Product memory self, uint256 chunk, uint256 weight, bytes32[4] calldata a, bytes32[8] calldata b)
        internal
        view
        returns (bool ok)
    {
        uint256 place;
        // unchecked: inside the pairs' memory
        unchecked {
            place = self.start + chunk * VerifyingKey.PAIR;
        }
        // memory-safe: the pair's 384 bytes are allocated; the MSM's input is put where the pair goes, and its output overwrites it
        assembly ("memory-safe") {
            calldatacopy(place, a, 128)
            ok := 1
            if iszero(eq(weight, 1)) {
                mstore(add(place, 128), weight)
                ok := staticcall(TERM_GAS, G1_MSM, place, 160, place, 128)
                ok := and(ok, eq(returndatasize(), 128))
            }
            calldatacopy(add(place, 128), b, 256)
        }
    }

    /// @notice Sets the last pair's point.
    function setC(Product memory self, bytes32[4] calldata c) internal pure {
        uint256 place;
        // unchecked: inside the key's memory
        unchecked {
            place = self.key + VerifyingKey.C_POINT;
        }
        // memory-safe: the gap of 128 bytes lies inside the key's memory
        assembly ("memory-safe") {
            calldatacopy(place, c, 128)
        }
    }

    /// @notice Computes X from the scalars and says whether the product is 1. Uses the key's memory up: once only.
    function holds(Product memory self) internal view returns (bool ok) {
        uint256 terms;
        uint256 sum;
        uint256 point;
        uint256 pairingGas;
        uint256 pairingLength;
        uint256 termsLength = VerifyingKey.INPUTS * VerifyingKey.TERM;
        uint256 msmGas = TERM_GAS * VerifyingKey.INPUTS;
        // unchecked: positions inside the allocated memory; pairs are below 2^32 + 3
        unchecked {
            terms = self.key + VerifyingKey.TERMS;
            // right before IC_0, over terms that have been read by then: the addition finds its two points side by side
            sum = self.key + VerifyingKey.CONSTANT_TERM - VerifyingKey.G1;
            point = self.key + VerifyingKey.INPUT_POINT;
            pairingGas = PAIRING_GAS + self.pairs * PAIR_GAS;
            pairingLength = self.pairs * VerifyingKey.PAIR;
        }
        uint256 start = self.start;
        // memory-safe: all ranges lie inside the allocated memory, but the pairing's result, which goes to scratch space
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
        // unchecked: inside the key's memory
        unchecked {
            return self.key + VerifyingKey.TERMS + VerifyingKey.G1 + input * VerifyingKey.TERM;
        }
    }
}
