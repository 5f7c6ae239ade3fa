//! The messages and their encoding by RLP ([`crate::wire`]).
//!
//! Nothing inflates: a decoded message takes a few times the bytes of the encoded one, and a blob its
//! 131,072. Every length has a limit, which is checked before anything is allocated.

use alloy::primitives::{Address, B256, Bytes, keccak256};
use fernet_ledger::layout::{BLOB_BYTES, BLOB_ELEMENTS};
use fernet_ledger::operation::kind;
use fernet_ledger::{AccountIndex, Blob, Operation, Signature, SignedOperation, Transfer, Withdrawal};
use fernet_protocol::{
    ContactClaim, Header, L1Slot, MAX_BLOBS, Price, Quote, QuoteRequest, SequencerId, Slot, TokenAmount,
};

use crate::body::BlockBody;
use crate::peer::PeerId;
use crate::wire::{Decoder, Encoder, Wire, WireError, decode_list, encode_list};

/// Most operations of a batch.
pub const MAX_BATCH: usize = 32;

/// Most signatures of a body: one for each element of each blob.
pub const MAX_SIGNATURES: usize = MAX_BLOBS * BLOB_ELEMENTS;

/// Most bytes of an L1 account's signature. A key's signature has 65; a contract's may be longer.
pub const MAX_L1_SIGNATURE_BYTES: usize = 1024;

/// Most bytes of an operation with its signature: a withdrawal with the largest values.
pub const MAX_OPERATION_BYTES: usize = 97;

/// Most bytes of a batch of operations.
pub const MAX_BATCH_BYTES: usize = MAX_BATCH * MAX_OPERATION_BYTES + 3;

/// Most bytes of a body's announcement.
pub const MAX_ANNOUNCEMENT_BYTES: usize = 39;

/// Most addresses of a peer.
pub const MAX_ADDRESSES: usize = 4;

/// Most bytes of an address.
pub const MAX_ADDRESS_BYTES: usize = 128;

/// Most bytes of a prover's contact: its addresses, an L1 signature, and the fields of fixed size.
pub const MAX_CONTACT_BYTES: usize = MAX_ADDRESSES * (MAX_ADDRESS_BYTES + 2) + MAX_L1_SIGNATURE_BYTES + 96;

/// Most bytes of a header: one with [`MAX_BLOBS`] blobs.
pub const MAX_HEADER_BYTES: usize = 757;

/// Most bytes of a signed request for quotes.
pub const MAX_QUOTE_REQUEST_BYTES: usize = MAX_HEADER_BYTES + MAX_L1_SIGNATURE_BYTES + 16;

/// Most bytes of a quote with its signatures.
pub const MAX_QUOTE_BYTES: usize = 256 + 2 * MAX_L1_SIGNATURE_BYTES;

/// Most bytes of a body: header, blobs, signatures, and their lengths.
pub const MAX_BODY_BYTES: usize =
    MAX_HEADER_BYTES + MAX_BLOBS * (BLOB_BYTES + 4) + MAX_SIGNATURES * 49 + 3 * 4;

/// What peers gossip about, each in messages of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Operations for the next blocks.
    Operations,
    /// Bodies of revealed blocks.
    Bodies,
    /// Where sequencers reach provers.
    Provers,
}

impl Topic {
    /// All topics.
    pub const ALL: [Self; 3] = [Self::Operations, Self::Bodies, Self::Provers];

    /// The topic's name on the network, with the version of its encoding.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operations => "operations/1",
            Self::Bodies => "bodies/1",
            Self::Provers => "provers/1",
        }
    }

    /// Most bytes of a message.
    #[must_use]
    pub const fn max_bytes(self) -> usize {
        match self {
            Self::Operations => MAX_BATCH_BYTES,
            Self::Bodies => MAX_ANNOUNCEMENT_BYTES,
            Self::Provers => MAX_CONTACT_BYTES,
        }
    }
}

/// A message that peers receive without asking for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gossip {
    /// One to [`MAX_BATCH`] operations for the next blocks. Their signatures are unchecked.
    Operations(Vec<SignedOperation>),
    /// A peer has the body of a revealed block. That it does is unchecked.
    Body(BodyAnnouncement),
    /// Where sequencers reach a prover. Whether its key signed this is unchecked.
    Prover(SignedContact),
}

