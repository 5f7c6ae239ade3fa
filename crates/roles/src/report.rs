//! What a role did in a step.

use std::fmt;
use std::time::Duration;

use alloy::primitives::{B256, TxHash};
use fernet_l1::{FailureReason, Inclusion, IntentKey, PendingStage, TxOutcome};
use fernet_protocol::Slot;

/// What a role's transactions can do for a block.
pub trait ActionKind: fmt::Debug + Copy + Send + Sync + 'static {
    /// The kind's name: one word, such as `commit`.
    fn name(&self) -> &'static str;

    /// What distinguishes two actions of the same kind, slot and block, where there can be two.
    fn detail(&self) -> Option<String>;
}

/// The purpose of one L1 transaction. Its text is the idempotency key without the attempt's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action<K> {
    /// Does something for a block.
    Block {
        /// What it does.
        kind: K,
        /// The block's slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
    },
    /// Claims rewards.
    Claim {
        /// Number of the claim, from 0.
        number: u64,
        /// The slot in turn when it was submitted.
        slot: Slot,
    },
}

impl<K: ActionKind> Action<K> {
    /// The action's name: one word, such as `commit`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Block { kind, .. } => kind.name(),
            Self::Claim { .. } => "claim",
        }
    }

    /// The slot that the action belongs to.
    #[must_use]
    pub const fn slot(&self) -> Slot {
        match self {
            Self::Block { slot, .. } | Self::Claim { slot, .. } => *slot,
        }
    }
}

impl<K: ActionKind> fmt::Display for Action<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::Claim { number, .. } => write!(formatter, "{name}/{number}"),
            Self::Block { kind, slot, header_hash } => {
                write!(formatter, "{name}/{slot}/{header_hash}")?;
                kind.detail().map_or(Ok(()), |detail| write!(formatter, "/{detail}"))
            }
        }
    }
}

/// What a role did in a step. `K` is what its transactions can be for, `E` is its effect, and `S` is its view
/// of the slot in turn.
#[derive(Debug, Clone)]
pub struct StepReport<K, E, S> {
    /// The slot in turn in the L1 slot after the step's block; `None` before the deployment.
    pub slot: Option<S>,
    /// Blocks that the role built.
    pub built: Vec<BuiltBlock>,
    /// Transactions that were sent, including replacements.
    pub sent: Vec<(Action<K>, TxHash)>,
    /// Transactions that landed and succeeded.
    pub mined: Vec<(Action<K>, TxOutcome)>,
    /// Transactions that failed for good.
    pub failed: Vec<(Action<K>, FailureReason)>,
    /// Transactions that did not land in their window.
    pub expired: Vec<Action<K>>,
    /// Transactions that were included, whatever came of them, with what they cost. Those of before a restart
    /// are here, too. After a reorg the same one may come again.
    pub included: Vec<Inclusion>,
    /// Transactions that may still be included, after the step.
    pub open: Vec<(IntentKey, PendingStage)>,
    /// Effects that the policy held.
    pub held: Vec<E>,
    /// Errors after which the role tries again.
    pub retryable_errors: Vec<String>,
    /// An endpoint of the L1 failed. Another step at the same block does what this one couldn't.
    pub l1_failed: bool,
    /// Operations that wait for a block, after the step.
    pub waiting_operations: usize,
    /// Wall time from the begin of the step to the machine's decision; `None` before the deployment.
    pub decided_after: Option<Duration>,
    /// Wall time of the step.
    pub took: Duration,
}

/// A role's report, as the loop over L1 blocks sees it.
pub trait Report: Send {
    /// Whether an endpoint of the L1 failed, so that another step at the same block is worth it.
    fn l1_failed(&self) -> bool;

    /// This report and that of another step at the same block, as one.
    #[must_use]
    fn followed_by(self, later: Self) -> Self;
}

impl<K: Send, E: Send, S: Send> Report for StepReport<K, E, S> {
    fn l1_failed(&self) -> bool {
        self.l1_failed
    }

    fn followed_by(mut self, later: Self) -> Self {
        self.slot = later.slot.or(self.slot);
        self.built.extend(later.built);
        self.sent.extend(later.sent);
        self.mined.extend(later.mined);
        self.failed.extend(later.failed);
        self.expired.extend(later.expired);
        self.included.extend(later.included);
        self.open = later.open;
        self.held.extend(later.held);
        self.retryable_errors.extend(later.retryable_errors);
        self.l1_failed = later.l1_failed;
        self.waiting_operations = later.waiting_operations;
        self.decided_after = self.decided_after.or(later.decided_after);
        self.took = self.took.saturating_add(later.took);
        self
    }
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
            included: Vec::new(),
            open: Vec::new(),
            held: Vec::new(),
            retryable_errors: Vec::new(),
            l1_failed: false,
            waiting_operations: 0,
            decided_after: None,
            took: Duration::ZERO,
        }
    }
}

impl<K, E: fmt::Debug, S> StepReport<K, E, S> {
    /// Records an effect that the policy held.
    pub fn hold(&mut self, effect: E) {
        tracing::info!(?effect, "effect held by the policy");
        self.held.push(effect);
    }

    /// Records an effect that failed with a retryable error.
    pub fn note_retryable(&mut self, effect: &E, error: &(impl std::error::Error + ?Sized)) {
        tracing::warn!(code = "ROLE-001", ?effect, %error, "effect failed, it is tried again");
        self.retryable_errors.push(error.to_string());
    }
}

/// A block that a role built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltBlock {
    /// The block's slot.
    pub slot: Slot,
    /// Hash of the block's header.
    pub header_hash: B256,
    /// Number of transfers.
    pub transfers: usize,
    /// Number of withdrawals.
    pub withdrawals: usize,
    /// Number of deposits.
    pub deposits: usize,
    /// Number of chunks.
    pub chunks: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy)]
    struct Reveal(Option<u16>);

    impl ActionKind for Reveal {
        fn name(&self) -> &'static str {
            "reveal"
        }

        fn detail(&self) -> Option<String> {
            self.0.map(|blobs| format!("{blobs:x}"))
        }
    }

    /// The keys are on disk: another text would send transactions twice after an update.
    #[test]
    fn the_text_of_an_action_is_its_key_on_disk() {
        let (slot, header_hash) = (Slot::new(7), B256::repeat_byte(0x12));
        let text = |kind| Action::Block { kind, slot, header_hash }.to_string();
        assert_eq!(text(Reveal(None)), format!("reveal/7/0x{}", "12".repeat(32)));
        assert_eq!(text(Reveal(Some(0x3f))), format!("reveal/7/0x{}/3f", "12".repeat(32)));
        assert_eq!(Action::<Reveal>::Claim { number: 4, slot }.to_string(), "claim/4");
    }
}
