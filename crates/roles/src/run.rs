//! The loop over L1 blocks.

use std::sync::Arc;
use std::time::Duration;

use fernet_follower::Follower;
use fernet_l1::L1Block;
use tokio::sync::{Mutex, watch};

use crate::error::RoleError;
use crate::snapshot::poll_to_head;

/// A driver that acts at every L1 block.
pub trait Role: Send {
    /// What the role did in a step.
    type Report: Send;
    /// Why a step fails.
    type Error: std::error::Error + From<RoleError> + Send;

    /// The follower that the role uses.
    fn follower(&self) -> Arc<Mutex<Follower>>;

    /// Does everything that a new L1 block makes possible.
    fn step(&mut self, block: &L1Block) -> impl Future<Output = Result<Self::Report, Self::Error>> + Send;

    /// Whether the step may succeed at a later L1 block.
    fn is_retryable(error: &Self::Error) -> bool;
}

/// Looks for a new L1 block every `pause`, and makes a step with each, until `stop` becomes true or its
/// sender is dropped. Retryable errors are logged. `watch` receives the report of every step.
///
/// # Errors
/// With the first error that isn't retryable.
pub async fn run<R: Role>(
    role: &mut R,
    pause: Duration,
    mut stop: watch::Receiver<bool>,
    mut watch: impl FnMut(&L1Block, R::Report),
) -> Result<(), R::Error> {
    let mut last = None;
    let follower = role.follower();
    while !*stop.borrow_and_update() {
        match head(&follower).await {
            Ok(Some(block)) if last != Some(block.hash) => match role.step(&block).await {
                Ok(report) => {
                    last = Some(block.hash);
                    watch(&block, report);
                }
                Err(error) if R::is_retryable(&error) => {
                    tracing::warn!(%error, "step failed, it is tried again");
                }
                Err(error) => return Err(error),
            },
            Ok(_) => {}
            Err(error) if error.is_retryable() => tracing::warn!(%error, "l1 can't be followed now"),
            Err(error) => return Err(error.into()),
        }
        tokio::select! {
            changed = stop.changed() => if changed.is_err() { break },
            () = tokio::time::sleep(pause) => {}
        }
    }
    Ok(())
}

/// The newest L1 block.
async fn head(follower: &Mutex<Follower>) -> Result<Option<Arc<L1Block>>, RoleError> {
    let mut follower = follower.lock().await;
    poll_to_head(&mut follower).await?;
    Ok(follower.head_block().cloned())
}
