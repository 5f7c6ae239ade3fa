//! The L2 payments ledger: accounts, operations, state tree and data encoding. Pure.
//!
//! The flow, from an account's wish to a proof's statement:
//!
//! 1. [`Operation`]s are signed ([`keys`]) and wait in a [`mempool`]; [`L1Operation`]s, deposits and forced exits, come from L1.
//! 2. [`block::build`] applies them to a [`State`] by the rules of [`transition`] and cuts them into chunks.
//! 3. The resulting [`BlockWitness`] gives the blobs to publish ([`blob`], laid out by [`layout`]), and for each chunk
//!    all that the circuit has to know.
//! 4. [`replay::replay`] gets the same witness from blobs and L1's operations: a follower without signatures, a prover with.
//! 5. [`statement`] computes what a proof states about a chunk, as L1 does.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod account;
pub mod blob;
pub mod block;
pub mod domain;
pub mod fees;
pub mod field;
pub mod keys;
pub mod layout;
pub mod mempool;
pub mod operation;
pub mod poseidon;
pub mod replay;
pub mod statement;
pub mod transition;
pub mod tree;

pub use account::{Account, AccountIndex, L1Address};
pub use blob::Blob;
pub use block::{BlockRules, BlockWitness, ChunkWitness};
pub use domain::Domain;
pub use fees::FeeBurn;
pub use field::Fr;
pub use keys::{PublicKey, SecretKey, Signature};
pub use layout::Layout;
pub use mempool::Mempool;
pub use operation::{Deposit, Exit, L1Operation, Operation, SignedOperation, Slot, Transfer, Withdrawal};
pub use transition::{OperationError, SlotWitness};
pub use tree::{Changes, Levels, MemoryStore, Opening, State, Store};
