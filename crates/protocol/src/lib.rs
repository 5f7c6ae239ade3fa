//! Rules of the Fernet protocol, as the L1 contracts enforce them. Pure: no IO, no clock, no randomness, no
//! panics.
//!
//! A *slot* is one turn of block production. Its [`Timeline`] records when it started and when its candidates
//! committed and revealed. [`status_at`] computes the phase from the timeline and the current L1 slot;
//! [`locate`] finds the slot in turn in constant time. [`seed_at`] and [`seed`] give the randomness of a
//! slot, [`Scorer`] (or [`VrfInput`], for VRF scores) and [`CandidateList`] its ranking, [`Quote`] is the
//! agreement with a prover, [`Consumption`] what a block takes from the Bridge's queues, and [`settle`]
//! computes rewards, penalties and bonds when the slot ends.
//!
//! ```text
//!   Waiting → Proposal → Commitment ⇄ Reveal → ExclusiveProving → OpenProving ─┐ no proof
//!                  │          └── next candidate, if this one fails            ▼
//!                  └───────────── no proposal, or no candidate is left ──→   Halt → Backup → next slot
//! ```
//!
//! **Reference and client.** This crate is the reference implementation of the contracts: files in
//! `vectors/`, which `tests/vectors.rs` writes and checks, tie every rule to Solidity. The client computes
//! with the same functions what it must know in advance: phases, seeds, scores, ranks, quotes, headers and
//! the queues. Only the model of the contracts (`fernet-model`) and tests use [`settle`],
//! [`Parameters::validate`], [`Rates::validate`], [`Possession::verify`] and [`VrfInput::verify`]: the
//! contracts make these decisions, and the client reads the results from events.
//!
//! ```
//! use fernet_protocol::{
//!     Bps, CandidateFacts, L1Slot, Parameters, Phase, Slot, Timeline, TokenAmount, status_at,
//! };
//!
//! let parameters = Parameters {
//!     proposal_phase: 3,
//!     commitment_phase: 2,
//!     reveal_phase: 4,
//!     proving_phase: 10,
//!     exclusive_proving: 6,
//!     halt_phase: 2,
//!     backup_phase: 20,
//!     seed_delay: 2,
//!     seed_grid: 1,
//!     pause_length: 100,
//!     stall_after: 100,
//!     max_stall: 50,
//!     max_candidates: 2,
//!     max_blobs: 6,
//!     max_chunks: 64,
//!     max_deposits: 16,
//!     max_exits: 8,
//!     rescue_share: Bps::new(5_000),
//!     min_bond: TokenAmount::new(1_000),
//!     abandon_penalty: TokenAmount::new(10),
//!     withhold_penalty: TokenAmount::new(20),
//! };
//! parameters.validate(TokenAmount::new(100), 60, 6)?;
//!
//! // Two sequencers propose in a slot that starts in L1 slot 100.
//! let mut timeline = Timeline::open(Slot::new(7), L1Slot::new(100), L1Slot::new(50));
//! timeline.candidates = vec![CandidateFacts::default(); 2];
//! let phase = |timeline: &Timeline, now| status_at(timeline, &parameters, L1Slot::new(now)).phase;
//! assert_eq!(phase(&timeline, 102), Phase::Proposal);
//! assert_eq!(phase(&timeline, 103), Phase::Commitment);
//!
//! // The first candidate fails: from L1 slot 105 on, the second one is in turn. It commits and reveals.
//! assert_eq!(status_at(&timeline, &parameters, L1Slot::new(105)).rank.get(), 1);
//! timeline.candidates[1].committed_at = Some(L1Slot::new(105));
//! assert_eq!(phase(&timeline, 106), Phase::Reveal);
//! timeline.candidates[1].revealed_at = Some(L1Slot::new(107));
//! assert_eq!(phase(&timeline, 108), Phase::ExclusiveProving);
//! assert_eq!(phase(&timeline, 114), Phase::OpenProving);
//! # Ok::<(), fernet_protocol::BadParameter>(())
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
pub mod samples;
mod seed;
mod settlement;
mod slot;
mod typed_data;
mod units;

pub use bls::{BlsError, BlsPublicKey, BlsSecretKey, BlsSignature, Possession, VrfInput, score_proof};
pub use clock::{ClockError, L1Clock};
pub use header::{Header, HeaderError};
pub use parameters::{BadParameter, MAX_BLOBS, MAX_CANDIDATES, PROVABLE_L1_SLOTS, Parameters};
pub use phase::{CandidateFacts, Phase, SlotStatus, Timeline, status_at};
pub use queue::{Consumption, Deposit, Exit, L1Operation, Lane, QueueEntry, QueueRange, QueueRangeError};
pub use quote::{
    ContactClaim, Quote, QuoteRefused, QuoteRequest, SignatureError, recover_signer, verify_signature,
};
pub use ranking::{
    Candidate, CandidateList, EligibleSequencer, Inserted, Proposal, ProposalRefused, Ranked, Scorer,
    expected_rank, rank, rank_among,
};
pub use rates::{PriceRange, Rates, RatesRefused, RewardShares};
pub use rollup::RollupId;
pub use seed::{next_start, seed, seed_at};
pub use settlement::{
    BURN_ADDRESS, Bond, BondOutcome, Commitment, Credit, CreditRole, Ending, Penalty, PenaltyKind,
    SettledCandidate, Settlement, SettlementError, late_bond_down, reveal_bonus_down, settle,
};
pub use slot::{Cursor, LocatedSlot, Location, locate, paid_l1_slots};
pub use typed_data::SigningPreimage;
pub use units::{Bps, ChainId, L1Slot, Price, Rank, Score, SequencerId, Slot, TokenAmount};
