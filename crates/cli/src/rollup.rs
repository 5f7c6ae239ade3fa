//! Where the rollup is: the arguments of every command that reads a deployment from L1.

use std::{env, path::PathBuf, sync::Arc};

use alloy::providers::Provider as _;
use clap::ValueEnum;
use color_eyre::eyre::{Result, WrapErr as _, eyre};
use fernet_actions::L1Access;
use fernet_devnet::options::find_root;
use fernet_l1::{
    BeaconBlobs, BlobSource, BlockIds, Deployment, DeploymentFile, L1Provider, Pool, connect_pool,
};
use url::Url;

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
    /// JSON-RPC of the L1; several with commas in between
    #[arg(long, value_name = "URL", value_delimiter = ',', required = true)]
    rpc_url: Vec<Url>,
    /// Where blobs are: an endpoint with /eth/v1/beacon/blobs/{block} [default: the first JSON-RPC's address]
    #[arg(long, value_name = "URL")]
    blobs_url: Option<Url>,
    /// How that endpoint names blocks: beacon nodes by slot, anvil and the embedded L1 by hash
    #[arg(long, value_enum, default_value_t = BlobIds::Hash)]
    blob_ids: BlobIds,
    /// Deployment file [default: deployments/CHAIN_ID.json in the repository]
    #[arg(long, value_name = "FILE")]
    deployment: Option<PathBuf>,
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
        let provider = connect_pool(&Pool::of_urls(&args.rpc_url)?);
        let file = match &args.deployment {
            Some(file) => file.clone(),
            None => default_file(provider.get_chain_id().await?)?,
        };
        let deployment = Deployment::verify(DeploymentFile::read(&file)?, &provider)
            .await
            .wrap_err_with(|| format!("{} is not the deployment on this L1", file.display()))?;
        let blobs_url = args.blobs_url.as_ref().or(args.rpc_url.first());
        let blobs_url = blobs_url.ok_or_else(|| eyre!("expected at least one --rpc-url"))?.clone();
        let ids = match args.blob_ids {
            BlobIds::Hash => BlockIds::ExecutionHash,
            BlobIds::Slot => BlockIds::BeaconSlot,
        };
        Ok(Self { provider, deployment, blobs: BeaconBlobs::new(blobs_url, ids)? })
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

fn default_file(chain_id: u64) -> Result<PathBuf> {
    let root = find_root(&env::current_dir()?).ok_or_else(|| {
        eyre!(
            "this is not the Fernet repository (no script/Deploy.s.sol here or above): \
             name a --deployment file"
        )
    })?;
    Ok(root.join(format!("deployments/{chain_id}.json")))
}
