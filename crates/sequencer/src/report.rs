//! What a step did, for whoever watches.

use std::fmt;

use alloy::primitives::{Address, B256, TxHash};
use fernet_l1::{FailureReason, TxOutcome};
use fernet_protocol::{L1Slot, Phase, Slot};

use crate::machine::{Effect, Place};

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionKind {
    /// Proposes a block.
    Propose,
    /// Commits a prover to it.
    Commit {
        /// The prover.
        prover: Address,
    },
    /// Publishes blobs.
    Reveal {
        /// Bit i: blob i of the block is in it.
        blobs: u16,
    },
    /// Claims rewards.
    Claim {
        /// Number of the claim, from 0.
        number: u64,
    },
}

/// One transaction that a sequencer wants on L1, whatever becomes of it.
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
    /// One word for what it does: `propose`, `commit`, `reveal` or `claim`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.kind {
            ActionKind::Propose => "propose",
            ActionKind::Commit { .. } => "commit",
            ActionKind::Reveal { .. } => "reveal",
            ActionKind::Claim { .. } => "claim",
        }
    }
}

/// The idempotency key, before the attempt's number.
impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { slot, header_hash, .. } = self;
        let name = self.name();
        match self.kind {
            ActionKind::Propose => write!(formatter, "{name}/{slot}/{header_hash}"),
            ActionKind::Commit { prover } => write!(formatter, "{name}/{slot}/{header_hash}/{prover}"),
            ActionKind::Reveal { blobs } => write!(formatter, "{name}/{slot}/{header_hash}/{blobs:x}"),
            ActionKind::Claim { number } => write!(formatter, "{name}/{number}"),
        }
    }
}

/// What a step did.
#[derive(Debug, Clone, Default)]
pub struct StepReport {
    /// Where the rollup stands in the L1 slot after the step's block; `None` before the first block.
    pub stands: Option<Standpoint>,
    /// Blocks that were built, by header hash, with what they hold.
    pub built: Vec<Built>,
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

/// Where the rollup stands for this sequencer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standpoint {
    /// The slot in turn.
    pub slot: Slot,
    /// Its phase.
    pub phase: Phase,
    /// First L1 slot after the phase.
    pub phase_end: L1Slot,
    /// This sequencer's place in it.
    pub place: Option<Place>,
    /// Its place in the slot after it, if the seed is readable.
    pub ahead: Option<Place>,
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
