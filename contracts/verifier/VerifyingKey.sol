// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The Groth16 verifying key, stored as the code of a separate contract
/// @notice It is stored in the form in which the verifier needs it in memory. The last three pairs of the pairing
/// product come first, with gaps for the points that depend on the block. The input of the MSM over the public inputs
/// follows.
///
/// | bytes | content |
/// | --- | --- |
/// | 0 | -alpha (G1), beta (G2) |
/// | 384 | gap for the public inputs' point (G1), -gamma (G2) |
/// | 768 | gap for c (G1), -delta (G2) |
/// | 1152 | for each of the 4 public inputs its IC point (G1) and a gap of 32 bytes for its scalar |
/// | 1792 | IC_0 (G1) |
library VerifyingKey {
    /// @custom:rule M4
    error WrongKeyLength(uint256 expected, uint256 actual);
    /// @notice A point is not on its curve, not in the prime-order subgroup, or at infinity where this is not allowed.
    /// @custom:rule M4
    error InvalidVerifyingKey();
    /// @custom:rule M4
    error KeyNotStored();

    /// @notice Number of public inputs of a chunk.
    uint256 internal constant INPUTS = 4;
    uint256 internal constant G1 = 128;
    uint256 internal constant G2 = 256;
    /// @notice Length of one pair of the pairing product.
    uint256 internal constant PAIR = G1 + G2;
    /// @notice Length of one point with its scalar in an MSM over G1.
    uint256 internal constant TERM = G1 + 32;

    /// @notice Position of the public inputs' point.
    uint256 internal constant INPUT_POINT = PAIR;
    /// @notice Position of c.
    uint256 internal constant C_POINT = 2 * PAIR;
    /// @notice Position of the first term of the public inputs' MSM.
    uint256 internal constant TERMS = 3 * PAIR;
    /// @notice Position of IC_0.
    uint256 internal constant CONSTANT_TERM = TERMS + INPUTS * TERM;
    /// @notice Length of the stored key.
    uint256 internal constant STORED_LENGTH = CONSTANT_TERM + G1;

    /// @notice Length of the encoded key as in `vectors/verifying-key.json`: alpha, beta, gamma, delta, IC_0 to IC_4.
    uint256 internal constant ENCODED_LENGTH = G1 + 3 * G2 + (INPUTS + 1) * G1;

    /// @dev STOP and the stored key.
    uint24 private constant CODE_LENGTH = 1921;

    uint256 private constant BETA = G1;
    uint256 private constant GAMMA = BETA + G2;
    uint256 private constant DELTA = GAMMA + G2;
    uint256 private constant CONSTANTS = DELTA + G2;

    address private constant G1_MSM = address(0x0c);
    address private constant PAIRING = address(0x0f);
    /// @dev Gas limit of each check of the key: four times the price of three pairs in EIP-2537, which exceeds the
    /// price of five terms.
    uint256 private constant CHECK_GAS = 542_000;

    // Modulus of Fp, as the two words of a 64-byte coordinate.
    uint256 private constant MODULUS_HIGH = 0x1a0111ea397fe69a4b1ba7b6434bacd7;
    uint256 private constant MODULUS_LOW = 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;

    /// @notice Checks an encoded key and stores it. The code starts with a zero byte (STOP), so it cannot be executed.
    function store(bytes memory key) internal returns (address stored) {
        bytes memory prepared = prepare(key);
        // PUSH3 length+1, DUP1, PUSH1 11, PUSH0, CODECOPY, PUSH0, RETURN: eleven bytes that return everything after
        // them.
        bytes memory creation = abi.encodePacked(hex"62", CODE_LENGTH, hex"80600b5f395ff3", hex"00", prepared);
        assembly ("memory-safe") {
            stored := create(0, add(creation, 32), mload(creation))
        }
        if (stored == address(0)) revert KeyNotStored();
    }

    /// @notice The stored form of an encoded key.
    function prepare(bytes memory key) internal view returns (bytes memory prepared) {
        if (key.length != ENCODED_LENGTH) revert WrongKeyLength(ENCODED_LENGTH, key.length);
        prepared = new bytes(STORED_LENGTH);

        _move(key, 0, prepared, 0, G1 + G2);
        _move(key, GAMMA, prepared, INPUT_POINT + G1, G2);
        _move(key, DELTA, prepared, C_POINT + G1, G2);
        _move(key, CONSTANTS, prepared, CONSTANT_TERM, G1);
        for (uint256 i = 0; i < INPUTS; i++) {
            _move(key, CONSTANTS + (i + 1) * G1, prepared, TERMS + i * TERM, G1);
        }

        _negate(prepared, 64);
        for (uint256 i = 0; i < 2; i++) {
            _negate(prepared, INPUT_POINT + G1 + 128 + 64 * i);
            _negate(prepared, C_POINT + G1 + 128 + 64 * i);
        }
        _validate(key, prepared);
    }

    /// @dev The pairing precompile checks curve and subgroup of alpha, beta, gamma and delta. The MSM precompile checks
    /// those of the IC points.
    function _validate(bytes memory key, bytes memory prepared) private view {
        bool finite =
            !_isZero(key, 0, G1) && !_isZero(key, BETA, G2) && !_isZero(key, GAMMA, G2) && !_isZero(key, DELTA, G2);
        (bool onG2, bytes memory one) = PAIRING.staticcall{gas: CHECK_GAS}(_slice(prepared, 0, TERMS));
        (bool onG1, bytes memory sum) =
            G1_MSM.staticcall{gas: CHECK_GAS}(bytes.concat(_slice(prepared, TERMS, TERM * INPUTS + G1), bytes32(0)));
        if (!finite || !onG2 || one.length != 32 || !onG1 || sum.length != G1) revert InvalidVerifyingKey();
    }

    /// @dev Replaces the coordinate y at `position` by -y. If y is zero or not below the modulus, the precompiles
    /// refuse the result.
    function _negate(bytes memory data, uint256 position) private pure {
        // Memory-safe: the callers' positions are constants of at most STORED_LENGTH - 64, and `data` has STORED_LENGTH
        // bytes.
        assembly ("memory-safe") {
            let at := add(add(data, 32), position)
            let low := mload(add(at, 32))
            mstore(add(at, 32), sub(MODULUS_LOW, low))
            mstore(at, sub(sub(MODULUS_HIGH, mload(at)), gt(low, MODULUS_LOW)))
        }
    }

    function _move(bytes memory source, uint256 from, bytes memory target, uint256 to, uint256 length) private pure {
        // Memory-safe: the callers' ranges are constants inside ENCODED_LENGTH, STORED_LENGTH and the length of the
        // slice.
        assembly ("memory-safe") {
            mcopy(add(add(target, 32), to), add(add(source, 32), from), length)
        }
    }

    function _slice(bytes memory source, uint256 from, uint256 length) private pure returns (bytes memory slice) {
        slice = new bytes(length);
        _move(source, from, slice, 0, length);
    }

    function _isZero(bytes memory data, uint256 from, uint256 length) private pure returns (bool) {
        return keccak256(_slice(data, from, length)) == keccak256(new bytes(length));
    }
}
