//! What can go wrong around a prover.

use alloy::primitives::{Address, B256};
use fernet_protocol::{QueueRangeError, Slot};
use fernet_roles::RoleError;

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum ProverError {
    /// What can go wrong around any role.
    #[error(transparent)]
    Role(RoleError),
    /// The transactions come from another account.
    #[error("expected transactions from the prover {expected}, got {actual}")]
    WrongSender {
        /// The prover.
        expected: Address,
        /// The transaction manager's account.
        actual: Address,
    },
    /// A reorg took operations of the Bridge's queue away that a block consumes.
    #[error("block of slot {slot} consumes {count} L1 operations, which are not queued any more")]
    OperationsMissing {
        /// The block's slot.
        slot: Slot,
        /// Operations consumed since genesis.
        count: u64,
    },
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
    Queue(QueueRangeError),
}

impl ProverError {
    /// Whether the next L1 block may mend it.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Role(error) => error.is_retryable(),
            Self::Header { .. } | Self::Queue(_) | Self::OperationsMissing { .. } => true,
            Self::WrongSender { .. } => false,
        }
    }
}

impl<T: Into<RoleError>> From<T> for ProverError {
    fn from(error: T) -> Self {
        Self::Role(error.into())
    }
}
