// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice The statement that a block's proof proves.
struct Statement {
    bytes32 headerHash;
    /// State root of the parent block.
    bytes32 parentRoot;
    bytes32 stateRoot;
    uint32 chunks;
    bytes32[] blobHashes;
    /// The Bridge's rolling hashes of deposits before and after the consumed ones. Both are zero if none is consumed.
    bytes32 depositsFrom;
    bytes32 depositsTo;
    /// The same for forced exits.
    bytes32 exitsFrom;
    bytes32 exitsTo;
    /// Number of consumed operations: deposits and forced exits.
    uint64 operations;
    uint32 feeRecipient;
    address payee;
    /// As `IRollup.domain`.
    uint256 domain;
}

/// @title Verifies a state transition
/// @notice The rollup depends on the proof system only through this interface. A different ledger has its own circuit
/// and verifier.
interface IStateTransitionVerifier {
    /// @notice Reverts with an error of the verifier unless `proof` proves the statement.
    function verify(Statement calldata statement, bytes calldata proof) external view;
    /// @notice Number of chunks in a full blob, at least 1. A block fills its blobs one after the other, so a block of
    /// `c` chunks has `c / chunksPerBlob` blobs, rounded up.
    function chunksPerBlob() external view returns (uint256);
    /// @notice State root of the empty ledger.
    function genesisRoot() external view returns (bytes32);
}
