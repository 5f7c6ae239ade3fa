//! What can go wrong around any role.

use alloy::primitives::{Address, B256};
use fernet_bindings::InvalidValue;
use fernet_follower::FollowerError;
use fernet_l1::{BlobError, HeaderError, IntentKeyError, TxError};
use fernet_ledger::block::BuildError;
use fernet_network::{BodyError, NetworkError};
use fernet_protocol::{L1Slot, Slot};

use crate::journal::JournalError;

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
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
    #[error("expected transactions from {account} to claim its rewards, got those of {sender} only")]
    NoClaimant {
        /// The account that is owed.
        account: Address,
        /// The role's account.
        sender: Address,
    },
    /// The RANDAO mix that a slot's seed follows from can't be read yet.
    #[error("the seed of slot {slot} isn't known yet: L1 has no block after L1 slot {seed_at}")]
    SeedUnknown {
        /// The slot.
        slot: Slot,
        /// L1 slot of the mix.
        seed_at: L1Slot,
    },
    /// The state after the tip isn't known yet.
    #[error("the state after the block of slot {slot} is not known yet")]
    StateMissing {
        /// The tip's slot.
        slot: Slot,
    },
    /// The tip moved on while a block was looked at.
    #[error("expected the tip {expected}, got {actual}")]
    TipMoved {
        /// Parent of the block.
        expected: B256,
        /// The tip.
        actual: B256,
    },
    /// A block was to be used that isn't in the journal.
    #[error("expected the block {header_hash} of slot {slot} in the journal, found none")]
    UnknownBlock {
        /// Its slot.
        slot: Slot,
        /// Its header's hash.
        header_hash: B256,
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
    Key(#[from] IntentKeyError),
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Peers can't be reached.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// No block can be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A block isn't what it is said to be, or can't be handed on.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Blobs can't be made ready.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The key doesn't sign.
    #[error("signer: {0}")]
    Signer(#[from] alloy::signers::Error),
    /// A worker thread died.
    #[error("worker thread: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

impl RoleError {
    /// Whether the next L1 block may mend it.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Follower(error) => error.is_retryable(),
            Self::Transactions(error) => error.is_retryable() || matches!(error, TxError::KeyReused { .. }),
            Self::Journal(error) => error.is_retryable(),
            Self::Network(_) | Self::Build(_) | Self::Body(_) | Self::Blob(_) => true,
            Self::Quote(_) | Self::Seed(_) | Self::Signer(_) | Self::Thread(_) => true,
            Self::SeedUnknown { .. }
            | Self::StateMissing { .. }
            | Self::TipMoved { .. }
            | Self::UnknownBlock { .. } => true,
            Self::Setting { .. } | Self::NoClaimant { .. } | Self::Key(_) => false,
        }
    }

    /// Refuses an empty number of chunks.
    ///
    /// # Errors
    /// If it is.
    pub fn check_chunks(max_chunks: usize) -> Result<(), Self> {
        if max_chunks > 0 {
            return Ok(());
        }
        let (setting, expected) = ("the chunks of a block", "at least 1".to_owned());
        Err(Self::Setting { setting, expected, actual: "0".to_owned() })
    }
}
