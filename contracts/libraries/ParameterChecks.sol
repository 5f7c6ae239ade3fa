// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup, Parameters} from "../interfaces/IRollup.sol";
import {Payouts} from "./Payouts.sol";

/// @title Bounds on the rollup's parameters
/// @notice The rollup's constructor refuses a parameter that would break an invariant of the protocol, by the
/// parameter's name.
library ParameterChecks {
    /// @notice L1 slots for which an L1 block stays provable: the number of blocks in the history contract of EIP-2935.
    uint256 internal constant PROVABLE_L1_SLOTS = 8191;

    /// @notice Checks all parameters.
    /// @param minimumStake Lowest stake of a candidate, in token units.
    /// @param blobsAtMost Number of blobs of a block of `maxChunks` chunks.
    function check(Parameters memory parameters, uint256 minimumStake, uint256 blobsAtMost) internal pure {
        // In a slot that starts right after its seed's L1 slot, the mix can be proven from the second L1 slot on.
        _require(parameters.proposalPhase >= 2, "proposalPhase");
        _require(parameters.commitmentPhase != 0, "commitmentPhase");
        _require(parameters.revealPhase != 0, "revealPhase");
        _require(parameters.provingPhase != 0, "provingPhase");
        _require(
            parameters.exclusiveProving != 0 && parameters.exclusiveProving <= parameters.provingPhase,
            "exclusiveProving"
        );
        _require(parameters.haltPhase != 0, "haltPhase");
        _require(parameters.backupPhase != 0, "backupPhase");
        _require(parameters.seedDelay != 0, "seedDelay");
        _require(parameters.seedGrid != 0, "seedGrid");
        _require(parameters.pauseLength != 0 && parameters.pauseLength <= PROVABLE_L1_SLOTS, "pauseLength");
        _require(parameters.maxCandidates >= 1 && parameters.maxCandidates <= 4, "maxCandidates");
        _require(parameters.maxChunks != 0, "maxChunks");
        _require(parameters.maxDeposits != 0, "maxDeposits");
        _require(parameters.maxExits != 0, "maxExits");
        _require(
            parameters.maxBlobs >= 1 && parameters.maxBlobs <= 16 && blobsAtMost >= 1
                && blobsAtMost <= parameters.maxBlobs,
            "maxBlobs"
        );

        // Idle slots follow each other at a fixed pace. This needs the next seed to be fixed by the end of each of
        // them.
        uint256 idle = uint256(parameters.proposalPhase) + parameters.haltPhase + parameters.backupPhase;
        uint256 seeding = uint256(parameters.seedDelay) + parameters.seedGrid;
        _require(idle >= seeding, "idle");
        // A timeline stores distances within a slot in 16 bits. A seed must stay provable for as long as it is needed.
        uint256 longest = longestSlot(parameters);
        _require(longest <= type(uint16).max, "longestSlot");
        _require(longest + seeding + 2 * idle <= PROVABLE_L1_SLOTS, "longestSlot");
        // One failed slot, however long, must not begin a stall: the next winner, who is known a slot ahead, would gain
        // by making it fail. A cursor counts a stall in 16 bits.
        _require(parameters.stallAfter >= 2 * longest, "stallAfter");
        _require(uint256(parameters.stallAfter) + parameters.maxStall <= type(uint16).max, "maxStall");

        _require(parameters.rescueShareBps <= Payouts.BPS, "rescueShareBps");
        _require(parameters.minBond != 0, "minBond");
        // A candidate has at least the minimum, so it can always pay.
        _require(parameters.abandonPenalty <= minimumStake && parameters.withholdPenalty <= minimumStake, "penalties");
    }

    /// @notice Length of the longest slot, in L1 slots. In it, every candidate commits at the last moment, the last
    /// candidate reveals at the last moment, and nobody finalizes.
    function longestSlot(Parameters memory parameters) internal pure returns (uint256) {
        return uint256(parameters.proposalPhase) + uint256(parameters.maxCandidates)
            * (uint256(parameters.commitmentPhase) + parameters.revealPhase) + parameters.provingPhase
            + parameters.haltPhase + parameters.backupPhase;
    }

    function _require(bool holds, string memory name) private pure {
        if (!holds) revert IRollup.BadParameter(name);
    }
}
