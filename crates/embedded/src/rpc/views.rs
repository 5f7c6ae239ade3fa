//! The chain's blocks, transactions and receipts in the shapes of the Ethereum JSON-RPC specification.

use alloy::{
    consensus::{Transaction as _, transaction::Recovered},
    eips::eip4895::Withdrawals,
    primitives::{B256, U256},
    rpc::types::{Block, BlockTransactions, Header, Log, Transaction as RpcTransaction, TransactionReceipt},
};

use crate::{block::MinedBlock, chain::Chain, transaction::Transaction};

/// A block with full transactions or their hashes.
pub(super) fn block(block: &MinedBlock, full: bool) -> Block<RpcTransaction<Transaction>> {
    let transactions = if full {
        BlockTransactions::Full(
            (0..block.transactions.len()).filter_map(|index| transaction(block, index)).collect(),
        )
    } else {
        BlockTransactions::Hashes(block.transactions.iter().map(|transaction| *transaction.hash()).collect())
    };
    Block {
        header: Header {
            hash: block.hash,
            inner: block.header.clone(),
            total_difficulty: Some(U256::ZERO),
            size: Some(U256::from(block.size)),
        },
        uncles: Vec::new(),
        transactions,
        withdrawals: Some(Withdrawals::default()),
    }
}

/// A mined transaction.
pub(super) fn transaction(block: &MinedBlock, index: usize) -> Option<RpcTransaction<Transaction>> {
    let inner = block.transactions.get(index)?.clone();
    let effective_gas_price = Some(inner.effective_gas_price(block.header.base_fee_per_gas));
    Some(RpcTransaction {
        inner,
        block_hash: Some(block.hash),
        block_number: Some(block.number()),
        transaction_index: u64::try_from(index).ok(),
        effective_gas_price,
        block_timestamp: Some(block.header.timestamp),
    })
}

/// A transaction that waits.
pub(super) fn pending(inner: Recovered<Transaction>) -> RpcTransaction<Transaction> {
    let effective_gas_price = Some(inner.max_fee_per_gas());
    RpcTransaction {
        inner,
        block_hash: None,
        block_number: None,
        transaction_index: None,
        effective_gas_price,
        block_timestamp: None,
    }
}

/// A transaction, mined or waiting.
pub(super) fn by_hash(chain: &Chain, hash: B256) -> Option<RpcTransaction<Transaction>> {
    match chain.transaction(hash) {
        Some((block, index)) => transaction(block, index),
        None => chain.pooled(hash).map(|pooled| pending(pooled.transaction.as_ref().clone())),
    }
}

/// All logs of a block, in order.
pub(super) fn logs(block: &MinedBlock, removed: bool) -> impl Iterator<Item = Log> + '_ {
    block
        .receipts
        .iter()
        .zip(&block.transactions)
        .enumerate()
        .flat_map(|(index, (receipt, transaction))| {
            receipt.envelope.logs().iter().map(move |log| (index, *transaction.hash(), log))
        })
        .enumerate()
        .map(move |(log_index, (index, hash, log))| Log {
            inner: log.clone(),
            block_hash: Some(block.hash),
            block_number: Some(block.number()),
            block_timestamp: Some(block.header.timestamp),
            transaction_hash: Some(hash),
            transaction_index: u64::try_from(index).ok(),
            log_index: u64::try_from(log_index).ok(),
            removed,
        })
}

/// The receipt of a mined transaction.
pub(super) fn receipt(chain: &Chain, block: &MinedBlock, index: usize) -> Option<TransactionReceipt> {
    let transaction = block.transactions.get(index)?;
    let mined = block.receipts.get(index)?;
    let hash = *transaction.hash();
    let mut logs = logs(block, false).filter(|log| log.transaction_hash == Some(hash));
    let inner =
        mined.envelope.clone().map_logs(|log| logs.next().unwrap_or(Log { inner: log, ..Log::default() }));
    let blob_gas_used = transaction.blob_gas_used();
    Some(TransactionReceipt {
        inner,
        transaction_hash: hash,
        transaction_index: u64::try_from(index).ok(),
        block_hash: Some(block.hash),
        block_number: Some(block.number()),
        gas_used: mined.gas_used,
        effective_gas_price: transaction.effective_gas_price(block.header.base_fee_per_gas),
        blob_gas_used,
        blob_gas_price: blob_gas_used.and_then(|_| block.header.blob_fee(chain.config().blob_params)),
        from: transaction.signer(),
        to: transaction.to(),
        contract_address: mined.contract_address,
    })
}
