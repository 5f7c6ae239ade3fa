//! The blocks and states that block numbers, hashes and tags mean.

use std::sync::Arc;

use alloy::eips::BlockId;

use super::message::{Failure, Params};
use crate::{block::MinedBlock, chain::Chain, node::Node, state::State};

pub(super) const BLOCK: &str = "a block number, hash or tag";

/// The block that an id means, or geth's error.
pub(super) fn find(chain: &Chain, id: BlockId) -> Result<&Arc<MinedBlock>, Failure> {
    chain.resolve(id).ok_or_else(|| Failure::server("header not found"))
}

/// The state after the block that an id means; the pool's transactions count as executed in the pending one.
pub(super) fn state_at(node: &Node, id: BlockId) -> Result<State, Failure> {
    if id == BlockId::pending() {
        return Ok(node.pending_state());
    }
    node.read(|chain| canonical_state(chain, id).cloned())
}

/// The same for a block that is mined.
pub(super) fn canonical_state(chain: &Chain, id: BlockId) -> Result<&State, Failure> {
    let block = find(chain, id)?;
    chain.state_after(block).ok_or_else(|| {
        let kept = chain.config().state_history;
        let number = block.number();
        Failure::server(format!(
            "missing trie node: the state of block {number} is gone, the last {kept} are kept"
        ))
    })
}

/// The block that a method is asked about; the newest one where none is named.
pub(super) fn block_param(params: &Params, index: usize) -> Result<BlockId, Failure> {
    Ok(params.optional(index, BLOCK)?.unwrap_or_default())
}
