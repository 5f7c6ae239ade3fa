//! The transaction manager's requests to the L1.

use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, TxHash, U64, U128, U256},
    providers::Provider,
    rpc::types::{BlockOverrides, TransactionInput, TransactionReceipt, TransactionRequest},
};
use fernet_bindings::decode_revert;
use serde::Deserialize;
use serde_json::Value;

use super::{
    fees::{FeeEstimate, gas_limit_for},
    intent::TxOutcome,
    record::Record,
};
use crate::{
    endpoint::{
        RpcFailure,
        class::{INVALID_PARAMS, Refusal, answered, is_revert, judge_refusal},
    },
    provider::L1Provider,
};

/// Number of recent blocks whose tips are considered.
const TIP_BLOCKS: u64 = 8;
/// Percentile of a block's tips that is offered.
const TIP_PERCENTILE: f64 = 60.0;

/// Gas limit of a transaction with blobs that the node can't simulate. A backup block with a proof takes less
/// than a million.
const GAS_WITHOUT_SIMULATION: u64 = 4_000_000;
/// Code that returns the first blob's hash.
const FIRST_BLOB_HASH: [u8; 8] = [0x5f, 0x49, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];

/// The simulated block: the one after the head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NextBlock {
    pub(crate) number: u64,
    pub(crate) timestamp: u64,
}

/// Result of a simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Simulation {
    /// The transaction succeeds with this gas limit.
    Succeeds { gas_limit: u64 },
    /// The transaction reverts.
    Reverts { reason: String, data: Bytes },
}

/// What is known after a broadcast. Whatever a node says, the pool may have the transaction: a proxy may have
/// answered in the node's place, and a replica may be behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broadcast {
    /// The pool has it.
    Taken,
    /// The fees are too low for the pool, or for a replacement.
    Underpriced { message: String },
    /// Anything else.
    Unknown { message: String },
}

/// Whether the node accepts block overrides in simulations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overrides {
    Supported,
    Refused,
}

/// Whether the node's simulations see the blobs of a transaction. hardhat's don't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SimulatedBlobs {
    /// Nothing made anybody ask.
    Unknown,
    Seen,
    Ignored,
}

#[derive(Clone, Debug)]
pub(crate) struct Chain {
    provider: L1Provider,
    overrides: Overrides,
    simulated_blobs: SimulatedBlobs,
    /// The last estimate that made sense.
    last: Option<FeeEstimate>,
}

/// An answer to `eth_feeHistory`. Nodes leave fields out, and put `null` in them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FeeHistory {
    base_fee_per_gas: Option<Vec<Option<U128>>>,
    base_fee_per_blob_gas: Option<Vec<Option<U128>>>,
    reward: Option<Vec<Option<Vec<Option<U128>>>>>,
}

/// The last fee, unless it is missing or zero.
fn last_fee(fees: Option<Vec<Option<U128>>>) -> Option<u128> {
    fees?.last().copied().flatten().map(|fee| fee.to()).filter(|fee| *fee > 0)
}

impl Chain {
    pub(crate) fn new(provider: L1Provider) -> Self {
        Self {
            provider,
            overrides: Overrides::Supported,
            simulated_blobs: SimulatedBlobs::Unknown,
            last: None,
        }
    }

    /// The account's nonce on chain: the number of its transactions in blocks.
    pub(crate) async fn nonce(&self, account: Address) -> Result<u64, RpcFailure> {
        answered(self.provider.get_transaction_count(account).await)
    }

    /// Fees of the next block. `base_fee` is its base fee, computed from the head: no estimate is lower. What
    /// the node leaves out is taken from the last estimate that had it.
    pub(crate) async fn estimate(
        &mut self,
        base_fee: u128,
        least_tip: u128,
        most_tip: u128,
    ) -> Result<FeeEstimate, RpcFailure> {
        let parameters = (U64::from(TIP_BLOCKS), BlockNumberOrTag::Latest, [TIP_PERCENTILE]);
        let answer = self.provider.raw_request("eth_feeHistory".into(), parameters).await;
        let history: FeeHistory = answered::<Option<FeeHistory>>(answer)?.unwrap_or_default();
        let blocks = history.reward.unwrap_or_default();
        let mut tips: Vec<u128> = blocks
            .iter()
            .flatten()
            .filter_map(|tips| tips.first().copied().flatten())
            .map(|tip| tip.to())
            .collect();
        tips.retain(|tip| *tip > 0);
        tips.sort_unstable();
        let tip = tips.get(tips.len() / 2).copied().or(self.last.map(|last| last.tip)).unwrap_or(least_tip);
        let blob_fee = match last_fee(history.base_fee_per_blob_gas) {
            Some(fee) => Some(fee),
            None => self.blob_base_fee().await.or(self.last.and_then(|last| last.blob_fee)),
        };
        let estimate = FeeEstimate {
            base_fee: last_fee(history.base_fee_per_gas).unwrap_or_default().max(base_fee),
            tip: tip.clamp(least_tip, most_tip.max(least_tip)),
            blob_fee,
        };
        self.last = Some(estimate);
        Ok(estimate)
    }

