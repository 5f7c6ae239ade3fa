//! Messages from peers: operations for the mempool, and bodies of revealed blocks.

use std::sync::Arc;

use fernet_follower::Follower;
use fernet_l1::Deployment;
pub use fernet_ledger::mempool::Limits as MempoolLimits;
use fernet_ledger::{Domain, Mempool};
use fernet_network::{BlockBody, Gossip, Inbox, Network};

use crate::queue::state_after_queue;

/// Receives gossip, and keeps the operations in a mempool.
pub struct PeerInbox {
    inbox: Box<dyn Inbox>,
    mempool: Mempool,
}

impl std::fmt::Debug for PeerInbox {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PeerInbox").field("mempool", &self.mempool.len()).finish_non_exhaustive()
    }
}

impl PeerInbox {
    /// Subscribes to `network`. The mempool is empty.
    #[must_use]
    pub fn new(deployment: &Deployment, network: &dyn Network, limits: MempoolLimits) -> Self {
        let domain = Domain::from(deployment.rollup_id());
        Self { inbox: network.subscribe(), mempool: Mempool::new(domain, limits) }
    }

    /// Reads all new messages. Valid operations go to the mempool, and operations that can't be included any
    /// more leave it. Returns the bodies that peers announced, unchecked.
    pub fn receive(&mut self, follower: &Follower) -> Vec<Arc<BlockBody>> {
        let gossip = self.inbox.drain();
        let mut bodies = Vec::new();
        if !gossip.is_empty() {
            let state = state_after_queue(follower.ledger(), follower.view());
            for gossip in gossip {
                match gossip {
                    Gossip::Operation(operation) => {
                        if let Err(error) = self.mempool.insert(&state, operation) {
                            tracing::debug!(%error, "operation refused");
                        }
                    }
                    Gossip::Body(body) => bodies.push(body),
                }
            }
        }
        self.mempool.prune(&**follower.ledger());
        bodies
    }

    /// The operations that wait for a block.
    #[must_use]
    pub const fn mempool(&self) -> &Mempool {
        &self.mempool
    }
}
