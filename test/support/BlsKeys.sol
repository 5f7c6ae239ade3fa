// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStaking, Registration} from "../../contracts/interfaces/IStaking.sol";
import {Bls} from "../../contracts/libraries/Bls.sol";
import {ScalarField} from "../../contracts/verifier/ScalarField.sol";
import {Curve} from "./Curve.sol";

/// @title BLS keys of sequencers and their proofs
library BlsKeys {
    bytes internal constant POSSESSION_DST = "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
    bytes internal constant VRF_DST = "FERNET_VRF_V1_BLS12381G2_XMD:SHA-256_SSWU_RO_";

    /// @notice A secret key from a seed.
    function secret(bytes memory seed) internal pure returns (uint256) {
        return uint256(keccak256(seed)) % (ScalarField.ORDER - 1) + 1;
    }

    function publicKey(uint256 secret_) internal view returns (bytes32[4] memory) {
        return abi.decode(Curve.mul1(Curve.G1, secret_), (bytes32[4]));
    }

    function sign(uint256 secret_, bytes memory message, bytes memory dst) internal view returns (bytes32[8] memory) {
        bytes memory hashed = abi.encode(Bls.hashToG2(message, dst));
        return abi.decode(Curve.mul2(hashed, secret_), (bytes32[8]));
    }

    /// @notice A registration by `owner`, with the owner as withdrawer and burned fees.
    function registration(IStaking staking, address owner, address attester, uint256 secret_)
        internal
        view
        returns (Registration memory registration_)
    {
        registration_.attester = attester;
        registration_.blsKey = publicKey(secret_);
        registration_.proofOfPossession = possession(staking, owner, secret_);
    }

    /// @notice Proof of possession of a key by `owner`.
    function possession(IStaking staking, address owner, uint256 secret_) internal view returns (bytes32[8] memory) {
        return sign(secret_, staking.possessionMessage(owner, publicKey(secret_)), POSSESSION_DST);
    }
}
