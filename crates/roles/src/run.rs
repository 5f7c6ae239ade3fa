//! The loop over L1 blocks.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fernet_follower::Follower;
use fernet_l1::L1Block;
use fernet_protocol::L1Slot;
use tokio::sync::{Mutex, watch};

use crate::error::RoleError;
use crate::report::Report;
use crate::shutdown::{Outstanding, Shutdown};
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

    /// Takes no new work from now on, because the process ends. What is outstanding goes on.
    fn finish(&mut self) -> impl Future<Output = ()> + Send;

    /// What is lost if the process ends now and doesn't start again in time, as of the last step.
    fn outstanding(&mut self) -> impl Future<Output = Vec<Outstanding>> + Send;

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

/// Looks for a new L1 block every `pause`, but not in an L1 slot whose block is known, and makes a step with
/// each, until `shutdown` or the drop of its sender ends it. [`Shutdown::WhenFinished`] ends it after a step
/// that tells that nothing is outstanding. Retryable errors are logged. Then the step is made again after a
/// pause, also if its report says that an endpoint of the L1 failed. `watch` receives the block, the follower
/// and the report of every step.
///
/// # Errors
/// With the first error that isn't retryable.
pub async fn run<R: Role>(
    role: &mut R,
    pause: Duration,
    mut shutdown: watch::Receiver<Shutdown>,
    mut watch: impl FnMut(&L1Block, &Follower, R::Report),
) -> Result<(), R::Error> {
    let mut last = None;
    let mut failures = 0_u32;
    let follower = role.follower();
    let slot = Duration::from_secs(follower.lock().await.clock().slot_seconds());
    let mut watchdog = Watchdog::new(slot, Instant::now());
    let mut ending: Option<Ending> = None;
    loop {
        match *shutdown.borrow_and_update() {
            Shutdown::None => {}
            Shutdown::WhenFinished if ending.is_none() => {
                role.finish().await;
                ending = Some(Ending::default());
            }
            Shutdown::WhenFinished => {}
            Shutdown::Now => break,
        }
        // A catch-up takes a while. It can be dropped at any moment: the next one goes on.
        let head = tokio::select! {
            head = head(&follower) => head,
            changed = shutdown.changed() => if changed.is_err() { break } else { continue },
        };
        let newest = head.as_ref().ok().and_then(|block| block.as_ref()).map(|block| block.hash);
        if let Some(still) = watchdog.check(newest.or(last), Instant::now()) {
            tracing::error!(
                code = "ROLE-002",
                seconds = still.as_secs(),
                "no new l1 block: the endpoints or l1 stand still"
            );
            let seen = follower.lock().await.view().head();
            // Time passes on L1 whether this client sees it or not. It is counted from the newest block, so
            // the system's clock doesn't matter.
            if let Some(head) = seen {
                let passed = still.as_secs().checked_div(slot.as_secs()).unwrap_or_default();
                role.close_windows(head.l1_slot.plus(passed)).await?;
            }
        }
        // Timestamp of a block for which nothing is left to do.
        let mut made = None;
        match head {
            Ok(Some(block)) if last != Some(block.hash) => match role.step(&block).await {
                Ok(report) => {
                    failures = if report.l1_failed() { failures.saturating_add(1) } else { 0 };
                    if failures == 0 {
                        last = Some(block.hash);
                        made = Some(block.header.timestamp);
                    }
                    watch(&block, &*follower.lock().await, report);
                    if let Some(ending) = &mut ending
                        && ending.is_over(role.outstanding().await)
                    {
                        break;
                    }
                }
                Err(error) if R::is_retryable(&error) => {
                    tracing::warn!(code = "ROLE-003", %error, "step failed, it is tried again");
                }
                Err(error) => return Err(error),
            },
            Ok(head) => made = head.map(|block| block.header.timestamp),
            Err(error) if error.is_retryable() => {
                tracing::warn!(code = "ROLE-004", %error, "l1 can't be followed now")
            }
            Err(error) => return Err(error.into()),
        }
        // Blobs of a finalized block may be missing: then every look tries them again.
        let is_executed = follower.lock().await.ledger_at_tip().is_some();
        let wait = match made.filter(|_| is_executed) {
            Some(timestamp) => until_next(timestamp, slot, now(), pause),
            None => pause.saturating_mul(1 << failures.min(LONGEST_PAUSE)),
        };
        tokio::select! {
            changed = shutdown.changed() => {
                if changed.is_err() {
                    break;
                }
                // The end needs a step of its own, also at a block that is known.
                last = None;
            }
            () = tokio::time::sleep(wait) => {}
        }
    }
    Ok(())
}

/// A role that takes no new work.
#[derive(Debug, Default)]
struct Ending {
    /// What was outstanding at the last step.
    outstanding: Option<Vec<Outstanding>>,
}

impl Ending {
    /// Whether nothing is outstanding. What is, is logged when it changes.
    fn is_over(&mut self, outstanding: Vec<Outstanding>) -> bool {
        let is_over = outstanding.is_empty();
        if !is_over && self.outstanding.as_ref() != Some(&outstanding) {
            let first = outstanding.first().map(ToString::to_string).unwrap_or_default();
            tracing::info!(count = outstanding.len(), first, "the role ends when this is finished");
        }
        self.outstanding = Some(outstanding);
        is_over
    }
}

/// Time since 1970.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// How long there is no need to look for a block after one with this timestamp, whose step is made: the next
/// one belongs to a later L1 slot. The last `pause` of the L1 slot isn't waited for, because clocks differ.
/// It is `pause` on an L1 whose time isn't the system's, and when a block is late.
fn until_next(timestamp: u64, slot: Duration, now: Duration, pause: Duration) -> Duration {
    let begins = Duration::from_secs(timestamp);
    let rest = begins.saturating_add(slot).saturating_sub(now);
    if now < begins { pause } else { rest.saturating_sub(pause).max(pause) }
}

/// The newest L1 block.
async fn head(follower: &Arc<Mutex<Follower>>) -> Result<Option<Arc<L1Block>>, RoleError> {
    Ok(caught_up(follower).await?.head_block().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_looks_for_a_block_in_an_l1_slot_that_has_one() {
        let (slot, pause) = (Duration::from_secs(12), Duration::from_secs(1));
        let until = |now: f64| until_next(1_200, slot, Duration::from_secs_f64(now), pause).as_secs_f64();
        // Until one pause before the next L1 slot.
        assert_eq!([1_200.0, 1_202.5, 1_209.9].map(until).map(f64::round), [11.0, 9.0, 1.0]);
        // The next block may come, or is late, or it is missing.
        assert_eq!([1_210.5, 1_212.0, 1_213.0, 5_000.0].map(until), [1.0; 4]);
        // The L1's time is ahead of the system's, or centuries behind.
        assert_eq!([0.0, 1_199.9].map(until), [1.0; 2]);
        assert_eq!(until_next(u64::MAX, slot, Duration::from_secs(1), pause), pause);
        // An L1 slot is shorter than the pause.
        let short = Duration::from_millis(200);
        assert_eq!(until_next(1_200, short, Duration::from_secs(1_200), pause), pause);
    }
}
