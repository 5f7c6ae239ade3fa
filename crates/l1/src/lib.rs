//! The client's access to L1.
//!
//! - [`connect_url`], [`connect_pool`] and [`connect_transport`]: a provider for one endpoint, for
//!   several ones of the same L1 ([`Pool`]), or for an L1 in this process.
//! - [`FailureClass`]: what to do about a failure. Nothing that an endpoint answers ends a role.
//! - [`DeploymentFile`] → [`Deployment`]: where the contracts are, checked against the chain and against the
//!   contracts that this client was built with.
//! - [`Feed`]: blocks in order with the deployment's events ([`RollupEvent`]); reorgs as rollbacks.
//! - [`seed_proof`]: block headers in the form that the contracts check.
//! - [`BlobSidecar`]: blobs to send. [`BlobSource`], [`BeaconBlobs`]: blobs to fetch.
//! - [`TxManager`]: transactions as [`Intent`]s, across reorgs and restarts.
//!
//! ```text
//!   Feed ──L1Block──▶ follower ──view──▶ state machine ──effects──▶ TxManager::submit
//!     └──────────────────L1Block───────────────────────────────────▶ TxManager::tick
//! ```
//!
//! There are no timers: time is the L1 slot of the newest block.

mod archive;
mod beacon;
mod blobs;
mod database;
mod deployment;
mod endpoint;
mod events;
mod feed;
mod header;
mod provider;
mod tx;

pub use archive::{ArchivedBlobs, BlobArchive, decode_archived, encode_archived};
pub use beacon::{BeaconBlobs, BlockIds, parse_answer};
pub use blobs::{
    BlobError, BlobFuture, BlobLocation, BlobSidecar, BlobSource, MAX_BLOBS_PER_TRANSACTION, SidecarFormat,
    arrange, versioned_hash,
};
pub use database::open_database;
pub use deployment::{
    CircuitShape, CodeHashes, Contracts, Deployment, DeploymentError, DeploymentFile, Scoring, UnknownScoring,
};
pub use endpoint::{ConnectError, EndpointHealth, FailureClass, Pool, RpcFailure, origin, redact};
pub use events::{BlsWords, EventError, LoggedEvent, Outcome, RollupEvent, decode_event};
pub use feed::{Feed, FeedError, FeedUpdate, L1Block, REORG_LIMIT};
pub use header::{
    HeaderError, L1Header, PROVABLE_BLOCKS, SeedProof, fetch_header, find_header, header_rlp, seed_proof,
    seed_proof_at,
};
pub use provider::{L1Provider, connect_pool, connect_transport, connect_url};
pub use tx::{
    Accounts, BLOB_PRICE_BUMP_PERCENT, FailureReason, FeeEstimate, Fees, Inclusion, Intent, IntentKey,
    IntentKeyError, MaxTotalFeeExceeded, NonceUse, PRICE_BUMP_PERCENT, PendingStage, Purpose, StoreError,
    StoredIntent, StoredTransaction, TickReport, TransactionSigner, TxConfig, TxError, TxManager, TxOutcome,
    TxStatus, TxStore, Usage, WaitReason, WhenReverting, rewrite_record,
};
