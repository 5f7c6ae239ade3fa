//! What a step did, for whoever watches.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use alloy::primitives::B256;
use fernet_protocol::{L1Slot, Phase, Slot};
pub use fernet_roles::Built;

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

impl fernet_roles::ActionKind for ActionKind {
    fn name(&self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Finalize => "finalize",
            Self::Backup => "backup",
            Self::Claim { .. } => "claim",
        }
    }

    fn detail(&self) -> Option<String> {
        None
    }

    fn claim(number: u64) -> Self {
        Self::Claim { number }
    }

    fn claim_number(&self) -> Option<u64> {
        match self {
            Self::Claim { number } => Some(*number),
            Self::Commit | Self::Finalize | Self::Backup => None,
        }
    }
}

/// One transaction that a prover wants on L1, whatever becomes of it.
pub type Action = fernet_roles::Action<ActionKind>;

/// What a step did: what any role's step does, and the proofs.
#[derive(Debug, Clone, Default)]
pub struct StepReport {
    /// Proofs on their way.
    pub proving: Vec<Progress>,
    /// Proofs that became ready.
    pub proven: Vec<Proven>,
    common: fernet_roles::StepReport<ActionKind, Effect, SlotStatus>,
}

impl Deref for StepReport {
    type Target = fernet_roles::StepReport<ActionKind, Effect, SlotStatus>;

    fn deref(&self) -> &Self::Target {
        &self.common
    }
}

impl DerefMut for StepReport {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.common
    }
}

/// Where the rollup stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotStatus {
    /// The slot in turn.
    pub slot: Slot,
    /// Its phase.
    pub phase: Phase,
    /// First L1 slot after the phase.
    pub phase_end: L1Slot,
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
