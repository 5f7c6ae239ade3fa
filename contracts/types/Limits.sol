// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Parameters} from "../interfaces/IRollup.sol";
import {MASK_16, MASK_8} from "./Timeline.sol";

/// @notice Counts and shares of a deployment in one word. From the lowest bit: candidates (8) · blobs (8) · chunks (16) · deposits (16), all at most ·
/// rescuer's share of a bond in basis points (16).
type Limits is uint256;

using LimitsLib for Limits global;

function packLimits(Parameters memory p) pure returns (Limits) {
    return Limits.wrap(
        uint256(p.maxCandidates) | (uint256(p.maxBlobs) << 8) | (uint256(p.maxChunks) << 16)
            | (uint256(p.maxDeposits) << 32) | (uint256(p.rescueShareBps) << 48)
    );
}

/// @notice The fields.
library LimitsLib {
    function candidates(Limits self) internal pure returns (uint256) {
        return Limits.unwrap(self) & MASK_8;
    }

    function blobs(Limits self) internal pure returns (uint256) {
        return (Limits.unwrap(self) >> 8) & MASK_8;
    }

    function chunks(Limits self) internal pure returns (uint256) {
        return (Limits.unwrap(self) >> 16) & MASK_16;
    }

    function deposits(Limits self) internal pure returns (uint256) {
        return (Limits.unwrap(self) >> 32) & MASK_16;
    }

    function rescueShareBps(Limits self) internal pure returns (uint256) {
        return (Limits.unwrap(self) >> 48) & MASK_16;
    }
}
