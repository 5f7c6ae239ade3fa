//! The messages and their encoding.
//!
//! Integers are big-endian. A list is a 32-bit length and its entries. A blob is a 32-bit length and its
//! bytes without the trailing zeros. Every length has a limit, which is checked before anything is allocated.

use std::sync::Arc;

use alloy::primitives::{Address, B256, Bytes};
use fernet_ledger::layout::{BLOB_BYTES, BLOB_ELEMENTS};
use fernet_ledger::operation::kind;
use fernet_ledger::{AccountIndex, Blob, Operation, Signature, SignedOperation, Transfer, Withdrawal};
use fernet_protocol::{Header, L1Slot, MAX_BLOBS, Price, Quote, SequencerId, Slot, TokenAmount};

use crate::body::BlockBody;
use crate::wire::{Reader, WireError, Writer};

/// Most signatures of a body: one for each element of each blob.
pub const MAX_SIGNATURES: usize = MAX_BLOBS * BLOB_ELEMENTS;

/// Most bytes of an L1 account's signature. A key's signature has 65; a contract's may be longer.
pub const MAX_L1_SIGNATURE_BYTES: usize = 1024;

/// Most bytes of an operation with its signature.
pub const MAX_OPERATION_BYTES: usize = 128;

/// Most bytes of a quote with its signatures.
pub const MAX_QUOTE_BYTES: usize = 512 + 2 * MAX_L1_SIGNATURE_BYTES;

/// Most bytes of a body: blobs, signatures, and 4 KiB for the header.
pub const MAX_BODY_BYTES: usize = MAX_BLOBS * BLOB_BYTES + 48 * MAX_SIGNATURES + 4096;

/// A message that can be encoded as bytes.
pub trait Wire: Sized {
    /// Encodes the message.
    fn encode(&self) -> Vec<u8>;

    /// Decodes a message.
    ///
    /// # Errors
    /// When the bytes are no such message, or exceed a limit.
    fn decode(bytes: &[u8]) -> Result<Self, WireError>;
}

/// A message that peers receive without asking for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gossip {
    /// An operation for the next blocks. Its signature is unchecked.
    Operation(SignedOperation),
    /// The body of a revealed block. Whether it fits the block is unchecked.
    Body(Arc<BlockBody>),
}

/// A sequencer's request for offers to prove its block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuoteRequest {
    /// The sequencer that asks.
    pub sequencer: SequencerId,
    /// The block to prove.
    pub body: Arc<BlockBody>,
}

/// A quote that the prover signed. The signature is unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedQuote {
    /// The quote.
    pub quote: Quote,
    /// The prover's signature of the quote's EIP-712 digest.
    pub prover_signature: Bytes,
}

/// A quote that both parties signed. The signatures are unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedQuote {
    /// The quote.
    pub quote: Quote,
    /// The prover's signature of the quote's EIP-712 digest.
    pub prover_signature: Bytes,
    /// The signature of the same digest by the sequencer's attester.
    pub sequencer_signature: Bytes,
}

/// Tags of gossip messages.
mod gossip {
    pub(super) const OPERATION: u8 = 1;
    pub(super) const BODY: u8 = 2;
}

/// The tags of operations are those of operations in a blob.
fn write_operation(writer: &mut Writer, signed: &SignedOperation) {
    match signed.operation {
        Operation::Transfer(Transfer { from, to, amount, fee, nonce }) => {
            writer.u8(kind::TRANSFER);
            writer.u32(from.get());
            writer.u32(to.get());
            writer.u64(amount);
            writer.u32(fee);
            writer.u32(nonce);
        }
        Operation::Withdrawal(Withdrawal { from, target, amount, fee, nonce }) => {
            writer.u8(kind::WITHDRAWAL);
            writer.u32(from.get());
            writer.bytes(target.as_slice());
            writer.u64(amount);
            writer.u32(fee);
            writer.u32(nonce);
        }
    }
    writer.bytes(&signed.signature.to_bytes());
}

