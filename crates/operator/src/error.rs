//! Why a role's process can't start, or ends.

use std::{io, path::PathBuf};

use fernet_follower::FollowerError;
use fernet_l1::{ConnectError, DeploymentError, StoreError, TxError};
use fernet_prover::ProverError;
use fernet_roles::{JournalError, RoleError};
use fernet_sequencer::SequencerError;

use crate::lease::LeaseError;

/// Why a role's process can't start, or ends.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// Another process acts for the role, or the lease's file can't be used.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// A folder can't be used.
    #[error("{}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An endpoint's address can't be used.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The deployment file can't be used, or L1 has something else.
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    /// The rollup can't be followed.
    #[error(transparent)]
    Follower(#[from] FollowerError),
    /// The records of transactions can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The transaction manager failed.
    #[error(transparent)]
    Transactions(#[from] TxError),
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The sequencer failed.
    #[error("sequencer: {0}")]
    Sequencer(#[source] SequencerError),
    /// The prover failed.
    #[error("prover: {0}")]
    Prover(#[from] ProverError),
    /// The node failed.
    #[error("node: {0}")]
    Node(#[source] RoleError),
}
