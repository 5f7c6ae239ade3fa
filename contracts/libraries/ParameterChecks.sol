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
    /// @param stakeAmount Stake of a registration, in token units.
    /// @param blobsAtMost Number of blobs of a block of `maxChunks` chunks.
    function check(Parameters memory parameters, uint256 stakeAmount, uint256 blobsAtMost) internal pure {
        _require(parameters.proposalPhase != 0, "proposalPhase");
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

        _require(parameters.rescueShareBps <= Payouts.BPS, "rescueShareBps");
        _require(parameters.minBond != 0, "minBond");
        _require(uint256(parameters.abandonPenalty) + parameters.withholdPenalty <= stakeAmount, "penalties");
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
