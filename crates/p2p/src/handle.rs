//! The handle of a node, and the traits of the network on it.

use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes};
use fernet_ledger::SignedOperation;
use fernet_network::bodies::{checked_bytes, decode_checked};
use fernet_network::inbox::inbox;
use fernet_network::message::{MAX_ADDRESS_BYTES, MAX_ADDRESSES};
use fernet_network::{
    AcceptedQuote, BlockBody, BodyAnnouncement, BodyNetwork, BoxFuture, FetchedBody, Gossip, GossipNetwork,
    Inbox, NetworkError, PeerId, ProverContact, QuoteNetwork, QuoteResponder, SignedContact, SignedQuote,
    SignedQuoteRequest, Ticket, Verdict, Wire,
};
use libp2p::Multiaddr;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use crate::config::Config;
use crate::contacts::{CONTACT_SECONDS, RENEWAL_SECONDS};
use crate::error::P2pError;
use crate::node::Node;
use crate::shared::{BODY_SOURCES, Command, Shared, lock, unix_seconds};
use crate::status::Status;

/// Commands that wait for the task.
const COMMANDS: usize = 1024;

/// Time after which the next peer is asked for a body as well.
const HEDGE: Duration = Duration::from_millis(1500);

/// A node of the network. Dropping it ends the node.
pub struct P2p {
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for P2p {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("P2p").field("id", &self.shared.id).finish_non_exhaustive()
    }
}

impl P2p {
    /// Starts a node. It listens when this returns.
    ///
    /// # Errors
    /// When the settings contradict each other, an address can't be listened at, or the protocols can't be
    /// set up.
    pub async fn start(config: Config) -> Result<Self, P2pError> {
        let (commands, received) = mpsc::channel(COMMANDS);
        let node = Node::start(config, received).await?;
        let shared = node.shared();
        let task = tokio::spawn(node.run());
        Ok(Self { shared, commands, task })
    }

    /// This node.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.shared.id
    }

    /// The state of the network, at most a second old.
    #[must_use]
    pub fn status(&self) -> Status {
        lock(&self.shared.status).clone()
    }

    /// Addresses at which this node listens, each with its id, as bootnodes are configured.
    #[must_use]
    pub fn addresses(&self) -> Vec<Multiaddr> {
        let status = self.status();
        let id = status.libp2p_id.parse().ok();
        let with_id = |address: Multiaddr| match id {
            Some(id) => address.with(libp2p::multiaddr::Protocol::P2p(id)),
            None => address,
        };
        status.listening.into_iter().map(with_id).collect()
    }

    /// Sends what waits, closes all connections, and ends the node.
    pub async fn shutdown(self) {
        let Self { commands, task, .. } = self;
        drop(commands);
        // It ends only by a panic otherwise, and there is nothing left to do then.
        let _ = task.await;
    }

    async fn command(&self, command: Command) -> Result<(), NetworkError> {
        self.commands.send(command).await.map_err(|_| NetworkError::Closed)
    }

    /// A body that peers may have under this hash is asked for at several, one after the other, or at the
    /// next one too when the answer takes long.
    async fn fetch_from_peers(
        &self,
        header_hash: B256,
    ) -> Result<Option<(PeerId, Arc<[u8]>, BlockBody)>, NetworkError> {
        let (reply, sources) = oneshot::channel();
        self.command(Command::Sources { header_hash, reply }).await?;
        let mut sources = sources.await.map_err(|_| NetworkError::Closed)?;
        sources.retain(|peer| !self.shared.is_wrong(header_hash, *peer));
        let mut left = sources.into_iter().take(BODY_SOURCES);
        let mut asked = JoinSet::new();
        loop {
            let next = left.next();
            if let Some(peer) = next {
                let (reply, answer) = oneshot::channel();
                self.command(Command::Body { peer, header_hash, reply }).await?;
                asked.spawn(async move { (peer, answer.await.ok().flatten()) });
            }
            if asked.is_empty() {
                return Ok(None);
            }
            let answer = match next {
                Some(_) => tokio::time::timeout(HEDGE, asked.join_next()).await.ok().flatten(),
                None => asked.join_next().await,
            };
            let Some(Ok((peer, Some(bytes)))) = answer else {
                continue;
            };
            let received = Arc::clone(&bytes);
            let checked = tokio::task::spawn_blocking(move || decode_checked(header_hash, &received));
            match checked.await {
                Ok(Ok(body)) => {
                    self.command(Command::BodyFetched).await?;
                    return Ok(Some((peer, bytes, body)));
                }
                Ok(Err(error)) => {
                    tracing::debug!(%peer, %header_hash, %error, "a peer sent a wrong body");
                    self.shared.note_wrong(header_hash, peer);
                    self.command(Command::Blame { peer }).await?;
                }
                // The runtime is shutting down.
                Err(_) => return Err(NetworkError::Closed),
            }
        }
    }

    fn body_ticket(&self, header_hash: B256, source: PeerId, bytes: Arc<[u8]>) -> Ticket {
        let (shared, commands) = (Arc::clone(&self.shared), self.commands.downgrade());
        Ticket::new(move |verdict| match verdict {
            Verdict::Accept => lock(&shared.bodies).insert(header_hash, bytes),
            Verdict::Ignore => {}
            Verdict::Reject => {
                shared.note_wrong(header_hash, source);
                if source == shared.id {
                    lock(&shared.bodies).remove(header_hash);
                } else if let Some(commands) = commands.upgrade() {
                    // Blame is dropped under load: the body isn't taken either way.
                    let _ = commands.try_send(Command::Blame { peer: source });
                }
            }
        })
    }
}

