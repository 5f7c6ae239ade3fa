//! What a devnet runs on: the L1, the deployment on it, the accounts, and what its roles share.

use std::{num::NonZero, path::Path, sync::Arc, thread::available_parallelism};

use fernet_circuit::{Prover, ProverKey};
use fernet_follower::{Follower, FollowerError};
use fernet_l1::{Deployment, DeploymentFile};
use fernet_prover::LocalWorker;
use fernet_roles::Storage;
use tokio::sync::Mutex;

use crate::{
    accounts::Accounts,
    backend::{L1Backend, Mining},
    blobs::L1Blobs,
    deploy::deploy,
    deployment_file::ReservedFile,
    endpoints::Endpoints,
    error::DevnetError,
    observer::Observer,
    options::{DevnetOptions, ProofSource},
    policies::RolePolicies,
    roles::RoleDeps,
    setup::{self, Setup},
    worker::SharedWorker,
};

/// The deployment's configuration: `script/config/devnet.json`.
const NETWORK: &str = "devnet";

/// A chain with a deployment on which all accounts are registered and funded.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) backend: Arc<L1Backend>,
    /// The roles' ways to it.
    pub(crate) endpoints: Endpoints,
    pub(crate) deployment: Deployment,
    pub(crate) accounts: Accounts,
    pub(crate) setup: Setup,
    pub(crate) follower: Arc<Mutex<Follower>>,
    pub(crate) blobs: L1Blobs,
    pub(crate) worker: Arc<SharedWorker>,
    /// The follower writes its state to disk.
    is_persistent: bool,
    deployment_file: ReservedFile,
}

impl Environment {
    /// Deploys on `backend`, and funds and registers the accounts.
    pub(crate) async fn new(
        backend: Arc<L1Backend>,
        options: &DevnetOptions,
        keys: Arc<ProverKey>,
        observer: &Observer,
    ) -> Result<Self, DevnetError> {
        let accounts = Accounts::new(options.seed, options.counts)?;
        observer.activity("deploying the contracts");
        let file = ReservedFile::reserve(&options.root, backend.chain_id(), backend.lifetime())?;
        backend.set_mining(Mining::EachTransaction).await?;
        deploy(&options.root, file.path(), &backend, NETWORK, options.scoring, &accounts.funder, observer)
            .await?;
        backend.set_mining(Mining::Stepwise).await?;
        file.mark()?;
        let deployment = Deployment::verify(DeploymentFile::read(file.path())?, backend.provider()).await?;
        tracing::info!(file = %file.path().display(), "deployed the contracts");

        observer.activity("registering sequencers, depositing bonds and tokens");
        let setup = setup::prepare(&backend, &deployment, &accounts).await?;
        let blobs = backend.blobs()?;
        let endpoints = Endpoints::new(backend.provider().clone(), options.endpoint_faults);
        let source = endpoints.blobs(Arc::new(blobs.clone()));
        let follower = Follower::new(endpoints.provider("follower"), &deployment, source)?.keeping_replayed();
        Ok(Self {
            backend,
            endpoints,
            deployment,
            accounts,
            setup,
            follower: Arc::new(Mutex::new(follower)),
            blobs,
            worker: worker(keys, &options.proofs)?,
            is_persistent: false,
            deployment_file: file,
        })
    }

    /// Makes the follower anew from what is in `storage`; the first time, has it write there.
    pub(crate) async fn restart_follower(&mut self, storage: &Storage) -> Result<(), DevnetError> {
        if matches!(storage, Storage::Memory) {
            return Ok(());
        }
        let mut follower = self.follower.lock().await;
        if self.is_persistent {
            follower.close_store();
            let source = self.endpoints.blobs(Arc::new(self.blobs.clone()));
            let provider = self.endpoints.provider("follower");
            let store = storage.follower().map_err(FollowerError::from)?;
            *follower = Follower::open(provider, &self.deployment, source, store)?.keeping_replayed();
        } else {
            follower.persist_to(storage.follower().map_err(FollowerError::from)?)?;
            self.is_persistent = true;
        }
        Ok(())
    }

    /// The deployment's file.
    pub(crate) fn deployment_path(&self) -> &Path {
        self.deployment_file.path()
    }

    /// What roles are made with.
    pub(crate) fn role_deps<'a>(
        &'a self,
        options: &DevnetOptions,
        policies: &'a dyn RolePolicies,
        storage: &'a Storage,
    ) -> RoleDeps<'a> {
        RoleDeps {
            endpoints: &self.endpoints,
            deployment: &self.deployment,
            accounts: &self.accounts,
            setup: &self.setup,
            follower: &self.follower,
            policies,
            storage,
            worker: &self.worker,
            sidecars: self.backend.sidecars().unwrap_or(options.sidecars),
            vote: options.vote,
            commitments: options.commitments,
        }
    }
}

fn worker(keys: Arc<ProverKey>, proofs: &ProofSource) -> Result<Arc<SharedWorker>, DevnetError> {
    let threads = available_parallelism().map_or(1, NonZero::get);
    let local = LocalWorker::new(Arc::new(Prover::new(keys)), threads);
    let cache = match proofs {
        ProofSource::Made => None,
        ProofSource::Cached(folder) => Some(folder.clone()),
    };
    let path = cache.clone().unwrap_or_default();
    let worker = SharedWorker::new(Arc::new(local), cache);
    worker.map(Arc::new).map_err(|source| DevnetError::Cache { path, source })
}
