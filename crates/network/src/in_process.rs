//! A network whose peers all run in this process.
//!
//! Every message is encoded and decoded again, as on a real network, so that the limits of [`crate::message`]
//! apply, and verdicts count: a peer whose messages were rejected [`MAX_REJECTED`] times isn't heard any
//! more. Every peer reaches every other, so nothing needs to be passed on, and operations don't wait to be
//! sent together. Delivery is deterministic: inboxes receive gossip in the order of the calls. Provers are
//! asked concurrently, and their quotes are returned in the order in which the provers registered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use alloy::primitives::{Address, B256};
use fernet_ledger::SignedOperation;
use tokio::task::JoinSet;

use crate::bodies::{BodyStore, KEPT_BODY_BYTES, WrongBody, checked_bytes, decode_checked};
use crate::body::BlockBody;
use crate::inbox::{Delivery, INBOX_BYTES, InboxSender, inbox};
use crate::message::{
    AcceptedQuote, BodyAnnouncement, Gossip, MessageId, ProverContact, SignedContact, SignedQuote,
    SignedQuoteRequest, Topic,
};
use crate::network::{
    BodyNetwork, BoxFuture, FetchedBody, GossipNetwork, Inbox, NetworkError, QuoteNetwork, QuoteResponder,
    Received, Ticket, Verdict,
};
use crate::peer::PeerId;
use crate::wire::{Wire, WireError};

/// Rejected messages after which a peer isn't heard any more.
pub const MAX_REJECTED: u32 = 8;

/// A peer of a network in this process. Clones are the same peer.
#[derive(Clone)]
pub struct InProcess {
    id: PeerId,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    peers: u64,
    inboxes: Vec<InboxSender>,
    /// Rejected messages and bodies of each peer.
    rejected: BTreeMap<PeerId, u32>,
    bodies: BTreeMap<PeerId, BodyStore>,
    /// Peers whose body for a header was rejected.
    wrong_bodies: BTreeSet<(B256, PeerId)>,
    responders: Vec<(Address, Arc<dyn QuoteResponder>)>,
}

impl Default for InProcess {
    fn default() -> Self {
        Self::new()
    }
}

impl InProcess {
    /// The first peer of a new network.
    #[must_use]
    pub fn new() -> Self {
        let shared = Shared {
            peers: 0,
            inboxes: Vec::new(),
            rejected: BTreeMap::new(),
            bodies: BTreeMap::new(),
            wrong_bodies: BTreeSet::new(),
            responders: Vec::new(),
        };
        Self { id: PeerId::new([0; 32]), shared: Arc::new(Mutex::new(shared)) }.join()
    }

    /// Another peer of the same network.
    #[must_use]
    pub fn join(&self) -> Self {
        let mut shared = self.lock();
        shared.peers += 1;
        let mut key = [0; 32];
        let (_, number) = key.split_at_mut(24);
        number.copy_from_slice(&shared.peers.to_be_bytes());
        let id = PeerId::new(key);
        shared.bodies.insert(id, BodyStore::new(KEPT_BODY_BYTES));
        Self { id, shared: Arc::clone(&self.shared) }
    }

    /// This peer.
    #[must_use]
    pub const fn id(&self) -> PeerId {
        self.id
    }

