//! The task that owns the sockets.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256};
use fernet_ledger::SignedOperation;
use fernet_network::answer::{CONTACTS, QUOTES};
use fernet_network::inbox::Delivery;
use fernet_network::message::MAX_BATCH;
use fernet_network::{
    AcceptedQuote, Gossip, MessageId, PeerId, Received, SignedContact, SignedQuote, SignedQuoteRequest,
    Ticket, Topic, Verdict, Wire,
};
use libp2p::core::ConnectedPoint;
use libp2p::futures::StreamExt;
use libp2p::gossipsub::{self, MessageAcceptance, PublishError, TopicHash};
use libp2p::multiaddr::Protocol;
use libp2p::request_response::{self, OutboundRequestId, ResponseChannel};
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, Swarm, identify, kad};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use crate::behaviour::{BAN_SCORE, Behaviour, BehaviourEvent, QUOTE_TIME, gossip_topic, swarm};
use crate::config::Config;
use crate::contacts::{Contacts, is_current};
use crate::error::P2pError;
use crate::holders::Holders;
use crate::identity::{libp2p_id, peer_id};
use crate::peers::Peers;
use crate::shared::{BODY_SOURCES, Command, Shared, lock, unix_seconds};
use crate::status::{Counters, Direction, PeerStatus, Status};

/// Time that an operation waits for others.
const BATCH_TIME: Duration = Duration::from_millis(20);

/// Time between two looks at scores, bans and bootnodes.
const TICK: Duration = Duration::from_secs(1);

/// Verdicts that wait for the task. One that finds no room counts as "ignore".
const VERDICTS: usize = 16_384;

/// Answers of provers that wait for the task.
const ANSWERS: usize = 64;

/// Messages that wait until a peer can take them.
const MAX_UNSENT: usize = 256;

/// Time that a message waits for a peer.
const UNSENT_TIME: Duration = Duration::from_secs(60);

/// Requests for quotes that this node's provers answer at the same time.
const QUOTES_AT_ONCE: usize = 8;

/// Provers that are asked for quotes at the same time.
const MAX_ASKED: usize = 32;

/// First and longest time between two attempts to reach bootnodes.
const REDIAL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Time between two searches for more peers.
const DISCOVERY: Duration = Duration::from_secs(30);

/// Addresses that are taken of one peer.
const MAX_PEER_ADDRESSES: usize = 8;

/// Time for the addresses to be listened at.
const LISTEN_TIME: Duration = Duration::from_secs(10);

/// A role's verdict on a message of gossip, or on a contact that was asked for.
#[derive(Debug)]
struct Judged {
    source: libp2p::PeerId,
    /// The message; `None` for a contact that was asked for.
    id: Option<gossipsub::MessageId>,
    /// What is taken over if it is accepted.
    news: News,
    verdict: Verdict,
}

/// What a message tells this node.
#[derive(Debug, Clone)]
enum News {
    Nothing,
    Holder(B256, PeerId),
    Contact(Box<SignedContact>),
}

/// The answer of this node's provers.
#[derive(Debug)]
struct Answer {
    channel: ResponseChannel<Arc<[u8]>>,
    quotes: Vec<SignedQuote>,
}

#[derive(Debug)]
struct Connection {
    address: Multiaddr,
    direction: Direction,
    agent: Option<String>,
}

#[derive(Debug)]
struct Unsent {
    topic: Topic,
    bytes: Vec<u8>,
    until: Instant,
}

pub(crate) struct Node {
    config: Config,
    protocol: String,
    swarm: Swarm<Behaviour>,
    topics: Vec<(TopicHash, Topic)>,
    shared: Arc<Shared>,
    commands: mpsc::Receiver<Command>,
    verdicts: (mpsc::Sender<Judged>, mpsc::Receiver<Judged>),
    answers: (mpsc::Sender<Answer>, mpsc::Receiver<Answer>),
    answering: Arc<Semaphore>,
    batch: Vec<SignedOperation>,
    batch_due: Option<tokio::time::Instant>,
    unsent: VecDeque<Unsent>,
    peers: Peers,
    connections: HashMap<libp2p::PeerId, Connection>,
    holders: Holders,
    contacts: Contacts,
    bodies: HashMap<OutboundRequestId, oneshot::Sender<Option<Arc<[u8]>>>>,
    quotes: HashMap<OutboundRequestId, (PeerId, mpsc::Sender<SignedQuote>)>,
    accepts: HashMap<OutboundRequestId, oneshot::Sender<bool>>,
    counters: Counters,
    /// When bootnodes are dialled again, and after which time then.
    redial: (Instant, Duration),
    discovery: Instant,
    bootnodes: Vec<(libp2p::PeerId, Multiaddr)>,
}

