//! The embedded L1: a real Ethereum chain in this process.
//!
//! - [`Chain`] is the chain itself, deterministic and without a clock: revm under mainnet's current rules
//!   (Osaka, blob schedule BPO2), Merkle Patricia state, complete headers, blobs with KZG proofs, a
//!   transaction pool like geth's. It mines when told, skips slots, reorgs, drops and delays transactions,
//!   and takes RANDAO values.
//! - [`Node`] shares a chain between tasks and moves its clock.
//! - [`InProcess`] is an alloy transport to a node. [`Node::serve`] offers the same JSON-RPC over HTTP and
//!   WebSocket, and the part of the beacon API that serves blobs.
//!
//! The crate knows nothing of the rollup: through `eth_` methods, a client can't tell the node from a remote
//! one.
//!
//! ```
//! use alloy::{primitives::U256, providers::{Provider, ProviderBuilder}, rpc::types::TransactionRequest};
//! use fernet_embedded::{ChainConfig, DEV_ACCOUNTS, ETHER, Node, NodeConfig};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::start(NodeConfig { chain: ChainConfig::dev(), ..NodeConfig::default() })?;
//! let provider = ProviderBuilder::new().connect_client(node.client());
//!
//! // the node signs for the development accounts
//! let [from, to, ..] = DEV_ACCOUNTS;
//! let transfer = TransactionRequest::default().from(from).to(to).value(U256::from(ETHER));
//! let pending = provider.send_transaction(transfer).await?;
//!
//! // nothing is mined before somebody says so
//! let head = node.mine_slot();
//! assert_eq!((head.number, head.slot), (1, 1));
//! assert!(pending.get_receipt().await?.status());
//! assert_eq!(provider.get_balance(to).await?, U256::from(10_001 * ETHER));
//!
//! // time passes by whole slots
//! node.skip_slots(3)?;
//! assert_eq!(node.mine_slot().timestamp, head.timestamp + 4 * 12);
//! # Ok(())
//! # }
//! ```

mod blobs;
mod block;
mod chain;
mod clock;
mod config;
mod development;
mod error;
mod executor;
mod filters;
mod http;
mod mempool;
mod node;
mod rpc;
mod state;
mod transaction;
mod transport;
mod trie;

pub use blobs::{Sidecar, StoredBlob};
pub use block::MinedBlock;
pub use chain::{Chain, Reorg, ReorgOutcome};
pub use clock::{Clock, WorkGuard};
pub use config::{ChainConfig, DEV_ACCOUNTS, ETHER, TieBreak};
pub use error::{ChainError, PoolError};
pub use executor::MinedReceipt;
pub use http::HttpServer;
pub use mempool::PooledTransaction;
pub use node::{Head, Network, Node, NodeConfig, Tick, Ticks};
pub use rpc::rpc_methods;
pub use transaction::Transaction;
pub use transport::InProcess;
