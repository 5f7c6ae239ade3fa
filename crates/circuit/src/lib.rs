#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! [`transition`] is the circuit, on a constraint [`system`]. [`assignment`] computes the values of its
//! variables from the ledger's witness, and [`inputs`] its public inputs. [`key`] has the proving and
//! verifying keys. [`prover`] and [`verifier`] work on chunks, [`mod@block`] on whole blocks. [`proof`] and
//! [`encoding`] define the bytes for L1.
#![allow(clippy::arithmetic_side_effects)] // field elements, and counts of values in memory
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod assignment;
pub mod block;
pub mod digest;
pub mod encoding;
mod gadgets;
pub mod inputs;
pub mod key;
pub mod kzg;
mod msm;
pub mod params;
pub mod proof;
pub mod prover;
pub mod statement;
pub mod system;
pub mod transition;
pub mod verifier;

pub use assignment::ChunkAssignment;
pub use block::{KnownBlock, ProveError, ProvingObserver, ProvingProgress};
pub use digest::CircuitHash;
pub use inputs::ChunkInputs;
pub use key::{DEVELOPMENT_SEED, ProverKey, SetupProgress};
pub use params::CircuitParams;
pub use proof::{BlockProof, Proof};
pub use prover::Prover;
pub use statement::BlockStatement;
pub use system::System;
pub use transition::synthesize;
pub use verifier::VerifyingKey;
