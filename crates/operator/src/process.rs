//! What every role's process opens: its folder, the follower, and the archive of blobs.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use fernet_follower::{Follower, FollowerError, Snapshot};
use fernet_l1::{Accounts, ArchivedBlobs, BlobArchive, BlobSource, L1Provider, TxConfig, TxManager};
use fernet_network::Network;
use fernet_roles::{NetworkPeers, Storage};
use tokio::sync::Mutex;

use crate::{error::OperatorError, rollup::Rollup};

/// The lease's file in a folder.
pub const LEASE: &str = "lease";

/// Where a process keeps its files, and where it finds the data of blocks.
#[derive(Debug, Clone)]
pub struct Place {
    /// The folder. No other process uses it.
    pub folder: PathBuf,
    /// Blob archives of others, asked before the blob endpoints.
    pub files: Vec<PathBuf>,
    /// Snapshot to start from, where the folder has no state.
    pub snapshot: Option<PathBuf>,
    /// Whether the blobs of every block are kept.
    pub archive: Archive,
}

/// Whether the blobs of every block are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Archive {
    /// They are, in this folder.
    Kept(PathBuf),
    /// They aren't.
    None,
}

/// A process that is ready to run a role.
#[derive(Debug)]
pub struct Process {
    /// The rollup.
    pub rollup: Rollup,
    /// The rollup as seen from L1.
    pub follower: Arc<Mutex<Follower>>,
    /// Where roles keep their files.
    pub storage: Storage,
}

/// Makes a folder for a process, which only its owner can read.
///
/// # Errors
/// When the system refuses.
pub fn make_folder(folder: &Path) -> Result<(), OperatorError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(failed(folder))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> OperatorError {
    let path = path.to_owned();
    move |source| OperatorError::Folder { path, source }
}

impl Process {
    /// Opens what is in `place`. `network` gives the newest blocks' data.
    ///
    /// # Errors
    /// When a file can't be used, or belongs to another deployment.
    pub async fn open(
        rollup: Rollup,
        place: &Place,
        network: Arc<dyn Network>,
    ) -> Result<Self, OperatorError> {
        let storage = Storage::Folder(place.folder.clone());
        let mut sources: Vec<Arc<dyn BlobSource>> = Vec::new();
        for folder in &place.files {
            sources.push(Arc::new(BlobArchive::open(folder).map_err(failed(folder))?));
        }
        sources.extend(rollup.sources());
        let blobs = match &place.archive {
            Archive::Kept(folder) => {
                let archive = BlobArchive::create(folder).map_err(failed(folder))?;
                ArchivedBlobs::new(archive, sources)
            }
            Archive::None => ArchivedBlobs::unkept(sources),
        };
        let store = storage.follower().map_err(FollowerError::from)?;
        let mut follower =
            Follower::open(rollup.provider.clone(), &rollup.deployment, Arc::new(blobs), store)?;
        if let Some(folder) = place.snapshot.clone().filter(|_| follower.progress().height == 0) {
            // It takes all processors for seconds.
            let read = tokio::task::spawn_blocking(move || Snapshot::read(&folder)).await;
            let snapshot = match read {
                Ok(snapshot) => snapshot.map_err(FollowerError::from)?,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            };
            follower = follower.with_snapshot(snapshot)?;
        }
        follower.ask_peers(Arc::new(NetworkPeers::new(network)));
        Ok(Self { rollup, follower: Arc::new(Mutex::new(follower)), storage })
    }

    /// A manager of the transactions of `role` from `senders`.
    ///
    /// # Errors
    /// When its file can't be used.
    pub fn transactions(&self, role: &str, senders: Accounts) -> Result<TxManager, OperatorError> {
        let deployment = &self.rollup.deployment;
        let config = TxConfig::new(deployment.chain_id(), deployment.clock());
        let store = self.storage.transactions(role)?;
        Ok(TxManager::open(self.provider(), senders, store, config)?)
    }

    /// L1.
    #[must_use]
    pub fn provider(&self) -> L1Provider {
        self.rollup.provider.clone()
    }
}
