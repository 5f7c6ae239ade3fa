//! What peers may rely on: the byte form, its limits, checks of bodies, and the order of delivery.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy::primitives::{Address, B256};
use fernet_ledger::layout::BLOB_BYTES;
use fernet_ledger::{
    AccountIndex, Blob, BlockRules, BlockWitness, Deposit, Domain, FeeBurn, Fr, Lanes, Layout, Levels,
    MemoryStore, Operation, SecretKey, SignedOperation, State, Transfer, Withdrawal, block,
};
use fernet_network::bodies::KEPT_BODY_BYTES;
use fernet_network::{
    AcceptedQuote, BlockBody, BodyAnnouncement, BodyError, BodyNetwork, BoxFuture, Gossip, GossipNetwork,
    HeaderFields, InProcess, MAX_REJECTED, NetworkError, PeerId, ProverContact, QuoteNetwork, QuoteResponder,
    Received, SignedContact, SignedQuote, SignedQuoteRequest, Topic, Verdict, Wire, WireError, message,
    versioned_blob_hash, wire,
};
use fernet_protocol::{L1Slot, MAX_BLOBS, Price, Quote, SequencerId, Slot, TokenAmount};

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
    BlockBody::assemble(fields, &witness(), versioned_blob_hash).unwrap()
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
    body.execute(&mut empty(), rules(), &lanes(), versioned_blob_hash)
}

fn request() -> SignedQuoteRequest {
    let signature = vec![3; 65].into();
    SignedQuoteRequest { sequencer: SequencerId::new(2), header: body().header, signature }
}

fn contact(addresses: usize) -> Gossip {
    let address = vec![4; message::MAX_ADDRESS_BYTES].into();
    let contact = ProverContact {
        prover: Address::repeat_byte(1),
        peer: PeerId::new([2; 32]),
        addresses: vec![address; addresses],
        expires_at: u64::MAX,
    };
    let signature = vec![5; message::MAX_L1_SIGNATURE_BYTES].into();
    Gossip::Prover(SignedContact { contact, signature })
}

fn announcement(size: u32) -> Gossip {
    Gossip::Body(BodyAnnouncement { header_hash: body().header_hash(), size })
}

#[test]
fn every_message_survives_its_bytes() {
    let signed = SignedQuote { quote: quote(Address::repeat_byte(5)), prover_signature: vec![1; 65].into() };
    let accepted = AcceptedQuote {
        quote: signed.quote,
        prover_signature: vec![1; 65].into(),
        sequencer_signature: vec![2; 65].into(),
    };
    assert_eq!(SignedQuote::decode(&signed.encode()), Ok(signed));
    assert_eq!(AcceptedQuote::decode(&accepted.encode()), Ok(accepted));
    assert_eq!(SignedQuoteRequest::decode(&request().encode()), Ok(request()));
    assert_eq!(BlockBody::decode(&body().encode()), Ok(body()));
    let batch = Gossip::Operations(vec![transfer(0), withdrawal(1)]);
    for gossip in [batch, announcement(u32::MAX), contact(message::MAX_ADDRESSES)] {
        assert_eq!(Gossip::decode(gossip.topic(), &gossip.encode()), Ok(gossip));
    }
}

