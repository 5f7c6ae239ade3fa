//! What a step did, for whoever watches.

use std::fmt;

use alloy::primitives::{B256, TxHash};
use fernet_l1::{FailureReason, TxOutcome};
use fernet_protocol::Slot;

/// What a role's transactions can be for.
pub trait ActionKind: fmt::Debug + Copy + Send + Sync + 'static {
    /// One word for what it does.
    fn name(&self) -> &'static str;

    /// What tells two actions of this name, slot and block apart, if anything does.
    fn detail(&self) -> Option<String>;

    /// The claim of rewards with this number, from 0.
    fn claim(number: u64) -> Self;

    /// The number of a claim; `None` for anything else.
    fn claim_number(&self) -> Option<u64>;
}

/// One transaction that a role wants on L1, whatever becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Action<K> {
    /// What for.
    pub kind: K,
    /// In which slot.
    pub slot: Slot,
    /// For which block; zero for a claim.
    pub header_hash: B256,
}

impl<K: ActionKind> Action<K> {
    /// One word for what it does, such as `commit`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }
}

/// The idempotency key, before the attempt's number.
impl<K: ActionKind> fmt::Display for Action<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, slot, header_hash } = self;
        let name = self.name();
        if let Some(number) = kind.claim_number() {
            return write!(formatter, "{name}/{number}");
        }
        write!(formatter, "{name}/{slot}/{header_hash}")?;
        kind.detail().map_or(Ok(()), |detail| write!(formatter, "/{detail}"))
    }
}

/// What a step did: `K` is what transactions can be for, `E` an effect, `S` where the rollup stands for the role.
#[derive(Debug, Clone)]
pub struct StepReport<K, E, S> {
    /// Where the rollup stands in the L1 slot after the step's block; `None` before the first block.
    pub slot: Option<S>,
    /// Blocks that were built.
    pub built: Vec<Built>,
    /// Transactions that left, replacements included.
    pub sent: Vec<(Action<K>, TxHash)>,
    /// Transactions that landed and succeeded.
    pub mined: Vec<(Action<K>, TxOutcome)>,
    /// Transactions that won't.
    pub failed: Vec<(Action<K>, FailureReason)>,
    /// Transactions whose window closed.
    pub expired: Vec<Action<K>>,
    /// Effects that the operator's policy held back.
    pub held: Vec<E>,
    /// What went wrong and will be tried again.
    pub retryable_errors: Vec<String>,
}

impl<K, E, S> Default for StepReport<K, E, S> {
    fn default() -> Self {
        Self {
            slot: None,
            built: Vec::new(),
            sent: Vec::new(),
            mined: Vec::new(),
            failed: Vec::new(),
            expired: Vec::new(),
            held: Vec::new(),
            retryable_errors: Vec::new(),
        }
    }
}

impl<K, E: fmt::Debug, S> StepReport<K, E, S> {
    /// Takes note that the policy held an effect back.
    pub fn hold(&mut self, effect: E) {
        tracing::info!(?effect, "held back by policy");
        self.held.push(effect);
    }

    /// Takes note that an effect failed, and comes again at the next L1 block.
    pub fn note_retryable(&mut self, effect: &E, error: &(impl std::error::Error + ?Sized)) {
        tracing::warn!(?effect, %error, "effect failed, comes again at the next block");
        self.retryable_errors.push(error.to_string());
    }
}

/// A block that was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Built {
    /// For which slot.
    pub slot: Slot,
    /// Hash of the header.
    pub header_hash: B256,
    /// Transfers in it.
    pub transfers: usize,
    /// Withdrawals in it.
    pub withdrawals: usize,
    /// Deposits in it.
    pub deposits: usize,
    /// Chunks.
    pub chunks: usize,
}
