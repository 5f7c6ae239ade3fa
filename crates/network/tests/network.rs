//! What peers may rely on: the byte form, its limits, checks of bodies, and the order of delivery.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy::primitives::{Address, B256, keccak256};
use fernet_ledger::{
    AccountIndex, Blob, BlockRules, BlockWitness, Deposit, Domain, FeeBurn, Fr, Lanes, Layout, Levels,
    MemoryStore, Operation, SecretKey, SignedOperation, State, Transfer, Withdrawal, block,
};
use fernet_network::{
    AcceptedQuote, BlockBody, BodyError, BoxFuture, Gossip, HeaderFields, InProcess, Network, NetworkError,
    QuoteRequest, QuoteResponder, SignedQuote, Wire, WireError, message,
};
use fernet_protocol::{L1Slot, Price, Quote, SequencerId, Slot, TokenAmount};

fn domain() -> Domain {
    Domain::from_element(Fr::from(7u64))
}

fn layout() -> Layout {
    Layout::new(4, 4, 8).unwrap()
}

fn empty() -> State<MemoryStore> {
    State::empty(Levels::new(4).unwrap())
}

fn alice() -> SecretKey {
    SecretKey::from_seed(b"alice")
}

fn lanes() -> Lanes {
    let deposit = |index, secret: &SecretKey| Deposit {
        to: AccountIndex::new(index),
        key: secret.public_key(),
        amount: 1_000,
    };
    let deposits = vec![deposit(1, &alice()), deposit(2, &SecretKey::from_seed(b"bob"))];
    Lanes { deposits, exits: Vec::new() }
}

fn transfer(nonce: u32) -> SignedOperation {
    let (from, to) = (AccountIndex::new(1), AccountIndex::new(2));
    Operation::from(Transfer { from, to, amount: 5, fee: 1, nonce }).sign(domain(), &alice())
}

fn withdrawal(nonce: u32) -> SignedOperation {
    let (from, target) = (AccountIndex::new(1), Address::repeat_byte(9));
    Operation::from(Withdrawal { from, target, amount: 5, fee: 1, nonce }).sign(domain(), &alice())
}

/// Stands in for KZG, which the network doesn't know.
fn hash_blob(blob: &Blob) -> Result<B256, String> {
    Ok(keccak256(blob.as_bytes()))
}

fn rules() -> BlockRules {
    let fee_burn = FeeBurn::new(5_000).unwrap();
    BlockRules { domain: domain(), layout: layout(), fee_burn, fee_recipient: AccountIndex::new(2) }
}

fn witness() -> BlockWitness {
    let operations = [transfer(0), withdrawal(1), transfer(2)];
    block::build(&mut empty(), rules(), 3, &lanes(), &operations).unwrap().block
}

fn body() -> BlockBody {
    let fields = HeaderFields {
        slot: Slot::new(3),
        parent: B256::repeat_byte(4),
        deposits_end: 2,
        deposits_chain: B256::repeat_byte(6),
        exits_end: 0,
        exits_chain: B256::ZERO,
        vote: Address::repeat_byte(5),
    };
    BlockBody::assemble(fields, &witness(), hash_blob).unwrap()
}

fn quote(prover: Address) -> Quote {
    Quote {
        slot: Slot::new(3),
        header_hash: body().header_hash(),
        sequencer: SequencerId::new(2),
        prover,
        payee: Address::repeat_byte(6),
        bond: TokenAmount::new(u128::MAX),
        price: Price::new(i128::MIN),
        valid_until: L1Slot::new(99),
    }
}

fn execute(body: &BlockBody) -> Result<BlockWitness, BodyError> {
    body.execute(&mut empty(), rules(), &lanes(), hash_blob)
}

