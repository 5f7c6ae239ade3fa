//! The transaction manager's requests to the L1.

use alloy::{
    eips::BlockId,
    network::TransactionBuilder,
    primitives::{Address, Bytes, TxHash, U256},
    providers::Provider,
    rpc::types::{BlockOverrides, TransactionInput, TransactionReceipt, TransactionRequest},
};
use fernet_bindings::decode_revert;

use super::{fees::FeeEstimate, intent::TxOutcome, record::Record};
use crate::provider::{L1Provider, RpcFailure, answered};

/// JSON-RPC code of a call that reverted (geth, reth, anvil, the embedded L1).
const REVERTED: i64 = 3;
/// JSON-RPC code of invalid parameters.
const INVALID_PARAMS: i64 = -32602;
/// Number of recent blocks whose tips are considered.
const TIP_BLOCKS: u64 = 8;
/// Percentile of a block's tips that is offered.
const TIP_PERCENTILE: f64 = 60.0;

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

/// Result of a broadcast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broadcast {
    /// The pool has it.
    Taken,
    /// The node refused it: the pool doesn't have it.
    Refused { message: String },
    /// Another transaction with that nonce is in the pool or on the chain.
    NonceTaken { message: String },
    /// The fees are too low for the pool, or for a replacement.
    Underpriced { message: String },
    /// The node didn't answer: the pool may have it.
    Unknown { message: String },
}

/// Whether the node accepts block overrides in simulations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overrides {
    Supported,
    Refused,
}

#[derive(Clone, Debug)]
pub(crate) struct Chain {
    provider: L1Provider,
    overrides: Overrides,
}

impl Chain {
    pub(crate) fn new(provider: L1Provider) -> Self {
        Self { provider, overrides: Overrides::Supported }
    }

    /// The account's nonce on chain: the number of its transactions in blocks.
    pub(crate) async fn nonce(&self, account: Address) -> Result<u64, RpcFailure> {
        answered(self.provider.get_transaction_count(account).await)
    }

    /// Fees of the next block.
    pub(crate) async fn estimate(&self, least_tip: u128, most_tip: u128) -> Result<FeeEstimate, RpcFailure> {
        let history =
            answered(self.provider.get_fee_history(TIP_BLOCKS, Default::default(), &[TIP_PERCENTILE]).await)?;
        let mut tips: Vec<u128> =
            history.reward.unwrap_or_default().iter().filter_map(|block| block.first().copied()).collect();
        tips.retain(|tip| *tip > 0);
        tips.sort_unstable();
        let tip = tips.get(tips.len() / 2).copied().unwrap_or(least_tip);
        Ok(FeeEstimate {
            base_fee: history.base_fee_per_gas.last().copied().unwrap_or_default(),
            tip: tip.clamp(least_tip, most_tip.max(least_tip)),
            blob_fee: history.base_fee_per_blob_gas.last().copied().unwrap_or_default(),
        })
    }

    /// Simulates an intent in the next block. A node without block overrides simulates it on its head.
    pub(crate) async fn simulate(
        &mut self,
        record: &Record,
        from: Address,
        next: NextBlock,
        estimate: &FeeEstimate,
    ) -> Result<Simulation, RpcFailure> {
        let mut request =
            TransactionRequest::default().with_from(from).with_to(record.to).with_value(record.value);
        request.input = TransactionInput::both(record.calldata.clone());
        if record.has_blobs() {
            request.blob_versioned_hashes = Some(record.blob_hashes.clone());
            // without a limit, nodes take a call for one without blobs; they check the balance against it
            request.max_fee_per_blob_gas = Some(estimate.blob_fee.saturating_mul(2).max(1));
        }
        if let Some(gas) = record.gas_limit {
            request.gas = Some(gas);
        }
        loop {
            let overrides = (self.overrides == Overrides::Supported).then(|| BlockOverrides {
                number: Some(U256::from(next.number)),
                time: Some(next.timestamp),
                ..BlockOverrides::default()
            });
            let result = if let Some(gas_limit) = record.gas_limit {
                let call = self.provider.call(request.clone()).latest().with_block_overrides_opt(overrides);
                answered(call.await).map(|_| gas_limit)
            } else {
                let call =
                    self.provider.estimate_gas(request.clone()).latest().with_block_overrides_opt(overrides);
                answered(call.await).map(|gas| gas.saturating_add(gas / 4))
            };
            match result {
                Ok(gas_limit) => return Ok(Simulation::Succeeds { gas_limit }),
                Err(RpcFailure::Refused { code: INVALID_PARAMS, message, .. })
                    if self.overrides == Overrides::Supported =>
                {
                    tracing::warn!(message, "the node doesn't take block overrides; simulating on its head");
                    self.overrides = Overrides::Refused;
                }
                Err(RpcFailure::Refused { code, message, data })
                    if is_revert(code, &message, data.as_ref()) =>
                {
                    let data = data.unwrap_or_default();
                    let reason = if data.is_empty() { message } else { decode_revert(&data).to_string() };
                    return Ok(Simulation::Reverts { reason, data });
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Why a transaction reverted, according to a call on top of its block.
    pub(crate) async fn revert_reason(&self, record: &Record, from: Address, block: u64) -> String {
        let mut request =
            TransactionRequest::default().with_from(from).with_to(record.to).with_value(record.value);
        request.input = TransactionInput::both(record.calldata.clone());
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
            Err(RpcFailure::Unreachable(message)) => Broadcast::Unknown { message },
            Err(error @ RpcFailure::Refused { .. }) if error.is_retryable() => {
                Broadcast::Unknown { message: error.to_string() }
            }
            Err(RpcFailure::Refused { message, .. }) => judge(message),
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

fn is_revert(code: i64, message: &str, data: Option<&Bytes>) -> bool {
    code == REVERTED || data.is_some() || message.to_ascii_lowercase().contains("revert")
}

/// Classifies a node's refusal by the messages of geth, reth, nethermind, anvil and the embedded L1.
fn judge(message: String) -> Broadcast {
    let lower = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(&["already known", "already imported", "alreadyknown", "known transaction"]) {
        Broadcast::Taken
    } else if says(&["underpriced", "fee cap less than", "max fee per gas less than", "max fee per blob gas"])
    {
        Broadcast::Underpriced { message }
    } else if says(&["nonce too low", "oldnonce", "nonce is too low"]) {
        Broadcast::NonceTaken { message }
    } else {
        Broadcast::Refused { message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_common_nodes_are_understood() {
        assert_eq!(judge("already known".into()), Broadcast::Taken);
        assert_eq!(judge("AlreadyKnown".into()), Broadcast::Taken);
        assert_eq!(judge("transaction already imported".into()), Broadcast::Taken);
        assert!(matches!(judge("replacement transaction underpriced".into()), Broadcast::Underpriced { .. }));
        assert!(matches!(
            judge("max fee per gas less than block base fee: address 0x1".into()),
            Broadcast::Underpriced { .. }
        ));
        assert!(matches!(
            judge("nonce too low: next nonce 4, tx nonce 3".into()),
            Broadcast::NonceTaken { .. }
        ));
        assert!(matches!(
            judge("insufficient funds for gas * price + value".into()),
            Broadcast::Refused { .. }
        ));
    }

    #[test]
    fn a_revert_is_told_from_other_refusals() {
        assert!(is_revert(3, "execution reverted", None));
        assert!(is_revert(-32000, "execution reverted", None));
        assert!(is_revert(-32015, "VM Exception", Some(&Bytes::new())));
        assert!(!is_revert(-32000, "insufficient funds", None));
    }
}
