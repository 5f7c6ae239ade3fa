//! The loop over L1 blocks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fernet_follower::Follower;
use fernet_l1::L1Block;
use fernet_protocol::L1Slot;
use tokio::sync::{Mutex, watch};

use crate::error::RoleError;
use crate::report::Report;
use crate::snapshot::caught_up;
use crate::watchdog::Watchdog;

/// A driver that acts at every L1 block.
pub trait Role: Send {
    /// What the role did in a step.
    type Report: Report;
    /// Why a step fails.
    type Error: std::error::Error + From<RoleError> + Send;

    /// The follower that the role uses.
    fn follower(&self) -> Arc<Mutex<Follower>>;

    /// Does everything that a new L1 block makes possible.
    fn step(&mut self, block: &L1Block) -> impl Future<Output = Result<Self::Report, Self::Error>> + Send;

    /// Closes the windows of transactions that are over in L1 slot `now`, while L1 shows no new block.
    fn close_windows(&mut self, now: L1Slot) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Whether the step may succeed at a later L1 block.
    fn is_retryable(error: &Self::Error) -> bool;

    /// Whether an endpoint of the L1 failed, so that the step may succeed at once.
    fn is_of_l1(error: &Self::Error) -> bool;
}

/// Most doublings of the pause while an endpoint of the L1 fails.
const LONGEST_PAUSE: u32 = 3;
/// Steps at the same block that are made one after the other while an endpoint of the L1 fails.
const STEPS_AT_ONCE: u32 = 25;

/// Makes a step with an L1 block, and makes it again while an endpoint of the L1 fails, at most some dozen
/// times: what isn't done now may be too late at the next block. Returns the reports as one.
///
/// # Errors
/// As [`Role::step`]. A retryable error comes back if it lasts.
pub async fn step_until_answered<R: Role>(role: &mut R, block: &L1Block) -> Result<R::Report, R::Error> {
    let mut made: Option<R::Report> = None;
    let mut attempt = 0;
    loop {
        attempt += 1;
        match role.step(block).await {
            Ok(report) => {
                let is_over = !report.l1_failed() || attempt >= STEPS_AT_ONCE;
                let report = match made.take() {
                    Some(before) => before.followed_by(report),
                    None => report,
                };
                if is_over {
                    return Ok(report);
                }
                made = Some(report);
            }
            Err(error) if R::is_retryable(&error) && R::is_of_l1(&error) && attempt < STEPS_AT_ONCE => {
                tracing::debug!(%error, attempt, "step failed, it is made again");
            }
            Err(error) => return Err(error),
        }
    }
}

/// Looks for a new L1 block every `pause`, and makes a step with each, until `stop` becomes true or its
/// sender is dropped. Retryable errors are logged, and the step is made again after a pause, also if its
/// report says that an endpoint of the L1 failed. `watch` receives the report of every step.
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
    let mut failures = 0_u32;
    let follower = role.follower();
    let slot = Duration::from_secs(follower.lock().await.clock().slot_seconds());
    let mut watchdog = Watchdog::new(slot, Instant::now());
    while !*stop.borrow_and_update() {
        // A catch-up takes a while. It can be dropped at any moment: the next one goes on.
        let head = tokio::select! {
            head = head(&follower) => head,
            changed = stop.changed() => if changed.is_err() { break } else { continue },
        };
        let newest = head.as_ref().ok().and_then(|block| block.as_ref()).map(|block| block.hash);
        if let Some(still) = watchdog.check(newest.or(last), Instant::now()) {
            tracing::error!(seconds = still.as_secs(), "no new l1 block: the endpoints or l1 stand still");
            let seen = follower.lock().await.view().head();
            // Time passes on L1 whether this client sees it or not. It is counted from the newest block, so
            // the system's clock doesn't matter.
            if let Some(head) = seen {
                let passed = still.as_secs().checked_div(slot.as_secs()).unwrap_or_default();
                role.close_windows(head.l1_slot.plus(passed)).await?;
            }
        }
        match head {
            Ok(Some(block)) if last != Some(block.hash) => match role.step(&block).await {
                Ok(report) => {
                    failures = if report.l1_failed() { failures.saturating_add(1) } else { 0 };
                    if failures == 0 {
                        last = Some(block.hash);
                    }
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
            () = tokio::time::sleep(pause.saturating_mul(1 << failures.min(LONGEST_PAUSE))) => {}
        }
    }
    Ok(())
}

/// The newest L1 block.
async fn head(follower: &Arc<Mutex<Follower>>) -> Result<Option<Arc<L1Block>>, RoleError> {
    Ok(caught_up(follower).await?.head_block().cloned())
}
