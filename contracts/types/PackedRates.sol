// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Rates} from "../interfaces/IRewards.sol";
import {MASK_16} from "./Timeline.sol";

/// @notice What a block pays, in one word. Fields from the lowest bit, with their sizes in bits: reward for each L1
/// slot (72); in basis points (16 each) the shares of the sequencer, the reveal bonus, the prover and the submitter,
/// and the part of the prover's share that a late proof loses; whether other rates follow (1).
type PackedRates is uint256;

using PackedRatesLib for PackedRates global;

uint256 constant SEQUENCER_BPS_BIT = 72;
uint256 constant BONUS_BPS_BIT = 88;
uint256 constant PROVER_BPS_BIT = 104;
uint256 constant SUBMITTER_BPS_BIT = 120;
uint256 constant PROMPTNESS_BPS_BIT = 136;
uint256 constant FOLLOWED_BIT = 152;

/// @notice Packs rates that no others follow.
function packRates(Rates memory rates) pure returns (PackedRates) {
    return PackedRates.wrap(
        uint256(rates.rewardPerL1Slot) | (uint256(rates.sequencerBps) << SEQUENCER_BPS_BIT)
            | (uint256(rates.bonusBps) << BONUS_BPS_BIT) | (uint256(rates.proverBps) << PROVER_BPS_BIT)
            | (uint256(rates.submitterBps) << SUBMITTER_BPS_BIT) | (uint256(rates.promptnessBps) << PROMPTNESS_BPS_BIT)
    );
}

/// @notice Reads and changes. Every cast is safe: the target has as many bits as the field.
library PackedRatesLib {
    function rewardPerL1Slot(PackedRates self) internal pure returns (uint72) {
        return uint72(PackedRates.unwrap(self));
    }

    function sequencerBps(PackedRates self) internal pure returns (uint256) {
        return (PackedRates.unwrap(self) >> SEQUENCER_BPS_BIT) & MASK_16;
    }

    function bonusBps(PackedRates self) internal pure returns (uint256) {
        return (PackedRates.unwrap(self) >> BONUS_BPS_BIT) & MASK_16;
    }

    function proverBps(PackedRates self) internal pure returns (uint256) {
        return (PackedRates.unwrap(self) >> PROVER_BPS_BIT) & MASK_16;
    }

    function promptnessBps(PackedRates self) internal pure returns (uint256) {
        return (PackedRates.unwrap(self) >> PROMPTNESS_BPS_BIT) & MASK_16;
    }

    function unpack(PackedRates self) internal pure returns (Rates memory) {
        return Rates({
            rewardPerL1Slot: self.rewardPerL1Slot(),
            sequencerBps: uint16(self.sequencerBps()),
            bonusBps: uint16(self.bonusBps()),
            proverBps: uint16(self.proverBps()),
            submitterBps: uint16(PackedRates.unwrap(self) >> SUBMITTER_BPS_BIT),
            promptnessBps: uint16(self.promptnessBps())
        });
    }

    /// @notice Whether other rates are scheduled to follow these.
    function isFollowed(PackedRates self) internal pure returns (bool) {
        return PackedRates.unwrap(self) >> FOLLOWED_BIT != 0;
    }

    /// @notice These rates, marked as followed by others.
    function followed(PackedRates self) internal pure returns (PackedRates) {
        return PackedRates.wrap(PackedRates.unwrap(self) | (1 << FOLLOWED_BIT));
    }
}
