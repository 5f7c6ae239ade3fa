//! The rollup as seen from L1: from events, headers and blobs to the current slot, its ranking and the L2
//! state.
//!
//! - [`RollupView`] is pure. [`RollupView::apply`] takes one L1 block, and [`RollupView::rollback`] undoes
//!   blocks. It knows the current slot at any L1 slot, candidates and commitments, the tip, sequencers,
//!   escrow accounts, rewards and deposits. It reads RANDAO mixes from the headers, before anybody proves
//!   them on L1. Every event is checked against the view. A contradiction means that client and contracts
//!   disagree; it is an error.
//! - [`Ledger`] is the L2 state at the tip. Every finalized block is replayed from its blobs and L1's
//!   deposits, and must result in the proven state root.
//! - [`FollowerStore`] has both on disk, and [`Snapshot`] the L2 state of one block, for new nodes.
//! - [`Follower`] feeds both, from a [`Feed`](fernet_l1::Feed) and a [`BlobSource`](fernet_l1::BlobSource).
//!
//! It calls no contract: events and blobs contain everything.

mod follower;
mod ledger;
mod snapshot;
mod store;
mod view;

pub use follower::{Follower, FollowerError, LedgerStatus, Peers, Progress};
pub use ledger::{Ledger, ReplayFailure, Replayed, queued_operation};
pub use snapshot::{
    Manifest, Snapshot, SnapshotBlock, SnapshotError, decode_chunk, encode_chunk, read_manifest, tree_of,
    write_snapshot,
};
pub use store::{FollowerStore, error::StoreError};
pub use view::{
    CandidateView, EscrowAccount, FinalizedBlock, L1Head, NextSlot, QueueRanges, QueueRecord, RollupView,
    Rotating, SequencerRecord, SlotView, Tip, Totals, ViewConfig, ViewError, WithdrawalClaim,
};
