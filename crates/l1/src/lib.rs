//! Everything between the client and its L1.
//!
//! - [`connect_http`] and [`connect_transport`]: an L1 behind an endpoint or in this process. Nothing here knows which.
//! - [`DeploymentFile`] → [`Deployment`]: where the contracts are, checked against the chain and against the contracts
//!   that this client was built with.
//! - [`Feed`]: blocks in order with the deployment's events ([`RollupEvent`]); reorgs as rollbacks.
//! - [`seed_proof`]: block headers in the form that the contracts check.
//! - [`BlobBundle`], [`BlobSource`], [`BeaconBlobs`]: blobs on their way out and back.
//! - [`TxManager`]: transactions as [`Intent`]s with a window and a worth, across reorgs and restarts.
//!
//! ```text
//!   Feed ──L1Block──▶ follower ──view──▶ state machine ──effects──▶ TxManager::submit
//!     └──────────────────L1Block───────────────────────────────────▶ TxManager::tick
//! ```
//!
//! Nothing here has a clock or a timer of its own: time is the L1 slot of the newest block.

mod beacon;
mod blobs;
mod deployment;
mod events;
mod feed;
mod header;
mod provider;
mod tx;

pub use beacon::{BeaconBlobs, BlockIds, parse_answer};
pub use blobs::{
    BlobBundle, BlobError, BlobFuture, BlobLocation, BlobSource, MAX_BLOBS_PER_TRANSACTION, SidecarFormat,
    arrange, versioned_hash,
};
pub use deployment::{
    CircuitShape, CodeHashes, Contracts, Deployment, DeploymentError, DeploymentFile, Scoring, UnknownScoring,
};
pub use events::{BlsWords, EventError, LoggedEvent, Outcome, RollupEvent, decode_event};
pub use feed::{Feed, FeedError, FeedUpdate, L1Block, REORG_LIMIT};
pub use header::{
    HeaderError, PROVABLE_BLOCKS, SeedProof, fetch_header, header_rlp, seed_proof, seed_proof_at,
};
pub use provider::{ConnectError, L1Provider, RpcFailure, connect_http, connect_transport};
pub use tx::{
    Accounts, BLOB_REPLACEMENT_RAISE, FailureReason, Fees, Intent, IntentKey, KeyError, Market, OverCeiling,
    REPLACEMENT_RAISE, Stage, StoreError, TickReport, TransactionSigner, TxConfig, TxError, TxManager,
    TxOutcome, TxStatus, TxStore, Usage, WaitReason, WhenReverting, rewrite_record,
};
