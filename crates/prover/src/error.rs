//! What can go wrong around a prover.

use alloy::primitives::{Address, B256};
use fernet_bindings::InvalidValue;
use fernet_follower::FollowerError;
use fernet_l1::{BlobError, KeyError, TxError};
use fernet_ledger::block::BuildError;
use fernet_network::{BodyError, NetworkError};
use fernet_protocol::{QueueRangeError, Slot};

use crate::journal::JournalError;

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum ProverError {
    /// A setting can't be.
    #[error("expected {expected} for {setting}, got {actual}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it is.
        actual: String,
    },
    /// Rewards are to be claimed for an account that nobody here can send from.
    #[error("expected transactions from the payee {payee} to claim rewards, got the prover {prover} only")]
    NoPayee {
        /// The payee.
        payee: Address,
        /// The prover.
        prover: Address,
    },
    /// The transactions come from another account.
    #[error("expected transactions from the prover {expected}, got {actual}")]
    WrongSender {
        /// The prover.
        expected: Address,
        /// The transaction manager's account.
        actual: Address,
    },
    /// The state after the tip isn't known yet.
    #[error("the state after the block of slot {slot} is not known yet")]
    StateMissing {
        /// The tip's slot.
        slot: Slot,
    },
    /// A reorg took operations of the Bridge's queue away that a block consumes.
    #[error("block of slot {slot} consumes {count} L1 operations, which are not queued any more")]
    OperationsMissing {
        /// The block's slot.
        slot: Slot,
        /// Operations consumed since genesis.
        count: u64,
    },
    /// A quote that L1 couldn't read.
    #[error(transparent)]
    Quote(#[from] InvalidValue),
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
    /// A block isn't what it is said to be.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// A block's header can't be finalized, whatever its body.
    #[error("expected {expected} in header {header_hash}, got {actual}")]
    Header {
        /// The header's hash.
        header_hash: B256,
        /// What L1 would take.
        expected: String,
        /// What the header says.
        actual: String,
    },
    /// A block consumes another part of the Bridge's queue than it may.
    #[error(transparent)]
    Queue(#[from] QueueRangeError),
    /// Blobs can't be made ready.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The key doesn't sign.
    #[error("prover's signer: {0}")]
    Signer(#[from] alloy::signers::Error),
    /// A worker thread died.
    #[error("worker thread: {0}")]
    Thread(#[from] tokio::task::JoinError),
    /// A block was to be used that isn't in the journal.
    #[error("expected the block {header_hash} of slot {slot} in the journal, found none")]
    UnknownBlock {
        /// Its slot.
        slot: Slot,
        /// Its header's hash.
        header_hash: B256,
    },
    /// The tip moved on while a block was looked at.
    #[error("expected the tip {expected}, got {actual}")]
    TipMoved {
        /// Parent of the block.
        expected: B256,
        /// The tip.
        actual: B256,
    },
}

impl ProverError {
    /// Whether the next L1 block may mend it.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Follower(error) => error.is_retryable(),
            Self::Transactions(error) => error.is_retryable() || matches!(error, TxError::KeyReused { .. }),
            Self::Network(_) | Self::Build(_) | Self::Body(_) | Self::Header { .. } | Self::Queue(_) => {
                true
            }
            Self::Blob(_) | Self::Signer(_) | Self::Thread(_) => true,
            Self::UnknownBlock { .. } | Self::TipMoved { .. } => true,
            Self::StateMissing { .. } | Self::OperationsMissing { .. } | Self::Quote(_) => true,
            Self::Setting { .. } | Self::NoPayee { .. } | Self::WrongSender { .. } => false,
            Self::Key(_) | Self::Journal(_) => false,
        }
    }
}
