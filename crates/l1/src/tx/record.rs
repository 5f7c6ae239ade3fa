//! An intent with its transactions, as stored on disk.

use alloy::primitives::{Address, B256, Bytes, TxHash, U256};
use fernet_protocol::L1Slot;
use serde::{Deserialize, Serialize};

use super::{
    fees::Fees,
    intent::{
        FailureReason, Inclusion, Intent, IntentKey, NonceUse, PendingStage, TxOutcome, TxStatus, WaitReason,
        WhenReverting,
    },
};

/// An intent and its state as of the last tick.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) key: IntentKey,
    /// Order of submission.
    pub(crate) sequence: u64,
    pub(crate) to: Address,
    pub(crate) calldata: Bytes,
    pub(crate) value: U256,
    /// Versioned hashes of the blobs. The blobs are stored in a table of their own.
    pub(crate) blob_hashes: Vec<B256>,
    pub(crate) not_before: u64,
    pub(crate) expires_at: u64,
    pub(crate) max_total_fee: U256,
    #[serde(default)]
    pub(crate) at_stake: U256,
    pub(crate) gas_limit: Option<u64>,
    pub(crate) when_reverting: WhenReverting,
    pub(crate) state: State,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    /// It has no nonce.
    Waiting(WaitReason),
    /// It has a nonce, and at least one transaction that may be in a pool.
    Sent(Sent),
    /// Its nonce is used on chain.
    Settled { sent: Option<Sent>, result: Settled },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) account: Address,
    pub(crate) nonce: u64,
    /// Oldest first; never empty.
    pub(crate) attempts: Vec<Attempt>,
    /// The window has closed. Only no-ops are sent from now on.
    pub(crate) cancelling: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) hash: TxHash,
    pub(crate) kind: AttemptKind,
    pub(crate) fees: Fees,
    pub(crate) gas_limit: u64,
    /// Signed, EIP-2718, without blobs.
    pub(crate) raw: Bytes,
    /// Number of the L1 block at which it was signed.
    pub(crate) at: u64,
    /// A node said that its fees are too low.
    #[serde(default)]
    pub(crate) underpriced: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AttemptKind {
    /// The intent's own transaction.
    Intended,
    /// A no-op with its nonce.
    Cancellation,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Settled {
    Mined(TxOutcome),
    Failed { reason: FailureReason, outcome: Option<TxOutcome> },
    Expired { cancelled_by: Option<TxOutcome> },
}

impl Settled {
    pub(crate) fn outcome(&self) -> Option<&TxOutcome> {
        match self {
            Self::Mined(outcome) => Some(outcome),
            Self::Failed { outcome, .. } => outcome.as_ref(),
            Self::Expired { cancelled_by } => cancelled_by.as_ref(),
        }
    }
}

impl Sent {
    /// The newest attempt.
    pub(crate) fn newest(&self) -> Option<&Attempt> {
        self.attempts.last()
    }
}

impl Record {
    pub(crate) fn new(intent: &Intent, sequence: u64) -> Self {
        Self {
            key: intent.key.clone(),
            sequence,
            to: intent.to,
            calldata: intent.calldata.clone(),
            value: intent.value,
            blob_hashes: intent.blobs.as_ref().map(|blobs| blobs.versioned_hashes()).unwrap_or_default(),
            not_before: intent.not_before.get(),
            expires_at: intent.expires_at.get(),
            max_total_fee: intent.max_total_fee,
            at_stake: intent.at_stake,
            gas_limit: intent.gas_limit,
            when_reverting: intent.when_reverting,
            state: State::Waiting(WaitReason::New),
        }
    }

    /// Whether another intent is for the same transaction and window.
    pub(crate) fn is_same(&self, intent: &Intent) -> bool {
        let other = Self::new(intent, self.sequence);
        self.to == other.to
            && self.calldata == other.calldata
            && self.value == other.value
            && self.blob_hashes == other.blob_hashes
            && self.not_before == other.not_before
            && self.expires_at == other.expires_at
    }

    pub(crate) fn has_blobs(&self) -> bool {
        !self.blob_hashes.is_empty()
    }

    /// Whether a block in L1 slot `next` is too late for it.
    pub(crate) fn is_over(&self, next: L1Slot) -> bool {
        next.get() >= self.expires_at
    }

    /// Whether a block in L1 slot `next` is too early for it.
    pub(crate) fn is_early(&self, next: L1Slot) -> bool {
        next.get() < self.not_before
    }

    /// L1 slots after `head` in which it may still be included.
    pub(crate) fn left(&self, head: L1Slot) -> u64 {
        self.expires_at.saturating_sub(head.get().saturating_add(1))
    }

    /// Its state after a withdrawal; `None` if it was included or is over, which nothing changes.
    pub(crate) fn withdrawn(&self) -> Option<State> {
        match &self.state {
            State::Waiting(_) => Some(State::Settled {
                sent: None,
                result: Settled::Failed { reason: FailureReason::Withdrawn, outcome: None },
            }),
            State::Sent(sent) => Some(State::Sent(Sent { cancelling: true, ..sent.clone() })),
            State::Settled { .. } => None,
        }
    }

    /// The included transaction of a settled intent, for which `attempts` were sent.
    pub(crate) fn inclusion(&self, attempts: usize) -> Option<Inclusion> {
        let State::Settled { result, .. } = &self.state else { return None };
        let nonce_use = match result {
            Settled::Mined(_) => NonceUse::Mined,
            Settled::Failed { .. } => NonceUse::Reverted,
            Settled::Expired { .. } => NonceUse::Cancelled,
        };
        Some(Inclusion {
            key: self.key.clone(),
            nonce_use,
            outcome: result.outcome()?.clone(),
            not_before: L1Slot::new(self.not_before),
            at_stake: self.at_stake,
            attempts,
        })
    }

    pub(crate) fn status(&self) -> TxStatus {
        match &self.state {
            State::Waiting(reason) => TxStatus::Pending(PendingStage::Waiting(reason.clone())),
            State::Sent(sent) => {
                let hash = sent.newest().map(|attempt| attempt.hash).unwrap_or_default();
                TxStatus::Pending(if sent.cancelling {
                    PendingStage::Cancelling { hash, nonce: sent.nonce }
                } else {
                    PendingStage::Sent { hash, nonce: sent.nonce, attempts: sent.attempts.len() }
                })
            }
            State::Settled { result, .. } => match result.clone() {
                Settled::Mined(outcome) => TxStatus::Mined(outcome),
                Settled::Failed { reason, outcome } => TxStatus::Failed { reason, outcome },
                Settled::Expired { cancelled_by } => TxStatus::Expired { cancelled_by },
            },
        }
    }
}
