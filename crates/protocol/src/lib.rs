//! Rules of the Fernet protocol, as the L1 contracts enforce them. Pure: no IO, no clock, no randomness, no panics.
//!
//! A *slot* is one turn of block production. Its [`Timeline`] holds what happened in it (start, and by rank who committed
//! and revealed when); [`phase_at`] derives from it and the current L1 slot where the slot is, and [`locate`] which slot
//! is in turn, in constant time however long nobody came. [`seed_at`] and [`seed`] make the slot's randomness,
//! [`Scorer`] and [`CandidateList`] its ranking ([`Draw`], where scores are verifiable random ones), [`Quote`] the agreement with a prover, and [`settle`] who gets, pays and
//! loses what when the slot ends.
//!
//! ```text
//!   Waiting → Proposal → Commitment ⇄ Reveal → ExclusiveProving → OpenProving ─┐ no proof
//!                  │          └── next ranked candidate, if it fails           ▼
//!                  └───────────── no proposal, or nobody is left ────────→   Halt → Backup → next slot
//! ```
//!
//! Everything here is tied to Solidity by the files of `vectors/`, which `tests/vectors.rs` writes and checks.
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

mod bls;
mod clock;
mod encoding;
mod header;
mod parameters;
mod phase;
mod queue;
mod quote;
mod ranking;
mod rates;
mod rollup;
mod seed;
mod settlement;
mod slot;
mod units;

pub use bls::{BlsError, BlsPublicKey, BlsSecretKey, BlsSignature, Draw, Possession, score_proof};
pub use clock::{ClockError, L1Clock};
pub use header::{Header, HeaderError};
pub use parameters::{BadParameter, PROVABLE_L1_SLOTS, Parameters};
pub use phase::{CandidateFacts, Phase, PhaseOrder, Position, Timeline, phase_at};
pub use queue::{Deposit, Exit, L1Operation, QueueRange, QueueRangeError};
pub use quote::{Quote, QuoteRefused, SignatureError, recover_signer, verify_signature};
pub use ranking::{CandidateList, Inserted, ProposalRefused, Proposed, Ranked, Scorer, Ticket, rank};
pub use rates::{Rates, RatesRefused};
pub use rollup::RollupId;
pub use seed::{next_start, seed, seed_at};
pub use settlement::{
    BURN_ADDRESS, Bond, BondFate, Commitment, Credit, CreditRole, Ending, Penalty, PenaltyKind, Settled,
    SettledCandidate, SettlementError, reveal_bonus_down, settle,
};
pub use slot::{Cursor, Location, TimelineAt, locate};
pub use units::{Bps, ChainId, L1Slot, Rank, Score, SequencerId, Slot, TokenAmount};

/// Candidates that a slot may have at most, whatever the deployment's `max_candidates`.
pub const MAX_CANDIDATES: usize = 4;
/// Blobs that a block may have at most, whatever the deployment's `max_blobs`.
pub const MAX_BLOBS: usize = 16;
