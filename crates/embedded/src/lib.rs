//! The embedded L1: a real Ethereum chain in this process.
//!
//! - [`Chain`] is the chain itself, deterministic and without a clock: revm under mainnet's current rules (Osaka,
//!   blob schedule BPO2), Merkle Patricia state, complete headers, blobs with KZG proofs, a transaction pool like
//!   geth's. It mines when told, skips slots, reorgs, drops and delays transactions, and takes RANDAO values.
//! - [`Node`] shares a chain between tasks and moves its clock.
//! - [`InProcess`] is an alloy transport to a node, [`Node::serve`] the same over HTTP with the beacon API's blobs.
//!
//! Nothing here knows of the rollup: whoever talks to the node through `eth_` methods can't tell it from a
//! remote one.

mod blobs;
mod chain;
mod config;
mod error;
mod executor;
mod http;
mod mempool;
mod node;
mod rpc;
mod state;
mod transport;
mod trie;

pub use blobs::{Sidecar, StoredBlob};
pub use chain::{Chain, MinedBlock, Reorg, ReorgOutcome};
pub use config::{ChainConfig, DEV_ACCOUNTS, ETHER, TieBreak};
pub use error::{ChainError, PoolError};
pub use executor::{MinedReceipt, Transaction};
pub use http::HttpServer;
pub use mempool::PooledTransaction;
pub use node::{Clock, Head, Network, Node, NodeConfig, Tick, Ticks, WorkGuard};
pub use transport::InProcess;