#[test]
fn every_message_survives_its_bytes() {
    let signed = SignedQuote { quote: quote(Address::repeat_byte(5)), prover_signature: vec![1; 65].into() };
    let accepted = AcceptedQuote {
        quote: signed.quote,
        prover_signature: vec![1; 65].into(),
        sequencer_signature: vec![2; 65].into(),
    };
    let request = QuoteRequest { sequencer: SequencerId::new(2), body: Arc::new(body()) };
    assert_eq!(SignedQuote::decode(&signed.encode()), Ok(signed));
    assert_eq!(AcceptedQuote::decode(&accepted.encode()), Ok(accepted));
    assert_eq!(QuoteRequest::decode(&request.encode()), Ok(request));
    for gossip in
        [Gossip::Operation(transfer(0)), Gossip::Operation(withdrawal(1)), Gossip::Body(Arc::new(body()))]
    {
        assert_eq!(Gossip::decode(&gossip.encode()), Ok(gossip));
    }
}

#[test]
fn no_prefix_and_no_longer_form_of_a_message_is_one() {
    let bytes = Gossip::Body(Arc::new(body())).encode();
    for length in 0..bytes.len() {
        assert!(Gossip::decode(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(Gossip::decode(&longer), Err(WireError::Trailing(1)));
}

#[test]
fn hostile_lengths_are_refused_before_anything_is_stored() {
    let mut body = body();
    body.blobs = vec![body.blobs[0].clone(); 17];
    let too_many = WireError::TooMany { field: "blobs", maximum: 16, actual: 17 };
    assert_eq!(BlockBody::decode(&body.encode()), Err(too_many));
    let quote = SignedQuote { quote: quote(Address::ZERO), prover_signature: vec![0; 1025].into() };
    let too_many = WireError::TooMany { field: "l1 signature", maximum: 1024, actual: 1025 };
    assert_eq!(SignedQuote::decode(&quote.encode()), Err(too_many));
    let huge = vec![2; message::MAX_BODY_BYTES + 2];
    assert!(matches!(Gossip::decode(&huge), Err(WireError::TooLong { .. })));
}

#[test]
fn a_signature_out_of_range_is_malformed() {
    let mut bytes = transfer(0).encode();
    let response = bytes.len() - 32;
    bytes[response..].fill(0xff);
    assert!(matches!(SignedOperation::decode(&bytes), Err(WireError::Malformed { field: "signature", .. })));
}

#[test]
fn a_body_executes_to_what_was_built() {
    assert_eq!(execute(&body()), Ok(witness()));
}

#[test]
fn a_body_that_differs_from_its_header_is_refused() {
    let mut root = body();
    root.header.state_root = B256::ZERO;
    assert!(matches!(execute(&root), Err(BodyError::WrongStateRoot { .. })));

    let mut blobs = body();
    let mut bytes = *blobs.blobs[0].as_bytes();
    bytes[31] ^= 1;
    blobs.blobs[0] = Blob::from_bytes(&bytes).unwrap();
    assert!(matches!(execute(&blobs), Err(BodyError::WrongBlobs { .. })));

    let mut fewer = body();
    fewer.blobs.clear();
    assert!(matches!(execute(&fewer), Err(BodyError::WrongBlobs { .. })));

    let mut signatures = body();
    signatures.signatures.swap(0, 1);
    assert!(matches!(execute(&signatures), Err(BodyError::Invalid(_))));

    let mut missing = body();
    missing.signatures.pop();
    assert!(matches!(execute(&missing), Err(BodyError::Invalid(_))));

    let mut shorter = lanes();
    shorter.deposits.pop();
    let result = body().execute(&mut empty(), rules(), &shorter, hash_blob);
    assert!(matches!(result, Err(BodyError::Invalid(_))));
}

/// Answers with a quote of its own name, and remembers what it accepted.
struct Prover {
    name: Address,
    answers: bool,
    accepted: Mutex<Vec<AcceptedQuote>>,
}

impl Prover {
    fn new(name: u8, answers: bool) -> Arc<Self> {
        Arc::new(Self { name: Address::repeat_byte(name), answers, accepted: Mutex::default() })
    }
}

impl QuoteResponder for Prover {
    fn quote(&self, request: QuoteRequest) -> BoxFuture<'_, Option<SignedQuote>> {
        Box::pin(async move {
            assert_eq!(*request.body, body());
            let signed = SignedQuote { quote: quote(self.name), prover_signature: vec![1; 65].into() };
            self.answers.then_some(signed)
        })
    }

    fn accept(&self, accepted: AcceptedQuote) -> BoxFuture<'_, ()> {
        Box::pin(async move { self.accepted.lock().unwrap().push(accepted) })
    }
}

#[tokio::test]
async fn provers_answer_in_the_order_in_which_they_registered() {
    let network = InProcess::new();
    for (name, answers) in [(3, true), (1, true), (4, false), (2, true)] {
        network.respond_to_quotes(Address::repeat_byte(name), Prover::new(name, answers));
    }
    let request = QuoteRequest { sequencer: SequencerId::new(2), body: Arc::new(body()) };
    let quotes = network.request_quotes(request, Duration::from_secs(5)).await.unwrap();
    let names: Vec<Address> = quotes.iter().map(|signed| signed.quote.prover).collect();
    assert_eq!(names, [3, 1, 2].map(Address::repeat_byte));
}

#[tokio::test]
async fn an_accepted_quote_reaches_its_prover_only() {
    let network = InProcess::new();
    let (first, second) = (Prover::new(1, true), Prover::new(2, true));
    network.respond_to_quotes(first.name, first.clone());
    network.respond_to_quotes(second.name, second.clone());
    let accepted = |prover| AcceptedQuote {
        quote: quote(prover),
        prover_signature: vec![1; 65].into(),
        sequencer_signature: vec![2; 65].into(),
    };
    network.accept_quote(accepted(second.name)).await.unwrap();
    assert!(first.accepted.lock().unwrap().is_empty());
    assert_eq!(*second.accepted.lock().unwrap(), [accepted(second.name)]);
    let stranger = Address::repeat_byte(3);
    let error = network.accept_quote(accepted(stranger)).await.unwrap_err();
    assert_eq!(error, NetworkError::UnknownProver(stranger));
}

#[tokio::test]
async fn gossip_arrives_in_order_from_the_subscription_on() {
    let network = InProcess::new();
    network.publish_operation(transfer(0)).await.unwrap();
    let (mut first, mut second) = (network.subscribe(), network.clone().subscribe());
    network.publish_operation(transfer(1)).await.unwrap();
    network.announce_body(Arc::new(body())).await.unwrap();
    let expected = [Gossip::Operation(transfer(1)), Gossip::Body(Arc::new(body()))];
    assert_eq!(first.drain(), expected);
    assert_eq!(first.drain(), []);
    assert_eq!(second.drain(), expected);
}

#[tokio::test]
async fn nonsense_reaches_nobody() {
    let network = InProcess::new();
    let mut inbox = network.subscribe();
    for bytes in [&[][..], &[0], &[1], &[2, 0, 0], &[9; 100]] {
        assert!(network.inject(bytes).is_err());
    }
    assert_eq!(inbox.drain(), []);
}

#[tokio::test]
async fn the_newest_bodies_are_kept() {
    let network = InProcess::new();
    let numbered = |slot| {
        let mut body = body();
        body.header.slot = Slot::new(slot);
        body
    };
    let newest = fernet_network::KEPT_BODIES as u64;
    for slot in 0..=newest {
        network.announce_body(Arc::new(numbered(slot))).await.unwrap();
    }
    assert_eq!(network.fetch_body(numbered(0).header_hash()).await, Ok(None));
    for slot in [1, newest] {
        assert_eq!(
            network.fetch_body(numbered(slot).header_hash()).await,
            Ok(Some(Arc::new(numbered(slot))))
        );
    }
}
