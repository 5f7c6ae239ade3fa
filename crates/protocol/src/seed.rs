//! Which RANDAO mix makes a slot's seed, and when a slot may start.

use crate::{
    L1Slot, Parameters, Slot,
    encoding::{Words, tag},
};
use alloy_primitives::B256;

/// Domain of seeds: `bytes32("fernet.seed.v1")`.
const SEED_DOMAIN: B256 = tag("fernet.seed.v1");

/// L1 slot whose RANDAO mix makes the seed of the slot after one that started at `previous_start`:
/// `previous_start + seedDelay`, rounded up to a multiple of `seedGrid`.
#[must_use]
pub fn seed_at(previous_start: L1Slot, parameters: &Parameters) -> L1Slot {
    let grid = u64::from(parameters.seed_grid).max(1); // the constructor refuses 0
    let earliest = previous_start.plus(u64::from(parameters.seed_delay));
    L1Slot::new(earliest.get().checked_next_multiple_of(grid).unwrap_or(u64::MAX))
}

/// Start of the slot after one that started at `start` and was over from `end` on: never before its seed is fixed.
/// A slot that was finalized at the L1 slot `f` is over from `f + 1` on.
#[must_use]
pub fn next_start(start: L1Slot, end: L1Slot, parameters: &Parameters) -> L1Slot {
    end.max(seed_at(start, parameters).plus(1))
}

/// Seed of a slot from the mix of its L1 slot. The slot is in it, so that a mix which serves twice never repeats a seed.
#[must_use]
pub fn seed(mix: B256, slot: Slot) -> B256 {
    Words::with_capacity(3).word(SEED_DOMAIN).word(mix).uint(slot.get()).hash()
}
