//! The prover role: a pure state machine and its driver.
//!
//! At every L1 block, [`ProverDriver::step`] follows L1, lets the transaction manager do its work, and gives
//! the facts to the machine, [`Prover`]. The machine decides what to do now:
//!
//! 1. when a sequencer asks for a quote: price the block, and offer to prove it if the free escrow covers the
//!    bond;
//! 2. when L1 has a commitment of this prover: prove the block, and finalize it after the reveal;
//! 3. when another prover is about to miss its window: fetch the block's body, prove it for this prover's
//!    payee, and finalize it once proving is open to all;
//! 4. when the slot is in the halt or backup phase: prove the revealed block, or a block of its own, and
//!    finalize it;
//! 5. claim its rewards.
//!
//! Proofs are made behind [`ProofWorker`]; [`LocalWorker`] makes them in this process. A prover whose proof
//! failed takes no new work.
//!
//! Everything that a prover signs or sends is an [`Effect`], and the operator's [`Policy`] decides on each.
//! What must survive a restart is in the [`journal`] before it matters.
//!
//! Start reading in `interface.rs` (facts and inputs in, effects out), then `machine.rs`.

mod block_source;
mod blocks;
mod driver;
mod effects;
mod error;
mod interface;
pub mod journal;
mod machine;
mod policy;
mod proofs;
mod quotes;
mod report;
mod requests;
mod settings;
mod strategy;
mod worker;

pub use driver::{Dependencies, ProverDriver};
pub use error::ProverError;
pub use interface::{
    BackupBlobs, CommittedProver, Effect, EffectKind, Facts, Input, ProofPurpose, ProvingWindow,
    RequestedBlock,
};
pub use journal::Journal;
pub use machine::{Availability, ProofStage, Prover};
pub use policy::{Context, Decision, Policy, allow_all};
pub use quotes::DeclineReason;
pub use report::{Action, ActionKind, BuiltBlock, Progress, Proven, SlotStatus, StepReport};
pub use settings::Settings;
pub use strategy::{DEFAULT_OFFER_VALIDITY, DEFAULT_RESCUE_LEAD, PriceList, Strategy};
pub use worker::{JobId, JobStatus, LocalWorker, ProofJob, ProofWorker, ProvenBlock};
