//! Why a devnet fails.

use std::{io, path::PathBuf};

use fernet_follower::FollowerError;
use fernet_l1::{ConnectError, DeploymentError};
use fernet_network::NetworkError;

use crate::{
    accounts::BadFunderKey, backend::BackendError, claim::ClaimError, deploy::DeployError,
    deployment_file::DeploymentFileError, fault::FaultError, gas::GasError, processes::ProcessError,
    roles::RolesError, setup::SetupError,
};

/// Why a devnet failed.
#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    /// The plan has a fault that can't happen.
    #[error(transparent)]
    Fault(#[from] FaultError),
    /// The L1.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The deployment script.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// The file that it writes.
    #[error(transparent)]
    DeploymentFile(#[from] DeploymentFileError),
    /// What it deployed.
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    /// The funder's key.
    #[error(transparent)]
    Funder(#[from] BadFunderKey),
    /// Registrations, bonds and deposits.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A role.
    #[error(transparent)]
    Roles(#[from] RolesError),
    /// A role's process.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Folders of the processes.
    #[error("{}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The processes don't find each other.
    #[error("expected {expected} processes in the network, found {found}")]
    NotConnected {
        /// Processes.
        expected: usize,
        /// Peers.
        found: usize,
    },
    /// The devnet can't join the network of the processes.
    #[error(transparent)]
    P2p(#[from] fernet_p2p::P2pError),
    /// Following the rollup.
    #[error(transparent)]
    Follower(#[from] FollowerError),
    /// The blob source.
    #[error(transparent)]
    Blobs(#[from] ConnectError),
    /// The roles' network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The claim at the end.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The gas of a transaction.
    #[error(transparent)]
    Gas(#[from] GasError),
    /// The contracts' balances.
    #[error("reading the token balances: {0}")]
    Balances(#[from] alloy::contract::Error),
    /// The proof cache.
    #[error("proof cache {}: {source}", path.display())]
    Cache {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
