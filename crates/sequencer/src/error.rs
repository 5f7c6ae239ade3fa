//! What can go wrong around a sequencer.

use alloy::primitives::{Address, B256};
use fernet_bindings::InvalidValue;
use fernet_follower::FollowerError;
use fernet_l1::{BlobError, HeaderError, KeyError, TxError};
use fernet_ledger::block::BuildError;
use fernet_network::{BodyError, NetworkError};
use fernet_protocol::Slot;

use crate::journal::JournalError;

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum SequencerError {
    /// A setting can't be.
    #[error("expected {expected} for {setting}, got {actual}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        actual: String,
    },
    /// Rewards are to be claimed for an account that nobody here can send from.
    #[error(
        "expected transactions from the owner {owner} to claim rewards, got the attester {attester} only"
    )]
    NoOwner {
        /// The owner.
        owner: Address,
        /// The attester.
        attester: Address,
    },
    /// The state after the tip isn't known yet.
    #[error("the state after the block of slot {slot} is not known yet")]
    StateMissing {
        /// The tip's slot.
        slot: Slot,
    },
    /// A quote that L1 couldn't read.
    #[error(transparent)]
    Quote(#[from] InvalidValue),
    /// The seed can't be proven.
    #[error(transparent)]
    Seed(#[from] HeaderError),
    /// L1 can't be followed.
    #[error(transparent)]
    Follower(#[from] FollowerError),
    /// Transactions can't be managed.
    #[error(transparent)]
    Transactions(#[from] TxError),
    /// A transaction's name is too long.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Peers can't be reached.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// No block can be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A block can't be handed on.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Blobs can't be made ready.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The key doesn't sign.
    #[error("attester's signer: {0}")]
    Signer(#[from] alloy::signers::Error),
    /// A worker thread died.
    #[error("worker thread: {0}")]
    Worker(#[from] tokio::task::JoinError),
    /// L1 knows a block of this sequencer that isn't in the journal.
    #[error("expected the block {header_hash} of slot {slot} in the journal, found none")]
    UnknownBlock {
        /// Its slot.
        slot: Slot,
        /// Its header's hash.
        header_hash: B256,
    },
}

impl SequencerError {
    /// Whether the next L1 block may mend it.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Follower(error) => error.is_retryable(),
            Self::Transactions(error) => error.is_retryable() || matches!(error, TxError::KeyReused { .. }),
            Self::Network(_) | Self::Build(_) | Self::Body(_) | Self::Blob(_) => true,
            Self::StateMissing { .. } | Self::Quote(_) | Self::Seed(_) => true,
            Self::Signer(_) | Self::UnknownBlock { .. } | Self::Worker(_) => true,
            Self::Journal(error) => matches!(error, JournalError::AlreadySigned { .. }),
            Self::Setting { .. } | Self::NoOwner { .. } | Self::Key(_) => false,
        }
    }
}
