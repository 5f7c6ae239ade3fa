//! The `eth_` methods that read blocks, transactions and accounts.

use std::{collections::BTreeMap, time::Duration};

use alloy::{
    consensus::Transaction as _,
    eips::{BlockId, BlockNumberOrTag, Encodable2718 as _},
    primitives::{Address, B256, Bytes, U64, U256, keccak256},
    rpc::types::{EIP1186AccountProofResponse, EIP1186StorageProof, FeeHistory, Index},
    serde::JsonStorageKey,
    trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY},
};
use serde_json::Value;
use tokio::runtime::Handle;

use super::{
    lookup::{BLOCK, block_param, find, state_at},
    message::{Failure, Params, Reply, reply},
    views,
};
use crate::{block::MinedBlock, chain::Chain, node::Node};

/// Tip suggested while nobody pays one, in wei per gas.
const DEFAULT_TIP: u128 = 1_000_000_000;
/// Blocks that a tip suggestion looks at, as geth does.
const TIP_BLOCKS: u64 = 20;
/// Most blocks of one fee history, as geth has it.
const FEE_HISTORY_LIMIT: u64 = 1024;
/// Most storage slots of one request, as geth has it.
const STORAGE_VALUES_LIMIT: usize = 1024;
/// How long `eth_sendRawTransactionSync` waits for a receipt unless told, and at most, in milliseconds
/// (geth's).
const SYNC_TIMEOUT: [u64; 2] = [20_000, 60_000];

const RAW: &str = "a signed transaction as hexadecimal bytes";

pub(super) fn sha3(params: &Params) -> Reply {
    reply(&keccak256(params.required::<Bytes>(0, "hexadecimal bytes")?))
}

pub(super) fn chain_id(node: &Node) -> Reply {
    reply(&U64::from(node.read(|chain| chain.config().chain_id)))
}

pub(super) fn block_number(node: &Node) -> Reply {
    reply(&U64::from(node.read(|chain| chain.head().number())))
}

/// The tip at the 60th percentile of recent transactions.
pub(super) fn suggested_tip(chain: &Chain) -> u128 {
    let head = chain.head().number();
    let mut tips: Vec<u128> = (head.saturating_sub(TIP_BLOCKS)..=head)
        .filter_map(|number| chain.block(number))
        .flat_map(|block| {
            let base_fee = block.header.base_fee_per_gas.unwrap_or_default();
            block.transactions.iter().filter_map(move |tx| tx.effective_tip_per_gas(base_fee))
        })
        .collect();
    tips.sort_unstable();
    tips.get(tips.len() * 6 / 10).copied().unwrap_or(DEFAULT_TIP).max(1)
}

pub(super) fn gas_price(node: &Node) -> Reply {
    reply(&U256::from(node.read(|chain| suggested_tip(chain).saturating_add(chain.next_base_fee().into()))))
}

pub(super) fn priority_fee(node: &Node) -> Reply {
    reply(&U256::from(node.read(suggested_tip)))
}

pub(super) fn blob_base_fee(node: &Node) -> Reply {
    reply(&U256::from(node.read(Chain::next_blob_base_fee)))
}

