//! How a sequencer's machinery is set.

use std::time::Duration;

use alloy::primitives::{Address, U256};
use fernet_l1::{MAX_BLOBS_PER_TRANSACTION, SidecarFormat};
use fernet_ledger::mempool;

use crate::error::SequencerError;
use crate::machine::Strategy;

/// How a sequencer's machinery is set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How it acts.
    pub strategy: Strategy,
    /// Most chunks of its blocks, at most the deployment's. What provers can prove in time.
    pub max_chunks: usize,
    /// Payload that its blocks signal to governance; zero for none.
    pub vote: Address,
    /// L1 slots that a deposit must be old before a block takes it without having to. A reorg that undoes the deposit
    /// would cost the block.
    pub deposit_depth: u64,
    /// How long provers have for a quote.
    pub quote_deadline: Duration,
    /// What a transaction may cost at most, in wei.
    pub max_total_fee: U256,
    /// What its blob transactions carry.
    pub sidecars: SidecarFormat,
    /// Blobs in one transaction, 1 to 6.
    pub blobs_per_transaction: usize,
    /// Account that rewards are credited to: the owner. They are claimed if it is the attester, or if
    /// [`Wiring::owner`](crate::Wiring::owner) is there.
    pub owner: Address,
    /// Where claimed rewards go.
    pub claim_to: Address,
    /// Limits of the mempool.
    pub mempool: mempool::Limits,
}

impl Settings {
    /// Refuses settings that no block could be made with, and claims that nobody could send.
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
