//! Errors of a prover.

use alloy::primitives::{Address, B256};
use fernet_protocol::{QueueRangeError, Slot};
use fernet_roles::RoleError;

/// Why a step or an effect failed.
#[derive(Debug, thiserror::Error)]
pub enum ProverError {
    /// An error that any role can have.
    #[error(transparent)]
    Role(RoleError),
    /// The transaction manager sends from another account than the prover's.
    #[error("expected transactions from the prover {expected}, got transactions from {actual}")]
    WrongSender { expected: Address, actual: Address },
    /// A reorg removed operations that the block consumes from the Bridge's queue.
    #[error("the block of slot {slot} consumes {count} l1 operations, which are not queued any more")]
    OperationsMissing { slot: Slot, count: u64 },
    /// L1 can't finalize a block with this header.
    #[error("expected {expected} in header {header_hash}, got {actual}")]
    Header { header_hash: B256, expected: String, actual: String },
    /// The block may not consume this part of the Bridge's queue.
    #[error(transparent)]
    Queue(QueueRangeError),
}

impl ProverError {
    /// Whether the same step may succeed at a later L1 block.
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
