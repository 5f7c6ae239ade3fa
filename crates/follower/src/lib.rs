//! The rollup as L1 shows it: events, headers and blobs in; the slot in turn, its ranking and the L2 state out.
//!
//! - [`RollupView`] is pure: [`RollupView::apply`] takes one L1 block, [`RollupView::rollback`] undoes any number of
//!   them. It knows the slot in turn at any L1 slot, candidates and commitments, the tip, sequencers, escrow accounts,
//!   rewards, deposits, and the RANDAO mixes, which it reads from the headers itself, a slot before anybody proves them
//!   on L1. Every event is checked against the view: one that contradicts it means that client and contracts disagree,
//!   and is an error.
//! - [`Ledger`] is the L2 state at the tip: every finalized block is executed again from its blobs and the deposits of
//!   L1, and must give the state root that was proven.
//! - [`Follower`] drives both from a [`Feed`](fernet_l1::Feed) and a [`BlobSource`](fernet_l1::BlobSource).
//!
//! Nothing is asked of the contracts: whoever has events and blobs has everything.

mod follower;
mod ledger;
mod view;

pub use follower::{Follower, FollowerError, LedgerStatus};
pub use ledger::{Ledger, ReplayFailure, Replayed, queued_operation};
pub use view::{
    CandidateView, EscrowAccount, FinalizedBlock, L1Head, NextSlot, QueueRecord, RollupView, Rotating,
    SequencerRecord, SlotView, Tip, Totals, ViewConfig, ViewError, WithdrawalClaim,
};
