//! Why a role's process can't start, or ends.

use std::{io, net::SocketAddr, path::PathBuf};

use fernet_follower::FollowerError;
use fernet_l1::{ConnectError, DeploymentError, StoreError, TxError};
use fernet_p2p::P2pError;
use fernet_prover::ProverError;
use fernet_roles::{JournalError, RoleError};
use fernet_sequencer::SequencerError;
use fernet_signers::SignerError;

use crate::lease::LeaseError;

/// Why a role's process can't start, or ends.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// Another process acts for the role, or the lease's file can't be used.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// A setting of the configuration can't be used.
    #[error("{setting}: {reason}")]
    Setting {
        /// The setting's name.
        setting: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A key can't be opened.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// A folder can't be used.
    #[error("{}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A port can't be opened.
    #[error("{setting}: could not listen on {address}: {source}")]
    Listen {
        /// The setting with the address.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The network can't be joined.
    #[error(transparent)]
    Network(#[from] P2pError),
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
