// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";

/// @title Blobs of the current transaction
/// @notice A header lists at most 16 versioned hashes. The blobs of a transaction may come in any order.
library Blobs {
    /// @notice The bit set `before`, with the bits of all listed hashes added that a blob of this transaction has.
    function withSeen(bytes32[] calldata hashes, uint256 before) internal view returns (uint256 bits) {
        bits = before;
        for (uint256 i = 0; i < hashes.length; ++i) {
            uint256 bit = 1 << i;
            if (bits & bit == 0 && isInTransaction(hashes[i])) bits |= bit;
        }
    }

    /// @notice Reverts with the first listed hash that no blob of this transaction has.
    function requireAll(bytes32[] calldata hashes) internal view {
        for (uint256 i = 0; i < hashes.length; ++i) {
            if (!isInTransaction(hashes[i])) revert IRollup.BlobNotPublished(i);
        }
    }

    /// @notice Bit set of `count` blobs that were all seen.
    function allSeen(uint256 count) internal pure returns (uint256) {
        unchecked {
            // The count is at most 16.
            return (1 << count) - 1;
        }
    }

    /// @notice Whether a blob of this transaction has the versioned hash.
    function isInTransaction(bytes32 hash) internal view returns (bool) {
        uint256 index;
        bytes32 blob = blobhash(0);
        while (blob != 0) {
            if (blob == hash) return true;
            unchecked {
                // A transaction cannot have enough blobs to overflow the index.
                blob = blobhash(++index);
            }
        }
        return false;
    }
}
