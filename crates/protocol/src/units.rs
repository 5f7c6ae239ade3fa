//! Numbers that must not be mixed up. None of them converts into another by itself.

use alloy_primitives::aliases::U192;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name($inner);

        impl $name {
            /// Wraps the number.
            #[must_use]
            pub const fn new(value: $inner) -> Self {
                Self(value)
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// Number of an L1 slot: `(timestamp - l1GenesisTime) / l1SlotSeconds`. Every phase is measured in it.
    L1Slot(u64)
}
number! {
    /// Number of a turn of block production, counted from 0. Yields at most one rollup block.
    Slot(u64)
}
number! {
    /// A registration in the staking contract, counted from 1.
    SequencerId(u32)
}
number! {
    /// What a sequencer draws in a slot; the highest ranks first. The upper 192 bits of a hash.
    Score(U192)
}
number! {
    /// A share in basis points, ten-thousandths.
    Bps(u16)
}
number! {
    /// Tokens in their smallest unit.
    TokenAmount(u128)
}
number! {
    /// Place in a slot's list of proposals; 0 is the best.
    Rank(u8)
}
number! {
    /// Chain id of an L1 (EIP-155).
    ChainId(u64)
}

impl L1Slot {
    /// The L1 slot `count` later, at most the last one there is.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }

    /// L1 slots from `earlier` to this one, 0 if it isn't earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Slot {
    /// "No slot": what the tip's slot is before the first block.
    pub const NONE: Self = Self(u64::MAX);

    /// The slot `count` later, at most the last one there is.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

impl Rank {
    /// The rank of the candidate at `index`; indices are below [`crate::MAX_CANDIDATES`].
    #[must_use]
    pub fn from_index(index: usize) -> Self {
        Self(u8::try_from(index).unwrap_or(u8::MAX))
    }

    /// Index into a list of candidates, best first.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Bps {
    /// The whole.
    pub const WHOLE: Self = Self(10_000);
}

impl TokenAmount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The highest amount that the contracts store in 96 bits.
    pub const MAX_96: Self = Self((1 << 96) - 1);

    /// `self · share / 10,000`, rounded down; the whole for shares above the whole.
    #[must_use]
    pub const fn share_down(self, share: Bps) -> Self {
        // split, so that no product exceeds 128 bits: both factors of the second are below 10,000
        let share = if share.0 > Bps::WHOLE.0 { Bps::WHOLE.0 } else { share.0 } as u128;
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        Self(whole.saturating_mul(share).saturating_add(rest.saturating_mul(share) / 10_000))
    }

    /// The sum, if it fits 128 bits.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference, if `other` isn't more.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }

    /// The sum, at most the highest amount there is.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, 0 if `other` is more.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn share_down_is_the_exact_quotient(amount in 0..1_u128 << 96, share in 0..=10_000_u16) {
            let expected = amount * u128::from(share) / 10_000;
            prop_assert_eq!(TokenAmount::new(amount).share_down(Bps::new(share)).get(), expected);
        }

        #[test]
        fn share_down_never_exceeds_the_amount(amount: u128, share: u16) {
            prop_assert!(TokenAmount::new(amount).share_down(Bps::new(share)).get() <= amount);
        }
    }
}