fn read_operation(reader: &mut Reader<'_>) -> Result<SignedOperation, WireError> {
    let tag = reader.u8("operation kind")?;
    let from = AccountIndex::new(reader.u32("sender")?);
    let operation = match tag {
        kind::TRANSFER => {
            let to = AccountIndex::new(reader.u32("recipient")?);
            let (amount, fee, nonce) = (reader.u64("amount")?, reader.u32("fee")?, reader.u32("nonce")?);
            Operation::Transfer(Transfer { from, to, amount, fee, nonce })
        }
        kind::WITHDRAWAL => {
            let target = Address::new(reader.array("target")?);
            let (amount, fee, nonce) = (reader.u64("amount")?, reader.u32("fee")?, reader.u32("nonce")?);
            Operation::Withdrawal(Withdrawal { from, target, amount, fee, nonce })
        }
        actual => return Err(WireError::UnknownTag { field: "operation kind", actual }),
    };
    Ok(SignedOperation { operation, signature: read_signature(reader)? })
}

fn read_signature(reader: &mut Reader<'_>) -> Result<Signature, WireError> {
    let bytes = reader.array("signature")?;
    Signature::from_bytes(&bytes)
        .map_err(|error| WireError::Malformed { field: "signature", reason: error.to_string() })
}

fn read_hash(reader: &mut Reader<'_>, field: &'static str) -> Result<B256, WireError> {
    reader.array(field).map(B256::new)
}

fn write_header(writer: &mut Writer, header: &Header) {
    writer.u64(header.slot.get());
    writer.bytes(header.parent.as_slice());
    writer.bytes(header.state_root.as_slice());
    writer.u64(header.deposits_end);
    writer.bytes(header.deposits_chain.as_slice());
    writer.u64(header.exits_end);
    writer.bytes(header.exits_chain.as_slice());
    writer.u32(header.fee_recipient);
    writer.u32(header.chunks);
    writer.bytes(header.committee_digest.as_slice());
    writer.bytes(header.vote.as_slice());
    writer.length(header.blob_hashes.len());
    for hash in &header.blob_hashes {
        writer.bytes(hash.as_slice());
    }
}

fn read_header(reader: &mut Reader<'_>) -> Result<Header, WireError> {
    Ok(Header {
        slot: Slot::new(reader.u64("slot")?),
        parent: read_hash(reader, "parent")?,
        state_root: read_hash(reader, "state root")?,
        deposits_end: reader.u64("deposits end")?,
        deposits_chain: read_hash(reader, "deposits chain")?,
        exits_end: reader.u64("exits end")?,
        exits_chain: read_hash(reader, "exits chain")?,
        fee_recipient: reader.u32("fee recipient")?,
        chunks: reader.u32("chunks")?,
        committee_digest: read_hash(reader, "committee digest")?,
        vote: reader.array("vote").map(Address::new)?,
        blob_hashes: reader.list("blob hashes", MAX_BLOBS, |reader| read_hash(reader, "blob hash"))?,
    })
}

fn write_blob(writer: &mut Writer, blob: &Blob) {
    let bytes = blob.as_bytes();
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    writer.length(used);
    writer.bytes(bytes.get(..used).unwrap_or_default());
}

fn read_blob(reader: &mut Reader<'_>) -> Result<Blob, WireError> {
    let used = reader.length("blob", BLOB_BYTES)?;
    let mut bytes = reader.take("blob", used)?.to_vec();
    if bytes.last() == Some(&0) {
        return Err(WireError::Malformed { field: "blob", reason: "ends with a zero byte".to_owned() });
    }
    bytes.resize(BLOB_BYTES, 0);
    Blob::from_bytes(&bytes)
        .map_err(|error| WireError::Malformed { field: "blob", reason: error.to_string() })
}

fn write_body(writer: &mut Writer, body: &BlockBody) {
    write_header(writer, &body.header);
    writer.length(body.blobs.len());
    body.blobs.iter().for_each(|blob| write_blob(writer, blob));
    writer.length(body.signatures.len());
    body.signatures.iter().for_each(|signature| writer.bytes(&signature.to_bytes()));
}

fn read_body(reader: &mut Reader<'_>) -> Result<BlockBody, WireError> {
    Ok(BlockBody {
        header: read_header(reader)?,
        blobs: reader.list("blobs", MAX_BLOBS, read_blob)?,
        signatures: reader.list("signatures", MAX_SIGNATURES, read_signature)?,
    })
}

