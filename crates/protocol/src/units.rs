//! Number types that must not be confused. There are no implicit conversions between them.

use std::{fmt, num::ParseIntError, str::FromStr};

use alloy_primitives::aliases::U192;
use serde::{Deserialize, Serialize};

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
    /// Number of an L1 slot: `(timestamp - l1GenesisTime) / l1SlotSeconds`. Phases are measured in L1 slots.
    L1Slot(u64)
}
number! {
    /// Number of a slot of the rollup, counted from 0. A slot has at most one rollup block.
    Slot(u64)
}
number! {
    /// Id of a sequencer: the number of its registration in the staking contract, counted from 1.
    SequencerId(u32)
}
number! {
    /// Score of a sequencer in a slot: the upper 192 bits of a hash. The highest score has rank 0.
    Score(U192)
}
number! {
    /// A share in basis points (1/10,000).
    Bps(u16)
}
number! {
    /// Amount of tokens in their smallest unit.
    TokenAmount(u128)
}
number! {
    /// Price of a proof in token units. A positive price moves from the sequencer's credit to the prover's, a
    /// negative one from the prover's to the sequencer's.
    Price(i128)
}
number! {
    /// Rank of a candidate in a slot; 0 is the best.
    Rank(u8)
}
number! {
    /// Chain id of an L1 (EIP-155).
    ChainId(u64)
}

impl L1Slot {
    /// The L1 slot `count` later, saturated at the highest number.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }

    /// Number of L1 slots from `earlier` to this one; 0 if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Slot {
    /// The slot of the tip before the first block, which means "no slot".
    pub const NONE: Self = Self(u64::MAX);

    /// The slot `count` later, saturated at the highest number.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

impl Rank {
    /// The rank of the candidate at `index` of a list of candidates, best first.
    #[must_use]
    pub fn from_index(index: usize) -> Self {
        Self(u8::try_from(index).unwrap_or(u8::MAX))
    }

    /// Index in a list of candidates, best first.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Bps {
    /// 100 %.
    pub const WHOLE: Self = Self(10_000);
}

impl TokenAmount {
    /// 0.
    pub const ZERO: Self = Self(0);
    /// The highest amount that the contracts store in 96 bits.
    pub const MAX_96: Self = Self((1 << 96) - 1);

    /// `self · share / 10,000`, rounded down. A share above 100 % counts as 100 %.
    #[must_use]
    pub const fn share_down(self, share: Bps) -> Self {
        // The amount is split so that no product exceeds 128 bits: `rest` and `share` are at most 10,000.
        let share = if share.0 > Bps::WHOLE.0 { Bps::WHOLE.0 } else { share.0 } as u128;
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        Self(whole.saturating_mul(share).saturating_add(rest.saturating_mul(share) / 10_000))
    }

    /// The sum; `None` if it exceeds 128 bits.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference; `None` if `other` is more.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }

    /// The sum, saturated at the highest amount.
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

impl Price {
    /// No price: each side keeps its own share.
    pub const ZERO: Self = Self(0);
    /// The lowest price that the contracts store, in 96 bits with a sign.
    pub const MIN_96: Self = Self(-(1 << 95));
    /// The highest price that the contracts store, in 96 bits with a sign.
    pub const MAX_96: Self = Self((1 << 95) - 1);

    /// The price by which the sequencer pays `amount` to the prover, saturated at the highest price.
    #[must_use]
    pub fn to_prover(amount: TokenAmount) -> Self {
        Self(i128::try_from(amount.0).unwrap_or(i128::MAX))
    }

    /// The price by which the prover pays `amount` to the sequencer, saturated at `-i128::MAX`.
    #[must_use]
    pub fn to_sequencer(amount: TokenAmount) -> Self {
        Self(Self::to_prover(amount).0.saturating_neg())
    }

    /// The amount that moves, without its direction.
    #[must_use]
    pub const fn magnitude(self) -> TokenAmount {
        TokenAmount(self.0.unsigned_abs())
    }

    /// Whether the prover pays the sequencer.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0.is_negative()
    }
}

/// Reads a decimal number of token units, with or without a sign.
impl FromStr for Price {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prices_are_signed_amounts() {
        let amount = TokenAmount::new(5);
        assert_eq!(Price::to_prover(amount), Price::new(5));
        assert_eq!(Price::to_sequencer(amount), Price::new(-5));
        assert_eq!(Price::to_sequencer(amount).magnitude(), amount);
        assert_eq!(Price::to_sequencer(TokenAmount::new(u128::MAX)), Price::new(-i128::MAX));
        assert_eq!(Price::new(i128::MIN).magnitude().get(), 1 << 127);
        assert_eq!("-12".parse(), Ok(Price::new(-12)));
        assert_eq!(Price::new(-12).to_string(), "-12");
        assert!("".parse::<Price>().is_err());
    }

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
