//! Errors of a prover.

use alloy::primitives::B256;
use fernet_protocol::{L1Slot, Lane, QueueRangeError};
use fernet_roles::RoleError;

/// Why a step or an effect failed.
#[derive(Debug, thiserror::Error)]
pub enum ProverError {
    /// An error that any role can have.
    #[error(transparent)]
    Role(RoleError),
    /// The block takes an entry of the Bridge's queue, without need, that an L1 reorg may still undo.
    #[error(
        "the block takes entry {number} of the {lane} without need: in L1 slot {now} it is younger than \
         {depth} L1 slots"
    )]
    YoungEntry { lane: Lane, number: u64, now: L1Slot, depth: u64 },
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
            Self::Header { .. } | Self::Queue(_) | Self::YoungEntry { .. } => true,
        }
    }

    /// Whether a body is wrong whatever L1 says.
    #[must_use]
    pub const fn is_of_body(&self) -> bool {
        matches!(self, Self::Role(RoleError::Body(_)))
    }
}

impl<T: Into<RoleError>> From<T> for ProverError {
    fn from(error: T) -> Self {
        Self::Role(error.into())
    }
}
