//! The sequencer role: a pure state machine and its driver.
//!
//! At every L1 block, [`SequencerDriver::step`] follows L1, lets the transaction manager do its work, and hands the
//! facts to [`Sequencer`], which says what to do now:
//!
//! 1. rank itself as soon as the slot's seed is readable, and propose a block if that would make the list;
//! 2. once its turn comes, ask provers for quotes, take the best ([`quotes`]) and commit it;
//! 3. reveal the blobs, then tell everyone what the block was made of;
//! 4. claim what it earned.
//!
//! When candidates above it fail, its turn comes later in the same slot: nothing else changes. What must survive a
//! restart is in the [`journal`] before it matters. The operator's [`policy`] has the last word on every effect.

mod driver;
mod effects;
mod error;
pub mod journal;
pub mod machine;
pub mod policy;
pub mod quotes;
mod report;
mod scoring;
mod settings;

pub use driver::{SequencerDriver, Wiring};
pub use error::SequencerError;
pub use journal::Journal;
pub use machine::{CommitmentBy, Effect, Facts, Input, OwnRank, Sequencer, Strategy};
pub use policy::{Context, Decision, Policy, allow_all};
pub use report::{Action, ActionKind, Built, SlotStatus, StepReport};
pub use settings::Settings;
