//! The `fernet_` methods, which only this node has: they pass slots, inject faults and serve blobs.

use alloy::{
    eips::eip4844::{Blob, Bytes48},
    primitives::{B256, U64},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::message::{Failure, Params, Reply, reply};
use crate::{
    chain::Reorg,
    node::{Head, Node},
};

/// Most slots mined by one request.
pub(super) const MINE_LIMIT: u64 = 10_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HeadView {
    number: U64,
    hash: B256,
    slot: U64,
    timestamp: U64,
}

impl From<Head> for HeadView {
    fn from(head: Head) -> Self {
        Self {
            number: U64::from(head.number),
            hash: head.hash,
            slot: U64::from(head.slot),
            timestamp: U64::from(head.timestamp),
        }
    }
}

/// `fernet_mine(count = 1)`: mines slots; returns the newest block.
pub(super) fn mine(node: &Node, params: &Params) -> Reply {
    let count = params.optional::<U64>(0, "a number of slots")?.map_or(1, |count| count.to::<u64>());
    if count > MINE_LIMIT {
        return Err(Failure::limit(format!("too many slots: {count}, at most {MINE_LIMIT}")));
    }
    for _ in 0..count {
        node.mine_slot();
    }
    reply(&HeadView::from(node.head()))
}

/// `fernet_skipSlots(count)`: lets slots pass without a block; returns the current slot.
pub(super) fn skip_slots(node: &Node, params: &Params) -> Reply {
    let count: U64 = params.required(0, "a number of slots")?;
    node.skip_slots(count.to())?;
    slot(node)
}

/// `fernet_slot()`: the current slot.
pub(super) fn slot(node: &Node) -> Reply {
    reply(&U64::from(node.read(|chain| chain.slot())))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReorgOptions {
    #[serde(default)]
    drop_transactions: bool,
    #[serde(default)]
    refill: bool,
}

/// `fernet_reorg(depth, {dropTransactions, refill})`: returns the hashes of the blocks that went and came.
pub(super) fn reorg(node: &Node, params: &Params) -> Reply {
    let depth: U64 = params.required(0, "a number of blocks")?;
    let options: ReorgOptions =
        params.optional(1, "an object with dropTransactions and refill")?.unwrap_or_default();
    let outcome = node.reorg(Reorg {
        depth: depth.to(),
        drop_transactions: options.drop_transactions,
        refill: options.refill,
    })?;
    let removed: Vec<_> = outcome.removed.iter().map(|block| block.hash).collect();
    let added: Vec<_> = outcome.added.iter().map(|block| block.hash).collect();
    reply(&json!({ "removed": removed, "added": added }))
}

/// `fernet_setPrevrandao(slot, mix)`.
pub(super) fn set_prevrandao(node: &Node, params: &Params) -> Reply {
    let slot: U64 = params.required(0, "a slot number")?;
    let mix: B256 = params.required(1, "32 bytes")?;
    node.set_prevrandao(slot.to(), mix)?;
    reply(&true)
}

/// `fernet_dropTransaction(hash)`.
pub(super) fn drop_transaction(node: &Node, params: &Params) -> Reply {
    node.drop_tx(params.required(0, "a transaction hash")?)?;
    reply(&true)
}

/// `fernet_delayTransaction(hash, slots)`.
pub(super) fn delay_transaction(node: &Node, params: &Params) -> Reply {
    let hash = params.required(0, "a transaction hash")?;
    let slots: U64 = params.required(1, "a number of slots")?;
    node.delay_tx(hash, slots.to())?;
    reply(&true)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlobView<'a> {
    versioned_hash: B256,
    commitment: Bytes48,
    blob: Option<&'a Blob>,
}

/// `fernet_getBlobs([versionedHash, …])`: blobs of the canonical chain, null where there is none.
pub(super) fn blobs(node: &Node, params: &Params) -> Reply {
    let hashes: Vec<B256> = params.required(0, "a list of versioned hashes")?;
    if hashes.len() > 128 {
        return Err(Failure::limit(format!("too many versioned hashes: {}, at most 128", hashes.len())));
    }
    let blobs: Vec<_> = node.read(|chain| hashes.into_iter().map(|hash| chain.blob(hash)).collect());
    let views: Vec<_> = blobs
        .iter()
        .map(|blob| {
            blob.as_ref().map(|blob| BlobView {
                versioned_hash: blob.versioned_hash,
                commitment: blob.commitment,
                blob: blob.blob(),
            })
        })
        .collect();
    reply(&views)
}
