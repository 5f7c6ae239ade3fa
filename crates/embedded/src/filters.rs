//! What a client that polls has seen already.

use std::{collections::BTreeMap, sync::Arc};

use alloy::{primitives::B256, rpc::types::Filter};

use crate::{block::MinedBlock, chain::Chain};

/// Most filters at a time; the oldest makes room for a new one.
const LIMIT: usize = 1024;

/// What a filter waits for, and from where on.
#[derive(Clone, Debug)]
pub(crate) enum Polled {
    /// Blocks after the one with this hash.
    Blocks { seen: B256 },
    /// Logs of the blocks after the one with this hash.
    Logs { filter: Box<Filter>, seen: B256 },
    /// Transactions that entered the pool after so many others, in full or their hashes.
    Transactions { seen: u64, full: bool },
}

/// The filters of a node.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    last: u64,
    polled: BTreeMap<u64, Polled>,
}

impl Filters {
    /// Adds a filter and returns its id; ids start at 1.
    pub(crate) fn install(&mut self, polled: Polled) -> u64 {
        while self.polled.len() >= LIMIT {
            self.polled.pop_first();
        }
        self.last += 1;
        self.polled.insert(self.last, polled);
        self.last
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Polled> {
        self.polled.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Polled> {
        self.polled.get_mut(&id)
    }

    /// Removes a filter; false if there was none.
    pub(crate) fn uninstall(&mut self, id: u64) -> bool {
        self.polled.remove(&id).is_some()
    }
}

/// The blocks that went and those that came since a block.
#[derive(Debug)]
pub(crate) struct Changes {
    /// Newest first.
    pub(crate) gone: Vec<Arc<MinedBlock>>,
    /// Oldest first.
    pub(crate) came: Vec<Arc<MinedBlock>>,
    /// The newest block.
    pub(crate) head: B256,
}

impl Changes {
    pub(crate) fn since(chain: &Chain, seen: B256) -> Self {
        let mut gone = Vec::new();
        let mut cursor = chain.block_by_hash(seen);
        let ancestor = loop {
            let Some(block) = cursor else { break None };
            if chain.block(block.number()).is_some_and(|canonical| canonical.hash == block.hash) {
                break Some(block.number());
            }
            gone.push(Arc::clone(block));
            cursor = chain.block_by_hash(block.header.parent_hash);
        };
        // a block that is forgotten altogether leaves nothing to start from
        let first = ancestor.unwrap_or_else(|| chain.head().number());
        let came =
            (first + 1..=chain.head().number()).filter_map(|number| chain.block(number)).cloned().collect();
        Self { gone, came, head: chain.head().hash }
    }
}
