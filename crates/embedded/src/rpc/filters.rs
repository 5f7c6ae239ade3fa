//! `eth_new…Filter` and `eth_getFilterChanges`: filters that a client polls.

use alloy::{primitives::U64, rpc::types::Filter};

use super::{
    logs as log_query,
    message::{Failure, Params, Reply, reply},
    views,
};
use crate::{
    filters::{Changes, Polled},
    node::Node,
};

fn not_found() -> Failure {
    Failure::server("filter not found")
}

fn id(params: &Params) -> Result<u64, Failure> {
    Ok(params.required::<U64>(0, "a filter id")?.to())
}

fn install(node: &Node, polled: Polled) -> Reply {
    reply(&U64::from(node.filters().install(polled)))
}

pub(super) fn new_filter(node: &Node, params: &Params) -> Reply {
    let filter: Box<Filter> = params.required(0, "a log filter")?;
    install(node, Polled::Logs { filter, seen: node.head().hash })
}

pub(super) fn new_block_filter(node: &Node) -> Reply {
    install(node, Polled::Blocks { seen: node.head().hash })
}

pub(super) fn new_transaction_filter(node: &Node, params: &Params) -> Reply {
    let full = params.optional(0, "true for full transactions")?.unwrap_or_default();
    install(node, Polled::Transactions { seen: node.read(|chain| chain.arrivals()), full })
}

pub(super) fn uninstall(node: &Node, params: &Params) -> Reply {
    reply(&node.filters().uninstall(id(params)?))
}

pub(super) fn logs(node: &Node, params: &Params) -> Reply {
    let filter = match node.filters().get(id(params)?) {
        Some(Polled::Logs { filter, .. }) => filter.clone(),
        _ => return Err(not_found()),
    };
    reply(&node.read(|chain| log_query::query(chain, &filter))?)
}

pub(super) fn changes(node: &Node, params: &Params) -> Reply {
    let mut filters = node.filters();
    match filters.get_mut(id(params)?).ok_or_else(not_found)? {
        Polled::Transactions { seen, full } => node.read(|chain| {
            let new = chain.arrived_since(*seen);
            *seen = chain.arrivals();
            if *full {
                let transactions = new.iter().filter_map(|hash| views::by_hash(chain, *hash));
                return reply(&transactions.collect::<Vec<_>>());
            }
            reply(&new)
        }),
        Polled::Blocks { seen } => {
            let changes = node.read(|chain| Changes::since(chain, *seen));
            *seen = changes.head;
            reply(&changes.came.iter().map(|block| block.hash).collect::<Vec<_>>())
        }
        Polled::Logs { filter, seen } => {
            let changes = node.read(|chain| Changes::since(chain, *seen));
            *seen = changes.head;
            let filter = filter.clone();
            drop(filters);
            reply(&log_query::changed(&changes, &filter).collect::<Vec<_>>())
        }
    }
}
