//! Messages from peers: operations for the mempool, and announcements of revealed blocks' bodies.

use std::collections::VecDeque;

use alloy::primitives::B256;
use fernet_follower::Follower;
use fernet_l1::Deployment;
pub use fernet_ledger::mempool::Limits as MempoolLimits;
use fernet_ledger::{Domain, Mempool, OperationError, SignedOperation, Store, mempool::EntryError};
use fernet_network::{Gossip, Inbox, Network, Received, Ticket, Verdict};

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

    /// Reads and judges all new messages. Valid operations go to the mempool, and operations that can't be
    /// included any more leave it.
    ///
    /// # Errors
    /// When the journal can't be written.
    pub fn receive(&mut self, follower: &Follower, journal: &Journal) -> Result<(), JournalError> {
        let mut batches = Vec::new();
        for Received { message, ticket, .. } in self.inbox.drain() {
            match message {
                Gossip::Operations(operations) => batches.push((operations, ticket)),
                Gossip::Body(announcement) => {
                    ticket.judge(verdict_on_body(follower, announcement.header_hash));
                }
            }
        }
        let Some(ledger) = follower.ledger_at_tip() else {
            self.waiting.extend(batches.into_iter().flat_map(|(operations, _)| operations));
            let surplus = self.waiting.len().saturating_sub(self.limit);
            self.waiting.drain(..surplus);
            return Ok(());
        };
        if !self.waiting.is_empty() || !batches.is_empty() {
            let state = state_after_queue(ledger, follower.view());
            let waiting = (self.waiting.drain(..).collect(), Ticket::none());
            for (operations, ticket) in std::iter::once(waiting).chain(batches) {
                let results = operations.into_iter().map(|one| insert(&mut self.mempool, &state, one));
                ticket.judge(verdict_on_batch(results));
            }
        }
        self.mempool.prune(&**ledger);
        journal.change_operations(&self.mempool.take_changes())
    }

    /// The operations that wait for a block.
    #[must_use]
    pub const fn mempool(&self) -> &Mempool {
        &self.mempool
    }
}

fn insert(mempool: &mut Mempool, state: &impl Store, operation: SignedOperation) -> Result<(), EntryError> {
    mempool.insert(state, operation).map(|_| ()).inspect_err(|error| {
        tracing::debug!(%error, "operation refused");
        // It may be in the journal, from before a restart.
        mempool.note_change(operation.operation.sender(), operation.operation.nonce());
    })
}

/// A batch with a wrong signature is rejected: whoever passed it on should have checked it. One is passed on if
/// any of its operations is new.
fn verdict_on_batch(results: impl Iterator<Item = Result<(), EntryError>>) -> Verdict {
    let verdicts = results.map(|result| match result {
        Ok(()) => Verdict::Accept,
        Err(EntryError::Invalid(OperationError::InvalidSignature(_))) => Verdict::Reject,
        Err(_) => Verdict::Ignore,
    });
    verdicts.fold(Verdict::Ignore, |batch, one| match (batch, one) {
        (Verdict::Reject, _) | (_, Verdict::Reject) => Verdict::Reject,
        (Verdict::Accept, _) | (_, Verdict::Accept) => Verdict::Accept,
        _ => Verdict::Ignore,
    })
}

/// Only bodies of blocks that are on L1 in the slot in turn are worth a message.
fn verdict_on_body(follower: &Follower, header_hash: B256) -> Verdict {
    let view = follower.view();
    let next = view.head().map(|head| head.l1_slot.plus(1));
    let is_candidate = next.is_some_and(|next| {
        view.slot(next).candidates.iter().any(|candidate| candidate.header_hash == header_hash)
    });
    if is_candidate { Verdict::Accept } else { Verdict::Ignore }
}
