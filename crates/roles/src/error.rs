//! Errors that any role can have.

use alloy::primitives::{Address, B256};
use fernet_bindings::InvalidValue;
use fernet_follower::FollowerError;
use fernet_l1::{BlobError, HeaderError, IntentKeyError, TxError};
use fernet_ledger::block::BuildError;
use fernet_network::{BodyError, NetworkError};
use fernet_protocol::{L1Slot, Slot};

use crate::journal::JournalError;

/// Why a step or an effect failed.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// A setting has an impossible value.
    #[error("expected {expected} for {setting}, got {actual}")]
    Setting { setting: &'static str, expected: String, actual: String },
    /// The role can't send from the account that is owed the rewards, so it can't claim them.
    #[error("rewards of {account} can't be claimed: transactions are sent from {sender} only")]
    NoClaimant { account: Address, sender: Address },
    /// The RANDAO mix of a slot's seed isn't known yet.
    #[error("the seed of slot {slot} is not known yet: l1 has no block after l1 slot {seed_at}")]
    SeedUnknown { slot: Slot, seed_at: L1Slot },
    /// The state after the tip isn't known yet.
    #[error("the state after the block of slot {slot} is not known yet")]
    StateMissing { slot: Slot },
    /// The tip isn't the block's parent.
    #[error("expected the tip {expected}, got {actual}")]
    TipMoved { expected: B256, actual: B256 },
    /// The role needs a block that isn't in its journal.
    #[error("the block {header_hash} of slot {slot} is not in the journal")]
    UnknownBlock { slot: Slot, header_hash: B256 },
    /// L1 can't represent a quote.
    #[error(transparent)]
    Quote(#[from] InvalidValue),
    /// The seed can't be proven.
    #[error(transparent)]
    Seed(#[from] HeaderError),
    /// L1 can't be followed.
    #[error(transparent)]
    Follower(#[from] FollowerError),
    /// The transaction manager failed.
    #[error(transparent)]
    Transactions(#[from] TxError),
    /// The text of an action is too long for a key.
    #[error(transparent)]
    Key(#[from] IntentKeyError),
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A message can't be sent.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The ledger can't build a block.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A body is invalid or can't be assembled.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// A blob sidecar can't be built.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The signer failed.
    #[error("signer: {0}")]
    Signer(#[from] alloy::signers::Error),
    /// A background task panicked or was cancelled.
    #[error("background task: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl RoleError {
    /// Whether the same step may succeed at a later L1 block.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Follower(error) => error.is_retryable(),
            Self::Transactions(error) => error.is_retryable() || matches!(error, TxError::KeyReused { .. }),
            Self::Journal(error) => error.is_retryable(),
            Self::Network(_) | Self::Build(_) | Self::Body(_) | Self::Blob(_) => true,
            Self::Quote(_) | Self::Seed(_) | Self::Signer(_) | Self::Task(_) => true,
            Self::SeedUnknown { .. }
            | Self::StateMissing { .. }
            | Self::TipMoved { .. }
            | Self::UnknownBlock { .. } => true,
            Self::Setting { .. } | Self::NoClaimant { .. } | Self::Key(_) => false,
        }
    }

    /// Whether an endpoint of the L1 failed: the same step may succeed at once, or at another endpoint.
    #[must_use]
    pub const fn is_of_l1(&self) -> bool {
        matches!(
            self,
            Self::Follower(FollowerError::Feed(_)) | Self::Seed(_) | Self::Transactions(TxError::Rpc(_))
        )
    }

    /// Checks that blocks may have at least one chunk.
    ///
    /// # Errors
    /// When `max_chunks` is zero.
    pub fn check_chunks(max_chunks: usize) -> Result<(), Self> {
        if max_chunks > 0 {
            return Ok(());
        }
        let (setting, expected) = ("the chunks of a block", "at least 1".to_owned());
        Err(Self::Setting { setting, expected, actual: "0".to_owned() })
    }
}
