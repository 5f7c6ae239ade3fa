// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot, Slot} from "../types/Time.sol";

/// @title RANDAO mixes of past L1 slots, proven from block headers
interface IRandomness {
    event MixProven(L1Slot indexed l1Slot, bytes32 mix, uint256 blockNumber);

    /// @custom:rule R5
    error UnknownMix(L1Slot l1Slot);
    /// @custom:rule R2
    error TargetNotReached(L1Slot l1Slot, L1Slot now_);
    /// @custom:rule R2
    error BlockHashUnavailable(uint256 blockNumber);
    /// @custom:rule R2
    error WrongBlockHash(uint256 blockNumber, bytes32 expected, bytes32 actual);
    /// @custom:rule R2
    error WrongParentHash(bytes32 expected, bytes32 actual);
    /// @notice The header is not after the target.
    /// @custom:rule R1, R2
    error NotAfterTarget(L1Slot l1Slot, L1Slot header);
    /// @notice The parent header is after the target, so the header is not the first one after the target.
    /// @custom:rule R1, R2
    error ParentAfterTarget(L1Slot l1Slot, L1Slot header);
    /// @notice The parent header is missing. It may be left out only if the block's time is exactly the start of the L1
    /// slot after the target.
    /// @custom:rule R2
    error ParentNeeded(L1Slot l1Slot, uint256 timestamp);
    /// @custom:rule R3
    error MalformedHeader(uint256 position);
    /// @custom:rule R2
    error MalformedProof();

    /// @notice Proves the mix at the end of `l1Slot` and stores it. A mix that is known stays as it is. Anyone, within
    /// 8,191 L1 blocks.
    /// @param proof `abi.encode(bytes header, bytes parentHeader)`: RLP of the first L1 block after `l1Slot`, and of
    /// its parent, which is at or before `l1Slot`. The parent header may be empty if the block's time is exactly the
    /// start of the L1 slot after `l1Slot`. On a beacon chain, this is so for each block of that L1 slot.
    /// @dev Errors: `TargetNotReached`; `MalformedProof`; `MalformedHeader`; `BlockHashUnavailable`; `WrongBlockHash`;
    /// `NotAfterTarget`; `ParentNeeded`; `WrongParentHash`; `ParentAfterTarget`.
    function prove(L1Slot l1Slot, bytes calldata proof) external returns (bytes32 mix);
    /// @notice The mix that a proof shows, with the checks and errors of `prove`. Stores nothing.
    function mixOf(L1Slot l1Slot, bytes calldata proof) external view returns (bytes32 mix);
    /// @notice The mix at the end of `l1Slot`; zero if it was not proven.
    function mixAt(L1Slot l1Slot) external view returns (bytes32);
    /// @notice Seed of `slot` from the mix of `l1Slot`: `keccak256(abi.encode(bytes32("fernet.seed.v1"), mix, slot))`.
    /// @dev Errors: `UnknownMix` if the mix was not proven.
    function seed(Slot slot, L1Slot l1Slot) external view returns (bytes32);
}
