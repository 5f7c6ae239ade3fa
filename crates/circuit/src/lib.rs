//! The state transition as a circuit: gadgets, witness, set-up, prover and the proof encoding for L1.
//!
//! A block is cut into chunks. For each, [`transition`] constrains that its operations take one state root to the next
//! by the rules of `fernet_ledger`, and that they are what the blob holds; the four public [`inputs`] say which. The
//! flow:
//!
//! 1. [`key::load_or_generate`] gives the development keys of a circuit (**unsafe** elsewhere).
//! 2. [`Prover::prove_block`] proves each chunk of a `fernet_ledger::BlockWitness` (Groth16 over BLS12-381), sums the
//!    proofs' C up and opens the blobs at the block's challenge.
//! 3. [`BlockProof::abi_encode`] gives the bytes for L1; [`BlockProof::verify`] checks what L1 checks.
//!
//! [`system`] is the constraint system: values only when proving, rows when setting up.
#![allow(clippy::arithmetic_side_effects)] // field elements, and counts of things held in memory
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
