//! The rollup at an L1 block, as every role sees it.

use std::sync::Arc;

use fernet_follower::{Follower, FollowerError, Ledger, SlotView, Tip};
use fernet_l1::L1Block;
use fernet_protocol::{L1Slot, Rates};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::error::RoleError;

/// Whether the L2 state after the tip is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParentState {
    /// The follower has executed the tip.
    Known,
    /// The follower has not executed the tip yet.
    Missing,
}

/// The facts of an L1 block that every role needs.
#[derive(Debug, Clone)]
pub struct ChainSnapshot {
    /// L1 slot of the newest L1 block.
    pub now: L1Slot,
    /// The slot in turn in the L1 slot after `now`, which is the first in which a transaction can land.
    pub next: SlotView,
    /// Rates of that slot's block.
    pub rates: Rates,
    /// The last finalized block.
    pub tip: Tip,
    /// Whether a block can be built or executed on the tip.
    pub parent_state: ParentState,
}

impl ChainSnapshot {
    /// The snapshot at the follower's newest L1 block; `None` before the deployment.
    #[must_use]
    pub fn at(follower: &Follower) -> Option<Self> {
        let view = follower.view();
        let now = view.head()?.l1_slot;
        let parent_state = match follower.ledger_at_tip() {
            Some(_) => ParentState::Known,
            None => ParentState::Missing,
        };
        let next = view.slot(now.plus(1));
        Some(Self { now, rates: view.rates(next.slot)?, next, tip: *view.tip(), parent_state })
    }

    /// The first L1 slot in which a transaction can land.
    #[must_use]
    pub fn next_l1_slot(&self) -> L1Slot {
        self.now.plus(1)
    }
}

/// The follower at the head of L1. While it catches up, others get it between two polls.
///
/// # Errors
/// When L1 can't be followed.
pub async fn caught_up(follower: &Arc<Mutex<Follower>>) -> Result<OwnedMutexGuard<Follower>, FollowerError> {
    loop {
        let mut guard = Arc::clone(follower).lock_owned().await;
        guard.poll().await?;
        if !guard.has_more() {
            return Ok(guard);
        }
        drop(guard);
        tokio::task::yield_now().await;
    }
}

/// Polls if the follower isn't at `block`, or if its ledger is behind the tip.
///
/// # Errors
/// When L1 can't be followed.
pub async fn follow(
    follower: &Arc<Mutex<Follower>>,
    block: &L1Block,
) -> Result<OwnedMutexGuard<Follower>, RoleError> {
    let guard = Arc::clone(follower).lock_owned().await;
    let is_seen = guard.view().head().is_some_and(|head| head.hash == block.hash);
    if is_seen && guard.ledger_at_tip().is_some() {
        return Ok(guard);
    }
    drop(guard);
    Ok(caught_up(follower).await?)
}

/// The L2 state after the tip.
///
/// # Errors
/// When the follower hasn't executed the tip yet.
pub fn ledger_at_tip(follower: &Follower) -> Result<&Arc<Ledger>, RoleError> {
    let tip = follower.view().tip();
    follower.ledger_at_tip().ok_or(RoleError::StateMissing { slot: tip.slot })
}