impl Gossip {
    /// The topic of the message.
    #[must_use]
    pub const fn topic(&self) -> Topic {
        match self {
            Self::Operations(_) => Topic::Operations,
            Self::Body(_) => Topic::Bodies,
            Self::Prover(_) => Topic::Provers,
        }
    }

    /// Encodes the message. The bytes don't contain its topic.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Operations(operations) => {
                encode_list(|batch| operations.iter().for_each(|one| write_operation(batch, one)))
            }
            Self::Body(announcement) => announcement.encode(),
            Self::Prover(contact) => contact.encode(),
        }
    }

    /// Decodes a message of a topic.
    ///
    /// # Errors
    /// When the bytes are no such message, or exceed a limit.
    pub fn decode(topic: Topic, bytes: &[u8]) -> Result<Self, WireError> {
        match topic {
            Topic::Operations => {
                let operations = decode_list(bytes, MAX_BATCH_BYTES, |batch| {
                    batch.rest("operations", MAX_BATCH, read_operation)
                })?;
                if operations.is_empty() {
                    return Err(WireError::Empty { field: "operations" });
                }
                Ok(Self::Operations(operations))
            }
            Topic::Bodies => BodyAnnouncement::decode(bytes).map(Self::Body),
            Topic::Provers => SignedContact::decode(bytes).map(Self::Prover),
        }
    }

    /// Bytes of memory that the message takes, about.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Operations(operations) => size_of::<SignedOperation>() * operations.len(),
                Self::Body(_) => 0,
                Self::Prover(SignedContact { contact, signature }) => {
                    let addresses = contact.addresses.iter();
                    addresses.map(|address| size_of::<Bytes>() + address.len()).sum::<usize>()
                        + signature.len()
                }
            }
    }
}

/// Names a message: the hash of its topic and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(B256);

impl MessageId {
    /// The id of a message.
    #[must_use]
    pub fn of(topic: Topic, bytes: &[u8]) -> Self {
        Self(keccak256([topic.name().as_bytes(), &[0], bytes].concat()))
    }

    /// The hash.
    #[must_use]
    pub const fn get(self) -> B256 {
        self.0
    }
}

/// Says that the sender has the body of a revealed block, and serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyAnnouncement {
    /// Hash of the block's header.
    pub header_hash: B256,
    /// Bytes of the encoded body.
    pub size: u32,
}

/// Where sequencers reach a prover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProverContact {
    /// The prover.
    pub prover: Address,
    /// Its peer.
    pub peer: PeerId,
    /// The peer's addresses, at most [`MAX_ADDRESSES`], as the transport encodes them.
    pub addresses: Vec<Bytes>,
    /// Unix time in seconds from which on this says nothing.
    pub expires_at: u64,
}

impl ProverContact {
    /// What is signed.
    #[must_use]
    pub fn claim(&self) -> ContactClaim {
        let addresses = encode_list(|list| self.addresses.iter().for_each(|address| list.bytes(address)));
        ContactClaim {
            prover: self.prover,
            peer: B256::new(*self.peer.get()),
            addresses_hash: keccak256(addresses),
            expires_at: self.expires_at,
        }
    }
}

/// A prover's contact that its key signed. The signature is unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedContact {
    /// The contact.
    pub contact: ProverContact,
    /// Signature of the claim's EIP-712 digest by the key that signs the prover's quotes.
    pub signature: Bytes,
}

/// A request for offers to prove a block, with what prices it. The block's body is fetched by the header's
/// hash. The signature is unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedQuoteRequest {
    /// The sequencer that asks.
    pub sequencer: SequencerId,
    /// Header of the block to prove.
    pub header: Header,
    /// The attester's signature of the request's EIP-712 digest.
    pub signature: Bytes,
}

