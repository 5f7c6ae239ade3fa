//! What callers say and hear about a transaction.

use std::fmt;

use alloy::primitives::{Address, B256, Bytes, TxHash, U256};
use fernet_protocol::L1Slot;
use serde::{Deserialize, Serialize};

use super::fees::MaxTotalFeeExceeded;
use crate::blobs::BlobSidecar;

/// Longest key, in bytes.
const KEY_LIMIT: usize = 256;

/// Names an intent for good: submitting the same one again changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IntentKey(String);

/// A key that can't name an intent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a key of 1 to {KEY_LIMIT} bytes, got {actual}")]
pub struct IntentKeyError {
    /// bytes
    pub actual: usize,
}

impl IntentKey {
    /// A key such as `commit/7/0x12…`.
    pub fn new(key: impl Into<String>) -> Result<Self, IntentKeyError> {
        let key = key.into();
        if key.is_empty() || key.len() > KEY_LIMIT {
            return Err(IntentKeyError { actual: key.len() });
        }
        Ok(Self(key))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IntentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What to do with an intent whose simulation reverts. It is not sent in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhenReverting {
    /// It has failed.
    #[default]
    GiveUp,
    /// It is simulated again at every block until its window closes.
    Retry,
}

/// A transaction that somebody wants on L1.
#[derive(Clone, Debug)]
pub struct Intent {
    /// idempotency key
    pub key: IntentKey,
    /// account or contract called
    pub to: Address,
    /// calldata
    pub calldata: Bytes,
    /// wei sent along
    pub value: U256,
    /// blobs carried; they decide which account sends
    pub blobs: Option<BlobSidecar>,
    /// first L1 slot in which it may land
    pub not_before: L1Slot,
    /// first L1 slot in which it may not land any more
    pub expires_at: L1Slot,
    /// what is lost if it doesn't land, in wei: its fees never exceed this
    pub max_total_fee: U256,
    /// gas limit; where there is none, the estimate and a quarter more
    pub gas_limit: Option<u64>,
    /// what to do when its simulation reverts
    pub when_reverting: WhenReverting,
}

/// Where an intent is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxStatus {
    /// Not settled yet.
    Pending(PendingStage),
    /// On the chain, and it succeeded. A reorg can make it pending again.
    Mined(TxOutcome),
    /// It won't succeed.
    Failed {
        /// why
        reason: FailureReason,
        /// the transaction that reverted, if one did
        outcome: Option<TxOutcome>,
    },
    /// Its window closed before it landed.
    Expired {
        /// the no-op that took its nonce, if it had been sent
        cancelled_by: Option<TxOutcome>,
    },
}

/// How far a pending intent has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PendingStage {
    /// Not sent.
    Waiting(WaitReason),
    /// Sent, not mined.
    Sent {
        /// newest transaction
        hash: TxHash,
        /// its nonce
        nonce: u64,
        /// transactions sent for it so far, replacements included
        attempts: usize,
    },
    /// Its window closed; a no-op is to take its nonce.
    Cancelling {
        /// newest no-op, or the newest transaction where none was sent yet
        hash: TxHash,
        /// the nonce
        nonce: u64,
    },
}

/// Why an intent isn't sent yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WaitReason {
    /// Not tried yet: no L1 block was seen since it was submitted.
    New,
    /// Its window isn't open.
    TooEarly,
    /// It would revert now.
    WouldRevert {
        /// decoded revert
        reason: String,
    },
    /// The market asks for more than the intent is worth.
    TooExpensive {
        /// the least that it would cost, in wei
        needed: U256,
        /// the intent's ceiling, in wei
        ceiling: U256,
    },
    /// Its account has transactions of the other kind in the pool: pools don't take blob and plain transactions of
    /// one account together.
    OtherKindPending,
    /// The node didn't take it.
    Refused {
        /// the node's words
        message: String,
    },
    /// The endpoint didn't answer.
    Unreachable {
        /// what happened
        message: String,
    },
    /// A reorg or a foreign transaction with its nonce undid it.
    Undone,
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("not tried yet"),
            Self::TooEarly => f.write_str("its window isn't open"),
            Self::WouldRevert { reason } => write!(f, "it would revert: {reason}"),
            Self::TooExpensive { needed, ceiling } => {
                MaxTotalFeeExceeded { needed: *needed, ceiling: *ceiling }.fmt(f)
            }
            Self::OtherKindPending => {
                f.write_str("its account has transactions of the other kind in the pool")
            }
            Self::Refused { message } => write!(f, "the node refused it: {message}"),
            Self::Unreachable { message } => write!(f, "the endpoint didn't answer: {message}"),
            Self::Undone => f.write_str("it was undone"),
        }
    }
}

/// Why an intent has failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureReason {
    /// It wasn't sent, as it would have reverted.
    WouldRevert {
        /// decoded revert
        reason: String,
        /// revert data
        data: Bytes,
    },
    /// It landed and reverted.
    Reverted {
        /// decoded revert, from a simulation on top of the block
        reason: String,
    },
    /// Whoever submitted it took it back before it was sent.
    Withdrawn,
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WouldRevert { reason, .. } => write!(f, "would revert: {reason}"),
            Self::Reverted { reason } => write!(f, "reverted: {reason}"),
            Self::Withdrawn => f.write_str("withdrawn"),
        }
    }
}

/// What the chain did with a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxOutcome {
    /// transaction hash
    pub hash: TxHash,
    /// L1 block number
    pub block_number: u64,
    /// L1 block hash
    pub block_hash: B256,
    /// position in the block
    pub index: u64,
    /// whether it didn't revert
    pub success: bool,
    /// gas
    pub gas_used: u64,
    /// wei per gas
    pub effective_gas_price: u128,
    /// blob gas
    pub blob_gas_used: u64,
    /// wei per blob gas
    pub blob_gas_price: u128,
}

impl TxOutcome {
    /// Fees paid, in wei.
    pub fn fee(&self) -> U256 {
        let gas = U256::from(self.gas_used).saturating_mul(U256::from(self.effective_gas_price));
        gas.saturating_add(U256::from(self.blob_gas_used).saturating_mul(U256::from(self.blob_gas_price)))
    }
}
