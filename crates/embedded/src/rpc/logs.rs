//! `eth_getLogs`.

use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    rpc::types::{Filter, FilterBlockOption, Log},
};

use super::{
    lookup::find,
    message::{Failure, Params, Reply, reply},
    views,
};
use crate::{block::MinedBlock, chain::Chain, filters::Changes, node::Node};

/// Most blocks that one query covers.
const RANGE_LIMIT: u64 = 100_000;
/// Most logs that one query returns.
const RESULT_LIMIT: usize = 20_000;

/// The logs of a block that a filter wants.
pub(super) fn matching<'a>(
    block: &'a MinedBlock,
    filter: &'a Filter,
    removed: bool,
) -> impl Iterator<Item = Log> + 'a {
    filter
        .matches_bloom(block.header.logs_bloom)
        .then(|| views::logs(block, removed))
        .into_iter()
        .flatten()
        .filter(|log| filter.matches(&log.inner))
}

/// The logs that went and those that came, as a filter wants them.
pub(super) fn changed<'a>(changes: &'a Changes, filter: &'a Filter) -> impl Iterator<Item = Log> + 'a {
    let gone = changes.gone.iter().map(|block| (block, true));
    let came = changes.came.iter().map(|block| (block, false));
    gone.chain(came)
        .filter(|(block, _)| filter.matches_block_range(block.number()))
        .flat_map(|(block, removed)| matching(block, filter, removed))
}

/// All logs in the filter's range.
pub(super) fn query(chain: &Chain, filter: &Filter) -> Result<Vec<Log>, Failure> {
    let (first, last) = match filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => {
            let block = chain.block_by_hash(hash).ok_or_else(|| Failure::server("unknown block"))?;
            return Ok(matching(block, filter, false).collect());
        }
        FilterBlockOption::Range { from_block, to_block } => {
            let number = |tag: Option<BlockNumberOrTag>| match tag.unwrap_or_default() {
                // a range may end in the future
                BlockNumberOrTag::Number(number) => Ok(number),
                tag => find(chain, BlockId::Number(tag)).map(|block| block.number()),
            };
            (number(from_block)?, number(to_block)?)
        }
    };
    if first > last {
        return Err(Failure::invalid_params(format!("invalid block range params: from {first}, to {last}")));
    }
    let last = last.min(chain.head().number());
    if last.saturating_sub(first) >= RANGE_LIMIT {
        return Err(Failure::limit(format!("exceed maximum block range: {RANGE_LIMIT}")));
    }
    let mut logs = Vec::new();
    for block in (first..=last).map_while(|number| chain.block(number)) {
        logs.extend(matching(block, filter, false));
        if logs.len() > RESULT_LIMIT {
            return Err(Failure::limit(format!("query exceeds max results {RESULT_LIMIT}")));
        }
    }
    Ok(logs)
}

pub(super) fn get_logs(node: &Node, params: &Params) -> Reply {
    let filter: Filter = params.required(0, "a log filter")?;
    reply(&node.read(|chain| query(chain, &filter))?)
}
