//! The parts that all off-chain roles share.
//!
//! A role is a pure machine, which turns inputs into effects, and a driver, which carries the effects out.
//! This crate has the common parts of the drivers:
//!
//! - [`ChainSnapshot`]: the rollup at an L1 block, part of every machine's facts;
//! - [`carry_out_all`]: the effect loop. It asks the operator's [`Policy`] before every effect;
//! - [`BlockStore`], [`BlockBuilder`], [`PeerInbox`]: the role's blocks, new blocks, and messages from peers;
//! - [`NetworkPeers`]: the newest blocks' data from peers;
//! - [`Journal`]: what must survive a restart. A record is on disk before it matters;
//! - [`Storage`]: the place of a role's journal and L1 transactions;
//! - [`Submissions`]: L1 transactions and claims of rewards, each under a key that makes it unique;
//! - [`SidecarCache`]: blob sidecars, built before their transactions are due;
//! - [`SequencerDuties`], [`ProverDuties`]: what became of the duties, from L1's view;
//! - [`StepReport`], [`RoleError`], and [`run()`], the loop over L1 blocks, with its [`Shutdown`].
//!
//! It makes no decisions, and depends on no role.

mod block_builder;
mod block_store;
mod duties;
mod effects;
mod error;
mod journal;
mod peer_inbox;
mod peers;
mod policy;
mod queue;
mod report;
mod run;
mod shutdown;
mod sidecars;
mod snapshot;
mod storage;
mod submissions;
mod watchdog;

pub use block_builder::{BlockBuilder, BlockSpec, BlockTemplate};
pub use block_store::BlockStore;
pub use duties::{
    Cause, DutyStage, ProverDuties, ProverDuty, ProverOutcome, SETTLED_AFTER, SequencerDuties, SequencerDuty,
    SequencerOutcome,
};
pub use effects::{EffectHandler, carry_out_all};
pub use error::RoleError;
pub use journal::{Batch, Journal, JournalError, OwnBlock, Record, Replacement, record_key};
pub use peer_inbox::{InboxUpdate, MempoolLimits, PeerInbox, STEP_OPERATIONS};
pub use peers::NetworkPeers;
pub use policy::{Context, Decision, Policy, allow_all};
pub use queue::{check_consumption, queued_operations, voluntary_young_entry};
pub use report::{Action, ActionKind, BuiltBlock, Report, StepReport};
pub use run::{Role, run, step_until_answered};
pub use shutdown::{Outstanding, Shutdown};
pub use sidecars::{BlobMask, SidecarCache, blob_masks};
pub use snapshot::{ChainSnapshot, ParentState, caught_up, follow, ledger_at_tip};
pub use storage::Storage;
pub use submissions::{
    ClaimTerms, DEFAULT_AT_STAKE, DEFAULT_CLAIM_FROM, DEFAULT_MAX_TOTAL_FEE, Stakes, Submissions,
    SubmitOutcome, TxProblem, TxRequest,
};
pub use watchdog::Watchdog;

use fernet_protocol::Slot;

/// Slots for which blocks, quotes and proofs are kept. An L1 reorg undoes fewer.
pub const KEPT_SLOTS: u64 = 16;

/// The oldest slot that is kept while `current` is in turn.
#[must_use]
pub fn oldest_kept(current: Slot) -> Slot {
    Slot::new(current.get().saturating_sub(KEPT_SLOTS))
}
