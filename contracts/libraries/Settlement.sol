// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../interfaces/IEscrow.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Record, StoredCandidate} from "../types/State.sol";
import {L1Slot} from "../types/Time.sol";
import {Timeline} from "../types/Timeline.sol";

/// @notice Whom the end of a slot concerns, and how much.
struct Terms {
    IStaking staking;
    IEscrow escrow;
    /// token units
    uint96 abandonPenalty;
    uint96 withholdPenalty;
}

/// @title Bonds and penalties at the end of a slot
/// @notice Called once a slot, after the cursor has left it: nothing is settled twice.
library Settlement {
    /// @notice Settles the candidates that failed: those of the ranks below `ranks`. One that got no commitment pays `abandonPenalty`; one that
    /// got a commitment and didn't reveal pays `withholdPenalty`, and its prover's bond is released.
    function failed(Record storage self, Timeline t, uint256 ranks, Terms memory terms) internal {
        for (uint256 rank = 0; rank < ranks; ++rank) {
            uint256 position = t.positionOf(rank);
            StoredCandidate storage candidate = self.candidates[position];
            if (L1Slot.unwrap(t.committedAt(position)) == 0) {
                uint96 taken = terms.staking.slash(candidate.sequencer, terms.abandonPenalty);
                emit IRollup.CandidateAbandoned(t.slot(), candidate.sequencer, taken);
            } else {
                release(t, candidate.prover, candidate.bond, terms.escrow);
                uint96 taken = terms.staking.slash(candidate.sequencer, terms.withholdPenalty);
                emit IRollup.CandidateWithheld(t.slot(), candidate.sequencer, taken);
            }
        }
    }

    /// @notice Settles a slot that doesn't count: every bond is released, and nobody pays.
    function forgive(Record storage self, Timeline t, IEscrow escrow) internal {
        uint256 count = t.count();
        for (uint256 rank = 0; rank < count; ++rank) {
            uint256 position = t.positionOf(rank);
            if (L1Slot.unwrap(t.committedAt(position)) == 0) continue;
            StoredCandidate storage candidate = self.candidates[position];
            release(t, candidate.prover, candidate.bond, escrow);
        }
    }

    /// @notice Gives a bond back to its prover.
    function release(Timeline t, address prover, uint96 bond, IEscrow escrow) internal {
        emit IRollup.BondReleased(t.slot(), prover, bond);
        escrow.release(prover, bond);
    }

    /// @notice Takes a bond: `share` of it goes to `beneficiary`, the rest is burned.
    function slash(Timeline t, address prover, uint96 bond, address beneficiary, uint96 share, IEscrow escrow)
        internal
    {
        emit IRollup.BondSlashed(t.slot(), prover, bond, beneficiary, share);
        escrow.slash(prover, bond, beneficiary, share);
    }
}