pub(super) fn fee_history(node: &Node, params: &Params) -> Reply {
    let count: U64 = params.required(0, "a number of blocks")?;
    let newest: BlockNumberOrTag = params.required(1, "a block number or tag")?;
    let percentiles: Option<Vec<f64>> = params.optional(2, "a list of percentiles")?;
    let percentiles = percentiles.unwrap_or_default();
    let sorted = percentiles.windows(2).all(|pair| matches!(pair, [low, high] if low <= high));
    if !sorted || percentiles.iter().any(|percentile| !(0.0..=100.0).contains(percentile)) {
        return Err(Failure::invalid_params(
            "invalid argument 2: expected ascending percentiles between 0 and 100",
        ));
    }
    node.read(|chain| {
        let last = find(chain, newest.into())?.number();
        let count = count.to::<u64>().min(FEE_HISTORY_LIMIT).min(last + 1);
        let first = (last + 1).saturating_sub(count);
        let mut history = FeeHistory { oldest_block: first, ..FeeHistory::default() };
        let mut rewards = Vec::new();
        let blob_params = chain.config().blob_params;
        for block in (first..=last).filter_map(|number| chain.block(number)).take(count as usize) {
            let header = &block.header;
            history.base_fee_per_gas.push(header.base_fee_per_gas.unwrap_or_default().into());
            history.gas_used_ratio.push(header.gas_used as f64 / header.gas_limit as f64);
            history.base_fee_per_blob_gas.push(header.blob_fee(blob_params).unwrap_or_default());
            let blob_gas = header.blob_gas_used.unwrap_or_default() as f64;
            history.blob_gas_used_ratio.push(blob_gas / blob_params.max_blob_gas_per_block() as f64);
            rewards.push(block_rewards(block, &percentiles));
        }
        let next = chain.block(last).map(|block| {
            let base_fee = block.header.next_block_base_fee(alloy::eips::eip1559::BaseFeeParams::ethereum());
            (
                u128::from(base_fee.unwrap_or_default()),
                block.header.next_block_blob_fee(blob_params).unwrap_or_default(),
            )
        });
        if let Some((base_fee, blob_fee)) = next
            && count > 0
        {
            history.base_fee_per_gas.push(base_fee);
            history.base_fee_per_blob_gas.push(blob_fee);
        }
        history.reward = (!percentiles.is_empty()).then_some(rewards);
        reply(&history)
    })
}

/// The tips at percentiles of a block's gas.
fn block_rewards(block: &MinedBlock, percentiles: &[f64]) -> Vec<u128> {
    let base_fee = block.header.base_fee_per_gas.unwrap_or_default();
    let mut tips: Vec<(u128, u64)> = block
        .transactions
        .iter()
        .zip(&block.receipts)
        .map(|(tx, receipt)| (tx.effective_tip_per_gas(base_fee).unwrap_or_default(), receipt.gas_used))
        .collect();
    tips.sort_unstable();
    percentiles
        .iter()
        .map(|percentile| {
            let threshold = block.header.gas_used as f64 * percentile / 100.0;
            let mut sum = 0u64;
            let reached = tips.iter().find(|(_, gas)| {
                sum = sum.saturating_add(*gas);
                sum as f64 >= threshold
            });
            reached.or(tips.last()).map(|(tip, _)| *tip).unwrap_or_default()
        })
        .collect()
}

fn address(params: &Params) -> Result<Address, Failure> {
    params.required(0, "an address")
}

pub(super) fn balance(node: &Node, params: &Params) -> Reply {
    let (address, block) = (address(params)?, block_param(params, 1)?);
    reply(&state_at(node, block)?.balance(address))
}

pub(super) fn code(node: &Node, params: &Params) -> Reply {
    let (address, block) = (address(params)?, block_param(params, 1)?);
    reply(&state_at(node, block)?.code(address))
}

pub(super) fn storage_at(node: &Node, params: &Params) -> Reply {
    let (address, block) = (address(params)?, block_param(params, 2)?);
    let slot: JsonStorageKey = params.required(1, "a storage slot")?;
    let value = state_at(node, block)?.storage(address, slot.as_b256().into());
    reply(&B256::from(value))
}

/// `eth_getStorageValues({address: [slot, …]}, block)`: the values in the same shape.
pub(super) fn storage_values(node: &Node, params: &Params) -> Reply {
    let slots: BTreeMap<Address, Vec<JsonStorageKey>> =
        params.required(0, "an object of addresses with lists of storage slots")?;
    let count: usize = slots.values().map(Vec::len).sum();
    if count > STORAGE_VALUES_LIMIT {
        return Err(Failure::limit(format!("too many slots: {count}, at most {STORAGE_VALUES_LIMIT}")));
    }
    let state = state_at(node, block_param(params, 1)?)?;
    let values = |(account, slots): (Address, Vec<JsonStorageKey>)| {
        let value = |slot: JsonStorageKey| B256::from(state.storage(account, slot.as_b256().into()));
        (account, slots.into_iter().map(value).collect::<Vec<_>>())
    };
    reply(&slots.into_iter().map(values).collect::<BTreeMap<_, _>>())
}

