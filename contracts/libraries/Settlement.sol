// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../interfaces/IEscrow.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Record, StoredCandidate} from "../types/State.sol";
import {L1Slot} from "../types/Time.sol";
import {Timeline} from "../types/Timeline.sol";

/// @notice Contracts and penalties that a settlement needs. Penalties are in token units.
struct SettlementTerms {
    IStaking staking;
    IEscrow escrow;
    uint96 abandonPenalty;
    uint96 withholdPenalty;
}

/// @title Bonds and penalties at the end of a slot
/// @notice Called once for each slot, after the cursor has moved past it, so nothing is settled twice.
library Settlement {
    /// @notice Penalizes the candidates that failed, those of the ranks below `ranks`. A candidate without a commitment
    /// pays `abandonPenalty`. A candidate with a commitment and without a completed reveal pays `withholdPenalty`, and
    /// its prover's bond is released.
    function penalizeFailed(Record storage self, Timeline timeline, uint256 ranks, SettlementTerms memory terms)
        internal
    {
        for (uint256 rank = 0; rank < ranks; ++rank) {
            uint256 index = timeline.indexOf(rank);
            StoredCandidate storage candidate = self.candidates[index];
            if (L1Slot.unwrap(timeline.committedAt(index)) == 0) {
                uint96 taken = terms.staking.slash(candidate.sequencer, terms.abandonPenalty);
                emit IRollup.CandidateAbandoned(timeline.slot(), candidate.sequencer, taken);
            } else {
                release(timeline, candidate.prover, candidate.bond, terms.escrow);
                uint96 taken = terms.staking.slash(candidate.sequencer, terms.withholdPenalty);
                emit IRollup.CandidateWithheld(timeline.slot(), candidate.sequencer, taken);
            }
        }
    }

    /// @notice Releases all bonds of a slot, without penalties.
    function releaseBonds(Record storage self, Timeline timeline, IEscrow escrow) internal {
        uint256 count = timeline.count();
        for (uint256 rank = 0; rank < count; ++rank) {
            uint256 index = timeline.indexOf(rank);
            if (L1Slot.unwrap(timeline.committedAt(index)) == 0) continue;
            StoredCandidate storage candidate = self.candidates[index];
            release(timeline, candidate.prover, candidate.bond, escrow);
        }
    }

    /// @notice Ends the bond of a block that was proven late: slashes `slashed` of it, as `slash` does, and releases
    /// the rest.
    function slashPart(
        Timeline timeline,
        address prover,
        uint96 bond,
        uint96 slashed,
        address beneficiary,
        uint96 share,
        IEscrow escrow
    ) internal {
        slash(timeline, prover, slashed, beneficiary, share, escrow);
        uint96 rest;
        unchecked {
            // A part is at most the whole.
            rest = bond - slashed;
        }
        if (rest != 0) release(timeline, prover, rest, escrow);
    }

    /// @notice Releases a bond to its prover.
    function release(Timeline timeline, address prover, uint96 bond, IEscrow escrow) internal {
        emit IRollup.BondReleased(timeline.slot(), prover, bond);
        escrow.release(prover, bond);
    }

    /// @notice Slashes a bond: `share` of it goes to `beneficiary`, and the rest is burned.
    function slash(Timeline timeline, address prover, uint96 bond, address beneficiary, uint96 share, IEscrow escrow)
        internal
    {
        emit IRollup.BondSlashed(timeline.slot(), prover, bond, beneficiary, share);
        escrow.slash(prover, bond, beneficiary, share);
    }
}
