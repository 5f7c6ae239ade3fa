//! What a block pays.

use crate::{Bps, TokenAmount};
use serde::{Deserialize, Serialize};

/// What a block pays, as the `Rewards` contract has it. Governance may change it for later slots, up to the deployment's ceilings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rates {
    /// credited for a finalized block
    pub block_reward: TokenAmount,
    /// credited to the sequencer for a reveal in the L1 slot of the commitment; decays linearly after it
    pub reveal_bonus: TokenAmount,
    /// of the block reward
    pub sequencer_share: Bps,
    /// of the block reward
    pub prover_share: Bps,
    /// of the block reward; gets the remainder of the roundings too
    pub submitter_share: Bps,
}

/// Rates that the `Rewards` contract refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RatesRefused {
    /// The shares aren't the whole.
    #[error("shares are {actual} basis points together, expected {expected}")]
    SharesNotWhole {
        /// basis points of the whole
        expected: u32,
        /// basis points given
        actual: u32,
    },
    /// Above the deployment's ceiling.
    #[error("block reward of {actual}, expected at most {maximum}")]
    BlockRewardTooHigh {
        /// ceiling
        maximum: TokenAmount,
        /// reward given
        actual: TokenAmount,
    },
    /// Above the deployment's ceiling.
    #[error("reveal bonus of {actual}, expected at most {maximum}")]
    RevealBonusTooHigh {
        /// ceiling
        maximum: TokenAmount,
        /// bonus given
        actual: TokenAmount,
    },
}

impl Rates {
    /// Highest price that a quote may have: the sequencer's share of the block reward, rounded down.
    #[must_use]
    pub fn max_price(&self) -> TokenAmount {
        self.block_reward.share_down(self.sequencer_share)
    }

    /// Refuses what the `Rewards` contract refuses, in its order.
    ///
    /// # Errors
    /// The first bound that doesn't hold.
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
