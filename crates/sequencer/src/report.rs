//! What a sequencer did in a step.

use alloy::primitives::Address;
use fernet_protocol::{L1Slot, Phase, Slot};
pub use fernet_roles::BuiltBlock;

use crate::interface::{Effect, OwnRank};

/// What a sequencer's transaction does for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionKind {
    /// Proposes the block.
    Propose,
    /// Commits a prover's quote for the block.
    Commit {
        /// The prover.
        prover: Address,
    },
    /// Publishes blobs of the block.
    Reveal {
        /// Bit i: the transaction carries blob i.
        blobs: u16,
    },
}

impl fernet_roles::ActionKind for ActionKind {
    fn name(&self) -> &'static str {
        match self {
            Self::Propose => "propose",
            Self::Commit { .. } => "commit",
            Self::Reveal { .. } => "reveal",
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Commit { prover } => Some(prover.to_string()),
            Self::Reveal { blobs } => Some(format!("{blobs:x}")),
            Self::Propose => None,
        }
    }
}

/// The purpose of one L1 transaction of a sequencer.
pub type Action = fernet_roles::Action<ActionKind>;

/// What a sequencer did in a step.
pub type StepReport = fernet_roles::StepReport<ActionKind, Effect, SlotStatus>;

/// The slot in turn, as this sequencer sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotStatus {
    /// The slot in turn.
    pub slot: Slot,
    /// Its phase.
    pub phase: Phase,
    /// First L1 slot after the phase.
    pub phase_end: L1Slot,
    /// This sequencer's rank in it.
    pub own_rank: Option<OwnRank>,
    /// This sequencer's rank in the slot after it; `None` while the seed isn't known.
    pub next_rank: Option<OwnRank>,
}
