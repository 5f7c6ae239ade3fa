//! What the transactions of a block cost, from their receipts.

use std::collections::BTreeMap;

use alloy::{primitives::TxHash, providers::Provider as _, transports::TransportError};
use fernet_l1::L1Provider;

use crate::{history::HeaderTransactions, record::GasUsed};

/// Receipts kept: more than the slots need that the view shows and an L1 reorg may undo.
const KEPT_RECEIPTS: usize = 256;

/// L1 doesn't tell a transaction's receipt.
#[derive(Debug, thiserror::Error)]
#[error("receipt of {transaction}: {source}")]
pub struct GasError {
    transaction: TxHash,
    source: TransportError,
}

/// Asks L1 once for each transaction.
#[derive(Debug, Default)]
pub(crate) struct GasMeter {
    known: BTreeMap<TxHash, u64>,
}

impl GasMeter {
    /// Gas of a header's transactions as far as they are mined.
    ///
    /// # Errors
    /// Where L1 doesn't answer.
    pub(crate) async fn of(
        &mut self,
        provider: &L1Provider,
        transactions: &HeaderTransactions,
        finalize: Option<TxHash>,
    ) -> Result<GasUsed, GasError> {
        let mut reveal: Option<u64> = None;
        for transaction in &transactions.reveal {
            if let Some(gas) = self.read(provider, *transaction).await? {
                reveal = Some(reveal.unwrap_or_default().saturating_add(gas));
            }
        }
        Ok(GasUsed {
            propose: self.read_any(provider, transactions.propose).await?,
            commit: self.read_any(provider, transactions.commit).await?,
            reveal,
            finalize: self.read_any(provider, finalize).await?,
        })
    }

    async fn read_any(
        &mut self,
        provider: &L1Provider,
        transaction: Option<TxHash>,
    ) -> Result<Option<u64>, GasError> {
        match transaction {
            Some(transaction) => self.read(provider, transaction).await,
            None => Ok(None),
        }
    }

    async fn read(&mut self, provider: &L1Provider, transaction: TxHash) -> Result<Option<u64>, GasError> {
        if let Some(gas) = self.known.get(&transaction) {
            return Ok(Some(*gas));
        }
        let receipt = provider.get_transaction_receipt(transaction).await;
        let receipt = receipt.map_err(|source| GasError { transaction, source })?;
        let gas = receipt.map(|receipt| receipt.gas_used);
        if let Some(gas) = gas {
            if self.known.len() >= KEPT_RECEIPTS {
                self.known.clear();
            }
            self.known.insert(transaction, gas);
        }
        Ok(gas)
    }
}