fn write_quote(writer: &mut Writer, quote: &Quote) {
    writer.u64(quote.slot.get());
    writer.bytes(quote.header_hash.as_slice());
    writer.u32(quote.sequencer.get());
    writer.bytes(quote.prover.as_slice());
    writer.bytes(quote.payee.as_slice());
    writer.u128(quote.bond.get());
    writer.i128(quote.price.get());
    writer.u64(quote.valid_until.get());
}

fn read_quote(reader: &mut Reader<'_>) -> Result<Quote, WireError> {
    Ok(Quote {
        slot: Slot::new(reader.u64("slot")?),
        header_hash: read_hash(reader, "header hash")?,
        sequencer: SequencerId::new(reader.u32("sequencer")?),
        prover: reader.array("prover").map(Address::new)?,
        payee: reader.array("payee").map(Address::new)?,
        bond: TokenAmount::new(reader.u128("bond")?),
        price: Price::new(reader.i128("price")?),
        valid_until: L1Slot::new(reader.u64("valid until")?),
    })
}

fn write_l1_signature(writer: &mut Writer, signature: &Bytes) {
    writer.length(signature.len());
    writer.bytes(signature);
}

fn read_l1_signature(reader: &mut Reader<'_>) -> Result<Bytes, WireError> {
    let length = reader.length("l1 signature", MAX_L1_SIGNATURE_BYTES)?;
    reader.take("l1 signature", length).map(Bytes::copy_from_slice)
}

/// Encodes a message with `write`.
fn encode(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::default();
    write(&mut writer);
    writer.finish()
}

/// Decodes a message of at most `maximum` bytes with `read`, which must read all of them.
fn decode<'a, T>(
    bytes: &'a [u8],
    maximum: usize,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, WireError>,
) -> Result<T, WireError> {
    let mut reader = Reader::new(bytes, maximum)?;
    let message = read(&mut reader)?;
    reader.finish()?;
    Ok(message)
}

impl Wire for SignedOperation {
    fn encode(&self) -> Vec<u8> {
        encode(|writer| write_operation(writer, self))
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        decode(bytes, MAX_OPERATION_BYTES, read_operation)
    }
}

impl Wire for BlockBody {
    fn encode(&self) -> Vec<u8> {
        encode(|writer| write_body(writer, self))
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        decode(bytes, MAX_BODY_BYTES, read_body)
    }
}

impl Wire for Gossip {
    fn encode(&self) -> Vec<u8> {
        encode(|writer| match self {
            Self::Operation(operation) => {
                writer.u8(gossip::OPERATION);
                write_operation(writer, operation);
            }
            Self::Body(body) => {
                writer.u8(gossip::BODY);
                write_body(writer, body);
            }
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        decode(bytes, 1 + MAX_BODY_BYTES, |reader| match reader.u8("gossip tag")? {
            gossip::OPERATION => read_operation(reader).map(Self::Operation),
            gossip::BODY => read_body(reader).map(Arc::new).map(Self::Body),
            actual => Err(WireError::UnknownTag { field: "gossip tag", actual }),
        })
    }
}

impl Wire for QuoteRequest {
    fn encode(&self) -> Vec<u8> {
        encode(|writer| {
            writer.u32(self.sequencer.get());
            write_body(writer, &self.body);
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        decode(bytes, 4 + MAX_BODY_BYTES, |reader| {
            let sequencer = SequencerId::new(reader.u32("sequencer")?);
            Ok(Self { sequencer, body: Arc::new(read_body(reader)?) })
        })
    }
}

impl Wire for SignedQuote {
    fn encode(&self) -> Vec<u8> {
        encode(|writer| {
            write_quote(writer, &self.quote);
            write_l1_signature(writer, &self.prover_signature);
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        decode(bytes, MAX_QUOTE_BYTES, |reader| {
            Ok(Self { quote: read_quote(reader)?, prover_signature: read_l1_signature(reader)? })
        })
    }
}

impl Wire for AcceptedQuote {
    fn encode(&self) -> Vec<u8> {
        encode(|writer| {
            write_quote(writer, &self.quote);
            write_l1_signature(writer, &self.prover_signature);
            write_l1_signature(writer, &self.sequencer_signature);
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        decode(bytes, MAX_QUOTE_BYTES, |reader| {
            Ok(Self {
                quote: read_quote(reader)?,
                prover_signature: read_l1_signature(reader)?,
                sequencer_signature: read_l1_signature(reader)?,
            })
        })
    }
}
