//! The sequencer role: a pure state machine and its driver.
//!
//! At every L1 block, [`SequencerDriver::step`] follows L1, lets the transaction manager do its work, and
//! gives the facts to the machine, [`Sequencer`]. The machine decides what to do now:
//!
//! 1. when the slot's seed is known: rank itself, build a block, and propose it if it would be a candidate;
//! 2. when its turn comes: ask provers for quotes, choose one ([`quotes`]), and commit it;
//! 3. when the commitment is on L1: reveal the blobs, then announce the body to all peers;
//! 4. claim its rewards.
//!
//! It stands by while another process acts with its keys ([`Availability::Standby`]).
//!
//! When the candidates above it fail, its turn comes later in the same slot. Nothing else changes then.
//!
//! Everything that a sequencer signs or sends is an [`Effect`], and the operator's [`Policy`] decides on
//! each. What must survive a restart is in the [`journal`] before it matters.
//!
//! Start reading in `interface.rs` (facts and inputs in, effects out), then `machine.rs`.

mod driver;
mod effects;
mod error;
mod interface;
pub mod journal;
mod machine;
mod policy;
pub mod quotes;
mod report;
mod scoring;
mod settings;
mod standby;
mod strategy;

pub use driver::{Dependencies, SequencerDriver};
pub use error::SequencerError;
pub use interface::{
    Availability, Effect, EffectKind, Facts, ForeignBlock, Input, OwnRank, PreparedBlock, SeedStatus,
};
pub use journal::Journal;
pub use machine::{Sequencer, Stage};
pub use policy::{Context, Decision, Policy, allow_all};
pub use report::{Action, ActionKind, BuiltBlock, SlotStatus, StepReport};
pub use settings::{DEFAULT_QUOTE_DEADLINE, Settings};
pub use standby::SILENT_SLOTS;
pub use strategy::{CommitmentBy, DEFAULT_MAX_PRICE, DEFAULT_PATIENCE, Strategy};