#[test]
fn no_prefix_and_no_longer_form_of_a_message_is_one() {
    let bytes = request().encode();
    for length in 0..bytes.len() {
        assert!(SignedQuoteRequest::decode(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    let trailing = WireError::Trailing { field: "the message", bytes: 1 };
    assert_eq!(SignedQuoteRequest::decode(&longer), Err(trailing));
}

#[test]
fn the_largest_messages_are_within_their_limits() {
    let of = |index| AccountIndex::new(index);
    let (amount, fee, nonce) = (u64::MAX, u32::MAX, u32::MAX);
    let largest = Withdrawal { from: of(u32::MAX), target: Address::repeat_byte(0xff), amount, fee, nonce };
    let largest = Operation::from(largest).sign(domain(), &alice());
    assert_eq!(largest.encode().len(), message::MAX_OPERATION_BYTES);
    let batch = Gossip::Operations(vec![largest; message::MAX_BATCH]);
    assert_eq!(batch.encode().len(), message::MAX_BATCH_BYTES);
    assert_eq!(announcement(u32::MAX).encode().len(), message::MAX_ANNOUNCEMENT_BYTES);
    assert!(contact(message::MAX_ADDRESSES).encode().len() <= message::MAX_CONTACT_BYTES);
    let too_many = WireError::TooMany { field: "addresses", maximum: message::MAX_ADDRESSES };
    let Gossip::Prover(mut crowded) = contact(message::MAX_ADDRESSES + 1) else { unreachable!() };
    crowded.signature = vec![5; 65].into();
    assert_eq!(SignedContact::decode(&crowded.encode()), Err(too_many));

    let mut body = body();
    body.header.slot = Slot::new(u64::MAX);
    (body.header.deposits_end, body.header.exits_end) = (u64::MAX, u64::MAX);
    (body.header.fee_recipient, body.header.chunks) = (u32::MAX, u32::MAX);
    body.header.blob_hashes = vec![B256::repeat_byte(0xff); MAX_BLOBS];
    body.blobs = vec![body.blobs[0].clone(); MAX_BLOBS];
    body.signatures = vec![body.signatures[0]; message::MAX_SIGNATURES];
    assert_eq!(body.encode().len(), message::MAX_BODY_BYTES);
    assert_eq!(BlockBody::decode(&body.encode()).unwrap(), body);
    let signature = vec![0xff; message::MAX_L1_SIGNATURE_BYTES].into();
    let request =
        SignedQuoteRequest { sequencer: SequencerId::new(u32::MAX), header: body.header, signature };
    assert!(request.encode().len() <= message::MAX_QUOTE_REQUEST_BYTES);
    assert_eq!(SignedQuoteRequest::decode(&request.encode()), Ok(request));
}

#[test]
fn hostile_lengths_are_refused() {
    let mut body = body();
    body.blobs = vec![body.blobs[0].clone(); MAX_BLOBS + 1];
    let too_many = WireError::TooMany { field: "blobs", maximum: MAX_BLOBS };
    assert_eq!(BlockBody::decode(&body.encode()), Err(too_many));
    let quote = SignedQuote { quote: quote(Address::ZERO), prover_signature: vec![0; 1025].into() };
    let too_long = WireError::FieldTooLong { field: "l1 signature", maximum: 1024, actual: 1025 };
    assert_eq!(SignedQuote::decode(&quote.encode()), Err(too_long));
    let huge = vec![0xf9; message::MAX_BODY_BYTES + 1];
    assert!(matches!(BlockBody::decode(&huge), Err(WireError::TooLong { .. })));
    let small = Gossip::Operations(vec![transfer(0); message::MAX_BATCH + 1]);
    let too_many = WireError::TooMany { field: "operations", maximum: message::MAX_BATCH };
    assert_eq!(Gossip::decode(Topic::Operations, &small.encode()), Err(too_many));
    let none = Gossip::Operations(Vec::new()).encode();
    assert_eq!(
        Gossip::decode(Topic::Operations, &none),
        Err(WireError::Empty { field: "operations" }),
        "an empty batch would be free to send"
    );
}

#[test]
fn a_blob_travels_at_its_full_size() {
    let with = |bytes: Vec<u8>| {
        wire::encode_list(|message| {
            // A header is a list, and this one is decoded before the blobs: it must be a true one.
            let header = body().header;
            message.list(|fields| {
                fields.uint(header.slot.get());
                fields.bytes(header.parent.as_slice());
                fields.bytes(header.state_root.as_slice());
                fields.uint(header.deposits_end);
                fields.bytes(header.deposits_chain.as_slice());
                fields.uint(header.exits_end);
                fields.bytes(header.exits_chain.as_slice());
                fields.uint(header.fee_recipient);
                fields.uint(header.chunks);
                fields.bytes(header.committee_digest.as_slice());
                fields.bytes(header.vote.as_slice());
                fields.list(|list| header.blob_hashes.iter().for_each(|hash| list.bytes(hash.as_slice())));
            });
            message.list(|blobs| blobs.bytes(&bytes));
            message.list(|_| {});
        })
    };
    assert!(BlockBody::decode(&with(vec![0; BLOB_BYTES])).is_ok());
    let short = WireError::WrongLength { field: "blob", expected: BLOB_BYTES, actual: 217 };
    assert_eq!(BlockBody::decode(&with(vec![1; 217])), Err(short));
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
    let result = body().execute(&mut empty(), rules(), &shorter, versioned_blob_hash);
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
    fn quote(&self, asked: SignedQuoteRequest) -> BoxFuture<'_, Option<SignedQuote>> {
        Box::pin(async move {
            assert_eq!(asked, request());
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
    let quotes = network.request_quotes(request(), Duration::from_secs(5)).await.unwrap();
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

fn messages(received: Vec<Received>) -> Vec<Gossip> {
    received.into_iter().map(|received| received.message).collect()
}

#[tokio::test]
async fn gossip_arrives_in_order_from_the_subscription_on() {
    let network = InProcess::new();
    network.publish_operation(transfer(0)).await.unwrap();
    let (mut first, mut second) = (network.subscribe(), network.join().subscribe());
    network.publish_operation(transfer(1)).await.unwrap();
    network.keep_body(Arc::new(body())).await.unwrap();
    network.announce_body(body().header_hash()).await.unwrap();
    let size = u32::try_from(body().encode().len()).unwrap();
    let expected = [Gossip::Operations(vec![transfer(1)]), announcement(size)];
    assert_eq!(messages(first.drain()), expected);
    assert_eq!(messages(first.drain()), []);
    let received = second.drain();
    assert!(received.iter().all(|received| received.source == network.id()));
    assert_eq!(messages(received), expected);
}

#[tokio::test]
async fn nonsense_reaches_nobody() {
    let network = InProcess::new();
    let mut inbox = network.subscribe();
    for bytes in [&[][..], &[0], &[1], &[0xc0], &[9; 100]] {
        for topic in Topic::ALL {
            assert!(network.inject(topic, bytes).is_err());
        }
    }
    assert_eq!(messages(inbox.drain()), []);
}

#[tokio::test]
async fn a_peer_that_sends_what_is_wrong_is_cut_off_and_others_go_on() {
    let honest = InProcess::new();
    let (bad, mut inbox) = (honest.join(), honest.subscribe());
    let batch = Gossip::Operations(vec![transfer(0)]).encode();
    for sent in 0..MAX_REJECTED {
        assert!(bad.is_heard(), "{sent} messages were rejected");
        bad.inject(Topic::Operations, &batch).unwrap();
        for received in inbox.drain() {
            assert_eq!(received.source, bad.id());
            received.ticket.judge(Verdict::Reject);
        }
    }
    assert!(!bad.is_heard());
    bad.inject(Topic::Operations, &batch).unwrap();
    honest.publish_operation(transfer(1)).await.unwrap();
    let received = inbox.drain();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].source, honest.id());
    drop(received);
    // What is ignored costs nothing.
    for _ in 0..=MAX_REJECTED {
        honest.publish_operation(transfer(1)).await.unwrap();
        inbox.drain();
    }
    assert!(honest.is_heard());
}

fn numbered(slot: u64) -> BlockBody {
    let mut body = body();
    body.header.slot = Slot::new(slot);
    body
}

#[tokio::test]
async fn a_body_is_served_once_it_is_kept_or_accepted() {
    let sequencer = InProcess::new();
    let (prover, rescuer) = (sequencer.join(), sequencer.join());
    let hash = body().header_hash();
    assert!(prover.fetch_body(hash).await.unwrap().is_none());
    assert_eq!(sequencer.announce_body(hash).await, Err(NetworkError::UnknownBody(hash)));
    sequencer.keep_body(Arc::new(body())).await.unwrap();
    let fetched = prover.fetch_body(hash).await.unwrap().unwrap();
    assert_eq!((&*fetched.body, fetched.source), (&body(), sequencer.id()));
    fetched.ticket.judge(Verdict::Accept);
    assert_eq!(prover.fetch_body(hash).await.unwrap().unwrap().source, prover.id());
    // Its signatures turn out to be wrong: other peers may have the true ones.
    let fetched = rescuer.fetch_body(hash).await.unwrap().unwrap();
    let first = fetched.source;
    fetched.ticket.judge(Verdict::Reject);
    let fetched = rescuer.fetch_body(hash).await.unwrap().unwrap();
    assert_ne!(fetched.source, first);
    fetched.ticket.judge(Verdict::Reject);
    assert!(rescuer.fetch_body(hash).await.unwrap().is_none());
}

#[tokio::test]
async fn a_fake_body_is_neither_kept_nor_served_nor_in_the_way() {
    let liar = InProcess::new();
    let (honest, prover) = (liar.join(), liar.join());
    let mut fake = body();
    let mut bytes = *fake.blobs[0].as_bytes();
    bytes[31] ^= 1;
    fake.blobs[0] = Blob::from_bytes(&bytes).unwrap();
    let error = liar.keep_body(Arc::new(fake.clone())).await.unwrap_err();
    assert!(matches!(error, NetworkError::RefusedBody(BodyError::WrongBlobs { .. })), "{error}");

    let hash = body().header_hash();
    honest.keep_body(Arc::new(body())).await.unwrap();
    for bytes in [fake.encode(), numbered(4).encode(), vec![0xc0]] {
        liar.inject_body(hash, &bytes);
        let fetched = prover.fetch_body(hash).await.unwrap().unwrap();
        assert_eq!((&*fetched.body, fetched.source), (&body(), honest.id()));
    }
}

#[tokio::test]
async fn the_newest_bodies_are_kept_within_their_budget() {
    let network = InProcess::new();
    let size = body().encode().len();
    let room = u64::try_from(KEPT_BODY_BYTES / size).unwrap();
    for slot in 0..=room {
        network.keep_body(Arc::new(numbered(slot))).await.unwrap();
    }
    let has = async |slot| network.fetch_body(numbered(slot).header_hash()).await.unwrap().is_some();
    assert!(!has(0).await);
    assert!(has(1).await && has(room).await);
}
