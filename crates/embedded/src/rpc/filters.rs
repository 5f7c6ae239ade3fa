//! Filters that a client polls.

use std::{collections::BTreeMap, sync::Arc};

use alloy::{
    primitives::{B256, U64},
    rpc::types::Filter,
};

use super::{Failure, Params, Reply, logs as log_query, reply};
use crate::{
    chain::{Chain, MinedBlock},
    node::Node,
};

/// Most filters at a time; the oldest makes room for a new one.
const LIMIT: usize = 1024;

#[derive(Clone, Debug)]
enum Kind {
    Blocks,
    Logs(Box<Filter>),
}

#[derive(Clone, Debug)]
struct Polled {
    kind: Kind,
    /// The newest block the client knows of.
    seen: B256,
}

/// The filters of a node.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    next: u64,
    polled: BTreeMap<u64, Polled>,
}

impl Filters {
    fn install(&mut self, kind: Kind, seen: B256) -> U64 {
        while self.polled.len() >= LIMIT {
            self.polled.pop_first();
        }
        self.next += 1;
        self.polled.insert(self.next, Polled { kind, seen });
        U64::from(self.next)
    }
}

fn not_found() -> Failure {
    Failure::server("filter not found")
}

fn id(params: &Params) -> Result<u64, Failure> {
    Ok(params.required::<U64>(0, "a filter id")?.to())
}

pub(super) fn new_filter(node: &Node, params: &Params) -> Reply {
    let filter: Filter = params.required(0, "a log filter")?;
    let head = node.head().hash;
    reply(&node.filters().install(Kind::Logs(Box::new(filter)), head))
}

pub(super) fn new_block_filter(node: &Node) -> Reply {
    let head = node.head().hash;
    reply(&node.filters().install(Kind::Blocks, head))
}

pub(super) fn uninstall(node: &Node, params: &Params) -> Reply {
    reply(&node.filters().polled.remove(&id(params)?).is_some())
}

pub(super) fn logs(node: &Node, params: &Params) -> Reply {
    let id = id(params)?;
    let filter = match node.filters().polled.get(&id) {
        Some(Polled { kind: Kind::Logs(filter), .. }) => filter.clone(),
        _ => return Err(not_found()),
    };
    reply(&node.read(|chain| log_query::query(chain, &filter))?)
}

/// The blocks that went and those that came since a block.
pub(super) fn since(chain: &Chain, seen: B256) -> (Vec<Arc<MinedBlock>>, Vec<Arc<MinedBlock>>) {
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
    (gone, came)
}

pub(super) fn changes(node: &Node, params: &Params) -> Reply {
    let id = id(params)?;
    let mut filters = node.filters();
    let polled = filters.polled.get_mut(&id).ok_or_else(not_found)?;
    let (gone, came, head) = node.read(|chain| {
        let (gone, came) = since(chain, polled.seen);
        (gone, came, chain.head().hash)
    });
    polled.seen = head;
    let kind = polled.kind.clone();
    drop(filters);
    match kind {
        Kind::Blocks => reply(&came.iter().map(|block| block.hash).collect::<Vec<_>>()),
        Kind::Logs(filter) => {
            let in_range = |block: &&Arc<MinedBlock>| filter.matches_block_range(block.number());
            let gone =
                gone.iter().filter(in_range).flat_map(|block| log_query::matching(block, &filter, true));
            let came =
                came.iter().filter(in_range).flat_map(|block| log_query::matching(block, &filter, false));
            reply(&gone.chain(came).collect::<Vec<_>>())
        }
    }
}
