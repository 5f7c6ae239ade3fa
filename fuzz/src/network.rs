//! Messages of peers.

use std::fmt::Debug;

use alloy::primitives::{Address, B256, Bytes, keccak256};
use fernet_network::answer::{Answer, CONTACTS, QUOTES as QUOTES_OF_A_NODE};
use fernet_network::{
    AcceptedQuote, BlockBody, BodyAnnouncement, Gossip, HeaderFields, PeerId, ProverContact, SignedContact,
    SignedQuote, SignedQuoteRequest, Topic, Wire, message::MAX_QUOTE_BYTES,
};
use fernet_protocol::{L1Slot, Price, Quote, SequencerId, Slot, TokenAmount};

use crate::{Outcome, Target, bounded, ledger, refused};

/// Memory of errors and of the smallest allocations.
const ERRORS: usize = 4096;

/// Blocks with their signatures, which peers serve.
pub const BODY: Target = Target { name: "body", check: check_body, seeds: bodies };
/// Operations and announcements of bodies that peers pass on.
pub const GOSSIP: Target = Target { name: "gossip", check: check_gossip, seeds: gossip };
/// A sequencer's question to provers.
pub const QUOTE_REQUEST: Target = Target { name: "quote_request", check: check_request, seeds: requests };
/// Quotes with one or two signatures, and the answers of provers and of peers that know where provers are.
pub const QUOTES: Target = Target { name: "quotes", check: check_quotes, seeds: quotes };

/// A message has one form: what decodes encodes to the same bytes.
pub(crate) fn check_message<T: Wire + Debug>(limit: usize, bytes: &[u8]) -> Outcome {
    match bounded(limit, || T::decode(bytes)) {
        Ok(message) => {
            assert_eq!(message.encode(), bytes, "{message:?}");
            Outcome::Decoded
        }
        Err(error) => refused(&error),
    }
}

/// Nothing inflates: a growing list takes up to three times its entries, and an entry not twice its bytes.
fn limit(bytes: &[u8]) -> usize {
    6 * bytes.len() + ERRORS
}

fn check_gossip(bytes: &[u8]) -> Outcome {
    let check = |topic| match bounded(limit(bytes), || Gossip::decode(topic, bytes)) {
        Ok(message) => {
            assert_eq!((message.topic(), message.encode().as_slice()), (topic, bytes));
            Outcome::Decoded
        }
        Err(error) => refused(&error),
    };
    let outcomes = Topic::ALL.map(check);
    if outcomes.contains(&Outcome::Decoded) { Outcome::Decoded } else { Outcome::Refused }
}

fn check_body(bytes: &[u8]) -> Outcome {
    check_message::<BlockBody>(limit(bytes), bytes)
}

fn check_request(bytes: &[u8]) -> Outcome {
    check_message::<SignedQuoteRequest>(limit(bytes), bytes)
}

/// A list of messages has one form too.
fn check_answer<T: Wire + Debug>(answer: Answer, bytes: &[u8]) -> Outcome {
    match bounded(limit(bytes), || answer.decode::<T>(bytes)) {
        Ok(messages) => {
            assert_eq!(answer.encode(&messages), bytes, "{messages:?}");
            Outcome::Decoded
        }
        Err(error) => refused(&error),
    }
}

fn check_quotes(bytes: &[u8]) -> Outcome {
    let signed = check_message::<SignedQuote>(2 * MAX_QUOTE_BYTES, bytes);
    let accepted = check_message::<AcceptedQuote>(2 * MAX_QUOTE_BYTES, bytes);
    let quotes = check_answer::<SignedQuote>(QUOTES_OF_A_NODE, bytes);
    let contacts = check_answer::<SignedContact>(CONTACTS, bytes);
    let outcomes = [signed, accepted, quotes, contacts];
    if outcomes.contains(&Outcome::Decoded) { Outcome::Decoded } else { Outcome::Refused }
}

/// The body of a block with transfers and a withdrawal. A digest stands for the KZG commitment of its blobs.
pub(crate) fn body() -> BlockBody {
    let fields = HeaderFields {
        slot: Slot::new(3),
        parent: B256::repeat_byte(4),
        deposits_end: 2,
        deposits_chain: B256::repeat_byte(6),
        exits_end: 0,
        exits_chain: B256::ZERO,
        vote: Address::repeat_byte(5),
    };
    BlockBody::assemble(fields, &ledger::block(), |blob| Ok::<_, String>(keccak256(blob.as_bytes())))
        .expect("the block has its signatures")
}

/// A quote with the prover's signature.
pub(crate) fn signed_quote() -> SignedQuote {
    let quote = Quote {
        slot: Slot::new(3),
        header_hash: body().header_hash(),
        sequencer: SequencerId::new(2),
        prover: Address::repeat_byte(5),
        payee: Address::repeat_byte(6),
        bond: TokenAmount::new(7),
        price: Price::new(-8),
        valid_until: L1Slot::new(99),
    };
    SignedQuote { quote, prover_signature: Bytes::from_static(&[1; 65]) }
}

fn gossip() -> Vec<Vec<u8>> {
    let announcement = BodyAnnouncement { header_hash: body().header_hash(), size: 140_000 };
    let messages = [
        Gossip::Operations(ledger::operations().to_vec()),
        Gossip::Operations(vec![ledger::operations()[0]]),
        Gossip::Body(announcement),
        Gossip::Prover(contact()),
    ];
    messages.iter().map(Gossip::encode).collect()
}

fn contact() -> SignedContact {
    let (prover, peer) = (Address::repeat_byte(5), PeerId::new([6; 32]));
    let addresses = vec![Bytes::from_static(&[4, 127, 0, 0, 1, 6, 158, 52])];
    let contact = ProverContact { prover, peer, addresses, expires_at: 1_900_000_000 };
    SignedContact { contact, signature: Bytes::from_static(&[7; 65]) }
}

fn bodies() -> Vec<Vec<u8>> {
    vec![body().encode()]
}

fn requests() -> Vec<Vec<u8>> {
    let signature = Bytes::from_static(&[3; 65]);
    vec![SignedQuoteRequest { sequencer: SequencerId::new(2), header: body().header, signature }.encode()]
}

fn quotes() -> Vec<Vec<u8>> {
    let signed = signed_quote();
    let accepted = AcceptedQuote {
        quote: signed.quote,
        prover_signature: signed.prover_signature.clone(),
        sequencer_signature: Bytes::from_static(&[2; 65]),
    };
    let (quotes, contacts) = (QUOTES_OF_A_NODE.encode([&signed, &signed]), CONTACTS.encode([&contact()]));
    vec![signed.encode(), accepted.encode(), quotes, contacts]
}
