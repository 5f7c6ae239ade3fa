//! What a step did, for whoever watches.

use alloy::primitives::Address;
use fernet_protocol::{L1Slot, Phase, Slot};
pub use fernet_roles::Built;

use crate::machine::{Effect, OwnRank};

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

impl fernet_roles::ActionKind for ActionKind {
    fn name(&self) -> &'static str {
        match self {
            Self::Propose => "propose",
            Self::Commit { .. } => "commit",
            Self::Reveal { .. } => "reveal",
            Self::Claim { .. } => "claim",
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Commit { prover } => Some(prover.to_string()),
            Self::Reveal { blobs } => Some(format!("{blobs:x}")),
            Self::Propose | Self::Claim { .. } => None,
        }
    }

    fn claim(number: u64) -> Self {
        Self::Claim { number }
    }

    fn claim_number(&self) -> Option<u64> {
        match self {
            Self::Claim { number } => Some(*number),
            Self::Propose | Self::Commit { .. } | Self::Reveal { .. } => None,
        }
    }
}

/// One transaction that a sequencer wants on L1, whatever becomes of it.
pub type Action = fernet_roles::Action<ActionKind>;

/// What a step did.
pub type StepReport = fernet_roles::StepReport<ActionKind, Effect, SlotStatus>;

/// Where the rollup stands for this sequencer.
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
    /// Its rank in the slot after it, if the seed is readable.
    pub next_rank: Option<OwnRank>,
}