impl Node {
    /// Sets up the protocols, and listens.
    pub(crate) async fn start(config: Config, commands: mpsc::Receiver<Command>) -> Result<Self, P2pError> {
        config.check()?;
        let bootnodes = config.bootnodes.iter().map(bootnode).collect::<Result<Vec<_>, _>>()?;
        let mut swarm = swarm(&config)?;
        for address in &config.external {
            swarm.add_external_address(address.clone());
        }
        // A node that others can dial as it listens serves them in the search for peers.
        let is_wildcard = |address: &Multiaddr| {
            address.iter().any(|part| match part {
                Protocol::Ip4(ip) => ip.is_unspecified(),
                Protocol::Ip6(ip) => ip.is_unspecified(),
                _ => false,
            })
        };
        if !config.external.is_empty() || !config.listen.iter().any(is_wildcard) {
            swarm.behaviour_mut().kad.set_mode(Some(kad::Mode::Server));
        }
        listen(&mut swarm, &config.listen).await?;
        for (peer, address) in &bootnodes {
            swarm.behaviour_mut().kad.add_address(peer, address.clone());
        }
        let now = Instant::now();
        let protocol = config.protocol();
        let topics = Topic::ALL.map(|topic| (gossip_topic(&protocol, topic).hash(), topic)).to_vec();
        let status = Status {
            id: config.identity.id(),
            libp2p_id: config.identity.libp2p_id().to_string(),
            listening: swarm.listeners().cloned().collect(),
            external: swarm.external_addresses().cloned().collect(),
            peers: Vec::new(),
            bans: Vec::new(),
            provers: 0,
            body_bytes: 0,
            counters: Counters::default(),
        };
        tracing::info!(id = %status.libp2p_id, listening = ?status.listening, "the network is up");
        Ok(Self {
            shared: Arc::new(Shared::new(&config, status)),
            peers: Peers::new(config.limits, now),
            protocol,
            swarm,
            topics,
            commands,
            verdicts: mpsc::channel(VERDICTS),
            answers: mpsc::channel(ANSWERS),
            answering: Arc::new(Semaphore::new(QUOTES_AT_ONCE)),
            batch: Vec::new(),
            batch_due: None,
            unsent: VecDeque::new(),
            connections: HashMap::new(),
            holders: Holders::default(),
            contacts: Contacts::default(),
            bodies: HashMap::new(),
            quotes: HashMap::new(),
            accepts: HashMap::new(),
            counters: Counters::default(),
            redial: (now, REDIAL.0),
            discovery: now,
            bootnodes,
            config,
        })
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Runs until the handle is dropped.
    pub(crate) async fn run(mut self) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let due = self.batch_due;
            let batch = async move {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_event(event),
                command = self.commands.recv() => match command {
                    Some(command) => self.on_command(command),
                    None => break,
                },
                Some(judged) = self.verdicts.1.recv() => self.on_verdict(judged),
                Some(answer) = self.answers.1.recv() => self.on_answer(answer),
                () = batch => self.flush(),
                _ = ticks.tick() => self.tick(),
            }
        }
        self.shut_down().await;
    }

    /// Sends what waits, and says farewell to all peers.
    async fn shut_down(mut self) {
        self.flush();
        lock(&self.shared.inboxes).clear();
        // The handlers of the connections send what is in their queues.
        let drained = Instant::now() + Duration::from_millis(100);
        while let Ok(event) = tokio::time::timeout_at(drained.into(), self.swarm.select_next_some()).await {
            drop(event);
        }
        let peers: Vec<_> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let closed = Instant::now() + Duration::from_secs(1);
        while self.swarm.connected_peers().next().is_some() {
            let event = tokio::time::timeout_at(closed.into(), self.swarm.select_next_some()).await;
            if event.is_err() {
                break;
            }
        }
        tracing::info!("the network is down");
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Operation(operation) => self.add_operation(operation),
            Command::Publish(message) => self.publish(message),
            Command::Sources { header_hash, reply } => {
                let _ = reply.send(self.sources(header_hash));
            }
            Command::Body { peer, header_hash, reply } => match libp2p_id(&peer) {
                Some(peer) => {
                    let request: Arc<[u8]> = header_hash.as_slice().into();
                    let id = self.swarm.behaviour_mut().bodies.send_request(&peer, request);
                    self.bodies.insert(id, reply);
                }
                None => drop(reply),
            },
            Command::Blame { peer } => {
                self.counters.bodies_wrong += 1;
                self.blame(peer);
            }
            Command::BodyFetched => self.counters.bodies_fetched += 1,
            Command::Ask { request, replies } => self.ask(&request, &replies),
            Command::Accept { accepted, reply } => self.hand_over(&accepted, reply),
            Command::Contact(signed) => {
                self.contacts.insert(signed.clone());
                self.publish(Gossip::Prover(signed));
            }
        }
    }

    // ---- gossip -------------------------------------------------------------------------------------------

    fn add_operation(&mut self, operation: SignedOperation) {
        self.counters.operations += 1;
        self.batch.push(operation);
        if self.batch.len() == MAX_BATCH {
            self.flush();
        } else if self.batch_due.is_none() {
            self.batch_due = Some(tokio::time::Instant::now() + BATCH_TIME);
        }
    }

    fn flush(&mut self) {
        self.batch_due = None;
        if !self.batch.is_empty() {
            let batch = std::mem::take(&mut self.batch);
            self.counters.batches += 1;
            self.publish(Gossip::Operations(batch));
        }
    }

    /// Sends a message of this node's own to its inboxes and to all peers.
    fn publish(&mut self, message: Gossip) {
        let (topic, bytes) = (message.topic(), message.encode());
        let (source, id) = (self.shared.id, MessageId::of(topic, &bytes));
        self.deliver(|| Received { source, id, message: message.clone(), ticket: Ticket::none() });
        self.send_gossip(topic, bytes);
    }

    fn send_gossip(&mut self, topic: Topic, bytes: Vec<u8>) {
        let name = gossip_topic(&self.protocol, topic);
        match self.swarm.behaviour_mut().gossip.publish(name, bytes.clone()) {
            Ok(_) | Err(PublishError::Duplicate) => {}
            Err(PublishError::NoPeersSubscribedToTopic | PublishError::AllQueuesFull(_)) => {
                if self.unsent.len() == MAX_UNSENT {
                    self.unsent.pop_front();
                    self.counters.unsent += 1;
                }
                self.unsent.push_back(Unsent { topic, bytes, until: Instant::now() + UNSENT_TIME });
            }
            Err(error) => {
                self.counters.unsent += 1;
                let topic = topic.name();
                tracing::warn!(code = "P2P-001", %error, topic, "a message can't be published");
            }
        }
    }

    /// Puts a message into every inbox, and returns how many there are.
    fn deliver(&self, mut message: impl FnMut() -> Received) -> usize {
        let mut inboxes = std::mem::take(&mut *lock(&self.shared.inboxes));
        inboxes.retain(|inbox| inbox.send(message()) == Delivery::Delivered);
        let count = inboxes.len();
        let mut shared = lock(&self.shared.inboxes);
        // Those that subscribed meanwhile come later.
        inboxes.append(&mut shared);
        *shared = inboxes;
        count
    }

    /// Gives a message of a peer to the roles.
    fn receive(
        &mut self,
        source: libp2p::PeerId,
        from: PeerId,
        gossip_id: Option<gossipsub::MessageId>,
        message: &Gossip,
    ) {
        let news = match message {
            Gossip::Operations(_) => News::Nothing,
            Gossip::Body(announcement) => News::Holder(announcement.header_hash, from),
            Gossip::Prover(signed) => News::Contact(Box::new(signed.clone())),
        };
        let id = MessageId::of(message.topic(), &message.encode());
        let roles = lock(&self.shared.inboxes).len();
        let judgement = Arc::new(Judgement {
            undecided: AtomicUsize::new(roles.max(1)),
            is_decided: AtomicBool::new(false),
        });
        let verdicts = self.verdicts.0.clone();
        let ticket = || {
            let (judgement, verdicts) = (Arc::clone(&judgement), verdicts.clone());
            let (gossip_id, news) = (gossip_id.clone(), news.clone());
            Ticket::new(move |verdict| {
                if judgement.is_final(verdict) {
                    // Without room the message is forgotten, as if it was ignored.
                    let _ = verdicts.try_send(Judged { source, id: gossip_id, news, verdict });
                }
            })
        };
        let delivered =
            self.deliver(|| Received { source: from, id, message: message.clone(), ticket: ticket() });
        if delivered == 0 {
            // Nobody here can check it, so nobody vouches for it.
            ticket().judge(Verdict::Ignore);
        }
    }

    fn on_gossip(
        &mut self,
        source: libp2p::PeerId,
        id: &gossipsub::MessageId,
        topic: &TopicHash,
        bytes: &[u8],
    ) {
        self.counters.received += 1;
        let now = Instant::now();
        let topic = self.topics.iter().find(|(hash, _)| hash == topic).map(|(_, topic)| *topic);
        let (Some(topic), Some(from)) = (topic, peer_id(&source)) else {
            self.report(source, id, MessageAcceptance::Ignore);
            return;
        };
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.counters.gossip_bytes = self.counters.gossip_bytes.saturating_add(size);
        let peer = self.peers.get(from, now);
        peer.gossip_bytes = peer.gossip_bytes.saturating_add(size);
        if !peer.gossip.take(size, now) {
            self.counters.over_budget += 1;
            self.report(source, id, MessageAcceptance::Ignore);
            return;
        }
        match Gossip::decode(topic, bytes) {
            Ok(Gossip::Prover(signed)) if !is_current(signed.contact.expires_at, unix_seconds()) => {
                self.counters.ignored += 1;
                self.report(source, id, MessageAcceptance::Ignore);
            }
            Ok(message) => self.receive(source, from, Some(id.clone()), &message),
            Err(error) => {
                tracing::debug!(%from, %error, topic = topic.name(), "a peer sent a malformed message");
                self.counters.rejected += 1;
                self.report(source, id, MessageAcceptance::Reject);
                self.check_score(source);
            }
        }
    }

    fn report(&mut self, source: libp2p::PeerId, id: &gossipsub::MessageId, acceptance: MessageAcceptance) {
        // A verdict that comes too late changes nothing.
        self.swarm.behaviour_mut().gossip.report_message_validation_result(id, &source, acceptance);
    }

    fn on_verdict(&mut self, judged: Judged) {
        let Judged { source, id, news, verdict } = judged;
        let acceptance = match verdict {
            Verdict::Accept => MessageAcceptance::Accept,
            Verdict::Ignore => MessageAcceptance::Ignore,
            Verdict::Reject => MessageAcceptance::Reject,
        };
        match (verdict, news) {
            (Verdict::Accept, News::Holder(header_hash, peer)) => self.holders.insert(header_hash, peer),
            (Verdict::Accept, News::Contact(signed)) => self.contacts.insert(*signed),
            _ => {}
        }
        match id {
            Some(id) => {
                let counter = match verdict {
                    Verdict::Accept => &mut self.counters.accepted,
                    Verdict::Ignore => &mut self.counters.ignored,
                    Verdict::Reject => &mut self.counters.rejected,
                };
                *counter += 1;
                self.report(source, &id, acceptance);
                if verdict == Verdict::Reject {
                    self.check_score(source);
                }
            }
            None if verdict == Verdict::Reject => {
                if let Some(peer) = peer_id(&source) {
                    self.blame(peer);
                }
            }
            None => {}
        }
    }

    // ---- bodies -------------------------------------------------------------------------------------------

    /// Connected peers that may have a body: those that said so, then others.
    fn sources(&self, header_hash: B256) -> Vec<PeerId> {
        let known = self.holders.of(header_hash).iter().copied();
        let others = self.connections.keys().filter_map(peer_id);
        let mut sources: Vec<PeerId> = Vec::new();
        for peer in known.chain(others) {
            if sources.len() < BODY_SOURCES && !sources.contains(&peer) && !self.peers.is_banned(peer) {
                sources.push(peer);
            }
        }
        sources
    }

    fn on_bodies(&mut self, event: request_response::Event<Arc<[u8]>, Arc<[u8]>>) {
        match event {
            request_response::Event::Message {
                peer,
                message: request_response::Message::Request { request, channel, .. },
                ..
            } => {
                let body = self.body_for(peer, &request);
                let _ = self.swarm.behaviour_mut().bodies.send_response(channel, body);
            }
            request_response::Event::Message {
                message: request_response::Message::Response { request_id, response },
                ..
            } => {
                if let Some(reply) = self.bodies.remove(&request_id) {
                    let _ = reply.send((!response.is_empty()).then_some(response));
                }
            }
            request_response::Event::OutboundFailure { request_id, error, .. } => {
                tracing::debug!(%error, "a peer sent no body");
                self.bodies.remove(&request_id);
            }
            _ => {}
        }
    }

    /// What a peer is answered that asks for a body: nothing, if there is none or the peer asked for too
    /// many.
    fn body_for(&mut self, peer: libp2p::PeerId, request: &[u8]) -> Arc<[u8]> {
        let none = || Arc::from([]);
        let Some(from) = peer_id(&peer) else { return none() };
        let Ok(header_hash) = B256::try_from(request) else {
            self.blame(from);
            return none();
        };
        let Some(body) = lock(&self.shared.bodies).get(header_hash) else { return none() };
        let size = u64::try_from(body.len()).unwrap_or(u64::MAX);
        if self.peers.may_serve(from, size, Instant::now()) {
            self.counters.bodies_served += 1;
            self.counters.served_bytes = self.counters.served_bytes.saturating_add(size);
            body
        } else {
            self.counters.bodies_refused += 1;
            none()
        }
    }

    // ---- quotes -------------------------------------------------------------------------------------------

    /// Asks every known prover of another node. A peer with several provers is asked once.
    fn ask(&mut self, request: &Arc<[u8]>, replies: &mpsc::Sender<SignedQuote>) {
        let mut asked = HashSet::new();
        let own = self.shared.id;
        let contacts: Vec<_> = self.contacts.iter().map(|signed| signed.contact.clone()).collect();
        for contact in contacts {
            let is_new = contact.peer != own && !self.peers.is_banned(contact.peer);
            if asked.len() == MAX_ASKED || !is_new || !asked.insert(contact.peer) {
                continue;
            }
            if let Some(peer) = libp2p_id(&contact.peer) {
                let addresses = addresses(&contact.addresses);
                let quotes = &mut self.swarm.behaviour_mut().quotes;
                let id = quotes.send_request_with_addresses(&peer, Arc::clone(request), addresses);
                self.quotes.insert(id, (contact.peer, replies.clone()));
            }
        }
    }

    fn on_quotes(&mut self, event: request_response::Event<Arc<[u8]>, Arc<[u8]>>) {
        match event {
            request_response::Event::Message {
                peer,
                message: request_response::Message::Request { request, channel, .. },
                ..
            } => self.on_quote_request(peer, &request, channel),
            request_response::Event::Message {
                message: request_response::Message::Response { request_id, response },
                ..
            } => {
                let Some((peer, replies)) = self.quotes.remove(&request_id) else { return };
                match QUOTES.decode::<SignedQuote>(&response) {
                    Ok(quotes) => {
                        for signed in quotes {
                            if self.contacts.is_peer_of(peer, signed.quote.prover) {
                                // Nobody waits for a late answer.
                                let _ = replies.try_send(signed);
                            }
                        }
                    }
                    Err(error) => {
                        tracing::debug!(%peer, %error, "a prover sent a malformed answer");
                        self.blame(peer);
                    }
                }
            }
            request_response::Event::OutboundFailure { request_id, error, .. } => {
                tracing::debug!(%error, "a prover didn't answer");
                self.quotes.remove(&request_id);
            }
            _ => {}
        }
    }

    fn on_quote_request(&mut self, peer: libp2p::PeerId, bytes: &[u8], channel: ResponseChannel<Arc<[u8]>>) {
        let Some(from) = peer_id(&peer) else { return };
        let responders = lock(&self.shared.responders).clone();
        let request = match SignedQuoteRequest::decode(bytes) {
            Ok(request) => request,
            Err(error) => {
                tracing::debug!(%from, %error, "a peer sent a malformed request for quotes");
                self.blame(from);
                return;
            }
        };
        let is_within = self.peers.get(from, Instant::now()).quotes.take(1, Instant::now());
        let permit = Arc::clone(&self.answering).try_acquire_owned();
        let (true, Ok(permit), false) = (is_within, permit, responders.is_empty()) else {
            self.on_answer(Answer { channel, quotes: Vec::new() });
            return;
        };
        // The sequencer that asks serves the body.
        self.holders.insert(request.header.hash(), from);
        let answers = self.answers.0.clone();
        tokio::spawn(async move {
            let mut quotes = Vec::new();
            let ask = async {
                for (_, responder) in responders.iter().take(QUOTES.max_entries()) {
                    quotes.extend(responder.quote(request.clone()).await);
                }
            };
            let _ = tokio::time::timeout(QUOTE_TIME, ask).await;
            drop(permit);
            // Without the task nobody waits for the answer.
            let _ = answers.send(Answer { channel, quotes }).await;
        });
    }

    fn on_answer(&mut self, answer: Answer) {
        let Answer { channel, quotes } = answer;
        if quotes.is_empty() {
            self.counters.quotes_declined += 1;
        } else {
            self.counters.quotes_given += 1;
        }
        let _ = self.swarm.behaviour_mut().quotes.send_response(channel, QUOTES.encode(&quotes).into());
    }

    fn hand_over(&mut self, accepted: &AcceptedQuote, reply: oneshot::Sender<bool>) {
        let contact = self.contacts.get(accepted.quote.prover).map(|signed| signed.contact.clone());
        let peer = contact.as_ref().and_then(|contact| libp2p_id(&contact.peer));
        match (contact, peer) {
            (Some(contact), Some(peer)) => {
                let bytes: Arc<[u8]> = accepted.encode().into();
                let addresses = addresses(&contact.addresses);
                let accepted = &mut self.swarm.behaviour_mut().accepted;
                let id = accepted.send_request_with_addresses(&peer, bytes, addresses);
                self.accepts.insert(id, reply);
            }
            _ => {
                let _ = reply.send(false);
            }
        }
    }

    fn on_accepted(&mut self, event: request_response::Event<Arc<[u8]>, Arc<[u8]>>) {
        match event {
            request_response::Event::Message {
                peer,
                message: request_response::Message::Request { request, channel, .. },
                ..
            } => {
                let Some(from) = peer_id(&peer) else { return };
                match AcceptedQuote::decode(&request) {
                    Ok(accepted) => self.pass_on(from, accepted, channel),
                    Err(error) => {
                        tracing::debug!(%from, %error, "a peer sent a malformed accepted quote");
                        self.blame(from);
                    }
                }
            }
            request_response::Event::Message {
                message: request_response::Message::Response { request_id, .. },
                ..
            } => {
                if let Some(reply) = self.accepts.remove(&request_id) {
                    let _ = reply.send(true);
                }
            }
            request_response::Event::OutboundFailure { request_id, error, .. } => {
                tracing::debug!(%error, "a prover can't be told that its quote was accepted");
                if let Some(reply) = self.accepts.remove(&request_id) {
                    let _ = reply.send(false);
                }
            }
            _ => {}
        }
    }

    /// Gives an accepted quote to the prover of this node that it names. No answer says that there is none.
    fn pass_on(&mut self, from: PeerId, accepted: AcceptedQuote, channel: ResponseChannel<Arc<[u8]>>) {
        let prover: Address = accepted.quote.prover;
        let responder = {
            let responders = lock(&self.shared.responders);
            responders.iter().find(|(address, _)| *address == prover).map(|(_, one)| Arc::clone(one))
        };
        let is_within = self.peers.get(from, Instant::now()).quotes.take(1, Instant::now());
        let permit = Arc::clone(&self.answering).try_acquire_owned();
        if let (Some(responder), true, Ok(permit)) = (responder, is_within, permit) {
            let _ = self.swarm.behaviour_mut().accepted.send_response(channel, Arc::from([]));
            tokio::spawn(async move {
                responder.accept(accepted).await;
                drop(permit);
            });
        }
    }

    // ---- contacts -----------------------------------------------------------------------------------------

    fn on_contacts(&mut self, event: request_response::Event<Arc<[u8]>, Arc<[u8]>>) {
        let request_response::Event::Message { peer, message, .. } = event else { return };
        let Some(from) = peer_id(&peer) else { return };
        match message {
            request_response::Message::Request { channel, .. } => {
                let answer = CONTACTS.encode(self.contacts.iter()).into();
                let _ = self.swarm.behaviour_mut().contacts.send_response(channel, answer);
            }
            request_response::Message::Response { response, .. } => {
                match CONTACTS.decode::<SignedContact>(&response) {
                    Ok(contacts) => {
                        let now = unix_seconds();
                        for signed in contacts {
                            let is_news = !self.contacts.is_known(&signed);
                            if is_news && is_current(signed.contact.expires_at, now) {
                                self.receive(peer, from, None, &Gossip::Prover(signed));
                            }
                        }
                    }
                    Err(error) => {
                        tracing::debug!(%from, %error, "a peer sent malformed contacts");
                        self.blame(from);
                    }
                }
            }
        }
    }

    // ---- peers --------------------------------------------------------------------------------------------

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            SwarmEvent::ConnectionEstablished { peer_id: peer, endpoint, .. } => {
                let (address, direction) = match endpoint {
                    ConnectedPoint::Dialer { address, .. } => (address, Direction::Outbound),
                    ConnectedPoint::Listener { send_back_addr, .. } => (send_back_addr, Direction::Inbound),
                };
                if peer_id(&peer).is_none() {
                    self.turn_away(peer);
                    return;
                }
                self.connections.entry(peer).or_insert(Connection { address, direction, agent: None });
                self.redial = (Instant::now(), REDIAL.0);
                self.publish_status();
            }
            SwarmEvent::ConnectionClosed { peer_id: peer, num_established: 0, .. } => {
                self.connections.remove(&peer);
                self.publish_status();
            }
            SwarmEvent::NewListenAddr { .. }
            | SwarmEvent::ExpiredListenAddr { .. }
            | SwarmEvent::ExternalAddrConfirmed { .. }
            | SwarmEvent::ExternalAddrExpired { .. } => self.publish_status(),
            SwarmEvent::ListenerError { error, .. } => {
                tracing::warn!(code = "P2P-002", %error, "a listener failed");
            }
            SwarmEvent::ListenerClosed { addresses, reason, .. } => {
                tracing::warn!(code = "P2P-003", ?addresses, ?reason, "a listener closed");
            }
            SwarmEvent::OutgoingConnectionError { peer_id, error, .. } => {
                tracing::debug!(?peer_id, %error, "a peer can't be reached");
            }
            _ => {}
        }
    }

    fn on_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Gossip(gossipsub::Event::Message { propagation_source, message_id, message }) => {
                self.on_gossip(propagation_source, &message_id, &message.topic, &message.data);
            }
            BehaviourEvent::Identify(identify::Event::Received { peer_id: peer, info, .. }) => {
                self.on_identify(peer, info);
            }
            BehaviourEvent::Bodies(event) => self.on_bodies(event),
            BehaviourEvent::Quotes(event) => self.on_quotes(event),
            BehaviourEvent::Accepted(event) => self.on_accepted(event),
            BehaviourEvent::Contacts(event) => self.on_contacts(event),
            _ => {}
        }
    }

    fn on_identify(&mut self, peer: libp2p::PeerId, info: identify::Info) {
        if info.protocol_version != self.protocol {
            tracing::debug!(%peer, protocol = %info.protocol_version, "a peer is of another network");
            self.turn_away(peer);
            return;
        }
        let behaviour = self.swarm.behaviour_mut();
        for address in info.listen_addrs.into_iter().take(MAX_PEER_ADDRESSES) {
            behaviour.kad.add_address(&peer, address);
        }
        let is_new = match self.connections.get_mut(&peer) {
            Some(connection) => connection.agent.replace(shortened(info.agent_version)).is_none(),
            None => false,
        };
        if is_new {
            // What was said about provers before this node came.
            behaviour.contacts.send_request(&peer, Arc::from([]));
        }
    }

    /// Disconnects a peer that speaks other protocols. It did nothing wrong.
    fn turn_away(&mut self, peer: libp2p::PeerId) {
        if self.swarm.disconnect_peer_id(peer).is_ok() {
            self.counters.foreign_peers += 1;
        }
        self.swarm.behaviour_mut().kad.remove_peer(&peer);
    }

    /// Counts a wrong answer of a peer.
    fn blame(&mut self, peer: PeerId) {
        let score = self.peers.blame(peer, Instant::now());
        if let Some(peer) = libp2p_id(&peer) {
            self.swarm.behaviour_mut().gossip.set_application_score(&peer, score);
            self.check_score(peer);
        }
    }

    /// Bans a peer whose score is too low.
    fn check_score(&mut self, peer: libp2p::PeerId) {
        let score = self.swarm.behaviour().gossip.peer_score(&peer).unwrap_or_default();
        let Some(id) = peer_id(&peer).filter(|_| score < BAN_SCORE) else { return };
        if self.peers.is_banned(id) {
            return;
        }
        tracing::warn!(code = "P2P-004", peer = %id, score, "a peer is banned");
        self.counters.bans += 1;
        self.peers.ban(id, Instant::now());
        let behaviour = self.swarm.behaviour_mut();
        behaviour.kad.remove_peer(&peer);
        behaviour.blocked.block_peer(peer);
        let _ = self.swarm.disconnect_peer_id(peer);
        self.publish_status();
    }

    fn tick(&mut self) {
        let now = Instant::now();
        for peer in self.peers.prune(now).iter().filter_map(libp2p_id) {
            self.swarm.behaviour_mut().blocked.unblock_peer(peer);
        }
        let connected: Vec<libp2p::PeerId> = self.connections.keys().copied().collect();
        for peer in connected {
            if let Some(id) = peer_id(&peer) {
                let score = self.peers.fault_score(id, now);
                self.swarm.behaviour_mut().gossip.set_application_score(&peer, score);
            }
            self.check_score(peer);
        }
        self.contacts.prune(unix_seconds());
        self.bodies.retain(|_, reply| !reply.is_closed());
        self.quotes.retain(|_, (_, replies)| !replies.is_closed());
        self.resend(now);
        self.look_for_peers(now);
        self.publish_status();
    }

    /// Tries messages again that no peer could take.
    fn resend(&mut self, now: Instant) {
        for Unsent { topic, bytes, until } in std::mem::take(&mut self.unsent) {
            if until <= now {
                self.counters.unsent += 1;
                continue;
            }
            let name = gossip_topic(&self.protocol, topic);
            match self.swarm.behaviour_mut().gossip.publish(name, bytes.clone()) {
                Ok(_) | Err(PublishError::Duplicate) => {}
                Err(_) => self.unsent.push_back(Unsent { topic, bytes, until }),
            }
        }
    }

    fn look_for_peers(&mut self, now: Instant) {
        let wanted = usize::try_from(self.config.limits.wanted_peers).unwrap_or(usize::MAX);
        if self.connections.len() >= wanted {
            return;
        }
        let (next, pause) = self.redial;
        if next <= now {
            let missing: Vec<_> = self
                .bootnodes
                .iter()
                .filter(|(peer, _)| !self.connections.contains_key(peer))
                .cloned()
                .collect();
            for (peer, address) in missing {
                self.counters.bootnode_dials += 1;
                let options = DialOpts::peer_id(peer).addresses(vec![address]).build();
                if let Err(error) = self.swarm.dial(options) {
                    tracing::debug!(%peer, %error, "a bootnode isn't dialled");
                }
            }
            self.redial = (now + pause, (2 * pause).min(REDIAL.1));
        }
        if self.discovery <= now && !self.connections.is_empty() {
            self.swarm.behaviour_mut().kad.get_closest_peers(libp2p::PeerId::random());
            self.discovery = now + DISCOVERY;
        }
    }

    fn publish_status(&mut self) {
        let now = Instant::now();
        let gossip = &self.swarm.behaviour().gossip;
        let peers: Vec<PeerStatus> = self
            .connections
            .iter()
            .filter_map(|(peer, connection)| {
                let id = peer_id(peer)?;
                let score = gossip.peer_score(peer).unwrap_or_default();
                let known = self.peers.get(id, now);
                Some(PeerStatus {
                    id,
                    address: connection.address.clone(),
                    direction: connection.direction,
                    agent: connection.agent.clone(),
                    score,
                    gossip_bytes: known.gossip_bytes,
                    served_bytes: known.served_bytes,
                })
            })
            .collect();
        let status = Status {
            id: self.shared.id,
            libp2p_id: self.swarm.local_peer_id().to_string(),
            listening: self.swarm.listeners().cloned().collect(),
            external: self.swarm.external_addresses().cloned().collect(),
            peers,
            bans: self.peers.bans(now),
            provers: self.contacts.len(),
            body_bytes: lock(&self.shared.bodies).bytes(),
            counters: self.counters,
        };
        *lock(&self.shared.status) = status;
    }
}

