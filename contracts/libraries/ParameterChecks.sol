// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup, Parameters} from "../interfaces/IRollup.sol";
import {Payouts} from "./Payouts.sol";

/// @title Bounds on the rollup's parameters
/// @notice The rollup's constructor refuses what breaks one of the protocol's invariants, by name.
library ParameterChecks {
    /// @notice L1 slots that the seed's L1 slot stays provable for: blocks in EIP-2935's history contract.
    uint256 internal constant PROVABLE_L1_SLOTS = 8191;

    /// @param stakeAmount stake of a registration, token units
    /// @param blobsAtMost blobs of a block of `maxChunks` chunks
    function check(Parameters memory p, uint256 stakeAmount, uint256 blobsAtMost) internal pure {
        _require(p.proposalPhase != 0, "proposalPhase");
        _require(p.commitmentPhase != 0, "commitmentPhase");
        _require(p.revealPhase != 0, "revealPhase");
        _require(p.provingPhase != 0, "provingPhase");
        _require(p.exclusiveProving != 0 && p.exclusiveProving <= p.provingPhase, "exclusiveProving");
        _require(p.haltPhase != 0, "haltPhase");
        _require(p.backupPhase != 0, "backupPhase");
        _require(p.seedDelay != 0, "seedDelay");
        _require(p.seedGrid != 0, "seedGrid");
        _require(p.pauseLength != 0 && p.pauseLength <= PROVABLE_L1_SLOTS, "pauseLength");
        _require(p.maxCandidates >= 1 && p.maxCandidates <= 4, "maxCandidates");
        _require(p.maxChunks != 0, "maxChunks");
        _require(p.maxDeposits != 0, "maxDeposits");
        _require(p.maxBlobs >= 1 && p.maxBlobs <= 16 && blobsAtMost >= 1 && blobsAtMost <= p.maxBlobs, "maxBlobs");

        // Idle slots follow each other at a fixed pace only if the next seed is fixed by their end.
        uint256 idle = uint256(p.proposalPhase) + p.haltPhase + p.backupPhase;
        uint256 seeding = uint256(p.seedDelay) + p.seedGrid;
        _require(idle >= seeding, "idle");
        // A timeline stores distances within a slot in 16 bits; a seed must stay provable as long as it is needed.
        uint256 longest = longestSlot(p);
        _require(longest <= type(uint16).max, "longestSlot");
        _require(longest + seeding + 2 * idle <= PROVABLE_L1_SLOTS, "longestSlot");

        _require(p.rescueShareBps <= Payouts.BPS, "rescueShareBps");
        _require(p.minBond != 0, "minBond");
        _require(uint256(p.abandonPenalty) + p.withholdPenalty <= stakeAmount, "penalties");
    }

    /// @notice L1 slots of the longest slot: every candidate commits at the last moment, the last one reveals at the last moment, nobody proves.
    function longestSlot(Parameters memory p) internal pure returns (uint256) {
        return uint256(p.proposalPhase) + uint256(p.maxCandidates) * (uint256(p.commitmentPhase) + p.revealPhase)
            + p.provingPhase + p.haltPhase + p.backupPhase;
    }

    function _require(bool holds, string memory name) private pure {
        if (!holds) revert IRollup.BadParameter(name);
    }
}
