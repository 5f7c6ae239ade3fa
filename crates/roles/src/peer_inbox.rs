//! Messages from peers: operations for the mempool, and bodies of revealed blocks.

use std::{collections::VecDeque, sync::Arc};

use fernet_follower::Follower;
use fernet_l1::Deployment;
pub use fernet_ledger::mempool::Limits as MempoolLimits;
use fernet_ledger::{Domain, Mempool, SignedOperation};
use fernet_network::{BlockBody, Gossip, Inbox, Network};

use crate::{
    journal::{Journal, JournalError},
    queue::state_after_queue,
};

/// Receives gossip, and keeps the operations in a mempool, which is in the role's journal as well.
pub struct PeerInbox {
    inbox: Box<dyn Inbox>,
    mempool: Mempool,
    /// Operations that wait until the L2 state at the tip is known: those of before a restart, and what peers
    /// sent meanwhile.
    waiting: VecDeque<SignedOperation>,
    limit: usize,
}

impl std::fmt::Debug for PeerInbox {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PeerInbox").field("mempool", &self.mempool.len()).finish_non_exhaustive()
    }
}

impl PeerInbox {
    /// Subscribes to `network`. The mempool has the operations of `journal`, once the L2 state is known.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub fn new(
        deployment: &Deployment,
        network: &dyn Network,
        limits: MempoolLimits,
        journal: &Journal,
    ) -> Result<Self, JournalError> {
        let domain = Domain::from(deployment.rollup_id());
        Ok(Self {
            inbox: network.subscribe(),
            mempool: Mempool::new(domain, limits),
            waiting: journal.operations()?.into(),
            limit: limits.total,
        })
    }

    /// Reads all new messages. Valid operations go to the mempool, and operations that can't be included any
    /// more leave it. Returns the bodies that peers announced, unchecked.
    ///
    /// # Errors
    /// When the journal can't be written.
    pub fn receive(
        &mut self,
        follower: &Follower,
        journal: &Journal,
    ) -> Result<Vec<Arc<BlockBody>>, JournalError> {
        let now = follower.head_block().map_or(0, |block| block.l1_slot.get());
        let mut bodies = Vec::new();
        for gossip in self.inbox.drain() {
            match gossip {
                Gossip::Operation(operation) => self.waiting.push_back(operation),
                Gossip::Body(body) => bodies.push(body),
            }
        }
        let Some(ledger) = follower.ledger_at_tip() else {
            let surplus = self.waiting.len().saturating_sub(self.limit);
            self.waiting.drain(..surplus);
            return Ok(bodies);
        };
        if !self.waiting.is_empty() {
            let state = state_after_queue(ledger, follower.view());
            for operation in self.waiting.drain(..) {
                let checked = self.mempool.check(&state, &operation);
                let verified = checked.and_then(|checked| checked.verify());
                if let Err(error) = verified.and_then(|verified| self.mempool.insert(&state, verified, now)) {
                    tracing::debug!(%error, "operation refused");
                    // It may be in the journal, from before a restart.
                    self.mempool.note_change(operation.operation.sender(), operation.operation.nonce());
                }
            }
        }
        self.mempool.update(&state_after_queue(ledger, follower.view()), now);
        journal.change_operations(&self.mempool.take_changes())?;
        Ok(bodies)
    }

    /// The operations that wait for a block.
    #[must_use]
    pub const fn mempool(&self) -> &Mempool {
        &self.mempool
    }
}