/// The verdicts of several roles on one message. The first that accepts or rejects it decides; it is ignored
/// if all of them ignore it.
#[derive(Debug)]
struct Judgement {
    undecided: AtomicUsize,
    is_decided: AtomicBool,
}

impl Judgement {
    fn is_final(&self, verdict: Verdict) -> bool {
        let is_last = self.undecided.fetch_sub(1, Ordering::AcqRel) == 1;
        (verdict != Verdict::Ignore || is_last) && !self.is_decided.swap(true, Ordering::AcqRel)
    }
}

/// What a peer calls itself, for people.
fn shortened(agent: String) -> String {
    agent.chars().filter(|letter| !letter.is_control()).take(64).collect()
}

/// Addresses of a contact; those that aren't any are left out.
fn addresses(bytes: &[alloy::primitives::Bytes]) -> Vec<Multiaddr> {
    bytes.iter().filter_map(|address| Multiaddr::try_from(address.to_vec()).ok()).collect()
}

fn bootnode(address: &Multiaddr) -> Result<(libp2p::PeerId, Multiaddr), P2pError> {
    let mut rest = address.clone();
    let Some(Protocol::P2p(peer)) = rest.pop() else {
        return Err(P2pError::BootnodeWithoutPeer(address.clone()));
    };
    if peer_id(&peer).is_none() {
        return Err(P2pError::BootnodeKey(address.clone()));
    }
    Ok((peer, rest))
}

