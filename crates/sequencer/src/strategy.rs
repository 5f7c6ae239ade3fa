//! How a sequencer decides: the parameters of its machine.

use alloy::primitives::U256;
use fernet_protocol::{Price, SequencerId};
use fernet_roles::DEFAULT_CLAIM_FROM;

/// Default of the highest price of a quote, in token units: one token.
pub const DEFAULT_MAX_PRICE: Price = Price::new(1_000_000_000_000_000_000);

/// Default of [`Strategy::patience`]: a proposal that doesn't land at once has one more L1 slot.
pub const DEFAULT_PATIENCE: u64 = 2;

/// How a sequencer decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strategy {
    /// The sequencer's id in the Staking contract.
    pub sequencer: SequencerId,
    /// L2 account that receives the fees of its blocks; 0 burns them.
    pub fee_recipient: u32,
    /// The highest price that it pays for a proof.
    pub max_price: Price,
    /// A sequencer that is outranked waits for better proposals until this many L1 slots before the end of
    /// the proposal phase. Then it proposes.
    pub patience: u64,
    /// Rewards that are worth a claim, in token units. With `None` the sequencer never claims.
    pub claim_from: Option<U256>,
    /// The party that sends the commitment.
    pub commitment: CommitmentBy,
}

impl Strategy {
    /// The defaults for a sequencer.
    #[must_use]
    pub const fn new(sequencer: SequencerId, fee_recipient: u32) -> Self {
        Self {
            sequencer,
            fee_recipient,
            max_price: DEFAULT_MAX_PRICE,
            patience: DEFAULT_PATIENCE,
            claim_from: Some(DEFAULT_CLAIM_FROM),
            commitment: CommitmentBy::Sequencer,
        }
    }
}

/// The party that sends the commitment to L1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CommitmentBy {
    /// The sequencer, with the prover's signature. The prover can't hold the commitment back.
    #[default]
    Sequencer,
    /// The prover, with the sequencer's signature. The prover pays the gas.
    Prover,
}
