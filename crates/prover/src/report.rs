//! What a step did, for whoever watches.

use std::fmt;
use std::time::Duration;

use alloy::primitives::{B256, TxHash};
use fernet_l1::{FailureReason, TxOutcome};
use fernet_protocol::{L1Slot, Phase, Slot};

use crate::machine::{Effect, Purpose};

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionKind {
    /// Commits this prover to a block.
    Commit,
    /// Finalizes a revealed block.
    Finalize,
    /// Finalizes a block in the backup phase.
    Backup,
    /// Claims rewards.
    Claim {
        /// Number of the claim, from 0.
        number: u64,
    },
}

/// One transaction that a prover wants on L1, whatever becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Action {
    /// What for.
    pub kind: ActionKind,
    /// In which slot.
    pub slot: Slot,
    /// For which block; zero for a claim.
    pub header_hash: B256,
}

impl Action {
    /// One word for what it does: `commit`, `finalize`, `backup` or `claim`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.kind {
            ActionKind::Commit => "commit",
            ActionKind::Finalize => "finalize",
            ActionKind::Backup => "backup",
            ActionKind::Claim { .. } => "claim",
        }
    }
}

/// The idempotency key, before the attempt's number.
impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { slot, header_hash, .. } = self;
        match self.kind {
            ActionKind::Claim { number } => write!(formatter, "{}/{number}", self.name()),
            _ => write!(formatter, "{}/{slot}/{header_hash}", self.name()),
        }
    }
}

/// What a step did.
#[derive(Debug, Clone, Default)]
pub struct StepReport {
    /// Where the rollup stands in the L1 slot after the step's block; `None` before the first block.
    pub stands: Option<Standpoint>,
    /// Blocks that were built for backup.
    pub built: Vec<Built>,
    /// Proofs on their way.
    pub proving: Vec<Progress>,
    /// Proofs that became ready.
    pub proven: Vec<Proven>,
    /// Transactions that left, replacements included.
    pub sent: Vec<(Action, TxHash)>,
    /// Transactions that landed and succeeded.
    pub mined: Vec<(Action, TxOutcome)>,
    /// Transactions that won't.
    pub failed: Vec<(Action, FailureReason)>,
    /// Transactions whose window closed.
    pub expired: Vec<Action>,
    /// Effects that the operator's policy held back.
    pub held: Vec<Effect>,
    /// What went wrong and will be tried again.
    pub troubles: Vec<String>,
}

/// Where the rollup stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standpoint {
    /// The slot in turn.
    pub slot: Slot,
    /// Its phase.
    pub phase: Phase,
    /// First L1 slot after the phase.
    pub phase_end: L1Slot,
}

/// A backup block that was built.
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

/// A proof on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The block's slot.
    pub slot: Slot,
    /// The block's header.
    pub header_hash: B256,
    /// Why it is proven.
    pub purpose: Purpose,
    /// Chunks proven.
    pub done: usize,
    /// Chunks of the block.
    pub total: usize,
}

/// A proof that became ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proven {
    /// The block's slot.
    pub slot: Slot,
    /// The block's header.
    pub header_hash: B256,
    /// Why it was proven.
    pub purpose: Purpose,
    /// Wall time of proving.
    pub elapsed: Duration,
}
