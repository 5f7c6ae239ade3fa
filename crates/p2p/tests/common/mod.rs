//! Nodes, messages and roles for the tests.
#![allow(dead_code, reason = "each test uses some of it")]

pub(crate) mod raw;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256};
use fernet_ledger::layout::BLOB_BYTES;
use fernet_ledger::{AccountIndex, Blob, Domain, Fr, Operation, SecretKey, SignedOperation, Transfer};
use fernet_network::{
    AcceptedQuote, BlockBody, BoxFuture, Gossip, Network, QuoteResponder, SignedContact, SignedQuote,
    SignedQuoteRequest, Verdict, versioned_blob_hash,
};
use fernet_p2p::{Config, Identity, Limits, Multiaddr, P2p};
use fernet_protocol::{ChainId, Header, L1Slot, Price, Quote, RollupId, SequencerId, Slot, TokenAmount};
use tokio::task::JoinHandle;

/// What arrived, shared with the task that notes it.
type Seen<T> = Arc<Mutex<BTreeSet<T>>>;

/// Time for what takes milliseconds on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `is_so`, and says what it waited for if that takes too long.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Calls `attempt` until it has a value.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut attempt: impl FnMut() -> F,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = attempt().await {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(crate) fn rollup() -> RollupId {
    RollupId::new(ChainId::new(31_337), Address::repeat_byte(0x11))
}

pub(crate) fn domain() -> Domain {
    Domain::from_element(Fr::from(7u64))
}

pub(crate) fn secret() -> SecretKey {
    SecretKey::from_seed(b"alice")
}

pub(crate) fn operation(nonce: u32) -> SignedOperation {
    let (from, to) = (AccountIndex::new(1), AccountIndex::new(2));
    Operation::from(Transfer { from, to, amount: 5, fee: 1, nonce }).sign(domain(), &secret())
}

/// An operation whose signature is another's.
pub(crate) fn forged(nonce: u32) -> SignedOperation {
    SignedOperation { signature: operation(nonce ^ 1).signature, ..operation(nonce) }
}

pub(crate) fn is_signed(signed: &SignedOperation) -> bool {
    secret().public_key().verify(domain(), &signed.operation.message(), &signed.signature)
}

/// The body of a slot, with one blob.
pub(crate) fn body(slot: u64) -> BlockBody {
    let mut bytes = vec![0; BLOB_BYTES];
    bytes[31] = 7;
    let blob = Blob::from_bytes(&bytes).unwrap();
    let header = Header {
        slot: Slot::new(slot),
        parent: B256::repeat_byte(1),
        state_root: B256::repeat_byte(2),
        deposits_end: 3,
        deposits_chain: B256::ZERO,
        exits_end: 4,
        exits_chain: B256::ZERO,
        fee_recipient: 5,
        chunks: 1,
        committee_digest: B256::ZERO,
        vote: Address::ZERO,
        blob_hashes: vec![versioned_blob_hash(&blob).unwrap()],
    };
    BlockBody { header, blobs: vec![blob], signatures: vec![operation(0).signature] }
}

pub(crate) fn request() -> SignedQuoteRequest {
    let signature = vec![3; 65].into();
    SignedQuoteRequest { sequencer: SequencerId::new(2), header: body(3).header, signature }
}

pub(crate) fn quote(prover: Address) -> SignedQuote {
    let quote = Quote {
        slot: Slot::new(3),
        header_hash: body(3).header_hash(),
        sequencer: SequencerId::new(2),
        prover,
        payee: Address::repeat_byte(6),
        bond: TokenAmount::new(7),
        price: Price::new(-8),
        valid_until: L1Slot::new(99),
    };
    SignedQuote { quote, prover_signature: vec![1; 65].into() }
}

pub(crate) fn accepted(prover: Address) -> AcceptedQuote {
    let SignedQuote { quote, prover_signature } = quote(prover);
    AcceptedQuote { quote, prover_signature, sequencer_signature: vec![2; 65].into() }
}

/// How a prover of a test answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Quote,
    Decline,
    /// It never answers.
    Never,
}

/// A prover that remembers what it was asked and what was accepted.
pub(crate) struct Prover {
    pub(crate) name: Address,
    answer: Answer,
    pub(crate) asked: Mutex<Vec<SignedQuoteRequest>>,
    pub(crate) accepted: Mutex<Vec<AcceptedQuote>>,
}

impl Prover {
    pub(crate) fn new(name: u8, answer: Answer) -> Arc<Self> {
        let name = Address::repeat_byte(name);
        Arc::new(Self { name, answer, asked: Mutex::default(), accepted: Mutex::default() })
    }
}