impl SignedQuoteRequest {
    /// What is signed.
    #[must_use]
    pub fn request(&self) -> QuoteRequest {
        let Self { sequencer, header, .. } = self;
        QuoteRequest { slot: header.slot, header_hash: header.hash(), sequencer: *sequencer }
    }
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

/// The tags of operations are those of operations in a blob.
fn write_operation(batch: &mut Encoder, signed: &SignedOperation) {
    batch.list(|fields| write_operation_fields(fields, signed));
}

fn write_operation_fields(fields: &mut Encoder, signed: &SignedOperation) {
    let (amount, fee, nonce) = match signed.operation {
        Operation::Transfer(Transfer { from, to, amount, fee, nonce }) => {
            fields.uint(kind::TRANSFER);
            fields.uint(from.get());
            fields.uint(to.get());
            (amount, fee, nonce)
        }
        Operation::Withdrawal(Withdrawal { from, target, amount, fee, nonce }) => {
            fields.uint(kind::WITHDRAWAL);
            fields.uint(from.get());
            fields.bytes(target.as_slice());
            (amount, fee, nonce)
        }
    };
    fields.uint(amount);
    fields.uint(fee);
    fields.uint(nonce);
    fields.bytes(&signed.signature.to_bytes());
}

fn read_operation(batch: &mut Decoder<'_>) -> Result<SignedOperation, WireError> {
    batch.list("operation", read_operation_fields)
}

fn read_operation_fields(fields: &mut Decoder<'_>) -> Result<SignedOperation, WireError> {
    let tag = fields.uint("operation kind")?;
    let from = AccountIndex::new(fields.uint("sender")?);
    let operation = match tag {
        kind::TRANSFER => {
            let to = AccountIndex::new(fields.uint("recipient")?);
            let (amount, fee, nonce) = (fields.uint("amount")?, fields.uint("fee")?, fields.uint("nonce")?);
            Operation::Transfer(Transfer { from, to, amount, fee, nonce })
        }
        kind::WITHDRAWAL => {
            let target = Address::new(fields.array("target")?);
            let (amount, fee, nonce) = (fields.uint("amount")?, fields.uint("fee")?, fields.uint("nonce")?);
            Operation::Withdrawal(Withdrawal { from, target, amount, fee, nonce })
        }
        actual => return Err(WireError::UnknownTag { field: "operation kind", actual }),
    };
    Ok(SignedOperation { operation, signature: read_signature(fields)? })
}

fn read_signature(fields: &mut Decoder<'_>) -> Result<Signature, WireError> {
    let bytes = fields.array("signature")?;
    Signature::from_bytes(&bytes)
        .map_err(|error| WireError::Malformed { field: "signature", reason: error.to_string() })
}

fn read_hash(fields: &mut Decoder<'_>, field: &'static str) -> Result<B256, WireError> {
    fields.array(field).map(B256::new)
}

fn write_header(message: &mut Encoder, header: &Header) {
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
}

fn read_header(message: &mut Decoder<'_>) -> Result<Header, WireError> {
    message.list("header", |fields| {
        Ok(Header {
            slot: Slot::new(fields.uint("slot")?),
            parent: read_hash(fields, "parent")?,
            state_root: read_hash(fields, "state root")?,
            deposits_end: fields.uint("deposits end")?,
            deposits_chain: read_hash(fields, "deposits chain")?,
            exits_end: fields.uint("exits end")?,
            exits_chain: read_hash(fields, "exits chain")?,
            fee_recipient: fields.uint("fee recipient")?,
            chunks: fields.uint("chunks")?,
            committee_digest: read_hash(fields, "committee digest")?,
            vote: fields.array("vote").map(Address::new)?,
            blob_hashes: fields.entries("blob hashes", MAX_BLOBS, |list| read_hash(list, "blob hash"))?,
        })
    })
}

fn read_blob(blobs: &mut Decoder<'_>) -> Result<Blob, WireError> {
    let bytes = blobs.bytes("blob", BLOB_BYTES)?;
    let wrong_length =
        |_| WireError::WrongLength { field: "blob", expected: BLOB_BYTES, actual: bytes.len() };
    Blob::from_bytes(bytes).map_err(wrong_length)
}

fn write_quote(message: &mut Encoder, quote: &Quote) {
    message.list(|fields| {
        fields.uint(quote.slot.get());
        fields.bytes(quote.header_hash.as_slice());
        fields.uint(quote.sequencer.get());
        fields.bytes(quote.prover.as_slice());
        fields.bytes(quote.payee.as_slice());
        fields.uint(quote.bond.get());
        // RLP has no negative integers: these are the 128 bits of the two's complement.
        fields.uint(quote.price.get().cast_unsigned());
        fields.uint(quote.valid_until.get());
    });
}

fn read_quote(message: &mut Decoder<'_>) -> Result<Quote, WireError> {
    message.list("quote", |fields| {
        Ok(Quote {
            slot: Slot::new(fields.uint("slot")?),
            header_hash: read_hash(fields, "header hash")?,
            sequencer: SequencerId::new(fields.uint("sequencer")?),
            prover: fields.array("prover").map(Address::new)?,
            payee: fields.array("payee").map(Address::new)?,
            bond: TokenAmount::new(fields.uint("bond")?),
            price: Price::new(fields.uint::<u128>("price")?.cast_signed()),
            valid_until: L1Slot::new(fields.uint("valid until")?),
        })
    })
}

fn read_l1_signature(message: &mut Decoder<'_>) -> Result<Bytes, WireError> {
    message.bytes("l1 signature", MAX_L1_SIGNATURE_BYTES).map(Bytes::copy_from_slice)
}

impl Wire for SignedOperation {
    fn encode(&self) -> Vec<u8> {
        encode_list(|fields| write_operation_fields(fields, self))
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        decode_list(bytes, MAX_OPERATION_BYTES, read_operation_fields)
    }
}

impl Wire for BlockBody {
    fn encode(&self) -> Vec<u8> {
        encode_list(|message| {
            write_header(message, &self.header);
            message.list(|list| self.blobs.iter().for_each(|blob| list.bytes(blob.as_bytes())));
            message.list(|list| self.signatures.iter().for_each(|one| list.bytes(&one.to_bytes())));
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        decode_list(bytes, MAX_BODY_BYTES, |message| {
            Ok(Self {
                header: read_header(message)?,
                blobs: message.entries("blobs", MAX_BLOBS, read_blob)?,
                signatures: message.entries("signatures", MAX_SIGNATURES, read_signature)?,
            })
        })
    }
}

impl Wire for BodyAnnouncement {
    fn encode(&self) -> Vec<u8> {
        encode_list(|message| {
            message.bytes(self.header_hash.as_slice());
            message.uint(self.size);
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        decode_list(bytes, MAX_ANNOUNCEMENT_BYTES, |message| {
            Ok(Self { header_hash: read_hash(message, "header hash")?, size: message.uint("size")? })
        })
    }
}

impl Wire for SignedContact {
    fn encode(&self) -> Vec<u8> {
        let Self { contact: ProverContact { prover, peer, addresses, expires_at }, signature } = self;
        encode_list(|message| {
            message.bytes(prover.as_slice());
            message.bytes(peer.get());
            message.list(|list| addresses.iter().for_each(|address| list.bytes(address)));
            message.uint(*expires_at);
            message.bytes(signature);
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        decode_list(bytes, MAX_CONTACT_BYTES, |message| {
            let prover = message.array("prover").map(Address::new)?;
            let peer = message.array("peer").map(PeerId::new)?;
            let addresses = message.entries("addresses", MAX_ADDRESSES, |list| {
                list.bytes("address", MAX_ADDRESS_BYTES).map(Bytes::copy_from_slice)
            })?;
            let contact = ProverContact { prover, peer, addresses, expires_at: message.uint("expiry")? };
            Ok(Self { contact, signature: read_l1_signature(message)? })
        })
    }
}

impl Wire for SignedQuoteRequest {
    fn encode(&self) -> Vec<u8> {
        encode_list(|message| {
            message.uint(self.sequencer.get());
            write_header(message, &self.header);
            message.bytes(&self.signature);
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        decode_list(bytes, MAX_QUOTE_REQUEST_BYTES, |message| {
            Ok(Self {
                sequencer: SequencerId::new(message.uint("sequencer")?),
                header: read_header(message)?,
                signature: read_l1_signature(message)?,
            })
        })
    }
}

impl Wire for SignedQuote {
    fn encode(&self) -> Vec<u8> {
        encode_list(|message| {
            write_quote(message, &self.quote);
            message.bytes(&self.prover_signature);
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        decode_list(bytes, MAX_QUOTE_BYTES, |message| {
            Ok(Self { quote: read_quote(message)?, prover_signature: read_l1_signature(message)? })
        })
    }
}

impl Wire for AcceptedQuote {
    fn encode(&self) -> Vec<u8> {
        encode_list(|message| {
            write_quote(message, &self.quote);
            message.bytes(&self.prover_signature);
            message.bytes(&self.sequencer_signature);
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        decode_list(bytes, MAX_QUOTE_BYTES, |message| {
            Ok(Self {
                quote: read_quote(message)?,
                prover_signature: read_l1_signature(message)?,
                sequencer_signature: read_l1_signature(message)?,
            })
        })
    }
}
