//! The L2 payments ledger: accounts, operations, state tree and data encoding. Pure: no IO, no clock, no
//! randomness, no panics.
//!
//! From an operation to the statement of a proof:
//!
//! 1. [`Operation`]s are signed ([`keys`]) and enter a [`mempool`]. [`QueuedOperation`]s, deposits and forced
//!    exits, come from L1.
//! 2. [`block::build`] executes them on a [`State`] by the rules of [`transition`] and puts them into chunks.
//! 3. The resulting [`BlockWitness`] has the blobs to publish ([`blob`], [`layout`]), and the witness of each
//!    chunk for the circuit.
//! 4. [`replay::replay`] computes the same witness from blobs and L1's operations. A follower needs no
//!    signatures for that; a prover does.
//! 5. [`statement`] computes the public inputs of a chunk's proof as L1 does.
//!
//! Types of L1 (chain, rollup, lanes of its operations) are those of `fernet_protocol`.
//!
//! ```
//! use alloy_primitives::Address;
//! use fernet_ledger::{
//!     AccountIndex, BlockRules, Deposit, Domain, FeeBurn, Lanes, Layout, Levels, Operation, SecretKey,
//!     State, Store, Transfer, block::build,
//!     replay::{Signatures, replay},
//! };
//! use fernet_protocol::{ChainId, RollupId};
//!
//! let rollup = RollupId::new(ChainId::new(1), Address::repeat_byte(0x11));
//! let rules = BlockRules {
//!     domain: Domain::from(rollup),
//!     layout: Layout::new(8, 8, 512)?,
//!     fee_burn: FeeBurn::NONE,
//!     fee_recipient: AccountIndex::new(2),
//! };
//! let (alice, bob) = (AccountIndex::new(1), AccountIndex::new(2));
//! let (key, other) = (SecretKey::from_seed(b"alice"), SecretKey::from_seed(b"bob"));
//!
//! // L1 has queued a deposit for each account, and Alice pays Bob.
//! let deposits = vec![
//!     Deposit { to: alice, key: key.public_key(), amount: 100 },
//!     Deposit { to: bob, key: other.public_key(), amount: 5 },
//! ];
//! let lanes = Lanes { deposits, exits: Vec::new() };
//! let payment = Operation::from(Transfer { from: alice, to: bob, amount: 30, fee: 2, nonce: 0 });
//! let signed = payment.sign(rules.domain, &key);
//!
//! // A sequencer builds the block …
//! let mut state = State::empty(Levels::PRODUCTION);
//! let built = build(&mut state, rules, 4, &lanes, &[signed])?;
//! assert_eq!(state.account(bob).map(|account| account.balance), Some(37));
//!
//! // … and a follower computes the same state root from its blobs.
//! let mut followed = State::empty(Levels::PRODUCTION);
//! let blobs = built.block.blobs();
//! let block = replay(&mut followed, rules, built.block.chunks.len(), &blobs, &lanes, Signatures::Proven)?;
//! assert_eq!(block.state_root(), built.block.state_root());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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

pub use account::{ACCOUNT_BYTES, Account, AccountIndex};
pub use blob::Blob;
pub use block::{BlockRules, BlockWitness, ChunkWitness};
pub use domain::Domain;
pub use fees::FeeBurn;
pub use field::Fr;
pub use keys::{PublicKey, SecretKey, Signature};
pub use layout::Layout;
pub use mempool::Mempool;
pub use operation::{
    Deposit, Exit, Lanes, Operation, QueuedOperation, SignedOperation, Slot, Transfer, Withdrawal,
};
pub use transition::{OperationError, SlotWitness};
pub use tree::{Changes, Levels, MemoryStore, NodePosition, Opening, State, Store};