    /// Blob base fee of the next block, from nodes whose fee history doesn't have it.
    async fn blob_base_fee(&self) -> Option<u128> {
        let answer = self.provider.raw_request("eth_blobBaseFee".into(), ()).await;
        match answered::<Option<U128>>(answer) {
            Ok(fee) => fee.map(|fee| fee.to()).filter(|fee| *fee > 0),
            Err(error) => {
                tracing::debug!(%error, "no blob base fee");
                None
            }
        }
    }

    /// Hash of the transaction that used a nonce of an account, which was unused as of block `unused` and is
    /// used as of block `head`.
    pub(crate) async fn user_of(
        &self,
        account: Address,
        nonce: u64,
        unused: u64,
        head: u64,
    ) -> Result<Option<TxHash>, RpcFailure> {
        let (mut low, mut high) = (unused.min(head), head);
        while high.saturating_sub(low) > 1 {
            let middle = low + (high - low) / 2;
            let count = self.provider.get_transaction_count(account).block_id(BlockId::number(middle));
            if answered(count.await)? > nonce { high = middle } else { low = middle }
        }
        // Transactions of later forks have types that this client doesn't know.
        let block = self.provider.raw_request("eth_getBlockByNumber".into(), (U64::from(high), true)).await;
        let block: Value = answered::<Option<Value>>(block)?.unwrap_or_default();
        let transactions = block.get("transactions").and_then(Value::as_array);
        let is_it = |transaction: &&Value| {
            let field = |name: &str| transaction.get(name).cloned().unwrap_or_default();
            serde_json::from_value::<Address>(field("from")).ok() == Some(account)
                && serde_json::from_value::<U64>(field("nonce")).ok() == Some(U64::from(nonce))
        };
        let found = transactions.and_then(|all| all.iter().find(is_it));
        Ok(found.and_then(|transaction| serde_json::from_value(transaction.get("hash")?.clone()).ok()))
    }

