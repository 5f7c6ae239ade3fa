// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStateTransitionVerifier, Statement} from "../../contracts/interfaces/IStateTransitionVerifier.sol";

/// @notice Accepts only the hash of a statement as its proof, so a wrong statement of the rollup has no proof.
contract VerifierDouble is IStateTransitionVerifier {
    uint256 public constant chunksPerBlob = 2;

    error ProofRejected();

    function verify(Statement calldata statement, bytes calldata proof) external pure {
        if (keccak256(proof) != keccak256(prove(statement))) revert ProofRejected();
    }

    function prove(Statement calldata statement) public pure returns (bytes memory) {
        return abi.encode(keccak256(abi.encode(statement)));
    }

    function blobCount(uint256 chunks) external pure returns (uint256) {
        return (chunks + chunksPerBlob - 1) / chunksPerBlob;
    }

    function genesisRoot() external pure returns (bytes32) {
        return keccak256("empty ledger");
    }
}
