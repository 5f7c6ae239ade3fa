// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BlockHashLib} from "solady/utils/BlockHashLib.sol";

import {L1Clock} from "./L1Clock.sol";
import {IRandomness} from "./interfaces/IRandomness.sol";
import {Hashing} from "./libraries/Hashing.sol";
import {HeaderRlp, L1Header} from "./libraries/HeaderRlp.sol";
import {L1Slot, Slot} from "./types/Time.sol";

/// @title RANDAO mixes of past L1 slots, proven from block headers
/// @notice A stored mix depends only on the L1 chain, and not on who proves it or when.
contract Randomness is IRandomness, L1Clock {
    mapping(L1Slot => bytes32) private _mixes;

    constructor(uint64 l1GenesisTime_, uint64 l1SlotSeconds_) L1Clock(l1GenesisTime_, l1SlotSeconds_) {}

    /// @inheritdoc IRandomness
    function prove(L1Slot target, bytes calldata proof) external returns (bytes32 mix) {
        mix = _mixes[target];
        if (mix != 0) return mix;
        uint256 number;
        (mix, number) = _verify(target, proof);
        _mixes[target] = mix;
        emit MixProven(target, mix, number);
    }

    /// @inheritdoc IRandomness
    function mixOf(L1Slot target, bytes calldata proof) external view returns (bytes32 mix) {
        (mix,) = _verify(target, proof);
    }

    /// @inheritdoc IRandomness
    function mixAt(L1Slot target) external view returns (bytes32) {
        return _mixes[target];
    }

    /// @inheritdoc IRandomness
    function seed(Slot slot, L1Slot target) external view returns (bytes32) {
        bytes32 mix = _mixes[target];
        if (mix == 0) revert UnknownMix(target);
        return Hashing.seed(mix, slot);
    }

    /// @dev Checks a proof. Returns the mix that it shows, and the number of the block that has it.
    function _verify(L1Slot target, bytes calldata proof) private view returns (bytes32 mix, uint256 number) {
        if (target >= l1Slot()) revert TargetNotReached(target, l1Slot());
        (bytes calldata header, bytes calldata parentHeader) = _split(proof);
        L1Header memory child = HeaderRlp.decode(header);
        bytes32 expected = BlockHashLib.blockHash(child.number);
        if (expected == 0) revert BlockHashUnavailable(child.number);
        bytes32 hash = keccak256(header);
        if (hash != expected) revert WrongBlockHash(child.number, expected, hash);
        L1Slot found = _l1SlotAt(child.timestamp);
        if (found <= target) revert NotAfterTarget(target, found);
        if (parentHeader.length == 0) {
            // A parent is older by at least a second. If the block is at the very start of its L1 slot, its parent is
            // in an earlier one.
            uint256 start = l1GenesisTime + (uint256(L1Slot.unwrap(target)) + 1) * l1SlotSeconds;
            if (child.timestamp != start) revert ParentNeeded(target, child.timestamp);
            return (child.mixHash, child.number);
        }

        hash = keccak256(parentHeader);
        if (hash != child.parentHash) revert WrongParentHash(child.parentHash, hash);
        found = _l1SlotAt(HeaderRlp.decode(parentHeader).timestamp);
        if (found > target) revert ParentAfterTarget(target, found);

        return (child.mixHash, child.number);
    }

    /// @dev The two headers of `abi.encode(bytes, bytes)`, with all offsets and lengths checked.
    function _split(bytes calldata proof) private pure returns (bytes calldata header, bytes calldata parentHeader) {
        if (proof.length < 0x80) revert MalformedProof();
        header = _slice(proof, uint256(bytes32(proof[0:0x20])));
        parentHeader = _slice(proof, uint256(bytes32(proof[0x20:0x40])));
    }

    function _slice(bytes calldata proof, uint256 offset) private pure returns (bytes calldata) {
        unchecked {
            // The proof has at least 128 bytes, and each sum is of values that were compared with its length.
            if (offset > proof.length - 0x20) revert MalformedProof();
            uint256 start = offset + 0x20;
            uint256 length = uint256(bytes32(proof[offset:start]));
            if (length > proof.length - start) revert MalformedProof();
            return proof[start:start + length];
        }
    }
}
