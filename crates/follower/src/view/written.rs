//! How much of a view is on disk, and what a view is made from.

use std::{collections::VecDeque, sync::Arc};

use alloy::primitives::B256;
use fernet_protocol::Lane;

use super::{
    records::{FinalizedBlock, L1Head, QueueLengths, QueueRecord, WithdrawalClaim},
    state::ViewState,
};

/// How much of a view is on disk. What follows is to be replaced.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    /// The newest L1 block.
    pub(crate) block: Option<u64>,
    pub(super) queue: QueueLengths,
    pub(crate) finalized: usize,
    pub(crate) claims: usize,
}

impl Written {
    /// Entries of a lane's queue that are on disk.
    pub(crate) const fn queue(&self, lane: Lane) -> usize {
        self.queue.of(lane)
    }

    /// The blocks above `to` were undone, which led to `state`.
    pub(super) fn roll_back(&mut self, to: u64, state: &ViewState) {
        self.block = self.block.map(|block| block.min(to));
        self.queue = self.queue.min(state.queue);
        self.finalized = self.finalized.min(state.finalized);
        self.claims = self.claims.min(state.claims);
    }
}

/// What a store has of a view.
#[derive(Debug)]
pub(crate) struct Restored {
    pub(crate) state: Arc<ViewState>,
    /// Number of each remembered block, oldest first, with the state before it.
    pub(crate) before: VecDeque<(u64, Arc<ViewState>)>,
    pub(crate) mixes: VecDeque<(L1Head, B256)>,
    pub(crate) deposits: Vec<QueueRecord>,
    pub(crate) exits: Vec<QueueRecord>,
    pub(crate) finalized: Vec<FinalizedBlock>,
    pub(crate) claims: Vec<WithdrawalClaim>,
}