impl GossipNetwork for P2p {
    fn publish_operation(&self, operation: SignedOperation) -> BoxFuture<'_, Result<(), NetworkError>> {
        Box::pin(self.command(Command::Operation(operation)))
    }

    fn subscribe(&self) -> Box<dyn Inbox> {
        let (sender, receiver) = inbox(self.shared.inbox_bytes);
        lock(&self.shared.inboxes).push(sender);
        receiver
    }
}

impl BodyNetwork for P2p {
    fn keep_body(&self, body: Arc<BlockBody>) -> BoxFuture<'_, Result<(), NetworkError>> {
        Box::pin(async move {
            let checked = tokio::task::spawn_blocking(move || {
                let bytes = checked_bytes(&body)?;
                // Peers would refuse what exceeds a limit.
                BlockBody::decode(&bytes)?;
                Ok::<_, NetworkError>((body.header_hash(), bytes))
            });
            let (header_hash, bytes) = checked.await.map_err(|_| NetworkError::Closed)??;
            lock(&self.shared.bodies).insert(header_hash, bytes);
            Ok(())
        })
    }

    fn announce_body(&self, header_hash: B256) -> BoxFuture<'_, Result<(), NetworkError>> {
        Box::pin(async move {
            let kept = lock(&self.shared.bodies).get(header_hash);
            let size = kept.ok_or(NetworkError::UnknownBody(header_hash))?.len();
            let size = u32::try_from(size).unwrap_or(u32::MAX);
            self.command(Command::Publish(Gossip::Body(BodyAnnouncement { header_hash, size }))).await
        })
    }

    fn fetch_body(&self, header_hash: B256) -> BoxFuture<'_, Result<Option<FetchedBody>, NetworkError>> {
        Box::pin(async move {
            let kept = lock(&self.shared.bodies).get(header_hash);
            if let Some(bytes) = kept {
                // It was checked before it was kept.
                let (source, body) = (self.shared.id, Arc::new(BlockBody::decode(&bytes)?));
                let ticket = self.body_ticket(header_hash, source, bytes);
                return Ok(Some(FetchedBody { body, source, ticket }));
            }
            let found = self.fetch_from_peers(header_hash).await?;
            Ok(found.map(|(source, bytes, body)| FetchedBody {
                body: Arc::new(body),
                source,
                ticket: self.body_ticket(header_hash, source, bytes),
            }))
        })
    }
}

impl QuoteNetwork for P2p {
    fn request_quotes(
        &self,
        request: SignedQuoteRequest,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Vec<SignedQuote>, NetworkError>> {
        Box::pin(async move {
            let bytes: Arc<[u8]> = request.encode().into();
            // Peers would refuse what exceeds a limit.
            let request = SignedQuoteRequest::decode(&bytes)?;
            let (replies, mut answers) = mpsc::channel(64);
            // This node's own provers are asked as well.
            for (_, responder) in lock(&self.shared.responders).iter() {
                let responder = Arc::clone(responder);
                let (request, replies) = (request.clone(), replies.clone());
                tokio::spawn(async move {
                    if let Some(quote) = responder.quote(request).await {
                        let _ = replies.send(quote).await;
                    }
                });
            }
            self.command(Command::Ask { request: bytes, replies }).await?;
            let mut quotes = Vec::new();
            let gather = async {
                while let Some(quote) = answers.recv().await {
                    quotes.push(quote);
                }
            };
            // Late answers are dropped.
            let _ = tokio::time::timeout(deadline, gather).await;
            Ok(quotes)
        })
    }

    fn accept_quote(&self, accepted: AcceptedQuote) -> BoxFuture<'_, Result<(), NetworkError>> {
        Box::pin(async move {
            let accepted = AcceptedQuote::decode(&accepted.encode())?;
            let prover = accepted.quote.prover;
            if let Some(responder) = self.shared.responder(prover) {
                responder.accept(accepted).await;
                return Ok(());
            }
            let (reply, answer) = oneshot::channel();
            self.command(Command::Accept { accepted, reply }).await?;
            let has_it = answer.await.map_err(|_| NetworkError::Closed)?;
            if has_it { Ok(()) } else { Err(NetworkError::UnknownProver(prover)) }
        })
    }

    fn respond_to_quotes(&self, prover: Address, responder: Arc<dyn QuoteResponder>) {
        let mut responders = lock(&self.shared.responders);
        match responders.iter_mut().find(|(address, _)| *address == prover) {
            Some(entry) => entry.1 = responder,
            None => responders.push((prover, responder)),
        }
    }

    fn contact_to_sign(&self, prover: Address) -> Option<ProverContact> {
        self.shared.responder(prover)?;
        let addresses = {
            let status = lock(&self.shared.status);
            let own = status.external.iter().chain(&status.listening);
            let mut addresses: Vec<Bytes> = Vec::new();
            for address in own.map(|address| Bytes::from(address.to_vec())) {
                let has_room = addresses.len() < MAX_ADDRESSES && address.len() <= MAX_ADDRESS_BYTES;
                if has_room && !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            addresses
        };
        let now = unix_seconds();
        let is_known = lock(&self.shared.advertised).get(&prover).is_some_and(|last| {
            last.addresses == addresses && last.expires_at > now.saturating_add(RENEWAL_SECONDS)
        });
        let expires_at = now.saturating_add(CONTACT_SECONDS);
        (!is_known).then_some(ProverContact { prover, peer: self.shared.id, addresses, expires_at })
    }

    fn advertise(&self, contact: SignedContact) -> BoxFuture<'_, Result<(), NetworkError>> {
        Box::pin(async move {
            let contact = SignedContact::decode(&contact.encode())?;
            self.command(Command::Contact(contact.clone())).await?;
            lock(&self.shared.advertised).insert(contact.contact.prover, contact.contact);
            Ok(())
        })
    }
}
