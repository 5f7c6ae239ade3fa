//! `evm_`, `anvil_` and `hardhat_`: what tests do with a development node, in anvil's words.
//!
//! Time stays on the grid of slots: a block is mined at the start of a slot, so a time that isn't one, and a
//! span that isn't whole slots, is refused.

use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes, U64, U256};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{
    faults::MINE_LIMIT,
    message::{Failure, Params, Reply, reply},
    views,
};
use crate::{
    chain::{Chain, Reorg},
    clock::Clock,
    node::Node,
};

/// Longest interval of real time between blocks, in seconds.
const MAX_INTERVAL: u64 = 365 * 24 * 3600;

const SECONDS: &str = "a number of seconds";

fn number(params: &Params, index: usize, expected: &str) -> Result<u64, Failure> {
    Ok(params.required::<U64>(index, expected)?.to())
}

fn nothing() -> Reply {
    reply(&Value::Null)
}

fn check_count(count: u64) -> Result<(), Failure> {
    if count > MINE_LIMIT {
        return Err(Failure::limit(format!("too many blocks: {count}, at most {MINE_LIMIT}")));
    }
    Ok(())
}

// ---- time ----

/// How much later than the current slot the next block is, in seconds.
fn ahead(chain: &Chain) -> u64 {
    chain.timestamp(chain.next_slot()).saturating_sub(chain.timestamp(chain.slot()))
}

/// `evm_increaseTime(seconds)`: calls add up; returns the seconds from the current slot to the next block.
pub(super) fn increase_time(node: &Node, params: &Params) -> Reply {
    let seconds = number(params, 0, SECONDS)?;
    let ahead = node.edit(|chain| chain.advance_seconds(seconds).map(|()| ahead(chain)))?;
    reply(&ahead)
}

/// `evm_setNextBlockTimestamp(timestamp)`.
pub(super) fn set_next_timestamp(node: &Node, params: &Params) -> Reply {
    let timestamp = number(params, 0, "a timestamp in seconds")?;
    node.edit(|chain| chain.set_next_timestamp(timestamp))?;
    nothing()
}

/// `evm_setTime(timestamp)`: as [`set_next_timestamp`]; returns the seconds from the current slot to then.
pub(super) fn set_time(node: &Node, params: &Params) -> Reply {
    let timestamp = number(params, 0, "a timestamp in seconds")?;
    let ahead = node.edit(|chain| chain.set_next_timestamp(timestamp).map(|()| ahead(chain)))?;
    reply(&ahead)
}

/// `anvil_setBlockTimestampInterval(seconds)`.
pub(super) fn set_block_interval(node: &Node, params: &Params) -> Reply {
    let seconds = number(params, 0, SECONDS)?;
    node.edit(|chain| {
        let slots = chain.whole_slots(seconds)?;
        chain.set_slots_per_block(slots);
        Ok::<_, Failure>(())
    })?;
    nothing()
}

/// `anvil_removeBlockTimestampInterval()`: whether there was one.
pub(super) fn remove_block_interval(node: &Node) -> Reply {
    reply(&node.edit(Chain::reset_slots_per_block))
}

// ---- mining ----

/// What `evm_mine` takes: nothing, a timestamp, or an object.
#[derive(Default)]
struct MineOptions {
    timestamp: Option<u64>,
    blocks: Option<u64>,
}

impl<'de> Deserialize<'de> for MineOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Object {
            timestamp: Option<U64>,
            blocks: Option<U64>,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Timestamp(U64),
            Object(Object),
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Timestamp(timestamp) => Self { timestamp: Some(timestamp.to()), blocks: None },
            Form::Object(object) => Self {
                timestamp: object.timestamp.map(|timestamp| timestamp.to()),
                blocks: object.blocks.map(|blocks| blocks.to()),
            },
        })
    }
}

fn mine_with_options(node: &Node, params: &Params) -> Result<u64, Failure> {
    let options: MineOptions =
        params.optional(0, "a timestamp, or an object with timestamp and blocks")?.unwrap_or_default();
    let blocks = options.blocks.unwrap_or(1);
    check_count(blocks)?;
    if let Some(timestamp) = options.timestamp {
        node.edit(|chain| chain.set_next_timestamp(timestamp))?;
    }
    for _ in 0..blocks {
        node.mine_slot();
    }
    Ok(blocks)
}

/// `evm_mine(timestamp | {timestamp, blocks})`.
pub(super) fn evm_mine(node: &Node, params: &Params) -> Reply {
    mine_with_options(node, params)?;
    reply(&"0x0")
}

/// `anvil_mine_detailed`: as `evm_mine`, but returns the blocks with their transactions.
pub(super) fn mine_detailed(node: &Node, params: &Params) -> Reply {
    let count = mine_with_options(node, params)?;
    node.read(|chain| {
        let head = chain.head().number();
        let first = (head + 1).saturating_sub(count);
        let mined = (first..=head).filter_map(|number| chain.block(number));
        reply(&mined.map(|block| views::block(block, true)).collect::<Vec<_>>())
    })
}