pub(super) fn transaction_count(node: &Node, params: &Params) -> Reply {
    let (address, block) = (address(params)?, block_param(params, 1)?);
    let nonce = match block {
        // counts what waits for a better base fee too, unlike the pending state
        BlockId::Number(BlockNumberOrTag::Pending) => node.read(|chain| chain.pending_nonce(address)),
        block => state_at(node, block)?.nonce(address),
    };
    reply(&U64::from(nonce))
}

pub(super) fn proof(node: &Node, params: &Params) -> Reply {
    let (address, block) = (address(params)?, block_param(params, 2)?);
    let slots: Vec<JsonStorageKey> = params.optional(1, "a list of storage slots")?.unwrap_or_default();
    let state = state_at(node, block)?;
    let account = state.account(address);
    reply(&EIP1186AccountProofResponse {
        address,
        balance: state.balance(address),
        code_hash: account.map_or(KECCAK_EMPTY, |account| account.code_hash),
        nonce: state.nonce(address),
        storage_hash: account.map_or(EMPTY_ROOT_HASH, |account| account.storage.root()),
        account_proof: state.account_proof(address),
        storage_proof: slots
            .into_iter()
            .map(|key| EIP1186StorageProof {
                key,
                value: state.storage(address, key.as_b256().into()),
                proof: state.storage_proof(address, key.as_b256()),
            })
            .collect(),
    })
}

pub(super) fn send_raw_transaction(node: &Node, params: &Params) -> Reply {
    let raw: Bytes = params.required(0, RAW)?;
    reply(&node.submit(&raw)?)
}

/// `eth_sendRawTransactionSync(raw, timeout)`: the receipt, as soon as there is one (EIP-7966).
pub(super) fn send_raw_transaction_sync(node: &Node, params: &Params) -> Reply {
    let raw: Bytes = params.required(0, RAW)?;
    let [default, limit] = SYNC_TIMEOUT;
    let timeout = params.optional::<U64>(1, "a timeout in milliseconds")?;
    let timeout = timeout.map_or(default, |timeout| timeout.to()).min(limit);
    let runtime = Handle::try_current().map_err(|error| Failure::new(-32603, error.to_string()))?;
    let mut heads = node.watch_head();
    let hash = node.submit(&raw)?;
    let receipt = || {
        node.read(|chain| {
            let (block, index) = chain.transaction(hash)?;
            views::receipt(chain, block, index)
        })
    };
    let waited = runtime.block_on(tokio::time::timeout(Duration::from_millis(timeout), async {
        loop {
            if let Some(receipt) = receipt() {
                return Some(receipt);
            }
            if heads.changed().await.is_err() {
                return None;
            }
        }
    }));
    match waited {
        Ok(Some(receipt)) => reply(&receipt),
        _ => {
            let message = format!("the transaction was added to the pool but not mined within {timeout} ms");
            Err(Failure { data: Some(Value::String(hash.to_string())), ..Failure::new(4, message) })
        }
    }
}

fn transaction_hash(params: &Params) -> Result<B256, Failure> {
    params.required(0, "a transaction hash")
}

pub(super) fn transaction_by_hash(node: &Node, params: &Params) -> Reply {
    let hash = transaction_hash(params)?;
    node.read(|chain| reply(&views::by_hash(chain, hash)))
}

