//! The prover role: a pure state machine and its driver.
//!
//! At every L1 block, [`ProverDriver::step`] follows L1, lets the transaction manager do its work, and hands the facts to
//! [`Prover`], which says what to do now:
//!
//! 1. between steps, answer quote requests: execute the block, price it, and offer as many bonds as the escrow covers;
//! 2. prove as soon as a commitment of its own is on L1, and finalize after the reveal;
//! 3. when another prover is about to miss its window, get the block's body, prove it with a payee of its own, and finalize
//!    once proving is open to all;
//! 4. when a slot has come to backup, prove the revealed block, or a block of its own, and race for it;
//! 5. claim what it earned.
//!
//! Proofs are made behind [`ProofWorker`]; [`LocalWorker`] makes them in this process. A prover whose proof failed takes
//! no new work. What must survive a restart is in the [`journal`] before it matters. The operator's [`policy`] has the
//! last word on every effect.

mod blocks;
mod driver;
mod engine;
mod error;
pub mod journal;
pub mod machine;
pub mod offers;
pub mod policy;
mod report;
mod settings;
mod worker;

pub use driver::{ProverDriver, Wiring};
pub use error::ProverError;
pub use journal::Journal;
pub use machine::{Availability, Commitment, Data, Effect, Facts, Input, Prover, Purpose, Strategy, Window};
pub use offers::{Ask, PriceList, Refusal};
pub use policy::{Context, Decision, Policy, allow_all};
pub use report::{Action, ActionKind, Built, Progress, Proven, SlotStatus, StepReport};
pub use settings::Settings;
pub use worker::{JobId, JobStatus, LocalWorker, ProofJob, ProofWorker, ProvenBlock};
