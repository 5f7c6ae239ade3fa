//! A node: follows the rollup, keeps the L2 state and the blobs, and passes on what it finds valid.

use std::sync::Arc;

use fernet_follower::Follower;
use fernet_l1::L1Block;
use fernet_network::Network;
use fernet_protocol::L1Slot;
use fernet_roles::{
    InboxUpdate, Journal, MempoolLimits, Outstanding, PeerInbox, Report, Role, RoleError, follow,
};
use tokio::sync::Mutex;

use crate::rollup::Rollup;

/// What a node did in a step: nothing that needs telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeReport;

impl Report for NodeReport {
    fn l1_failed(&self) -> bool {
        false
    }

    fn followed_by(self, later: Self) -> Self {
        later
    }
}

/// A node. It has no duty and signs nothing.
#[derive(Debug)]
pub struct NodeDriver {
    follower: Arc<Mutex<Follower>>,
    inbox: PeerInbox,
    journal: Journal,
}

impl NodeDriver {
    /// A node of `rollup`.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub fn new(
        rollup: &Rollup,
        follower: Arc<Mutex<Follower>>,
        network: &dyn Network,
        limits: MempoolLimits,
        journal: Journal,
    ) -> Result<Self, RoleError> {
        let inbox = PeerInbox::new(&rollup.deployment, network, limits, &journal)?;
        Ok(Self { follower, inbox, journal })
    }
}

impl Role for NodeDriver {
    type Report = NodeReport;
    type Error = RoleError;

    fn follower(&self) -> Arc<Mutex<Follower>> {
        Arc::clone(&self.follower)
    }

    async fn step(&mut self, block: &L1Block) -> Result<NodeReport, RoleError> {
        let follower = follow(&self.follower, block).await?;
        let update = InboxUpdate::of(&follower);
        drop(follower);
        self.inbox.receive(update, &self.journal).await?;
        Ok(NodeReport)
    }

    async fn close_windows(&mut self, _: L1Slot) -> Result<(), RoleError> {
        Ok(())
    }

    async fn finish(&mut self) {}

    async fn outstanding(&mut self) -> Vec<Outstanding> {
        Vec::new()
    }

    fn is_retryable(error: &RoleError) -> bool {
        error.is_retryable()
    }

    fn is_of_l1(error: &RoleError) -> bool {
        error.is_of_l1()
    }
}