/// Listens at all addresses, and waits until it does.
async fn listen(swarm: &mut Swarm<Behaviour>, addresses: &[Multiaddr]) -> Result<(), P2pError> {
    let mut waiting = HashMap::new();
    for address in addresses {
        let failed = |error: String| P2pError::Listen { address: address.clone(), reason: error };
        let id = swarm.listen_on(address.clone()).map_err(|error| failed(error.to_string()))?;
        waiting.insert(id, address.clone());
    }
    let until = tokio::time::Instant::now() + LISTEN_TIME;
    while let Some(address) = waiting.values().next().cloned() {
        let failed = |address, reason: &str| P2pError::Listen { address, reason: reason.to_owned() };
        match tokio::time::timeout_at(until, swarm.select_next_some()).await {
            Ok(SwarmEvent::NewListenAddr { listener_id, .. }) => {
                waiting.remove(&listener_id);
            }
            Ok(SwarmEvent::ListenerClosed { listener_id, reason, .. }) => {
                if let Some(address) = waiting.remove(&listener_id) {
                    let reason = reason.map_or_else(|error| error.to_string(), |()| "it closed".to_owned());
                    return Err(failed(address, &reason));
                }
            }
            Ok(_) => {}
            Err(_) => return Err(failed(address, "no answer of the system")),
        }
    }
    Ok(())
}
