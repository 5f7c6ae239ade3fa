//! `txpool_`: the transactions that wait, by sender and nonce.

use std::collections::BTreeMap;

use alloy::{
    consensus::Transaction as _,
    primitives::{Address, U64},
};
use serde::Serialize;
use serde_json::json;

use super::{
    message::{Params, Reply, reply},
    views,
};
use crate::{chain::Chain, mempool::PooledTransaction, node::Node};

/// Transactions by sender and nonce, nonces in decimals as geth writes them.
type BySender<T> = BTreeMap<Address, BTreeMap<String, T>>;

/// The pool as geth shows it.
#[derive(Serialize)]
struct Content<T> {
    /// Those that a block could take in the order of their nonces.
    pending: BySender<T>,
    /// Those behind a gap of nonces.
    queued: BySender<T>,
}

impl<T> Default for Content<T> {
    fn default() -> Self {
        Self { pending: BTreeMap::new(), queued: BTreeMap::new() }
    }
}

/// Calls `visit` with every waiting transaction, and whether all nonces before its own are there.
fn visit(chain: &Chain, mut visit: impl FnMut(&PooledTransaction, bool)) {
    let mut next = None;
    for pooled in chain.pool() {
        let (sender, nonce) = (pooled.transaction.signer(), pooled.transaction.nonce());
        let expected = match next {
            Some((other, expected)) if other == sender => expected,
            _ => chain.nonce(sender),
        };
        let executable = nonce == expected;
        next = Some((sender, if executable { nonce.saturating_add(1) } else { expected }));
        visit(pooled, executable);
    }
}

fn content<T>(chain: &Chain, view: impl Fn(&PooledTransaction) -> T) -> Content<T> {
    let mut content = Content::default();
    visit(chain, |pooled, executable| {
        let side = if executable { &mut content.pending } else { &mut content.queued };
        let transaction = &pooled.transaction;
        side.entry(transaction.signer()).or_default().insert(transaction.nonce().to_string(), view(pooled));
    });
    content
}

pub(super) fn all(node: &Node) -> Reply {
    node.read(|chain| reply(&content(chain, |pooled| views::pending(pooled.transaction.as_ref().clone()))))
}

pub(super) fn of_sender(node: &Node, params: &Params) -> Reply {
    let sender: Address = params.required(0, "an address")?;
    node.read(|chain| {
        let mut content = content(chain, |pooled| views::pending(pooled.transaction.as_ref().clone()));
        reply(&json!({
            "pending": content.pending.remove(&sender).unwrap_or_default(),
            "queued": content.queued.remove(&sender).unwrap_or_default(),
        }))
    })
}

pub(super) fn inspect(node: &Node) -> Reply {
    node.read(|chain| {
        reply(&content(chain, |pooled| {
            let transaction = &pooled.transaction;
            let to = transaction.to().map_or_else(|| "contract creation".to_owned(), |to| to.to_string());
            format!(
                "{to}: {} wei + {} gas × {} wei",
                transaction.value(),
                transaction.gas_limit(),
                transaction.max_fee_per_gas()
            )
        }))
    })
}

pub(super) fn status(node: &Node) -> Reply {
    let (mut pending, mut queued) = (0u64, 0u64);
    node.read(|chain| {
        visit(chain, |_, executable| if executable { pending += 1 } else { queued += 1 });
    });
    reply(&json!({ "pending": U64::from(pending), "queued": U64::from(queued) }))
}
