//! What a process tells about itself, and the limits of readiness.

use std::time::Duration;

use alloy_primitives::Address;
use fernet_protocol::SequencerId;

/// L1 slots without a step, or of the head's age, after which a role isn't ready. The watchdog of the loop
/// over L1 blocks has the same limit.
const SLOTS: u32 = 4;
/// Free space of the disk below which a role isn't ready by default, in bytes: the stores write for days with
/// it.
const MIN_DISK: u64 = 1 << 30;

/// What the process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It is a sequencer.
    Sequencer {
        /// Its registration.
        id: SequencerId,
        /// The account that is owed its rewards.
        owner: Address,
    },
    /// It is a prover.
    Prover {
        /// The account with its escrow.
        prover: Address,
        /// The account that is owed its rewards.
        payee: Address,
    },
    /// It follows the rollup.
    Node,
}

impl Role {
    /// The role's name: one word.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sequencer { .. } => "sequencer",
            Self::Prover { .. } => "prover",
            Self::Node => "node",
        }
    }
}

/// Where the binary comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildInfo {
    /// Version.
    pub version: &'static str,
    /// Commit that it was built from, or `unknown`.
    pub commit: &'static str,
}

/// When a role isn't ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Highest age of L1's newest block on the wall clock; `None` on an L1 whose time isn't the system's.
    pub head_age: Option<Duration>,
    /// Longest time without a new L1 block, or without a finished step.
    pub quiet: Duration,
    /// L1 blocks by which the follower may be behind the best endpoint.
    pub blocks_behind: u64,
    /// Fewest peers.
    pub peers: usize,
    /// Least free space of the disk, in bytes.
    pub disk: u64,
}

impl Limits {
    /// The limits on an L1 with slots of `l1_slot`. A role without peers is ready.
    #[must_use]
    pub const fn new(l1_slot: Duration) -> Self {
        let quiet = l1_slot.saturating_mul(SLOTS);
        Self { head_age: Some(quiet), quiet, blocks_behind: SLOTS as u64, peers: 0, disk: MIN_DISK }
    }
}

/// What a process tells about itself, and the limits of its readiness.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the process does.
    pub role: Role,
    /// Where the binary comes from.
    pub build: BuildInfo,
    /// Length of an L1 slot.
    pub l1_slot: Duration,
    /// When it isn't ready.
    pub limits: Limits,
}

impl Settings {
    /// A role with the default limits, on an L1 with slots of `l1_slot`.
    #[must_use]
    pub const fn new(role: Role, build: BuildInfo, l1_slot: Duration) -> Self {
        Self { role, build, l1_slot, limits: Limits::new(l1_slot) }
    }
}
