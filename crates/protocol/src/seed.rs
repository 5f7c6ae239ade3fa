//! The seed of a slot, and the L1 slot in which a slot can start.

use alloy_primitives::B256;

use crate::{
    L1Slot, Parameters, Slot,
    encoding::{Words, tag},
};

/// Domain of seeds: `bytes32("fernet.seed.v1")`.
const SEED_DOMAIN: B256 = tag("fernet.seed.v1");

/// L1 slot whose RANDAO mix determines the seed of the slot after one that started at `previous_start`:
/// `previous_start + seedDelay`, rounded up to a multiple of `seedGrid`.
#[must_use]
pub fn seed_at(previous_start: L1Slot, parameters: &Parameters) -> L1Slot {
    let grid = u64::from(parameters.seed_grid).max(1); // The constructor refuses 0.
    let earliest = previous_start.plus(u64::from(parameters.seed_delay));
    L1Slot::new(earliest.get().checked_next_multiple_of(grid).unwrap_or(u64::MAX))
}

/// Start of the slot after one that started at `start` and was over from `end` on. It is after the L1 slot of
/// the seed. A slot that was finalized in the L1 slot `f` is over from `f + 1` on.
#[must_use]
pub fn next_start(start: L1Slot, end: L1Slot, parameters: &Parameters) -> L1Slot {
    end.max(seed_at(start, parameters).plus(1))
}

/// Seed of a slot: a hash of the RANDAO mix of its L1 slot and of the slot's number, so that two slots with
/// the same mix have different seeds.
#[must_use]
pub fn seed(mix: B256, slot: Slot) -> B256 {
    Words::with_capacity(3).word(SEED_DOMAIN).word(mix).uint(slot.get()).hash()
}