    /// Simulates an intent in the next block. A node without block overrides simulates it on its head, and,
    /// if it reverts there, in its pending block: its window may open with the next L1 slot only. An intent
    /// with blobs isn't simulated by a node that ignores them.
    pub(crate) async fn simulate(
        &mut self,
        record: &Record,
        from: Address,
        next: NextBlock,
        estimate: &FeeEstimate,
    ) -> Result<Simulation, RpcFailure> {
        let mut request =
            TransactionRequest::default().with_from(from).with_to(record.to).with_value(record.value);
        request.input = TransactionInput::new(record.calldata.clone());
        if record.has_blobs() {
            request.blob_versioned_hashes = Some(record.blob_hashes.clone());
            // without a limit, nodes take a call for one without blobs; they check the balance against it
            request.max_fee_per_blob_gas =
                Some(estimate.blob_fee.unwrap_or_default().saturating_mul(2).max(1));
        }
        if let Some(gas) = record.gas_limit {
            request.gas = Some(gas);
        }
        let unsimulated =
            Simulation::Succeeds { gas_limit: record.gas_limit.unwrap_or(GAS_WITHOUT_SIMULATION) };
        if record.has_blobs() && self.simulated_blobs == SimulatedBlobs::Ignored {
            return Ok(unsimulated);
        }
        let mut block = BlockId::latest();
        loop {
            let overrides = (self.overrides == Overrides::Supported).then(|| BlockOverrides {
                number: Some(U256::from(next.number)),
                time: Some(next.timestamp),
                ..BlockOverrides::default()
            });
            let result = if let Some(gas_limit) = record.gas_limit {
                let call = self.provider.call(request.clone()).block(block);
                answered(call.with_block_overrides_opt(overrides).await).map(|_| gas_limit)
            } else {
                let call = self.provider.estimate_gas(request.clone()).block(block);
                answered(call.with_block_overrides_opt(overrides).await).map(gas_limit_for)
            };
            match result {
                Ok(gas_limit) => return Ok(Simulation::Succeeds { gas_limit }),
                Err(RpcFailure::Refused { code: INVALID_PARAMS, message, .. })
                    if self.overrides == Overrides::Supported =>
                {
                    tracing::warn!(
                        code = "L1-007",
                        message,
                        "the node doesn't take block overrides; simulating on its head"
                    );
                    self.overrides = Overrides::Refused;
                }
                Err(RpcFailure::Refused { code, message, data })
                    if is_revert(code, &message, data.as_ref()) =>
                {
                    if self.overrides == Overrides::Refused && block != BlockId::pending() {
                        block = BlockId::pending();
                        continue;
                    }
                    if record.has_blobs() && self.ignores_blobs(&request).await? {
                        return Ok(unsimulated);
                    }
                    let data = data.unwrap_or_default();
                    let reason = if data.is_empty() { message } else { decode_revert(&data).to_string() };
                    return Ok(Simulation::Reverts { reason, data });
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the node's simulations ignore the blobs of `request`. A node that knows blobs refuses the
    /// question, because a transaction with blobs creates no contract.
    async fn ignores_blobs(&mut self, request: &TransactionRequest) -> Result<bool, RpcFailure> {
        if self.simulated_blobs == SimulatedBlobs::Unknown {
            let mut question = TransactionRequest {
                blob_versioned_hashes: request.blob_versioned_hashes.clone(),
                max_fee_per_blob_gas: request.max_fee_per_blob_gas,
                ..TransactionRequest::default()
            };
            question.input = TransactionInput::new(FIRST_BLOB_HASH.into());
            self.simulated_blobs = match answered(self.provider.call(question).await) {
                Ok(answer) if answer[..] == B256::ZERO[..] => {
                    tracing::warn!(
                        code = "L1-008",
                        "the node simulates transactions without their blobs; sending those as they are"
                    );
                    SimulatedBlobs::Ignored
                }
                Ok(_) | Err(RpcFailure::Refused { .. }) => SimulatedBlobs::Seen,
                Err(error) => return Err(error),
            };
        }
        Ok(self.simulated_blobs == SimulatedBlobs::Ignored)
    }

    /// Why a transaction reverted, according to a call on top of its block.
    pub(crate) async fn revert_reason(&self, record: &Record, from: Address, block: u64) -> String {
        let mut request =
            TransactionRequest::default().with_from(from).with_to(record.to).with_value(record.value);
        request.input = TransactionInput::new(record.calldata.clone());
        match answered(self.provider.call(request).block(BlockId::number(block)).await) {
            Ok(_) => "not known: a call on top of the block succeeds".to_owned(),
            Err(RpcFailure::Refused { message, data, .. }) => match data {
                Some(data) if !data.is_empty() => decode_revert(&data).to_string(),
                _ => message,
            },
            Err(error) => format!("not known: {error}"),
        }
    }

    /// Sends a transaction.
    pub(crate) async fn broadcast(&self, wire: &Bytes) -> Broadcast {
        match answered(self.provider.send_raw_transaction(wire).await) {
            Ok(_) => Broadcast::Taken,
            Err(RpcFailure::Refused { code, message, .. }) => match judge_refusal(&message) {
                Refusal::Known => Broadcast::Taken,
                Refusal::Underpriced => Broadcast::Underpriced { message },
                Refusal::NonceUsed | Refusal::Other => {
                    Broadcast::Unknown { message: format!("{message} (code {code})") }
                }
            },
            Err(error) => Broadcast::Unknown { message: error.to_string() },
        }
    }

    /// Whether the node has the transaction, in its pool or in a block.
    pub(crate) async fn knows(&self, hash: TxHash) -> Result<bool, RpcFailure> {
        Ok(answered(self.provider.get_transaction_by_hash(hash).await)?.is_some())
    }

    /// The outcome of a transaction; `None` if it isn't in a block.
    pub(crate) async fn outcome(&self, hash: TxHash) -> Result<Option<TxOutcome>, RpcFailure> {
        let receipt = answered(self.provider.get_transaction_receipt(hash).await)?;
        Ok(receipt.and_then(|receipt| outcome_of(&receipt)))
    }
}

fn outcome_of(receipt: &TransactionReceipt) -> Option<TxOutcome> {
    Some(TxOutcome {
        hash: receipt.transaction_hash,
        block_number: receipt.block_number?,
        block_hash: receipt.block_hash?,
        index: receipt.transaction_index?,
        success: receipt.status(),
        gas_used: receipt.gas_used,
        effective_gas_price: receipt.effective_gas_price,
        blob_gas_used: receipt.blob_gas_used.unwrap_or_default(),
        blob_gas_price: receipt.blob_gas_price.unwrap_or_default(),
    })
}
