//! The header of a block, and its hash.

use alloy_primitives::{Address, B256, keccak256};
use serde::{Deserialize, Serialize};

use crate::{
    Consumption, Lane, MAX_BLOBS, Parameters, Slot,
    encoding::{Reader, Words},
};

/// Words of an encoded header before its list of blobs: the offset of the struct and 12 members.
const HEAD_WORDS: usize = 13;
/// Offset in bytes of the list of blobs in the struct.
const LIST_OFFSET: u64 = 384;

/// The header of a block. Its hash is `keccak256(abi.encode(header))`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Header {
    /// Slot of the block.
    pub slot: Slot,
    /// Hash of the last finalized header.
    pub parent: B256,
    /// L2 state root after the block.
    pub state_root: B256,
    /// Deposits of the Bridge that were consumed since genesis, including those of this block.
    pub deposits_end: u64,
    /// The Bridge's rolling hash of the first `deposits_end` deposits; zero if this block consumes none.
    pub deposits_chain: B256,
    /// Forced exits of the Bridge that were consumed since genesis, including those of this block.
    pub exits_end: u64,
    /// The Bridge's rolling hash of the first `exits_end` forced exits; zero if this block consumes none.
    pub exits_chain: B256,
    /// L2 account that receives the block's fees; 0 burns them.
    pub fee_recipient: u32,
    /// Number of chunks, at least 1.
    pub chunks: u32,
    /// Digest of the committee's notarization; zero without a committee.
    pub committee_digest: B256,
    /// Governance payload that the block's sequencer votes for; zero for none.
    pub vote: Address,
    /// Versioned hashes of the block's blobs, in order.
    pub blob_hashes: Vec<B256>,
}

/// Why bytes aren't the encoding of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The length isn't the one of the listed blobs, or is shorter than that of any header.
    #[error("encoded header has {actual} bytes, expected {expected}")]
    WrongLength { expected: usize, actual: usize },
    /// The list has more blobs than a block may have.
    #[error("header lists {actual} blobs, expected at most {maximum}")]
    TooManyBlobs { maximum: usize, actual: u64 },
    /// A word isn't the one of a canonical encoding.
    #[error("encoded header is malformed at word {index}")]
    Malformed {
        /// Index of the word, from 0.
        index: usize,
    },
}

impl Header {
    /// `abi.encode(header)`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let blobs = self.blob_hashes.len();
        let head = Words::with_capacity(blobs.saturating_add(HEAD_WORDS).saturating_add(1))
            .uint(32_u64)
            .uint(self.slot.get())
            .word(self.parent)
            .word(self.state_root)
            .uint(self.deposits_end)
            .word(self.deposits_chain)
            .uint(self.exits_end)
            .word(self.exits_chain)
            .uint(self.fee_recipient)
            .uint(self.chunks)
            .word(self.committee_digest)
            .address(self.vote)
            .uint(LIST_OFFSET)
            .uint(u64::try_from(blobs).unwrap_or(u64::MAX));
        self.blob_hashes.iter().fold(head, |words, hash| words.word(*hash)).bytes()
    }

    /// Hash of the header, which identifies the block.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }

    /// Operations of a lane that were consumed since genesis, including those of this block.
    #[must_use]
    pub const fn queue_end(&self, lane: Lane) -> u64 {
        match lane {
            Lane::Deposits => self.deposits_end,
            Lane::Exits => self.exits_end,
        }
    }

    /// What the block consumes of a lane of which the blocks before it consumed `from` operations.
    #[must_use]
    pub const fn consumption(&self, lane: Lane, from: u64, parameters: &Parameters) -> Consumption {
        let (to, chain) = match lane {
            Lane::Deposits => (self.deposits_end, self.deposits_chain),
            Lane::Exits => (self.exits_end, self.exits_chain),
        };
        Consumption { lane, from, to, chain, maximum: parameters.max_operations(lane) }
    }

    /// Decodes a header of at most [`MAX_BLOBS`] blobs. Only the bytes that [`Self::encode`] returns are
    /// accepted.
    ///
    /// # Errors
    /// Fails if the bytes aren't the canonical encoding of a header.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let wrong_length = |words: usize| HeaderError::WrongLength {
            expected: words.saturating_mul(32),
            actual: bytes.len(),
        };
        let least = HEAD_WORDS.saturating_add(1);
        if bytes.len() < least.saturating_mul(32) {
            return Err(wrong_length(least));
        }
        let mut reader = Reader::new(bytes);
        let malformed = |index| HeaderError::Malformed { index };
        let expect = |reader: &mut Reader<'_>, index, value: u64| match reader.uint::<u64>() {
            Some(found) if found == value => Ok(()),
            _ => Err(malformed(index)),
        };
        expect(&mut reader, 0, 32)?;
        let slot = Slot::new(reader.uint().ok_or(malformed(1))?);
        let parent = reader.word().ok_or(malformed(2))?;
        let state_root = reader.word().ok_or(malformed(3))?;
        let deposits_end = reader.uint().ok_or(malformed(4))?;
        let deposits_chain = reader.word().ok_or(malformed(5))?;
        let exits_end = reader.uint().ok_or(malformed(6))?;
        let exits_chain = reader.word().ok_or(malformed(7))?;
        let fee_recipient = reader.uint().ok_or(malformed(8))?;
        let chunks = reader.uint().ok_or(malformed(9))?;
        let committee_digest = reader.word().ok_or(malformed(10))?;
        let vote = reader.address().ok_or(malformed(11))?;
        expect(&mut reader, 12, LIST_OFFSET)?;
        let listed: u64 = reader.uint().ok_or(malformed(13))?;
        let too_many = HeaderError::TooManyBlobs { maximum: MAX_BLOBS, actual: listed };
        let blobs = usize::try_from(listed).ok().filter(|blobs| *blobs <= MAX_BLOBS).ok_or(too_many)?;
        let expected = wrong_length(least.saturating_add(blobs));
        let blob_hashes = (0..blobs).map(|_| reader.word().ok_or(expected)).collect::<Result<_, _>>()?;
        if !reader.is_empty() {
            return Err(expected);
        }
        Ok(Self {
            slot,
            parent,
            state_root,
            deposits_end,
            deposits_chain,
            exits_end,
            exits_chain,
            fee_recipient,
            chunks,
            committee_digest,
            vote,
            blob_hashes,
        })
    }
}
