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
    /// @notice The later header isn't after the target.
    /// @custom:rule R1, R2
    error NotAfterTarget(L1Slot l1Slot, L1Slot header);
    /// @notice The earlier header is after the target: the later one isn't the first after it.
    /// @custom:rule R1, R2
    error ParentAfterTarget(L1Slot l1Slot, L1Slot header);
    /// @notice Only a block of exactly the second in which the L1 slot after the target begins proves itself to be the first after the target.
    /// @custom:rule R2
    error ParentNeeded(L1Slot l1Slot, uint256 timestamp);
    /// @custom:rule R3
    error MalformedHeader(uint256 position);
    /// @custom:rule R2
    error MalformedProof();

    /// @notice Proves the mix as of the end of `l1Slot`. Anyone, any time within 8,191 blocks; a mix already known is left as it is.
    /// @param proof `abi.encode(bytes header, bytes parentHeader)`: RLP of the first L1 block after `l1Slot`, and of its parent at or before `l1Slot`.
    /// The parent's may be left empty if the block is of the first second after `l1Slot`, as every block of a beacon chain's next slot is (`ParentNeeded`).
    function prove(L1Slot l1Slot, bytes calldata proof) external returns (bytes32 mix);
    /// @notice The mix that such a proof shows, without keeping it; the same checks and errors.
    function mixOf(L1Slot l1Slot, bytes calldata proof) external view returns (bytes32 mix);
    /// @notice Zero where not proven.
    function mixAt(L1Slot l1Slot) external view returns (bytes32);
    /// @notice `keccak256(abi.encode("fernet.seed.v1" as bytes32, mix, slot))`; reverts with `UnknownMix` where the mix isn't proven.
    function seed(Slot slot, L1Slot l1Slot) external view returns (bytes32);
}
