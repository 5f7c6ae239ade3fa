//! What the handle and the task of a node share: commands, and the state that both read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use alloy::primitives::{Address, B256};
use fernet_ledger::SignedOperation;
use fernet_network::bodies::BodyStore;
use fernet_network::inbox::InboxSender;
use fernet_network::{
    AcceptedQuote, Gossip, PeerId, ProverContact, QuoteResponder, SignedContact, SignedQuote,
};
use tokio::sync::{mpsc, oneshot};

use crate::config::Config;
use crate::status::Status;

/// Peers that are asked for a body, at most.
pub(crate) const BODY_SOURCES: usize = 8;

/// The time of the system in seconds since 1970.
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// What the task is told.
#[derive(Debug)]
pub(crate) enum Command {
    /// Publishes an operation, perhaps with others.
    Operation(SignedOperation),
    /// Publishes a message.
    Publish(Gossip),
    /// Names peers that may have a body.
    Sources { header_hash: B256, reply: oneshot::Sender<Vec<PeerId>> },
    /// Asks a peer for a body; the reply is empty if it has none or doesn't answer.
    Body { peer: PeerId, header_hash: B256, reply: oneshot::Sender<Option<Arc<[u8]>>> },
    /// A peer's answer was wrong.
    Blame { peer: PeerId },
    /// A body was fetched and found right.
    BodyFetched,
    /// Asks all known provers of other nodes.
    Ask { request: Arc<[u8]>, replies: mpsc::Sender<SignedQuote> },
    /// Sends an accepted quote to its prover; the reply says whether the prover's peer has it.
    Accept { accepted: AcceptedQuote, reply: oneshot::Sender<bool> },
    /// Adds a contact of this node's own.
    Contact(SignedContact),
}

/// What handle and task share.
pub(crate) struct Shared {
    pub(crate) id: PeerId,
    pub(crate) inboxes: Mutex<Vec<InboxSender>>,
    pub(crate) bodies: Mutex<BodyStore>,
    pub(crate) responders: Mutex<Vec<(Address, Arc<dyn QuoteResponder>)>>,
    pub(crate) status: Mutex<Status>,
    /// What was advertised last of each prover of this node.
    pub(crate) advertised: Mutex<BTreeMap<Address, ProverContact>>,
    /// Peers whose body for a header was rejected, latest last.
    wrong_bodies: Mutex<Vec<(B256, PeerId)>>,
    pub(crate) inbox_bytes: usize,
}

/// Wrong bodies that are remembered.
const MAX_WRONG_BODIES: usize = 1024;

/// Ignores poisoning: every statement under a lock leaves a consistent state.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(config: &Config, status: Status) -> Self {
        Self {
            id: config.identity.id(),
            inboxes: Mutex::default(),
            bodies: Mutex::new(BodyStore::new(config.limits.body_bytes)),
            responders: Mutex::default(),
            status: Mutex::new(status),
            advertised: Mutex::default(),
            wrong_bodies: Mutex::default(),
            inbox_bytes: config.limits.inbox_bytes,
        }
    }

    pub(crate) fn responder(&self, prover: Address) -> Option<Arc<dyn QuoteResponder>> {
        let responders = lock(&self.responders);
        responders.iter().find(|(address, _)| *address == prover).map(|(_, responder)| Arc::clone(responder))
    }

    pub(crate) fn is_wrong(&self, header_hash: B256, peer: PeerId) -> bool {
        lock(&self.wrong_bodies).contains(&(header_hash, peer))
    }

    pub(crate) fn note_wrong(&self, header_hash: B256, peer: PeerId) {
        let mut wrong = lock(&self.wrong_bodies);
        if wrong.len() == MAX_WRONG_BODIES {
            wrong.remove(0);
        }
        wrong.push((header_hash, peer));
    }
}
