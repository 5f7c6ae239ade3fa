//! What moves a node's clock, and what holds it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

/// What moves a node's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// Nothing: slots pass when somebody calls [`Node::mine_slot`], [`Node::next_slot`] or `fernet_mine`.
    ///
    /// [`Node::mine_slot`]: crate::Node::mine_slot
    /// [`Node::next_slot`]: crate::Node::next_slot
    #[default]
    Manual,
    /// Real time: a slot every so often, later if a [`WorkGuard`] is held then.
    Interval(Duration),
    /// As fast as the work allows: a slot whenever no [`WorkGuard`] is held, but no two within this time.
    Fast(Duration),
}

/// Counts the guards that hold the clock.
#[derive(Debug, Default)]
pub(crate) struct Work {
    guards: AtomicUsize,
    idle: Notify,
}

impl Work {
    /// Waits until no guard is held.
    pub(crate) async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            if self.guards.load(Ordering::SeqCst) == 0 {
                return;
            }
            idle.await;
        }
    }
}

/// While one of these exists, the clock stands still: its holder has work to do in the current slot.
/// A run is thus the same on a slow machine as on a fast one.
#[derive(Debug)]
pub struct WorkGuard(Arc<Work>);

impl WorkGuard {
    pub(crate) fn new(work: &Arc<Work>) -> Self {
        work.guards.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(work))
    }
}

impl Clone for WorkGuard {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for WorkGuard {
    fn drop(&mut self) {
        if self.0.guards.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}
