//! The rewards of a block.

use serde::{Deserialize, Serialize};

use crate::{Bps, TokenAmount};

/// Rewards of a block in the `Rewards` contract. Governance can change them for later slots, up to maxima
/// that are fixed by the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rates {
    /// Reward that is credited for a finalized block.
    pub block_reward: TokenAmount,
    /// Bonus of the sequencer for a reveal in the L1 slot of the commitment. It decreases linearly with later
    /// L1 slots.
    pub reveal_bonus: TokenAmount,
    /// Share of the block reward of the sequencer.
    pub sequencer_share: Bps,
    /// Share of the block reward of the prover.
    pub prover_share: Bps,
    /// Share of the block reward of the submitter, who also receives the remainder after rounding.
    pub submitter_share: Bps,
}

/// Why the `Rewards` contract refuses rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RatesRefused {
    /// The sum of the shares isn't 100 %.
    #[error("expected shares of {expected} basis points together, got {actual}")]
    SharesNotWhole { expected: u32, actual: u32 },
    /// The block reward is above the maximum of the deployment.
    #[error("expected a block reward of at most {maximum}, got {actual}")]
    BlockRewardTooHigh { maximum: TokenAmount, actual: TokenAmount },
    /// The reveal bonus is above the maximum of the deployment.
    #[error("expected a reveal bonus of at most {maximum}, got {actual}")]
    RevealBonusTooHigh { maximum: TokenAmount, actual: TokenAmount },
}

impl Rates {
    /// Maximum price of a quote: the sequencer's share of the block reward, rounded down.
    #[must_use]
    pub fn max_price(&self) -> TokenAmount {
        self.block_reward.share_down(self.sequencer_share)
    }

    /// Checks the rates as the `Rewards` contract does, in the same order.
    ///
    /// # Errors
    /// Returns the first check that fails.
    pub fn validate(
        &self,
        max_block_reward: TokenAmount,
        max_reveal_bonus: TokenAmount,
    ) -> Result<(), RatesRefused> {
        if self.block_reward > max_block_reward {
            return Err(RatesRefused::BlockRewardTooHigh {
                maximum: max_block_reward,
                actual: self.block_reward,
            });
        }
        if self.reveal_bonus > max_reveal_bonus {
            return Err(RatesRefused::RevealBonusTooHigh {
                maximum: max_reveal_bonus,
                actual: self.reveal_bonus,
            });
        }
        let expected = u32::from(Bps::WHOLE.get());
        let actual = [self.sequencer_share, self.prover_share, self.submitter_share]
            .iter()
            .fold(0_u32, |sum, share| sum.saturating_add(u32::from(share.get())));
        if actual != expected {
            return Err(RatesRefused::SharesNotWhole { expected, actual });
        }
        Ok(())
    }
}
