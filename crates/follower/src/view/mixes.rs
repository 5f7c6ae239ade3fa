//! RANDAO mixes from block headers.

use std::collections::VecDeque;

use alloy::primitives::B256;
use fernet_l1::L1Block;
use fernet_protocol::{L1Slot, PROVABLE_L1_SLOTS};

use super::records::L1Head;

/// Number of headers kept: twice the reach of a header proof. No seed is older than that reach; the rest is
/// for rollbacks.
const REMEMBERED: usize = 2 * PROVABLE_L1_SLOTS as usize;

/// Mixes of the newest headers, oldest first, without gaps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mixes {
    blocks: VecDeque<(L1Head, B256)>,
}

/// A mix and the block whose header has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MixAt {
    pub(crate) mix: B256,
    /// Number of the first block after the target.
    pub(crate) child: u64,
}

impl Mixes {
    /// Headers and mixes in a row, oldest first.
    pub(crate) fn restored(blocks: VecDeque<(L1Head, B256)>) -> Self {
        Self { blocks }
    }

    /// Headers and mixes of blocks from `first` on.
    pub(crate) fn from(&self, first: u64) -> impl Iterator<Item = &(L1Head, B256)> {
        let start = self.blocks.partition_point(|(head, _)| head.number < first);
        self.blocks.range(start..)
    }

    /// Number of the oldest header.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.blocks.front().map(|(head, _)| head.number)
    }

    pub(crate) fn push(&mut self, block: &L1Block) {
        let head = L1Head { number: block.number, hash: block.hash, l1_slot: block.l1_slot };
        self.blocks.push_back((head, block.header.mix_hash));
        if self.blocks.len() > REMEMBERED {
            self.blocks.pop_front();
        }
    }

    /// Removes blocks above `to`.
    pub(crate) fn truncate(&mut self, to: u64) {
        while self.blocks.back().is_some_and(|(head, _)| head.number > to) {
            self.blocks.pop_back();
        }
    }

    pub(crate) fn head(&self) -> Option<L1Head> {
        self.blocks.back().map(|(head, _)| *head)
    }

    /// The header of a block; `None` if it isn't remembered.
    pub(crate) fn header(&self, number: u64) -> Option<L1Head> {
        let at = self.blocks.binary_search_by_key(&number, |(head, _)| head.number).ok()?;
        self.blocks.get(at).map(|(head, _)| *head)
    }

    /// The mix as of the end of `target`: that of the first block after it. `None` if there is no such block
    /// yet, or if the block before it isn't known.
    pub(crate) fn at(&self, target: L1Slot) -> Option<MixAt> {
        let after = self.blocks.partition_point(|(head, _)| head.l1_slot <= target);
        after.checked_sub(1)?;
        let (child, mix) = self.blocks.get(after)?;
        Some(MixAt { mix: *mix, child: child.number })
    }
}
