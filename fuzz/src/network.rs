//! Messages of peers.

use std::fmt::Debug;

use alloy::primitives::{Address, B256, Bytes, keccak256};
use fernet_ledger::layout::BLOB_BYTES;
use fernet_network::{
    AcceptedQuote, BlockBody, Gossip, HeaderFields, QuoteRequest, SignedQuote, Wire, message::MAX_QUOTE_BYTES,
};
use fernet_protocol::{L1Slot, MAX_BLOBS, Price, Quote, SequencerId, Slot, TokenAmount};

use crate::{Outcome, Target, bounded, ledger, refused};

/// Blobs of a body, and those that are being read. The wire leaves out the zeros at the end of a blob.
const BLOBS: usize = (MAX_BLOBS + 2) * BLOB_BYTES;

/// Operations and block bodies that peers pass on.
pub const GOSSIP: Target = Target { name: "gossip", check: check_gossip, seeds: gossip };
/// A sequencer's question to provers.
pub const QUOTE_REQUEST: Target = Target { name: "quote_request", check: check_request, seeds: requests };
/// Quotes with one or two signatures.
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

fn check_gossip(bytes: &[u8]) -> Outcome {
    check_message::<Gossip>(16 * bytes.len() + BLOBS, bytes)
}

fn check_request(bytes: &[u8]) -> Outcome {
    check_message::<QuoteRequest>(16 * bytes.len() + BLOBS, bytes)
}

fn check_quotes(bytes: &[u8]) -> Outcome {
    let signed = check_message::<SignedQuote>(2 * MAX_QUOTE_BYTES, bytes);
    let accepted = check_message::<AcceptedQuote>(2 * MAX_QUOTE_BYTES, bytes);
    if signed == Outcome::Decoded { signed } else { accepted }
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
    let operations = ledger::operations().into_iter().map(Gossip::Operation);
    operations.chain([Gossip::Body(body().into())]).map(|message| message.encode()).collect()
}

fn requests() -> Vec<Vec<u8>> {
    vec![QuoteRequest { sequencer: SequencerId::new(2), body: body().into() }.encode()]
}

fn quotes() -> Vec<Vec<u8>> {
    let signed = signed_quote();
    let accepted = AcceptedQuote {
        quote: signed.quote,
        prover_signature: signed.prover_signature.clone(),
        sequencer_signature: Bytes::from_static(&[2; 65]),
    };
    vec![signed.encode(), accepted.encode()]
}
