// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Parameters} from "../interfaces/IRollup.sol";
import {L1Slot} from "./Time.sol";
import {MASK_16} from "./Timeline.sol";

/// @notice Lengths of a slot's phases and other times, in L1 slots, 16 bits each. From the lowest bit: proposal,
/// commitment, reveal, proving, exclusive proving, halt, backup, seed delay, seed grid, pause, time without a block
/// before a stall begins, longest stall that is paid.
type Windows is uint256;

using WindowsLib for Windows global;

uint256 constant COMMITMENT_PHASE_BIT = 16;
uint256 constant REVEAL_PHASE_BIT = 32;
uint256 constant PROVING_PHASE_BIT = 48;
uint256 constant EXCLUSIVE_PROVING_BIT = 64;
uint256 constant HALT_PHASE_BIT = 80;
uint256 constant BACKUP_PHASE_BIT = 96;
uint256 constant SEED_DELAY_BIT = 112;
uint256 constant SEED_GRID_BIT = 128;
uint256 constant PAUSE_LENGTH_BIT = 144;
uint256 constant STALL_AFTER_BIT = 160;
uint256 constant MAX_STALL_BIT = 176;

function packWindows(Parameters memory parameters) pure returns (Windows) {
    return Windows.wrap(
        uint256(parameters.proposalPhase) | (uint256(parameters.commitmentPhase) << COMMITMENT_PHASE_BIT)
            | (uint256(parameters.revealPhase) << REVEAL_PHASE_BIT)
            | (uint256(parameters.provingPhase) << PROVING_PHASE_BIT)
            | (uint256(parameters.exclusiveProving) << EXCLUSIVE_PROVING_BIT)
            | (uint256(parameters.haltPhase) << HALT_PHASE_BIT) | (uint256(parameters.backupPhase) << BACKUP_PHASE_BIT)
            | (uint256(parameters.seedDelay) << SEED_DELAY_BIT) | (uint256(parameters.seedGrid) << SEED_GRID_BIT)
            | (uint256(parameters.pauseLength) << PAUSE_LENGTH_BIT)
            | (uint256(parameters.stallAfter) << STALL_AFTER_BIT) | (uint256(parameters.maxStall) << MAX_STALL_BIT)
    );
}

/// @notice Reads the lengths and computes times from them.
library WindowsLib {
    function proposal(Windows self) internal pure returns (uint256) {
        return Windows.unwrap(self) & MASK_16;
    }

    function commitment(Windows self) internal pure returns (uint256) {
        return (Windows.unwrap(self) >> COMMITMENT_PHASE_BIT) & MASK_16;
    }

    function reveal(Windows self) internal pure returns (uint256) {
        return (Windows.unwrap(self) >> REVEAL_PHASE_BIT) & MASK_16;
    }

    function proving(Windows self) internal pure returns (uint256) {
        return (Windows.unwrap(self) >> PROVING_PHASE_BIT) & MASK_16;
    }

    function exclusive(Windows self) internal pure returns (uint256) {
        return (Windows.unwrap(self) >> EXCLUSIVE_PROVING_BIT) & MASK_16;
    }

    function halt(Windows self) internal pure returns (uint256) {
        return (Windows.unwrap(self) >> HALT_PHASE_BIT) & MASK_16;
    }

    function backup(Windows self) internal pure returns (uint256) {
        return (Windows.unwrap(self) >> BACKUP_PHASE_BIT) & MASK_16;
    }

    function seedDelay(Windows self) internal pure returns (uint256) {
        return (Windows.unwrap(self) >> SEED_DELAY_BIT) & MASK_16;
    }

    function seedGrid(Windows self) internal pure returns (uint256) {
        return (Windows.unwrap(self) >> SEED_GRID_BIT) & MASK_16;
    }

    function pause(Windows self) internal pure returns (uint256) {
        return (Windows.unwrap(self) >> PAUSE_LENGTH_BIT) & MASK_16;
    }

    function stallAfter(Windows self) internal pure returns (uint256) {
        return (Windows.unwrap(self) >> STALL_AFTER_BIT) & MASK_16;
    }

    function maxStall(Windows self) internal pure returns (uint256) {
        return (Windows.unwrap(self) >> MAX_STALL_BIT) & MASK_16;
    }

    /// @notice L1 slots that a block of a slot is paid for: the time since the previous slot started, at most that of
    /// an idle slot, and the time by which the chain was without a block for too long.
    /// @param sinceStart L1 slots from the start of the previous slot to the start of the slot.
    /// @param sinceTip L1 slots from the start of the last finalized block's slot to the start of the slot.
    function paid(Windows self, uint256 sinceStart, uint256 sinceTip) internal pure returns (uint256 length) {
        uint256 longest = self.idle();
        length = sinceStart < longest ? sinceStart : longest;
        uint256 free = self.stallAfter();
        if (sinceTip <= free) return length;
        uint256 most = self.maxStall();
        unchecked {
            // The free time is shorter. The sum of 18 bits and 16 bits fits.
            uint256 stall = sinceTip - free;
            length += stall < most ? stall : most;
        }
    }

    /// @notice Length of a slot without proposals.
    function idle(Windows self) internal pure returns (uint256) {
        unchecked {
            // The sum of three 16-bit lengths fits.
            return self.proposal() + self.halt() + self.backup();
        }
    }

    /// @notice L1 slot whose RANDAO mix gives the seed of a slot. The slot before it started at `previousStart`. The
    /// result is `previousStart + seedDelay`, rounded up to a multiple of the seed grid.
    function seedAt(Windows self, L1Slot previousStart) internal pure returns (L1Slot) {
        uint256 grid = self.seedGrid();
        unchecked {
            // The sum is below 2^41. The rollup's constructor refuses a grid of zero. Cast: the same bound holds.
            uint256 roundedUp = (L1Slot.unwrap(previousStart) + self.seedDelay() + grid - 1) / grid * grid;
            return L1Slot.wrap(uint64(roundedUp));
        }
    }

    /// @notice Start of the slot after one that started at `start` and ended before `end`. A slot never starts before
    /// its seed is fixed.
    function nextStart(Windows self, L1Slot start, L1Slot end) internal pure returns (L1Slot) {
        L1Slot seedKnown = self.seedAt(start).plus(1);
        return end > seedKnown ? end : seedKnown;
    }
}