    /// Whether this peer's messages are still heard.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.lock().is_heard(self.id)
    }

    /// Sends the bytes of a gossip message to every inbox, as a hostile peer might. Nobody hears a peer that
    /// was rejected too often.
    ///
    /// # Errors
    /// When the bytes are no message of the topic. Then nothing is delivered, and the peer is blamed.
    pub fn inject(&self, topic: Topic, bytes: &[u8]) -> Result<(), WireError> {
        let mut shared = self.lock();
        let message = match Gossip::decode(topic, bytes) {
            Ok(message) => message,
            Err(error) => {
                shared.blame(self.id);
                return Err(error);
            }
        };
        if !shared.is_heard(self.id) {
            return Ok(());
        }
        let (source, id) = (self.id, MessageId::of(topic, bytes));
        let shared_again = Arc::downgrade(&self.shared);
        let mut inboxes = std::mem::take(&mut shared.inboxes);
        drop(shared);
        inboxes.retain(|inbox| {
            let ticket = ticket(shared_again.clone(), source);
            let received = Received { source, id, message: message.clone(), ticket };
            inbox.send(received) == Delivery::Delivered
        });
        let mut shared = self.lock();
        // Those that subscribed meanwhile come later.
        inboxes.append(&mut shared.inboxes);
        shared.inboxes = inboxes;
        Ok(())
    }

    /// Serves bytes as the body of a header, whatever they are, as a hostile peer might.
    pub fn inject_body(&self, header_hash: B256, bytes: &[u8]) {
        self.lock().keep(self.id, header_hash, bytes.into());
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        lock(&self.shared)
    }

    /// Peers that serve bytes as the body of a header: this one first, then those that are heard.
    fn servers(&self, header_hash: B256) -> Vec<(PeerId, Arc<[u8]>)> {
        let shared = self.lock();
        let others = shared.bodies.keys().copied().filter(|peer| *peer != self.id && shared.is_heard(*peer));
        std::iter::once(self.id)
            .chain(others)
            .filter(|peer| !shared.wrong_bodies.contains(&(header_hash, *peer)))
            .filter_map(|peer| Some((peer, shared.bodies.get(&peer)?.get(header_hash)?)))
            .collect()
    }

    /// What becomes of a fetched body.
    fn body_ticket(&self, source: PeerId, header_hash: B256, bytes: Arc<[u8]>) -> Ticket {
        let (shared, id) = (Arc::downgrade(&self.shared), self.id);
        Ticket::new(move |verdict| {
            let Some(shared) = shared.upgrade() else { return };
            let mut shared = lock(&shared);
            match verdict {
                Verdict::Accept => shared.keep(id, header_hash, bytes),
                Verdict::Ignore => {}
                Verdict::Reject => shared.reject_body(source, header_hash),
            }
        })
    }
}

impl Shared {
    fn is_heard(&self, peer: PeerId) -> bool {
        self.rejected.get(&peer).is_none_or(|rejected| *rejected < MAX_REJECTED)
    }

    fn blame(&mut self, peer: PeerId) {
        *self.rejected.entry(peer).or_default() += 1;
    }

    fn keep(&mut self, peer: PeerId, header_hash: B256, bytes: Arc<[u8]>) {
        self.wrong_bodies.remove(&(header_hash, peer));
        self.bodies.entry(peer).or_insert_with(|| BodyStore::new(KEPT_BODY_BYTES)).insert(header_hash, bytes);
    }

    fn reject_body(&mut self, source: PeerId, header_hash: B256) {
        self.wrong_bodies.insert((header_hash, source));
        self.blame(source);
    }
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shared = self.lock();
        formatter
            .debug_struct("InProcess")
            .field("id", &self.id)
            .field("peers", &shared.peers)
            .field("inboxes", &shared.inboxes.len())
            .field("responders", &shared.responders.len())
            .finish()
    }
}

/// Ignores poisoning: every statement under a lock leaves a consistent state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Blames `source` if its message is rejected.
fn ticket(shared: Weak<Mutex<Shared>>, source: PeerId) -> Ticket {
    Ticket::new(move |verdict| {
        if let (Verdict::Reject, Some(shared)) = (verdict, shared.upgrade()) {
            lock(&shared).blame(source);
        }
    })
}

impl GossipNetwork for InProcess {
    fn publish_operation(&self, operation: SignedOperation) -> BoxFuture<'_, Result<(), NetworkError>> {
        Box::pin(async move {
            let batch = Gossip::Operations(vec![operation]);
            Ok(self.inject(Topic::Operations, &batch.encode())?)
        })
    }

    fn subscribe(&self) -> Box<dyn Inbox> {
        let (sender, receiver) = inbox(INBOX_BYTES);
        self.lock().inboxes.push(sender);
        receiver
    }
}

