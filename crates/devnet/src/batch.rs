//! Transactions of accounts that are no roles: sent together, waited for together.

use std::{collections::BTreeMap, time::Duration};

use alloy::{
    consensus::{SignableTransaction as _, TxEip1559, TxEnvelope},
    eips::{BlockNumberOrTag, eip2718::Encodable2718 as _},
    network::TransactionBuilder as _,
    primitives::{Address, Bytes, TxHash, TxKind, U256},
    providers::Provider as _,
    rpc::types::{TransactionReceipt, TransactionRequest},
    signers::{SignerSync as _, local::PrivateKeySigner},
    sol_types::SolCall,
    transports::TransportError,
};
use fernet_bindings::decode_revert;

use crate::backend::{BackendError, L1Backend};

/// Tip of these transactions, in wei per gas.
const TIP: u128 = 1_000_000_000;
/// L1 blocks until a batch must have landed.
const LANDING_BLOCKS: usize = 30;
/// Time after which an L1 with its own clock is asked again.
const POLL: Duration = Duration::from_millis(50);

/// Why a batch failed.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// A transaction would revert.
    #[error("{what} would revert: {reason}")]
    WouldRevert {
        /// What it was for.
        what: &'static str,
        /// The contract's error.
        reason: String,
    },
    /// A transaction reverted.
    #[error("{what} reverted in transaction {transaction}")]
    Reverted {
        /// What it was for.
        what: &'static str,
        /// Its hash.
        transaction: TxHash,
    },
    /// A transaction didn't land.
    #[error("{what}: transaction {transaction} did not land within {LANDING_BLOCKS} L1 blocks")]
    Missing {
        /// What it was for.
        what: &'static str,
        /// Its hash.
        transaction: TxHash,
    },
    /// The L1 doesn't answer, or refuses.
    #[error("{what}: {source}")]
    Rpc {
        /// What was going on.
        what: &'static str,
        /// The L1's answer.
        source: TransportError,
    },
    /// It couldn't be signed.
    #[error("could not sign: {0}")]
    Sign(#[from] alloy::signers::Error),
    /// The L1 failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// One transaction.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) from: &'a PrivateKeySigner,
    pub(crate) to: Address,
    pub(crate) value: U256,
    pub(crate) input: Bytes,
}

impl<'a> Call<'a> {
    /// A call of a contract.
    pub(crate) fn new(from: &'a PrivateKeySigner, to: Address, call: &impl SolCall) -> Self {
        Self { from, to, value: U256::ZERO, input: call.abi_encode().into() }
    }

    /// A payment in ether.
    pub(crate) fn pay(from: &'a PrivateKeySigner, to: Address, value: U256) -> Self {
        Self { from, to, value, input: Bytes::new() }
    }
}

/// Sends all `calls`, none of which may depend on another, and returns their receipts in order.
pub(crate) async fn send(
    backend: &L1Backend,
    what: &'static str,
    calls: Vec<Call<'_>>,
) -> Result<Vec<TransactionReceipt>, BatchError> {
    let provider = backend.provider();
    let failed = |source| BatchError::Rpc { what, source };
    let head = provider.get_block_by_number(BlockNumberOrTag::Latest).await.map_err(failed)?;
    let base_fee = head.and_then(|block| block.header.base_fee_per_gas).unwrap_or_default();
    // Room for the base fee to double six times before the batch has landed.
    let max_fee = u128::from(base_fee).saturating_mul(64).saturating_add(TIP.saturating_mul(2));
    let mut nonces = BTreeMap::new();
    let mut hashes = Vec::with_capacity(calls.len());
    // Falling tips keep the batch in order within a block.
    let tips =
        (0..u128::try_from(calls.len()).unwrap_or_default()).rev().map(|later| TIP.saturating_add(later));
    for (call, tip) in calls.into_iter().zip(tips) {
        let from = call.from.address();
        let nonce = match nonces.get(&from) {
            Some(nonce) => *nonce,
            None => provider.get_transaction_count(from).pending().await.map_err(failed)?,
        };
        nonces.insert(from, nonce.saturating_add(1));
        let request = TransactionRequest::default()
            .with_from(from)
            .with_to(call.to)
            .with_value(call.value)
            .with_input(call.input.clone());
        // Doubled below: the batch's other transactions change what this one finds in storage.
        let gas = provider.estimate_gas(request).await.map_err(|source| refused(what, source))?;
        let transaction = TxEip1559 {
            chain_id: backend.chain_id(),
            nonce,
            gas_limit: gas.saturating_mul(2),
            max_fee_per_gas: max_fee,
            max_priority_fee_per_gas: tip,
            to: TxKind::Call(call.to),
            value: call.value,
            access_list: Default::default(),
            input: call.input,
        };
        let signature = call.from.sign_hash_sync(&transaction.signature_hash())?;
        let raw = TxEnvelope::from(transaction.into_signed(signature)).encoded_2718();
        let pending = provider.send_raw_transaction(&raw).await.map_err(failed)?;
        hashes.push(*pending.tx_hash());
    }
    let mut receipts = Vec::with_capacity(hashes.len());
    for hash in hashes {
        receipts.push(receipt(backend, what, hash).await?);
    }
    Ok(receipts)
}

async fn receipt(
    backend: &L1Backend,
    what: &'static str,
    hash: TxHash,
) -> Result<TransactionReceipt, BatchError> {
    for _ in 0..LANDING_BLOCKS {
        let receipt = backend.provider().get_transaction_receipt(hash).await;
        match receipt.map_err(|source| BatchError::Rpc { what, source })? {
            Some(receipt) if receipt.status() => return Ok(receipt),
            Some(_) => return Err(BatchError::Reverted { what, transaction: hash }),
            None => backend.advance().await?,
        }
        if !backend.is_stepwise() {
            tokio::time::sleep(POLL).await;
        }
    }
    Err(BatchError::Missing { what, transaction: hash })
}

/// What a failed gas estimate means.
fn refused(what: &'static str, source: TransportError) -> BatchError {
    match source.as_error_resp().and_then(|answer| answer.as_revert_data()) {
        Some(data) => BatchError::WouldRevert { what, reason: decode_revert(&data).to_string() },
        None => BatchError::Rpc { what, source },
    }
}
