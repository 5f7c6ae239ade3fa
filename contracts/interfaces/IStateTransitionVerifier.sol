// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice What a block's proof has to show.
struct Statement {
    bytes32 headerHash;
    /// state root of the parent block
    bytes32 parentRoot;
    bytes32 stateRoot;
    uint32 chunks;
    bytes32[] blobHashes;
    /// the Bridge's rolling hash before and after the consumed operations, and how many they are: deposits and forced exits
    bytes32 depositsFrom;
    bytes32 depositsTo;
    uint64 depositCount;
    uint32 feeRecipient;
    address payee;
    /// `IRollup.domain()`
    uint256 domain;
}

/// @title Verifies a state transition
/// @notice The rollup knows nothing else of its proof system: another ledger brings its own circuit and verifier.
interface IStateTransitionVerifier {
    /// @notice Reverts, with an error of the verifier, unless `proof` proves the statement.
    function verify(Statement calldata statement, bytes calldata proof) external view;
    /// @notice Chunks in a full blob, at least 1. A block fills its blobs one after the other: of `c` chunks, it has `c / chunksPerBlob` blobs, rounded up.
    function chunksPerBlob() external view returns (uint256);
    /// @notice State root of the empty ledger.
    function genesisRoot() external view returns (bytes32);
}