/// `anvil_mine(blocks = 1, interval)`: the interval is the time from one of these blocks to the next, in
/// seconds.
pub(super) fn mine(node: &Node, params: &Params) -> Reply {
    let blocks = params.optional::<U64>(0, "a number of blocks")?.map_or(1, |blocks| blocks.to::<u64>());
    let seconds = params.optional::<U64>(1, SECONDS)?.map_or(0, |seconds| seconds.to::<u64>());
    check_count(blocks)?;
    let slots = node.read(|chain| chain.whole_slots(seconds))?;
    for block in 0..blocks {
        if block > 0 && slots > 0 {
            node.edit(|chain| chain.advance(slots))?;
        }
        node.mine_slot();
    }
    nothing()
}

/// `evm_setAutomine(enabled)`: a block for every transaction, as soon as it arrives.
pub(super) fn set_automine(node: &Node, params: &Params) -> Reply {
    node.set_mine_on_transaction(params.required(0, "true or false")?);
    reply(&true)
}

pub(super) fn automine(node: &Node) -> Reply {
    reply(&node.mines_on_transaction())
}

/// `evm_setIntervalMining(seconds)`: a slot every so many seconds of real time; 0 stops the clock.
pub(super) fn set_interval_mining(node: &Node, params: &Params) -> Reply {
    let seconds = number(params, 0, SECONDS)?;
    if seconds > MAX_INTERVAL {
        return Err(Failure::invalid_params(format!("interval of {seconds} s, at most {MAX_INTERVAL}")));
    }
    node.set_clock(match seconds {
        0 => Clock::Manual,
        seconds => Clock::Interval(Duration::from_secs(seconds)),
    })?;
    reply(&true)
}

/// `anvil_getIntervalMining()`: in seconds, null without an interval.
pub(super) fn interval_mining(node: &Node) -> Reply {
    reply(&match node.clock() {
        Clock::Interval(period) => Some(period.as_secs()),
        Clock::Manual | Clock::Fast(_) => None,
    })
}

// ---- chain ----

/// `evm_snapshot()`.
pub(super) fn snapshot(node: &Node) -> Reply {
    reply(&U64::from(node.snapshot()?))
}