impl QuoteResponder for Prover {
    fn quote(&self, request: SignedQuoteRequest) -> BoxFuture<'_, Option<SignedQuote>> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(request);
            match self.answer {
                Answer::Quote => Some(quote(self.name)),
                Answer::Decline => None,
                Answer::Never => std::future::pending().await,
            }
        })
    }

    fn accept(&self, accepted: AcceptedQuote) -> BoxFuture<'_, ()> {
        Box::pin(async move { self.accepted.lock().unwrap().push(accepted) })
    }
}

/// A role that reads its inbox at once, accepts what is signed, and rejects what isn't.
pub(crate) struct Role {
    pub(crate) nonces: Arc<Mutex<BTreeSet<u32>>>,
    pub(crate) bodies: Arc<Mutex<BTreeSet<B256>>>,
    pub(crate) provers: Arc<Mutex<BTreeSet<Address>>>,
    task: JoinHandle<()>,
}

impl Drop for Role {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Role {
    pub(crate) fn of(network: &dyn Network) -> Self {
        let mut inbox = network.subscribe();
        let (nonces, bodies, provers) = (Arc::default(), Arc::default(), Arc::default());
        let seen: (Seen<u32>, Seen<B256>, Seen<Address>) =
            (Arc::clone(&nonces), Arc::clone(&bodies), Arc::clone(&provers));
        let task = tokio::spawn(async move {
            while let Some(received) = inbox.receive().await {
                let verdict = match &received.message {
                    Gossip::Operations(operations) if operations.iter().all(is_signed) => {
                        seen.0.lock().unwrap().extend(operations.iter().map(|one| one.operation.nonce()));
                        Verdict::Accept
                    }
                    Gossip::Operations(_) => Verdict::Reject,
                    Gossip::Body(announcement) => {
                        seen.1.lock().unwrap().insert(announcement.header_hash);
                        Verdict::Accept
                    }
                    Gossip::Prover(signed) => {
                        seen.2.lock().unwrap().insert(signed.contact.prover);
                        Verdict::Accept
                    }
                };
                received.ticket.judge(verdict);
            }
        });
        Self { nonces, bodies, provers, task }
    }

    pub(crate) fn has(&self, nonces: std::ops::Range<u32>) -> bool {
        let seen = self.nonces.lock().unwrap();
        nonces.into_iter().all(|nonce| seen.contains(&nonce))
    }
}

/// Makes a prover known, if the network needs that.
pub(crate) async fn register(network: &dyn Network, prover: &Arc<Prover>) {
    network.respond_to_quotes(prover.name, Arc::clone(prover) as Arc<dyn QuoteResponder>);
    if let Some(contact) = network.contact_to_sign(prover.name) {
        network.advertise(SignedContact { contact, signature: vec![4; 65].into() }).await.unwrap();
        assert_eq!(network.contact_to_sign(prover.name), None, "it was just said");
    }
}

/// Settings of a node on ports of the system's choice.
pub(crate) fn config(bootnodes: Vec<Multiaddr>) -> Config {
    let limits = Limits { ban: Duration::from_secs(3600), ..Limits::default() };
    Config { listen: Config::loopback(0), bootnodes, limits, ..Config::new(rollup(), Identity::generate()) }
}

/// A node whose role reads its inbox.
pub(crate) struct Node {
    pub(crate) network: Arc<P2p>,
    pub(crate) role: Role,
}

impl Node {
    pub(crate) async fn start(config: Config) -> Self {
        let network = Arc::new(P2p::start(config).await.unwrap());
        let role = Role::of(&*network);
        Self { network, role }
    }

    /// The first address of TCP or QUIC, with the node's id.
    pub(crate) fn address(&self, transport: &str) -> Multiaddr {
        let addresses = self.network.addresses();
        addresses.into_iter().find(|address| address.to_string().contains(transport)).unwrap()
    }

    pub(crate) fn peers(&self) -> usize {
        self.network.status().peers.len()
    }

    /// Ends the node, and waits until its ports are free.
    pub(crate) async fn stop(self) {
        drop(self.role);
        Arc::into_inner(self.network).expect("nobody else has the node").shutdown().await;
    }
}

/// Nodes that know the first one, and are connected with all others.
pub(crate) async fn connected(count: usize) -> Vec<Node> {
    let mut nodes = vec![Node::start(config(Vec::new())).await];
    while nodes.len() < count {
        // Each node knows all before it, by turns over TCP and QUIC.
        let transport = if nodes.len() % 2 == 0 { "tcp" } else { "quic" };
        let bootnodes = nodes.iter().map(|node| node.address(transport)).collect();
        nodes.push(Node::start(config(bootnodes)).await);
    }
    let others = count - 1;
    until("all nodes are connected", || nodes.iter().all(|node| node.peers() >= others)).await;
    nodes
}