pub(super) fn raw_transaction(node: &Node, params: &Params) -> Reply {
    let hash = transaction_hash(params)?;
    node.read(|chain| {
        let mined = chain.transaction(hash).and_then(|(block, index)| block.transactions.get(index));
        let found = mined.or_else(|| chain.pooled(hash).map(|pooled| pooled.transaction.as_ref()));
        reply(&found.map(|transaction| Bytes::from(transaction.encoded_2718())))
    })
}

pub(super) fn transaction_by_index(node: &Node, params: &Params) -> Reply {
    let id: BlockId = params.required(0, BLOCK)?;
    let index: Index = params.required(1, "a transaction index")?;
    node.read(|chain| reply(&chain.resolve(id).and_then(|block| views::transaction(block, index.into()))))
}

pub(super) fn raw_transaction_by_index(node: &Node, params: &Params) -> Reply {
    let id: BlockId = params.required(0, BLOCK)?;
    let index: Index = params.required(1, "a transaction index")?;
    node.read(|chain| {
        let found = chain.resolve(id).and_then(|block| block.transactions.get(usize::from(index)));
        reply(&found.map(|transaction| Bytes::from(transaction.encoded_2718())))
    })
}

pub(super) fn transaction_by_sender_and_nonce(node: &Node, params: &Params) -> Reply {
    let sender = address(params)?;
    let nonce: u64 = params.required::<U64>(1, "a nonce")?.to();
    node.read(|chain| {
        if let Some(pooled) = chain
            .pool()
            .find(|pooled| pooled.transaction.signer() == sender && pooled.transaction.nonce() == nonce)
        {
            return reply(&views::pending(pooled.transaction.as_ref().clone()));
        }
        let mut blocks = (0..=chain.head().number()).rev().filter_map(|number| chain.block(number));
        reply(&blocks.find_map(|block| {
            let index = block
                .transactions
                .iter()
                .position(|transaction| transaction.signer() == sender && transaction.nonce() == nonce)?;
            views::transaction(block, index)
        }))
    })
}

pub(super) fn receipt(node: &Node, params: &Params) -> Reply {
    let hash = transaction_hash(params)?;
    node.read(|chain| {
        let found = chain.transaction(hash);
        reply(&found.and_then(|(block, index)| views::receipt(chain, block, index)))
    })
}

pub(super) fn block_receipts(node: &Node, params: &Params) -> Reply {
    let id: BlockId = params.required(0, BLOCK)?;
    node.read(|chain| {
        reply(&chain.resolve(id).map(|block| {
            (0..block.transactions.len())
                .filter_map(|index| views::receipt(chain, block, index))
                .collect::<Vec<_>>()
        }))
    })
}

pub(super) fn block(node: &Node, params: &Params) -> Reply {
    let id: BlockId = params.required(0, BLOCK)?;
    let full: bool = params.optional(1, "true for full transactions")?.unwrap_or_default();
    let block = node.read(|chain| chain.resolve(id).cloned());
    reply(&block.map(|block| views::block(&block, full)))
}

pub(super) fn header(node: &Node, params: &Params) -> Reply {
    let id: BlockId = params.required(0, BLOCK)?;
    let block = node.read(|chain| chain.resolve(id).cloned());
    reply(&block.map(|block| views::block(&block, false).header))
}

pub(super) fn block_transaction_count(node: &Node, params: &Params) -> Reply {
    let id: BlockId = params.required(0, BLOCK)?;
    node.read(|chain| reply(&chain.resolve(id).map(|block| U256::from(block.transactions.len()))))
}

pub(super) fn uncle_count(node: &Node, params: &Params) -> Reply {
    let id: BlockId = params.required(0, BLOCK)?;
    node.read(|chain| reply(&chain.resolve(id).map(|_| U64::ZERO)))
}

/// Blocks have no uncles since the merge.
pub(super) fn uncle(params: &Params) -> Reply {
    let _: BlockId = params.required(0, BLOCK)?;
    let _: Index = params.required(1, "an index")?;
    reply(&Value::Null)
}