/// `evm_revert(id)`: false without a snapshot of this id.
pub(super) fn revert(node: &Node, params: &Params) -> Reply {
    reply(&node.revert(number(params, 0, "the id of a snapshot")?))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResetOptions {
    forking: Option<Forking>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Forking {
    json_rpc_url: Option<String>,
    block_number: Option<Value>,
}

/// `anvil_reset()`: back to the genesis block.
pub(super) fn reset(node: &Node, params: &Params) -> Reply {
    let options: ResetOptions = params.optional(0, "an object with forking, or nothing")?.unwrap_or_default();
    let forking = options.forking.unwrap_or_default();
    if forking.json_rpc_url.is_some() || forking.block_number.is_some_and(|number| !number.is_null()) {
        return Err(Failure::invalid_params(
            "forking isn't supported: this chain starts from its own genesis",
        ));
    }
    node.reset()?;
    nothing()
}

/// `anvil_rollback(depth = 1)`: removes blocks, and forgets their transactions.
pub(super) fn rollback(node: &Node, params: &Params) -> Reply {
    let depth = params.optional::<U64>(0, "a number of blocks")?.map_or(1, |depth| depth.to());
    node.reorg(Reorg { depth, drop_transactions: true, refill: false })?;
    nothing()
}

/// `anvil_reorg(depth, transactions)`: replaces blocks by empty ones.
pub(super) fn reorg(node: &Node, params: &Params) -> Reply {
    let depth = number(params, 0, "a number of blocks")?;
    let transactions: Vec<Value> =
        params.optional(1, "a list of transactions and blocks")?.unwrap_or_default();
    if !transactions.is_empty() {
        return Err(Failure::invalid_params(
            "invalid argument 1: expected an empty list, since blocks are replaced by empty ones; \
             send the transactions afterwards",
        ));
    }
    node.reorg(Reorg { depth, drop_transactions: true, refill: true })?;
    nothing()
}

// ---- next block ----

/// `anvil_setNextBlockBaseFeePerGas(fee)`.
pub(super) fn set_next_base_fee(node: &Node, params: &Params) -> Reply {
    let base_fee = number(params, 0, "a base fee in wei per gas, below 2^64")?;
    node.edit(|chain| chain.set_next_base_fee(base_fee));
    nothing()
}

/// `evm_setBlockGasLimit(gas)`.
pub(super) fn set_gas_limit(node: &Node, params: &Params) -> Reply {
    let gas_limit = number(params, 0, "a gas limit")?;
    node.edit(|chain| chain.set_gas_limit(gas_limit))?;
    reply(&true)
}

/// `anvil_setCoinbase(address)`.
pub(super) fn set_fee_recipient(node: &Node, params: &Params) -> Reply {
    let recipient = params.required(0, "an address")?;
    node.edit(|chain| chain.set_fee_recipient(recipient));
    nothing()
}

/// `hardhat_setPrevRandao(value)`: of the next block.
pub(super) fn set_next_prevrandao(node: &Node, params: &Params) -> Reply {
    let mix: U256 = params.required(0, "32 bytes")?;
    node.edit(|chain| chain.set_prevrandao(chain.next_slot(), mix.into()))?;
    nothing()
}

// ---- accounts ----

fn account(params: &Params) -> Result<Address, Failure> {
    params.required(0, "an address")
}

/// `anvil_setBalance(address, wei)`.
pub(super) fn set_balance(node: &Node, params: &Params) -> Reply {
    let (account, balance) = (account(params)?, params.required(1, "an amount in wei")?);
    node.edit(|chain| chain.set_balance(account, balance));
    nothing()
}

/// `anvil_setNonce(address, nonce)`.
pub(super) fn set_nonce(node: &Node, params: &Params) -> Reply {
    let (account, nonce) = (account(params)?, number(params, 1, "a nonce")?);
    node.edit(|chain| chain.set_nonce(account, nonce));
    nothing()
}

/// `anvil_setCode(address, code)`.
pub(super) fn set_code(node: &Node, params: &Params) -> Reply {
    let (account, code): (_, Bytes) = (account(params)?, params.required(1, "code as hexadecimal bytes")?);
    node.edit(|chain| chain.set_code(account, code));
    nothing()
}

/// `anvil_setStorageAt(address, slot, value)`.
pub(super) fn set_storage(node: &Node, params: &Params) -> Reply {
    let account = account(params)?;
    let slot: U256 = params.required(1, "a storage slot")?;
    let value: B256 = params.required(2, "32 bytes")?;
    node.edit(|chain| chain.set_storage(account, slot, value.into()))?;
    reply(&true)
}

// ---- pool ----

/// `anvil_dropTransaction(hash)`: its hash, or null if it doesn't wait.
pub(super) fn drop_transaction(node: &Node, params: &Params) -> Reply {
    let hash: B256 = params.required(0, "a transaction hash")?;
    reply(&node.drop_tx(hash).ok().map(|()| hash))
}

fn drop_matching(node: &Node, sender: Option<Address>) -> Reply {
    node.edit(|chain| {
        let hashes: Vec<_> = chain
            .pool()
            .filter(|pooled| sender.is_none_or(|sender| pooled.transaction.signer() == sender))
            .map(|pooled| pooled.hash())
            .collect();
        hashes.into_iter().try_for_each(|hash| chain.drop_tx(hash))
    })?;
    nothing()
}

/// `anvil_dropAllTransactions()`.
pub(super) fn drop_all_transactions(node: &Node) -> Reply {
    drop_matching(node, None)
}

/// `anvil_removePoolTransactions(address)`.
pub(super) fn drop_transactions_of(node: &Node, params: &Params) -> Reply {
    drop_matching(node, Some(account(params)?))
}

// ---- information ----

pub(super) const CLIENT: &str = concat!("fernet-embedded/", env!("CARGO_PKG_VERSION"));

/// `anvil_nodeInfo()`.
pub(super) fn node_info(node: &Node) -> Reply {
    node.read(|chain| {
        let head = chain.head();
        let config = chain.config();
        reply(&json!({
            "currentBlockNumber": U64::from(head.number()),
            "currentBlockTimestamp": head.header.timestamp,
            "currentBlockHash": head.hash,
            "hardFork": "osaka",
            "transactionOrder": "fees",
            "environment": {
                "baseFee": U64::from(chain.next_base_fee()),
                "chainId": config.chain_id,
                "gasLimit": U64::from(config.gas_limit),
                "gasPrice": U64::from(chain.next_base_fee()),
            },
            "forkConfig": { "forkUrl": null, "forkBlockNumber": null, "forkRetryBackoff": null },
        }))
    })
}

/// `anvil_metadata()`.
pub(super) fn metadata(node: &Node) -> Reply {
    node.read(|chain| {
        let head = chain.head();
        reply(&json!({
            "clientVersion": CLIENT,
            "clientSemver": env!("CARGO_PKG_VERSION"),
            "chainId": chain.config().chain_id,
            "instanceId": chain.block(0).map(|genesis| genesis.hash),
            "latestBlockNumber": head.number(),
            "latestBlockHash": head.hash,
            "forkedNetwork": null,
            "snapshots": {},
        }))
    })
}
