//! What the store needs of a view.

use std::sync::Arc;

use alloy::primitives::B256;

use super::{
    L1Head, RollupView, ViewConfig,
    mixes::Mixes,
    records::Queues,
    state::ViewState,
    written::{Restored, Written},
};

impl RollupView {
    /// The view that a store has. Says what contradicts what, if something does.
    pub(crate) fn restored(setup: ViewConfig, contents: Restored) -> Result<Self, String> {
        let Restored { state, before, mixes, deposits, exits, finalized, claims } = contents;
        let by_hash = finalized.iter().enumerate().map(|(at, block)| (block.header_hash, at)).collect();
        let mut view = Self {
            setup,
            state,
            before,
            mixes: Mixes::restored(mixes),
            queue: Queues::restored(deposits, exits),
            finalized,
            by_hash,
            claims,
            written: Written::default(),
        };
        let state = &view.state;
        let lengths = (view.queue.lengths(), view.finalized.len(), view.claims.len());
        if lengths != (state.queue, state.finalized, state.claims) {
            return Err(format!("lists of {lengths:?} entries don't belong to its state"));
        }
        let head = view.head().map(|head| head.number);
        let last = view.before.back().map(|(number, _)| *number);
        if last.is_some() && last != head {
            return Err(format!("its newest block is {head:?}, the newest that can be undone {last:?}"));
        }
        view.note_written();
        Ok(view)
    }

    /// Constants of the deployment.
    pub(crate) const fn setup(&self) -> &ViewConfig {
        &self.setup
    }

    /// The state after the newest block.
    pub(crate) const fn state(&self) -> &Arc<ViewState> {
        &self.state
    }

    /// How much is on disk.
    pub(crate) const fn written(&self) -> Written {
        self.written
    }

    /// Everything is on disk now.
    pub(crate) fn note_written(&mut self) {
        self.written = Written {
            block: self.head().map(|head| head.number),
            queue: self.state.queue,
            finalized: self.state.finalized,
            claims: self.state.claims,
        };
    }

    /// Headers and mixes of blocks from `first` on.
    pub(crate) fn mixes_from(&self, first: u64) -> impl Iterator<Item = &(L1Head, B256)> {
        self.mixes.from(first)
    }

    /// Number of the oldest header that is kept.
    pub(crate) fn oldest_mix(&self) -> Option<u64> {
        self.mixes.oldest()
    }

    /// Number of the oldest L1 block that can be undone; the highest number if there is none.
    pub(crate) fn oldest_undoable(&self) -> u64 {
        self.before.front().map_or(u64::MAX, |(number, _)| *number)
    }

    /// Number and hash of the remembered blocks, oldest first.
    pub(crate) fn remembered(&self) -> impl Iterator<Item = (u64, B256)> {
        let first = self.oldest_undoable();
        self.mixes.from(first).map(|(head, _)| (head.number, head.hash))
    }

    /// For each remembered block from `first` on: its number, and the states before and after it.
    pub(crate) fn steps_from(
        &self,
        first: u64,
    ) -> impl Iterator<Item = (u64, &Arc<ViewState>, &Arc<ViewState>)> {
        let start = self.before.partition_point(|(number, _)| *number < first);
        let after = self.before.range(start..).skip(1).map(|(_, state)| state);
        let after = after.chain(std::iter::once(&self.state));
        self.before.range(start..).zip(after).map(|((number, before), after)| (*number, before, after))
    }
}
