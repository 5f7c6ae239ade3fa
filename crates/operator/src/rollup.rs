//! The rollup of a process: its deployment, the ways to L1, and the sources of blobs.

use std::{path::PathBuf, sync::Arc, time::Duration};

use fernet_l1::{
    BeaconBlobs, BlobSource, BlockIds, Deployment, DeploymentFile, L1Provider, Pool, connect_pool,
};
use fernet_roles::Shutdown;
use tokio::sync::watch;
use url::Url;

use crate::error::OperatorError;

/// First pause after L1 couldn't be asked for the deployment. It doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Where L1 and the deployment are.
#[derive(Debug, Clone)]
pub struct L1Options {
    /// JSON-RPC endpoints of one L1, at least one.
    pub endpoints: Vec<Url>,
    /// Blob endpoints, asked in this order. Without one, the first JSON-RPC endpoint is asked by block hash.
    pub blobs: Vec<(Url, BlockIds)>,
    /// The deployment file.
    pub deployment: PathBuf,
}

/// A deployment that was compared with L1, and the ways to L1.
#[derive(Debug)]
pub struct Rollup {
    /// The endpoints.
    pub pool: Pool,
    /// All of them as one.
    pub provider: L1Provider,
    /// The deployment.
    pub deployment: Deployment,
    /// The blob endpoints.
    pub blobs: Vec<BeaconBlobs>,
}

impl Rollup {
    /// Reads the deployment file and compares it with L1. While L1 can't be asked, it is asked again: a role
    /// may have a bond out, so it doesn't give up. `None` if it is asked to end meanwhile.
    ///
    /// # Errors
    /// When an address or the file can't be used, or L1 has something else at the deployment's addresses.
    pub async fn connect(
        options: &L1Options,
        shutdown: &mut watch::Receiver<Shutdown>,
    ) -> Result<Option<Self>, OperatorError> {
        let pool = Pool::of_urls(&options.endpoints)?;
        let provider = connect_pool(&pool);
        let by_hash = options.endpoints.first().map(|url| (url.clone(), BlockIds::ExecutionHash));
        let endpoints = match options.blobs.as_slice() {
            [] => by_hash.into_iter().collect(),
            given => given.to_vec(),
        };
        let blobs = endpoints.into_iter().map(|(url, ids)| BeaconBlobs::new(url, ids));
        let blobs = blobs.collect::<Result<Vec<_>, _>>()?;
        let file = DeploymentFile::read(&options.deployment)?;
        let mut pause = FIRST_PAUSE;
        loop {
            let verified = tokio::select! {
                verified = Deployment::verify(file.clone(), &provider) => verified,
                () = asked_to_end(shutdown) => return Ok(None),
            };
            match verified {
                Ok(deployment) => return Ok(Some(Self { pool, provider, deployment, blobs })),
                Err(error) if error.is_retryable() => {
                    tracing::warn!(
                        code = "OPR-001", %error,
                        "l1 can't be asked for the deployment, it is asked again"
                    );
                }
                Err(error) => return Err(error.into()),
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = pause.saturating_mul(2).min(LONGEST_PAUSE),
                () = asked_to_end(shutdown) => return Ok(None),
            }
        }
    }

    /// The blob endpoints as sources.
    #[must_use]
    pub fn sources(&self) -> Vec<Arc<dyn BlobSource>> {
        self.blobs.iter().map(|blobs| Arc::new(blobs.clone()) as Arc<dyn BlobSource>).collect()
    }
}

/// Waits until the process is asked to end. Before a role runs, nothing is outstanding that ending loses.
pub(crate) async fn asked_to_end(shutdown: &mut watch::Receiver<Shutdown>) {
    // The end of the sender is a request too.
    let _ = shutdown.wait_for(|asked| *asked != Shutdown::None).await;
}
