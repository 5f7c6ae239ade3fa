//! What an off-chain role needs, whatever it decides.
//!
//! A role is a pure machine (facts in, effects out) and a driver that carries the effects out. This crate holds what the
//! drivers have in common:
//!
//! - [`World`]: the rollup as followed from L1, the peers' messages, and the blocks that the role deals with;
//! - [`Journal`]: what must survive a restart, on disk before it matters;
//! - [`Submissions`]: from actions to L1 transactions, each attempt under its own key, and the claim of rewards;
//! - [`SidecarCache`]: blobs made ready for their transactions;
//! - [`StepReport`], [`RoleError`], [`Decision`] and the loop over L1 blocks, [`run`].
//!
//! It decides nothing, and knows no role.

mod bundles;
mod error;
mod journal;
mod policy;
mod report;
mod run;
mod submissions;
mod world;

pub use bundles::{Mask, SidecarCache, masks};
pub use error::RoleError;
pub use journal::{Batch, Journal, JournalError, OwnBlock, Record, Replacement, record_key};
pub use policy::Decision;
pub use report::{Action, ActionKind, Built, StepReport};
pub use run::{Role, run};
pub use submissions::{ClaimTerms, Outcome, Submissions, TxProblem, TxRequest};
pub use world::{ChainSnapshot, ParentState, Plan, World, ledger_at_tip, queued, versioned_blob_hash};

/// Slots for which blocks, quotes and proofs are kept: more than an L1 reorg can undo.
pub const KEPT_SLOTS: u64 = 16;

/// The oldest slot that is kept while `current` is in turn.
#[must_use]
pub fn oldest_kept(current: fernet_protocol::Slot) -> fernet_protocol::Slot {
    fernet_protocol::Slot::new(current.get().saturating_sub(KEPT_SLOTS))
}
