//! Conversion between seconds and L1 slots.

use serde::{Deserialize, Serialize};

use crate::L1Slot;

/// Why a clock or an L1 slot doesn't exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// The length of an L1 slot is zero.
    #[error("expected L1 slots of at least 1 second, got 0")]
    ZeroSlotLength,
    /// The time is before the first L1 slot.
    #[error("time {timestamp} is before the L1's genesis at {genesis}")]
    BeforeGenesis {
        /// In seconds since 1970.
        timestamp: u64,
        /// In seconds since 1970.
        genesis: u64,
    },
}

/// Genesis time and length of L1 slots, fixed in the constructors of the contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct L1Clock {
    genesis_time: u64,
    slot_seconds: u64,
}

impl L1Clock {
    /// A clock whose L1 slot 0 starts at `genesis_time`, in seconds since 1970.
    ///
    /// # Errors
    /// Fails if `slot_seconds` is 0.
    pub const fn new(genesis_time: u64, slot_seconds: u64) -> Result<Self, ClockError> {
        if slot_seconds == 0 {
            return Err(ClockError::ZeroSlotLength);
        }
        Ok(Self { genesis_time, slot_seconds })
    }

    /// Start of L1 slot 0 in seconds since 1970.
    #[must_use]
    pub const fn genesis_time(&self) -> u64 {
        self.genesis_time
    }

    /// Length of an L1 slot in seconds.
    #[must_use]
    pub const fn slot_seconds(&self) -> u64 {
        self.slot_seconds
    }

    /// The L1 slot of a block's timestamp.
    ///
    /// # Errors
    /// Fails if the timestamp is before the genesis time.
    pub fn slot_at(&self, timestamp: u64) -> Result<L1Slot, ClockError> {
        let before = ClockError::BeforeGenesis { timestamp, genesis: self.genesis_time };
        let elapsed = timestamp.checked_sub(self.genesis_time).ok_or(before)?;
        // The constructor refuses a length of 0.
        Ok(L1Slot::new(elapsed.checked_div(self.slot_seconds).unwrap_or_default()))
    }

    /// First second of an L1 slot, saturated at the highest number of 64 bits.
    #[must_use]
    pub const fn start_of(&self, slot: L1Slot) -> u64 {
        self.genesis_time.saturating_add(slot.get().saturating_mul(self.slot_seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_half_open() {
        let clock = L1Clock::new(1_000, 12).unwrap();
        assert_eq!(clock.slot_at(1_000), Ok(L1Slot::new(0)));
        assert_eq!(clock.slot_at(1_011), Ok(L1Slot::new(0)));
        assert_eq!(clock.slot_at(1_012), Ok(L1Slot::new(1)));
        assert_eq!(clock.start_of(L1Slot::new(1)), 1_012);
    }

    #[test]
    fn refuses_what_has_no_slot() {
        assert_eq!(L1Clock::new(1, 0), Err(ClockError::ZeroSlotLength));
        let clock = L1Clock::new(1_000, 12).unwrap();
        assert_eq!(clock.slot_at(999), Err(ClockError::BeforeGenesis { timestamp: 999, genesis: 1_000 }));
    }
}
