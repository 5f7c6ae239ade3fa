//! The settings of a sequencer's driver.

use std::time::Duration;

use alloy::primitives::{Address, U256};
use fernet_l1::{MAX_BLOBS_PER_TRANSACTION, SidecarFormat};
use fernet_roles::{BlockTemplate, DEFAULT_AT_STAKE, DEFAULT_MAX_TOTAL_FEE, MempoolLimits};

use crate::error::SequencerError;
use crate::strategy::Strategy;

/// Default of the time that provers have to answer a quote request: less than an L1 slot of 12 seconds.
pub const DEFAULT_QUOTE_DEADLINE: Duration = Duration::from_secs(10);

/// The settings of a sequencer's driver.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How the machine decides.
    pub strategy: Strategy,
    /// Most chunks of its blocks: what provers can prove in time. The deployment's limit applies too.
    pub max_chunks: usize,
    /// Governance payload that its blocks vote for; zero for none.
    pub vote: Address,
    /// Age in L1 slots from which a block consumes a deposit that it need not consume yet. An L1 reorg that
    /// undoes a consumed deposit makes the block invalid.
    pub deposit_depth: u64,
    /// Time that provers have to answer a quote request.
    pub quote_deadline: Duration,
    /// The most that a transaction may cost, in wei.
    pub max_total_fee: U256,
    /// What is lost with a duty that doesn't land, in wei: the fees of its transaction rise up to this in the
    /// last L1 slots.
    pub at_stake: U256,
    /// Format of blob sidecars.
    pub sidecars: SidecarFormat,
    /// Most blobs in one transaction, from 1 to 6.
    pub blobs_per_transaction: usize,
    /// The account that is owed the rewards. Claims need transactions from it: it is the attester, or
    /// [`Dependencies::owner`](crate::Dependencies::owner) is set.
    pub owner: Address,
    /// The account that receives claimed rewards.
    pub claim_to: Address,
    /// Limits of the mempool.
    pub mempool: MempoolLimits,
}

impl Settings {
    /// The defaults for a sequencer whose rewards are owed and paid to `owner`. Its blocks have up to
    /// `max_chunks` chunks and consume deposits at once.
    #[must_use]
    pub fn new(strategy: Strategy, owner: Address, max_chunks: usize) -> Self {
        Self {
            strategy,
            max_chunks,
            vote: Address::ZERO,
            deposit_depth: 0,
            quote_deadline: DEFAULT_QUOTE_DEADLINE,
            max_total_fee: DEFAULT_MAX_TOTAL_FEE,
            at_stake: DEFAULT_AT_STAKE,
            sidecars: SidecarFormat::default(),
            blobs_per_transaction: MAX_BLOBS_PER_TRANSACTION,
            owner,
            claim_to: owner,
            mempool: MempoolLimits::default(),
        }
    }

    /// What all blocks of this sequencer have in common.
    pub(crate) const fn template(&self) -> BlockTemplate {
        BlockTemplate {
            max_chunks: self.max_chunks,
            max_blobs: usize::MAX,
            deposit_depth: self.deposit_depth,
            fee_recipient: self.strategy.fee_recipient,
            vote: self.vote,
        }
    }

    /// Refuses settings with which no block can be built or no claim can be sent. `senders` are the accounts
    /// that transactions are sent from.
    pub(crate) fn check(&self, senders: &[Address]) -> Result<(), SequencerError> {
        SequencerError::check_chunks(self.max_chunks)?;
        if !(1..=MAX_BLOBS_PER_TRANSACTION).contains(&self.blobs_per_transaction) {
            return Err(SequencerError::Setting {
                setting: "the blobs of a transaction",
                expected: format!("1 to {MAX_BLOBS_PER_TRANSACTION}"),
                actual: self.blobs_per_transaction.to_string(),
            });
        }
        match senders {
            [sender, ..] if self.strategy.claim_from.is_some() && !senders.contains(&self.owner) => {
                Err(SequencerError::NoClaimant { account: self.owner, sender: *sender })
            }
            _ => Ok(()),
        }
    }
}
