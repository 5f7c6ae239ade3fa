//! Intents as a store has them, for those who look at it from outside.

use alloy::primitives::{Address, B256, Bytes, TxHash, U256};
use fernet_protocol::L1Slot;

use super::{
    fees::Fees,
    intent::{IntentKey, TxStatus},
    record::{AttemptKind, Record, State},
};

/// An intent of a store, with its transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredIntent {
    /// Idempotency key.
    pub key: IntentKey,
    /// Account or contract called.
    pub to: Address,
    /// Calldata.
    pub calldata: Bytes,
    /// Value, in wei.
    pub value: U256,
    /// Versioned hashes of its blobs.
    pub blob_hashes: Vec<B256>,
    /// First L1 slot in which it may be included.
    pub not_before: L1Slot,
    /// First L1 slot in which it is too late.
    pub expires_at: L1Slot,
    /// Most that its transactions may pay in fees, in wei.
    pub max_total_fee: U256,
    /// Status as of the last tick of its manager.
    pub status: TxStatus,
    /// Sender; `None` before it was sent.
    pub account: Option<Address>,
    /// Transactions that were sent for it, oldest first.
    pub transactions: Vec<StoredTransaction>,
}

/// A transaction of an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTransaction {
    /// Hash.
    pub hash: TxHash,
    /// What it does.
    pub purpose: Purpose,
    /// Fees per gas that it offers.
    pub fees: Fees,
    /// Gas limit.
    pub gas_limit: u64,
    /// Number of the L1 block at which it was signed.
    pub signed_at: u64,
}

/// What a transaction of an intent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// What the intent asks for.
    Intended,
    /// Nothing but the use of the nonce.
    NoOp,
}

impl StoredIntent {
    pub(crate) fn of(record: &Record) -> Self {
        let sent = match &record.state {
            State::Waiting(_) => None,
            State::Sent(sent) => Some(sent),
            State::Settled { sent, .. } => sent.as_ref(),
        };
        let transactions =
            sent.into_iter().flat_map(|sent| &sent.attempts).map(|attempt| StoredTransaction {
                hash: attempt.hash,
                purpose: match attempt.kind {
                    AttemptKind::Intended => Purpose::Intended,
                    AttemptKind::Cancellation => Purpose::NoOp,
                },
                fees: attempt.fees,
                gas_limit: attempt.gas_limit,
                signed_at: attempt.at,
            });
        Self {
            key: record.key.clone(),
            to: record.to,
            calldata: record.calldata.clone(),
            value: record.value,
            blob_hashes: record.blob_hashes.clone(),
            not_before: L1Slot::new(record.not_before),
            expires_at: L1Slot::new(record.expires_at),
            max_total_fee: record.max_total_fee,
            status: record.status(),
            account: sent.map(|sent| sent.account),
            transactions: transactions.collect(),
        }
    }
}
