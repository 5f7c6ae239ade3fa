// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Parameters} from "../interfaces/IRollup.sol";
import {MASK_16, MASK_8} from "./Timeline.sol";

/// @notice Limits of a deployment, in one word. Fields from the lowest bit, with their sizes in bits: candidates (8),
/// blobs (8), chunks (16), deposits (16), all as maxima; the rescuer's share of a slashed bond in basis points (16);
/// the maximum of forced exits (16).
type Limits is uint256;

using LimitsLib for Limits global;

uint256 constant MAX_BLOBS_BIT = 8;
uint256 constant MAX_CHUNKS_BIT = 16;
uint256 constant MAX_DEPOSITS_BIT = 32;
uint256 constant RESCUE_SHARE_BIT = 48;
uint256 constant MAX_EXITS_BIT = 64;

function packLimits(Parameters memory parameters) pure returns (Limits) {
    return Limits.wrap(
        uint256(parameters.maxCandidates) | (uint256(parameters.maxBlobs) << MAX_BLOBS_BIT)
            | (uint256(parameters.maxChunks) << MAX_CHUNKS_BIT) | (uint256(parameters.maxDeposits) << MAX_DEPOSITS_BIT)
            | (uint256(parameters.rescueShareBps) << RESCUE_SHARE_BIT) | (uint256(parameters.maxExits) << MAX_EXITS_BIT)
    );
}

/// @notice Reads the fields.
library LimitsLib {
    function candidates(Limits self) internal pure returns (uint256) {
        return Limits.unwrap(self) & MASK_8;
    }

    function blobs(Limits self) internal pure returns (uint256) {
        return (Limits.unwrap(self) >> MAX_BLOBS_BIT) & MASK_8;
    }

    function chunks(Limits self) internal pure returns (uint256) {
        return (Limits.unwrap(self) >> MAX_CHUNKS_BIT) & MASK_16;
    }

    function deposits(Limits self) internal pure returns (uint256) {
        return (Limits.unwrap(self) >> MAX_DEPOSITS_BIT) & MASK_16;
    }

    function rescueShareBps(Limits self) internal pure returns (uint256) {
        return (Limits.unwrap(self) >> RESCUE_SHARE_BIT) & MASK_16;
    }

    function exits(Limits self) internal pure returns (uint256) {
        return (Limits.unwrap(self) >> MAX_EXITS_BIT) & MASK_16;
    }
}
