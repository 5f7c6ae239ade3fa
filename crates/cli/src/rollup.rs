//! Where the rollup is: the arguments of every command that reads a deployment from L1.

use std::{env, path::PathBuf, sync::Arc};

use alloy::providers::Provider as _;
use clap::ValueEnum;
use color_eyre::eyre::{Result, WrapErr as _, bail, eyre};
use fernet_actions::L1Access;
use fernet_config::Network;
use fernet_devnet::options::find_root;
use fernet_l1::{
    BeaconBlobs, BlobSource, BlockIds, Deployment, DeploymentFile, L1Provider, Pool, connect_pool,
};
use url::Url;

use crate::settings;

/// How a blob endpoint names blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BlobIds {
    /// By the hash of the L1 block, as anvil and the embedded L1 do.
    Hash,
    /// By the slot, as beacon nodes do.
    Slot,
}

/// Where the rollup is.
#[derive(Debug, clap::Args)]
pub(crate) struct RollupArgs {
    /// JSON-RPC of the L1; several with commas in between [default: l1.rpc of the configuration]
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    rpc_url: Vec<Url>,
    /// Where blobs are: an endpoint with /eth/v1/beacon/blobs/{block} [default: l1.blobs, or the JSON-RPC's]
    #[arg(long, value_name = "URL")]
    blobs_url: Option<Url>,
    /// How that endpoint names blocks: beacon nodes by slot, anvil and the embedded L1 by hash
    /// [default: l1.blob_ids]
    #[arg(long, value_enum)]
    blob_ids: Option<BlobIds>,
    /// Deployment file [default: l1.deployment, or deployments/CHAIN_ID.json in the repository]
    #[arg(long, value_name = "FILE")]
    deployment: Option<PathBuf>,
}

/// What the arguments say, and the configuration where they don't.
#[derive(Debug)]
pub(crate) struct L1Settings {
    /// JSON-RPC endpoints, at least one.
    pub(crate) endpoints: Vec<Url>,
    /// Blob endpoint.
    pub(crate) blobs_url: Url,
    /// How it names blocks.
    pub(crate) blob_ids: BlockIds,
    /// Deployment file.
    pub(crate) deployment: Option<PathBuf>,
    /// Chain id of the network, if it has a name with one.
    pub(crate) chain_id: Option<u64>,
}

impl RollupArgs {
    /// Puts the arguments over the configuration.
    ///
    /// # Errors
    /// When neither names an endpoint.
    pub(crate) fn settings(&self) -> Result<L1Settings> {
        let config = settings::config()?;
        let endpoints = match self.rpc_url.as_slice() {
            [] => config.l1.rpc.iter().map(settings::resolve).collect::<Result<Vec<Url>>>()?,
            given => given.to_vec(),
        };
        let Some(first) = endpoints.first() else {
            bail!(
                "expected the L1: name it with --rpc-url, or with l1.rpc in the configuration (--config FILE)"
            );
        };
        // Blob endpoints of the configuration belong to its L1.
        let of_config = config.l1.blobs.first().filter(|_| self.rpc_url.is_empty());
        let blobs_url = match (&self.blobs_url, of_config) {
            (Some(url), _) => url.clone(),
            (None, Some(endpoint)) => settings::resolve(endpoint)?,
            (None, None) => first.clone(),
        };
        let blob_ids = match (self.blob_ids, config.l1.blob_ids) {
            (Some(BlobIds::Hash), _) | (None, fernet_config::BlobIds::Hash) => BlockIds::ExecutionHash,
            (Some(BlobIds::Slot), _) | (None, fernet_config::BlobIds::Slot) => BlockIds::BeaconSlot,
        };
        let deployment = self.deployment.clone().or_else(|| config.l1.deployment.clone());
        let chain_id = config.rollup.network.and_then(Network::chain_id);
        Ok(L1Settings { endpoints, blobs_url, blob_ids, deployment, chain_id })
    }
}

/// A deployment, and the ways to L1.
#[derive(Debug)]
pub(crate) struct Rollup {
    pub(crate) provider: L1Provider,
    pub(crate) deployment: Deployment,
    pub(crate) blobs: BeaconBlobs,
}

impl Rollup {
    /// Reads the deployment file, and compares it with L1.
    ///
    /// # Errors
    /// When L1 doesn't answer, or has something else at the deployment's addresses.
    pub(crate) async fn find(args: &RollupArgs) -> Result<Self> {
        let L1Settings { endpoints, blobs_url, blob_ids, deployment, chain_id } = args.settings()?;
        let provider = connect_pool(&Pool::of_urls(&endpoints)?);
        let actual = provider.get_chain_id().await?;
        if let Some(expected) = chain_id.filter(|expected| *expected != actual) {
            bail!("expected the L1 with chain id {expected}, which the network has, got chain id {actual}");
        }
        let file = match deployment {
            Some(file) => file,
            None => default_file(actual)?,
        };
        let deployment = Deployment::verify(DeploymentFile::read(&file)?, &provider)
            .await
            .wrap_err_with(|| format!("{} is not the deployment on this L1", file.display()))?;
        Ok(Self { provider, deployment, blobs: BeaconBlobs::new(blobs_url, blob_ids)? })
    }

    /// The deployment with its units, for commands that need no blobs.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub(crate) async fn access(args: &RollupArgs) -> Result<L1Access> {
        let rollup = Self::find(args).await?;
        Ok(L1Access::new(rollup.provider, rollup.deployment).await?)
    }

    /// The blob endpoint as a source.
    pub(crate) fn beacon(&self) -> Arc<dyn BlobSource> {
        Arc::new(self.blobs.clone())
    }
}

pub(crate) fn default_file(chain_id: u64) -> Result<PathBuf> {
    let root = find_root(&env::current_dir()?).ok_or_else(|| {
        eyre!(
            "this is not the Fernet repository (no script/Deploy.s.sol here or above): \
             name a --deployment file"
        )
    })?;
    Ok(root.join(format!("deployments/{chain_id}.json")))
}
