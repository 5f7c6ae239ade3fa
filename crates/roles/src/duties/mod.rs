//! What became of a role's duties, from L1's view alone.
//!
//! [`SequencerDuties`] and [`ProverDuties`] get the view at every L1 block, and tell the outcome of each slot
//! once: [`SETTLED_AFTER`] L1 slots after the slot is over, so that a usual reorg changes none that was told.
//! What L1 doesn't know, such as why there was no proposal, the role's own reports add as [`Cause`].
//!
//! A tracker begins with the slots that are over for less than that when it first sees the view, so a role
//! that restarts tells no slot twice; what was over before is not told. Of the slots whose time passed
//! between two L1 blocks that the tracker saw, those with a block are told, and the others are counted as
//! unobserved.

mod history;
mod prover;
mod sequencer;

pub use history::SETTLED_AFTER;
pub use prover::{ProverDuties, ProverDuty, ProverOutcome};
pub use sequencer::{Cause, DutyStage, SequencerDuties, SequencerDuty, SequencerOutcome};
