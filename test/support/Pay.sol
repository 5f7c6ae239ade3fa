// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Rates} from "../../contracts/interfaces/IRewards.sol";

/// @notice What the pay of a block depends on. Amounts in token units, times in L1 slots.
struct PayFacts {
    Rates rates;
    uint256 paidL1Slots;
    /// Whether the block is a candidate's, which gets a share and a bonus.
    bool elected;
    /// Whether the block was proven in a proving phase, so that the price and the proof's delay count.
    bool proving;
    int256 price;
    uint256 turnLength;
    uint256 revealDelay;
    uint256 exclusiveProving;
    uint256 proofDelay;
}

/// @title A reference model of what a block pays
/// @notice It computes with checked numbers of 256 bits, and with what a late act loses instead of what it leaves.
library Pay {
    uint256 private constant BPS = 10_000;

    function credits(PayFacts memory facts)
        internal
        pure
        returns (uint256 prover, uint256 sequencer, uint256 submitter)
    {
        uint256 reward = facts.paidL1Slots * facts.rates.rewardPerL1Slot;
        uint256 forSequencer = reward * facts.rates.sequencerBps / BPS;
        uint256 bonus = reward * facts.rates.bonusBps / BPS;
        prover = reward * facts.rates.proverBps / BPS;
        submitter = reward - forSequencer - bonus - prover;
        if (facts.proving) {
            uint256 delay = facts.proofDelay < facts.exclusiveProving ? facts.proofDelay : facts.exclusiveProving;
            prover -= _up(prover * facts.rates.promptnessBps * delay, BPS * facts.exclusiveProving);
        }
        if (!facts.elected) return (prover, 0, submitter);
        sequencer = forSequencer;
        if (facts.proving) {
            int256 price = facts.price;
            // Casts: shares are far below 2^255.
            if (price > int256(sequencer)) price = int256(sequencer);
            if (price < -int256(prover)) price = -int256(prover);
            prover = uint256(int256(prover) + price);
            sequencer = uint256(int256(sequencer) - price);
        }
        sequencer += bonus - _up(bonus * facts.revealDelay, facts.turnLength + 1);
    }

    /// @notice Range of the prices that a commitment may have.
    function priceRange(Rates memory rates, uint256 paidL1Slots) internal pure returns (int256 lowest, int256 highest) {
        uint256 reward = paidL1Slots * rates.rewardPerL1Slot;
        uint256 prover = reward * rates.proverBps / BPS;
        // Casts: shares are far below 2^255.
        lowest = int256(_up(prover * rates.promptnessBps, BPS)) - int256(prover);
        highest = int256(reward * rates.sequencerBps / BPS);
    }

    /// @notice What of a bond is slashed for a proof `elapsed` L1 slots after the open phase began, and the rescuer's
    /// share of it.
    function lateBond(uint256 bond, uint256 elapsed, uint256 openProving, uint256 rescueShareBps)
        internal
        pure
        returns (uint256 slashed, uint256 share)
    {
        // The rest is released: one part less for each L1 slot.
        slashed = bond - _up(bond * (openProving - elapsed - 1), openProving);
        share = slashed * rescueShareBps / BPS;
    }

    function _up(uint256 amount, uint256 divisor) private pure returns (uint256) {
        return (amount + divisor - 1) / divisor;
    }
}
