//! The loop over L1 blocks.

use std::sync::Arc;
use std::time::Duration;

use fernet_follower::Follower;
use fernet_l1::L1Block;
use tokio::sync::{Mutex, watch};

use crate::error::RoleError;

/// A driver that acts on L1 blocks, one after the other.
pub trait Role: Send {
    /// What it tells of a step.
    type Report: Send;
    /// Why a step failed.
    type Error: std::error::Error + From<RoleError> + Send;

    /// The rollup that it follows.
    fn follower(&self) -> Arc<Mutex<Follower>>;

    /// Does everything that a new L1 block makes possible.
    fn step(&mut self, block: &L1Block) -> impl Future<Output = Result<Self::Report, Self::Error>> + Send;

    /// Whether the next L1 block may mend an error.
    fn is_retryable(error: &Self::Error) -> bool;
}

/// Looks for a new L1 block every `pause` and steps with each, until `stop` says so or its sender is gone.
/// Troubles that the next block may mend are logged; `watch` sees every step.
///
/// # Errors
/// As [`Role::step`], but only what can't be retried.
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
                    tracing::warn!(%error, "step failed, is tried again")
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
    while !follower.poll().await?.is_empty() {}
    Ok(follower.head_block().cloned())
}
