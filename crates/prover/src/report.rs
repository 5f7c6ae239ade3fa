//! What a prover did in a step.

use std::time::Duration;

use alloy::primitives::B256;
use fernet_network::SignedQuote;
use fernet_protocol::{L1Slot, Phase, Slot};
pub use fernet_roles::BuiltBlock;

use crate::interface::{Effect, ProofPurpose};
use crate::quotes::DeclineReason;

/// What a prover's transaction does for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionKind {
    /// Commits this prover to the block.
    Commit,
    /// Finalizes the revealed block.
    Finalize,
    /// Finalizes the block in the backup phase.
    Backup,
}

impl fernet_roles::ActionKind for ActionKind {
    fn name(&self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Finalize => "finalize",
            Self::Backup => "backup",
        }
    }

    fn detail(&self) -> Option<String> {
        None
    }
}

/// The purpose of one L1 transaction of a prover.
pub type Action = fernet_roles::Action<ActionKind>;

/// What a prover did in a step, and between it and the step before.
#[derive(Debug, Clone, Default)]
pub struct StepReport {
    /// What every role reports.
    pub common: fernet_roles::StepReport<ActionKind, Effect, SlotStatus>,
    /// Quote requests that were looked at.
    pub requested: u64,
    /// Why requests were declined without a look at the block.
    pub declined: Vec<DeclineReason>,
    /// Quotes that were offered.
    pub offered: Vec<SignedQuote>,
    /// Proofs that are being made.
    pub proving: Vec<Progress>,
    /// Proofs that became ready.
    pub proven: Vec<Proven>,
    /// Why the prover takes no new work; `None` if it does.
    pub suspended: Option<String>,
}

impl fernet_roles::Report for StepReport {
    fn l1_failed(&self) -> bool {
        self.common.l1_failed
    }

    fn followed_by(mut self, later: Self) -> Self {
        self.common = self.common.followed_by(later.common);
        self.requested = self.requested.saturating_add(later.requested);
        self.declined.extend(later.declined);
        self.offered.extend(later.offered);
        self.proven.extend(later.proven);
        Self { proving: later.proving, suspended: later.suspended, ..self }
    }
}

/// The slot in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotStatus {
    /// The slot in turn.
    pub slot: Slot,
    /// Its phase.
    pub phase: Phase,
    /// First L1 slot after the phase.
    pub phase_end: L1Slot,
}

/// The progress of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The block's slot.
    pub slot: Slot,
    /// Hash of the block's header.
    pub header_hash: B256,
    /// Why the block is proven.
    pub purpose: ProofPurpose,
    /// Number of chunks that are proven.
    pub done: usize,
    /// Number of chunks of the block; 0 while the job waits for the worker.
    pub total: usize,
}

/// A proof that became ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proven {
    /// The block's slot.
    pub slot: Slot,
    /// Hash of the block's header.
    pub header_hash: B256,
    /// Why the block was proven.
    pub purpose: ProofPurpose,
    /// Wall time of proving.
    pub elapsed: Duration,
}
