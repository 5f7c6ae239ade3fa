//! A network whose peers all run in this process.
//!
//! Every message is encoded and decoded again, as on a real network, so that the limits of [`crate::message`]
//! apply. Delivery is deterministic: inboxes receive gossip in the order of the calls. Provers are asked
//! concurrently, and their quotes are returned in the order in which the provers registered.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use alloy::primitives::{Address, B256};
use fernet_ledger::SignedOperation;
use tokio::task::JoinSet;

use crate::body::BlockBody;
use crate::message::{AcceptedQuote, Gossip, QuoteRequest, SignedQuote, Wire};
use crate::network::{BoxFuture, Inbox, Network, NetworkError, QuoteResponder};
use crate::wire::WireError;

/// Most unread messages in an inbox; the oldest is dropped for a new one. Enough for a minute of full blocks.
pub const INBOX_MESSAGES: usize = 16_384;

/// Bodies kept for peers that ask. A body is needed until its block is finalized, so a few slots are enough.
pub const KEPT_BODIES: usize = 16;

/// A network whose peers share this process. Clones are the same network.
#[derive(Clone, Default)]
pub struct InProcess {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    inboxes: Vec<Weak<Mutex<VecDeque<Gossip>>>>,
    bodies: BTreeMap<B256, Vec<u8>>,
    /// Keys of `bodies`, oldest first.
    order: VecDeque<B256>,
    responders: Vec<(Address, Arc<dyn QuoteResponder>)>,
}

impl InProcess {
    /// A network without peers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Delivers the bytes of a gossip message to every inbox, as if a peer had sent them.
    ///
    /// # Errors
    /// When the bytes are no message. Then nothing is delivered.
    pub fn inject(&self, bytes: &[u8]) -> Result<(), WireError> {
        let gossip = Gossip::decode(bytes)?;
        let mut shared = self.lock();
        if let Gossip::Body(body) = &gossip {
            let hash = body.header_hash();
            if shared.bodies.insert(hash, body.encode()).is_none() {
                shared.order.push_back(hash);
            }
            while shared.order.len() > KEPT_BODIES {
                if let Some(oldest) = shared.order.pop_front() {
                    shared.bodies.remove(&oldest);
                }
            }
        }
        shared.inboxes.retain(|inbox| match inbox.upgrade() {
            Some(inbox) => {
                let mut inbox = lock(&inbox);
                inbox.push_back(gossip.clone());
                if inbox.len() > INBOX_MESSAGES {
                    inbox.pop_front();
                }
                true
            }
            None => false,
        });
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        lock(&self.shared)
    }
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shared = self.lock();
        formatter
            .debug_struct("InProcess")
            .field("inboxes", &shared.inboxes.len())
            .field("bodies", &shared.bodies.len())
            .field("responders", &shared.responders.len())
            .finish()
    }
}

/// Ignores poisoning: every statement under a lock leaves a consistent state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Queue(Arc<Mutex<VecDeque<Gossip>>>);

impl Inbox for Queue {
    fn drain(&mut self) -> Vec<Gossip> {
        lock(&self.0).drain(..).collect()
    }
}

impl Network for InProcess {
    fn publish_operation(&self, operation: SignedOperation) -> BoxFuture<'_, Result<(), NetworkError>> {
        Box::pin(async move { Ok(self.inject(&Gossip::Operation(operation).encode())?) })
    }

    fn announce_body(&self, body: Arc<BlockBody>) -> BoxFuture<'_, Result<(), NetworkError>> {
        Box::pin(async move { Ok(self.inject(&Gossip::Body(body).encode())?) })
    }

    fn fetch_body(&self, header_hash: B256) -> BoxFuture<'_, Result<Option<Arc<BlockBody>>, NetworkError>> {
        Box::pin(async move {
            let bytes = self.lock().bodies.get(&header_hash).cloned();
            Ok(bytes.map(|bytes| BlockBody::decode(&bytes).map(Arc::new)).transpose()?)
        })
    }

    fn subscribe(&self) -> Box<dyn Inbox> {
        let queue = Arc::new(Mutex::new(VecDeque::new()));
        self.lock().inboxes.push(Arc::downgrade(&queue));
        Box::new(Queue(queue))
    }

    fn request_quotes(
        &self,
        request: QuoteRequest,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Vec<SignedQuote>, NetworkError>> {
        Box::pin(async move {
            let bytes = request.encode();
            let mut asked = JoinSet::new();
            for (position, (_, responder)) in self.lock().responders.clone().into_iter().enumerate() {
                let request = QuoteRequest::decode(&bytes)?;
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
}
