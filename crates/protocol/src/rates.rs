//! The rewards of a block.

use serde::{Deserialize, Serialize};

use crate::{Bps, Price, TokenAmount};

/// Rewards of a block in the `Rewards` contract. Governance can change them for later slots, up to a maximum
/// that is fixed by the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rates {
    /// Reward for each L1 slot that a finalized block is paid for, at most 72 bits.
    pub reward_per_l1_slot: TokenAmount,
    /// Share of the reward of the sequencer.
    pub sequencer_share: Bps,
    /// Share of the reward that the sequencer gets for a reveal in the first L1 slot of its turn. It
    /// decreases linearly with later L1 slots.
    pub bonus_share: Bps,
    /// Share of the reward of the prover.
    pub prover_share: Bps,
    /// Share of the reward of the submitter, who also receives the remainder after rounding.
    pub submitter_share: Bps,
    /// Part of the prover's share that a proof after the exclusive phase loses. A proof in that phase loses
    /// linearly less.
    pub promptness: Bps,
}

/// The parts of the reward of one block. Their sum is the reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RewardShares {
    /// For the sequencer, rounded down.
    pub sequencer: TokenAmount,
    /// For the earliest reveal, rounded down.
    pub bonus: TokenAmount,
    /// For the earliest proof, rounded down.
    pub prover: TokenAmount,
    /// For the submitter: the rest.
    pub submitter: TokenAmount,
}

/// The prices that a quote may have. It includes 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PriceRange {
    /// Minus the least that the prover is credited for a proof in a proving phase, at most 0.
    pub lowest: Price,
    /// The sequencer's share, at least 0.
    pub highest: Price,
}

impl PriceRange {
    /// Whether a quote may have this price.
    #[must_use]
    pub fn contains(&self, price: Price) -> bool {
        (self.lowest..=self.highest).contains(&price)
    }

    /// The price in the range that is nearest to `price`.
    #[must_use]
    pub fn clamp(&self, price: Price) -> Price {
        price.min(self.highest).max(self.lowest)
    }
}

/// Why the `Rewards` contract refuses rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RatesRefused {
    /// The sum of the shares isn't 100 %.
    #[error("expected shares of {expected} basis points together, got {actual}")]
    SharesNotWhole { expected: u32, actual: u32 },
    /// The reward is above the maximum of the deployment.
    #[error("expected a reward of at most {maximum} for each L1 slot, got {actual}")]
    RewardTooHigh { maximum: TokenAmount, actual: TokenAmount },
    /// A late proof would lose more than all of its share.
    #[error("expected a promptness of at most {maximum} basis points, got {actual}")]
    PromptnessTooHigh { maximum: Bps, actual: Bps },
}

impl Rates {
    /// Parts of the reward of a block that is paid for `paid_l1_slots`.
    #[must_use]
    pub fn shares(&self, paid_l1_slots: u32) -> RewardShares {
        // The product has at most 89 bits: 72 and 17.
        let reward = self.reward_per_l1_slot.get().saturating_mul(u128::from(paid_l1_slots));
        let reward = TokenAmount::new(reward);
        let [sequencer, bonus, prover] =
            [self.sequencer_share, self.bonus_share, self.prover_share].map(|share| reward.share_down(share));
        let submitter = reward.saturating_sub(sequencer).saturating_sub(bonus).saturating_sub(prover);
        RewardShares { sequencer, bonus, prover, submitter }
    }

    /// Prices that a quote for a block may have that is paid for `paid_l1_slots`: at most the sequencer's
    /// share, and at least minus what the prover gets for a proof after the exclusive phase, which it is sure
    /// of.
    #[must_use]
    pub fn price_range(&self, paid_l1_slots: u32) -> PriceRange {
        let shares = self.shares(paid_l1_slots);
        PriceRange {
            lowest: Price::to_sequencer(self.prompt_share_down(shares.prover, 1, 1)),
            highest: Price::to_prover(shares.sequencer),
        }
    }

    /// The prover's credit for a proof, rounded down: all of `share` for a proof in the L1 slot of the
    /// reveal, and linearly less for each L1 slot after it, by [`Self::promptness`] from the last L1 slot of
    /// the exclusive phase on. `delay` is the number of L1 slots from the completed reveal to the proof, and
    /// `exclusive_proving` the length of the exclusive phase.
    #[must_use]
    pub fn prompt_share_down(&self, share: TokenAmount, exclusive_proving: u16, delay: u64) -> TokenAmount {
        let length = u128::from(exclusive_proving);
        let whole = u128::from(Bps::WHOLE.get()).saturating_mul(length);
        let lost = u128::from(self.promptness.get()).saturating_mul(u128::from(delay).min(length));
        // The product has at most 119 bits: 89 and 30. The constructor refuses a length of 0.
        let product = share.get().saturating_mul(whole.saturating_sub(lost));
        TokenAmount::new(product.checked_div(whole).unwrap_or_default())
    }

    /// Checks the rates as the `Rewards` contract does, in the same order.
    ///
    /// # Errors
    /// Returns the first check that fails.
    pub fn validate(&self, max_reward_per_l1_slot: TokenAmount) -> Result<(), RatesRefused> {
        if self.reward_per_l1_slot > max_reward_per_l1_slot {
            return Err(RatesRefused::RewardTooHigh {
                maximum: max_reward_per_l1_slot,
                actual: self.reward_per_l1_slot,
            });
        }
        if self.promptness > Bps::WHOLE {
            return Err(RatesRefused::PromptnessTooHigh { maximum: Bps::WHOLE, actual: self.promptness });
        }
        let expected = u32::from(Bps::WHOLE.get());
        let actual = [self.sequencer_share, self.bonus_share, self.prover_share, self.submitter_share]
            .iter()
            .fold(0_u32, |sum, share| sum.saturating_add(u32::from(share.get())));
        if actual != expected {
            return Err(RatesRefused::SharesNotWhole { expected, actual });
        }
        Ok(())
    }
}
