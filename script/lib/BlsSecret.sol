// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStaking} from "../../contracts/interfaces/IStaking.sol";
import {Bls} from "../../contracts/libraries/Bls.sol";
import {ScalarField} from "../../contracts/verifier/ScalarField.sol";
import {Environment, Variable} from "./Environment.sol";

/// @title Proofs of possession made with a secret key, in the script's own memory
library BlsSecret {
    /// @notice RFC 9380's tag of proofs of possession, as in `Staking`.
    bytes internal constant POSSESSION_DST = "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
    address private constant G1MSM = address(0x0c);
    address private constant G2MSM = address(0x0e);

    /// @notice A secret key is 1 to the group order less 1.
    error SecretOutOfRange();
    error PrecompileFailed(address precompile);
    /// @notice Set the variable, or give the script a key and a proof of possession that were made elsewhere.
    error MissingSecret(string variable);

    /// @notice The secret key in FERNET_BLS_SECRET.
    function fromEnvironment() internal view returns (uint256 secret) {
        secret = Environment.readSecret(Variable.BlsSecret);
        if (secret == 0) revert MissingSecret(Environment.nameOf(Variable.BlsSecret));
    }

    /// @notice The public key of a secret, and its proof for `owner`.
    function possession(IStaking staking, address owner, uint256 secret)
        internal
        view
        returns (bytes32[4] memory key, bytes32[8] memory proof)
    {
        if (secret == 0 || secret >= ScalarField.ORDER) revert SecretOutOfRange();
        key = abi.decode(_call(G1MSM, abi.encodePacked(_generator(), secret), 128), (bytes32[4]));
        bytes32[8] memory hashed = Bls.hashToG2(staking.possessionMessage(owner, key), POSSESSION_DST);
        proof = abi.decode(_call(G2MSM, abi.encodePacked(hashed, secret), 256), (bytes32[8]));
    }

    /// @dev Generator of G1 as in EIP-2537.
    function _generator() private pure returns (bytes memory) {
        return abi.encodePacked(
            uint256(0x17f1d3a73197d7942695638c4fa9ac0f),
            uint256(0xc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb),
            uint256(0x08b3f481e3aaa0f1a09e30ed741d8ae4),
            uint256(0xfcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1)
        );
    }

    function _call(address precompile, bytes memory input, uint256 length) private view returns (bytes memory) {
        (bool success, bytes memory output) = precompile.staticcall(input);
        if (!success || output.length != length) revert PrecompileFailed(precompile);
        return output;
    }
}
