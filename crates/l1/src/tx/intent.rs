//! Intents and their status, as callers see them.

use std::fmt;

use alloy::primitives::{Address, B256, Bytes, TxHash, U256};
use fernet_protocol::L1Slot;
use serde::{Deserialize, Serialize};

use super::fees::MaxTotalFeeExceeded;
use crate::blobs::BlobSidecar;

/// Longest key, in bytes.
const KEY_LIMIT: usize = 256;

/// Identifies an intent. Submitting the same intent again changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IntentKey(String);

/// A key of the wrong length.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a key of 1 to {KEY_LIMIT} bytes, got {actual}")]
pub struct IntentKeyError {
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

    /// What the intent is for: the text before the first slash, such as `commit`.
    pub fn kind(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }
}

impl fmt::Display for IntentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What to do with an intent whose simulation reverts. It isn't sent in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhenReverting {
    /// The intent fails.
    #[default]
    GiveUp,
    /// The intent is simulated again at every block until its window closes.
    Retry,
}

/// A transaction to be included on L1 within a window of L1 slots.
#[derive(Clone, Debug)]
pub struct Intent {
    /// Idempotency key.
    pub key: IntentKey,
    /// Account or contract called.
    pub to: Address,
    /// Calldata.
    pub calldata: Bytes,
    /// Value, in wei.
    pub value: U256,
    /// Blobs. An intent with blobs is sent from the blob account.
    pub blobs: Option<BlobSidecar>,
    /// First L1 slot in which it may be included.
    pub not_before: L1Slot,
    /// First L1 slot in which it is too late (exclusive end of the window).
    pub expires_at: L1Slot,
    /// Most that its transactions may pay in fees, in wei.
    pub max_total_fee: U256,
    /// What is lost if it isn't included, in wei. Towards the end of the window, fees rise to at most this
    /// much and [`Self::max_total_fee`]. Zero: they don't.
    pub at_stake: U256,
    /// Gas limit. `None`: the estimate plus a quarter.
    pub gas_limit: Option<u64>,
    /// What to do when its simulation reverts.
    pub when_reverting: WhenReverting,
}

/// Status of an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxStatus {
    /// It isn't final yet.
    Pending(PendingStage),
    /// It was included and succeeded. A reorg can make it pending again.
    Mined(TxOutcome),
    /// It failed.
    Failed {
        /// Why.
        reason: FailureReason,
        /// The transaction that reverted, if one did.
        outcome: Option<TxOutcome>,
    },
    /// Its window closed before it was included.
    Expired {
        /// The no-op that used its nonce, if it had been sent.
        cancelled_by: Option<TxOutcome>,
    },
}

/// Progress of a pending intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PendingStage {
    /// It wasn't sent.
    Waiting(WaitReason),
    /// It was sent, and isn't mined.
    Sent {
        /// Newest transaction.
        hash: TxHash,
        /// Its nonce.
        nonce: u64,
        /// Transactions sent for it so far, replacements included.
        attempts: usize,
    },
    /// Its window closed. A no-op is sent to use its nonce.
    Cancelling {
        /// Newest no-op, or the newest transaction if no no-op was sent yet.
        hash: TxHash,
        /// The nonce.
        nonce: u64,
    },
}

/// Why an intent isn't sent yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WaitReason {
    /// No L1 block was seen since it was submitted.
    New,
    /// Its window isn't open yet.
    TooEarly,
    /// It would revert now.
    WouldRevert {
        /// Decoded revert.
        reason: String,
    },
    /// The lowest fees that can be included exceed `max_total_fee`.
    TooExpensive {
        /// Lowest fees that can be included, in wei.
        needed: U256,
        /// The intent's `max_total_fee`, in wei.
        maximum: U256,
    },
    /// The account has transactions of the other kind in the pool. Pools don't hold blob and plain
    /// transactions of one account at the same time.
    OtherKindPending,
    /// The node refused it.
    Refused {
        /// The node's words.
        message: String,
    },
    /// The endpoint didn't answer.
    Unreachable {
        /// The event.
        message: String,
    },
    /// A reorg, or a foreign transaction with its nonce, removed it.
    Undone,
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("not tried yet"),
            Self::TooEarly => f.write_str("its window isn't open"),
            Self::WouldRevert { reason } => write!(f, "it would revert: {reason}"),
            Self::TooExpensive { needed, maximum } => {
                MaxTotalFeeExceeded { needed: *needed, maximum: *maximum }.fmt(f)
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

/// Why an intent failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureReason {
    /// It wasn't sent, because it would have reverted.
    WouldRevert {
        /// Decoded revert.
        reason: String,
        /// Revert data.
        data: Bytes,
    },
    /// It was included and reverted.
    Reverted {
        /// Decoded revert, from a simulation on top of the block.
        reason: String,
    },
    /// It was withdrawn before it was sent.
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

/// How an intent's nonce was used on L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NonceUse {
    /// By the intended transaction, which succeeded.
    Mined,
    /// By the intended transaction, which reverted.
    Reverted,
    /// By a no-op, after the window was over.
    Cancelled,
}

/// An included transaction of an intent, and what its inclusion is measured by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// The intent.
    pub key: IntentKey,
    /// How its nonce was used.
    pub nonce_use: NonceUse,
    /// The included transaction.
    pub outcome: TxOutcome,
    /// First L1 slot in which the intent might have been included.
    pub not_before: L1Slot,
    /// What was lost without the intent, in wei.
    pub at_stake: U256,
    /// Transactions sent for the intent, replacements and no-ops included.
    pub attempts: usize,
}

/// Outcome of an included transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxOutcome {
    /// Transaction hash.
    pub hash: TxHash,
    /// L1 block number.
    pub block_number: u64,
    /// L1 block hash.
    pub block_hash: B256,
    /// Position in the block.
    pub index: u64,
    /// Whether it didn't revert.
    pub success: bool,
    /// Gas.
    pub gas_used: u64,
    /// Wei per gas.
    pub effective_gas_price: u128,
    /// Blob gas.
    pub blob_gas_used: u64,
    /// Wei per blob gas.
    pub blob_gas_price: u128,
}

impl TxOutcome {
    /// Fees paid, in wei.
    pub fn fee(&self) -> U256 {
        let gas = U256::from(self.gas_used).saturating_mul(U256::from(self.effective_gas_price));
        gas.saturating_add(U256::from(self.blob_gas_used).saturating_mul(U256::from(self.blob_gas_price)))
    }
}
