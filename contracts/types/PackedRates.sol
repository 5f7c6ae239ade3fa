// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Rates} from "../interfaces/IRewards.sol";
import {MASK_16} from "./Timeline.sol";

/// @notice What a block pays, in one word. Fields from the lowest bit, with their sizes in bits: block reward (96),
/// reveal bonus (96), the shares of the sequencer, the prover and the submitter in basis points (16 each), whether
/// other rates follow (1).
type PackedRates is uint256;

using PackedRatesLib for PackedRates global;

uint256 constant BONUS_BIT = 96;
uint256 constant SEQUENCER_BPS_BIT = 192;
uint256 constant PROVER_BPS_BIT = 208;
uint256 constant SUBMITTER_BPS_BIT = 224;
uint256 constant FOLLOWED_BIT = 240;

/// @notice Packs rates that no others follow.
function packRates(Rates memory rates) pure returns (PackedRates) {
    return PackedRates.wrap(
        uint256(rates.blockReward) | (uint256(rates.revealBonus) << BONUS_BIT)
            | (uint256(rates.sequencerBps) << SEQUENCER_BPS_BIT) | (uint256(rates.proverBps) << PROVER_BPS_BIT)
            | (uint256(rates.submitterBps) << SUBMITTER_BPS_BIT)
    );
}

/// @notice Reads and changes. Every cast is safe: the target has as many bits as the field.
library PackedRatesLib {
    function blockReward(PackedRates self) internal pure returns (uint96) {
        return uint96(PackedRates.unwrap(self));
    }

    function revealBonus(PackedRates self) internal pure returns (uint96) {
        return uint96(PackedRates.unwrap(self) >> BONUS_BIT);
    }

    function sequencerBps(PackedRates self) internal pure returns (uint256) {
        return (PackedRates.unwrap(self) >> SEQUENCER_BPS_BIT) & MASK_16;
    }

    function proverBps(PackedRates self) internal pure returns (uint256) {
        return (PackedRates.unwrap(self) >> PROVER_BPS_BIT) & MASK_16;
    }

    function unpack(PackedRates self) internal pure returns (Rates memory) {
        return Rates({
            blockReward: self.blockReward(),
            revealBonus: self.revealBonus(),
            sequencerBps: uint16(self.sequencerBps()),
            proverBps: uint16(self.proverBps()),
            submitterBps: uint16(PackedRates.unwrap(self) >> SUBMITTER_BPS_BIT)
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