impl BodyNetwork for InProcess {
    fn keep_body(&self, body: Arc<BlockBody>) -> BoxFuture<'_, Result<(), NetworkError>> {
        Box::pin(async move {
            let bytes = checked_bytes(&body)?;
            // Peers would refuse what exceeds a limit.
            BlockBody::decode(&bytes)?;
            self.lock().keep(self.id, body.header_hash(), bytes);
            Ok(())
        })
    }

    fn announce_body(&self, header_hash: B256) -> BoxFuture<'_, Result<(), NetworkError>> {
        Box::pin(async move {
            let kept = self.lock().bodies.get(&self.id).and_then(|bodies| bodies.get(header_hash));
            let kept = kept.ok_or(NetworkError::UnknownBody(header_hash))?;
            let size = u32::try_from(kept.len()).unwrap_or(u32::MAX);
            let announcement = Gossip::Body(BodyAnnouncement { header_hash, size });
            Ok(self.inject(Topic::Bodies, &announcement.encode())?)
        })
    }

    fn fetch_body(&self, header_hash: B256) -> BoxFuture<'_, Result<Option<FetchedBody>, NetworkError>> {
        Box::pin(async move {
            for (source, bytes) in self.servers(header_hash) {
                let received = Arc::clone(&bytes);
                let checked = tokio::task::spawn_blocking(move || decode_checked(header_hash, &received));
                match checked.await {
                    Ok(Ok(body)) => {
                        let ticket = self.body_ticket(source, header_hash, bytes);
                        return Ok(Some(FetchedBody { body: Arc::new(body), source, ticket }));
                    }
                    Ok(Err(
                        WrongBody::Malformed(_) | WrongBody::WrongHeader { .. } | WrongBody::WrongBlobs(_),
                    )) => self.lock().reject_body(source, header_hash),
                    // The runtime is shutting down.
                    Err(_) => return Err(NetworkError::Closed),
                }
            }
            Ok(None)
        })
    }
}

impl QuoteNetwork for InProcess {
    fn request_quotes(
        &self,
        request: SignedQuoteRequest,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Vec<SignedQuote>, NetworkError>> {
        Box::pin(async move {
            let bytes = request.encode();
            let mut asked = JoinSet::new();
            for (position, (_, responder)) in self.lock().responders.clone().into_iter().enumerate() {
                let request = SignedQuoteRequest::decode(&bytes)?;
                asked.spawn(async move { (position, responder.quote(request).await) });
            }
            let mut answers = BTreeMap::new();
            let asking = async {
                while let Some(answer) = asked.join_next().await {
                    // A responder that panics counts as one that doesn't answer.
                    answers.extend(answer);
                }
            };
            // Late answers are dropped.
            let _ = tokio::time::timeout(deadline, asking).await;
            // A malformed answer counts as none.
            let read = |quote: Option<SignedQuote>| SignedQuote::decode(&quote?.encode()).ok();
            Ok(answers.into_values().filter_map(read).collect())
        })
    }

    fn accept_quote(&self, accepted: AcceptedQuote) -> BoxFuture<'_, Result<(), NetworkError>> {
        Box::pin(async move {
            let prover = accepted.quote.prover;
            let accepted = AcceptedQuote::decode(&accepted.encode())?;
            let responder = self.lock().responders.iter().find(|(address, _)| *address == prover).cloned();
            match responder {
                Some((_, responder)) => {
                    responder.accept(accepted).await;
                    Ok(())
                }
                None => Err(NetworkError::UnknownProver(prover)),
            }
        })
    }

    fn respond_to_quotes(&self, prover: Address, responder: Arc<dyn QuoteResponder>) {
        let mut shared = self.lock();
        match shared.responders.iter_mut().find(|(address, _)| *address == prover) {
            Some(entry) => entry.1 = responder,
            None => shared.responders.push((prover, responder)),
        }
    }

    /// Every prover of the process can be reached as it is.
    fn contact_to_sign(&self, _: Address) -> Option<ProverContact> {
        None
    }

    fn advertise(&self, contact: SignedContact) -> BoxFuture<'_, Result<(), NetworkError>> {
        Box::pin(async move { Ok(self.inject(Topic::Provers, &Gossip::Prover(contact).encode())?) })
    }
}
