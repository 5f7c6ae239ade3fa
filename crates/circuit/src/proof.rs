//! Proofs of chunks and blocks, and the encoding of a block's proof for L1.
#![allow(clippy::indexing_slicing)] // constant positions in arrays of fixed length

use alloy_primitives::{B256, U256};
use alloy_sol_types::SolValue;
use ark_bls12_381::{G1Affine, G2Affine};
use fernet_ledger::{Fr, field};

use crate::{
    encoding::{self, PointError},
    kzg::COMMITMENT_BYTES,
};

/// The encoding of `contracts/verifier/BlockProof.sol`. The words of an operation of the queue are an array
/// here: it has the same encoding as the struct `L1Operation` of the contracts.
mod abi {
    #![allow(missing_docs)] // documented in the contracts

    alloy_sol_types::sol! {
        #[derive(Debug, PartialEq, Eq)]
        struct ChunkProof {
            bytes32 stateRoot;
            bytes32 commitment;
            bytes32 y;
            uint256 consumed;
            bytes32[4] a;
            bytes32[8] b;
        }

        #[derive(Debug, PartialEq, Eq)]
        struct BlockProof {
            bytes32[4] c;
            ChunkProof[] chunks;
            bytes32[3][] openings;
            uint256[3][] queue;
        }
    }
}

/// A Groth16 proof of one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// Point A.
    pub a: G1Affine,
    /// Point B.
    pub b: G2Affine,
    /// Point C.
    pub c: G1Affine,
}

/// The part of a block's proof for one chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkPart {
    /// State root after the chunk.
    pub state_root: Fr,
    /// Commitment to the chunk's context and data.
    pub commitment: Fr,
    /// The chunk's share of the value of its blob's polynomial.
    pub share: Fr,
    /// Number of operations of L1 that the chunk consumes.
    pub consumed: u64,
    /// The points A and B of the chunk's Groth16 proof.
    pub pair: (G1Affine, G2Affine),
}

/// A blob's commitment and its opening at the block's challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobOpening {
    /// Commitment to the blob.
    pub commitment: [u8; COMMITMENT_BYTES],
    /// KZG proof of the opening.
    pub proof: [u8; COMMITMENT_BYTES],
}

/// The proof of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockProof {
    /// The weighted sum of the points C of the chunks' proofs.
    pub c: G1Affine,
    /// One part per chunk.
    pub chunks: Vec<ChunkPart>,
    /// One opening per blob.
    pub openings: Vec<BlobOpening>,
    /// The coefficients of the operations of L1 that the block consumes, in the order of the data.
    pub operations: Vec<[Fr; 3]>,
}

/// The 16 words of a chunk in the encoding of a block's proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkWords(pub [[u8; 32]; 16]);

impl ChunkWords {
    /// The words: state root, commitment, share, number of consumed operations, A and B.
    #[must_use]
    pub fn new(part: &ChunkPart) -> Self {
        let mut count = [0; 32];
        count[24..].copy_from_slice(&part.consumed.to_be_bytes());
        let mut words = [[0; 32]; 16];
        words[0] = field::to_bytes(&part.state_root);
        words[1] = field::to_bytes(&part.commitment);
        words[2] = field::to_bytes(&part.share);
        words[3] = count;
        words[4..8].as_flattened_mut().copy_from_slice(&encoding::g1_to_bytes(&part.pair.0));
        words[8..].as_flattened_mut().copy_from_slice(&encoding::g2_to_bytes(&part.pair.1));
        Self(words)
    }
}

/// Why bytes aren't a block's proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The ABI encoding is malformed.
    #[error("not an ABI-encoded block proof: {0}")]
    Abi(String),
    /// The encoding isn't canonical.
    #[error("the encoding of the block proof isn't canonical")]
    NotCanonical,
    /// A word isn't a field element.
    #[error(transparent)]
    Field(#[from] field::FieldError),
    /// A point isn't in its group.
    #[error(transparent)]
    Point(#[from] PointError),
    /// The number of operations that a chunk consumes exceeds 64 bits.
    #[error("a chunk consumes 2^64 or more operations of L1")]
    OperationCount,
}

impl BlockProof {
    /// The encoding for L1: `abi.encode(BlockProof)`.
    #[must_use]
    pub fn abi_encode(&self) -> Vec<u8> {
        let word = |value: &Fr| B256::from(field::to_bytes(value));
        let encoded = abi::BlockProof {
            c: words(&encoding::g1_to_bytes(&self.c)),
            chunks: self
                .chunks
                .iter()
                .map(|chunk| abi::ChunkProof {
                    stateRoot: word(&chunk.state_root),
                    commitment: word(&chunk.commitment),
                    y: word(&chunk.share),
                    consumed: U256::from(chunk.consumed),
                    a: words(&encoding::g1_to_bytes(&chunk.pair.0)),
                    b: words(&encoding::g2_to_bytes(&chunk.pair.1)),
                })
                .collect(),
            openings: self
                .openings
                .iter()
                .map(|opening| words([opening.commitment, opening.proof].as_flattened()))
                .collect(),
            queue: self
                .operations
                .iter()
                .map(|coefficients| coefficients.each_ref().map(field::to_word))
                .collect(),
        };
        encoded.abi_encode()
    }

    /// Decodes a proof from L1 or from another prover.
    ///
    /// # Errors
    /// Fails if the bytes aren't the canonical encoding of field elements and points of the subgroups.
    pub fn abi_decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let decoded =
            abi::BlockProof::abi_decode(bytes).map_err(|error| DecodeError::Abi(error.to_string()))?;
        if decoded.abi_encode() != bytes {
            return Err(DecodeError::NotCanonical);
        }
        let element = |word: &B256| field::from_bytes(&word.0);
        let chunk = |chunk: &abi::ChunkProof| -> Result<ChunkPart, DecodeError> {
            Ok(ChunkPart {
                state_root: element(&chunk.stateRoot)?,
                commitment: element(&chunk.commitment)?,
                share: element(&chunk.y)?,
                consumed: u64::try_from(chunk.consumed).map_err(|_| DecodeError::OperationCount)?,
                pair: (
                    encoding::g1_from_bytes(&bytes_of(&chunk.a))?,
                    encoding::g2_from_bytes(&bytes_of(&chunk.b))?,
                ),
            })
        };
        let operation = |[head, x, y]: &[U256; 3]| -> Result<[Fr; 3], DecodeError> {
            Ok([field::from_word(*head)?, field::from_word(*x)?, field::from_word(*y)?])
        };
        let opening = |words: &[B256; 3]| {
            let mut halves = [[0; COMMITMENT_BYTES]; 2];
            halves.as_flattened_mut().copy_from_slice(&bytes_of(words));
            let [commitment, proof] = halves;
            BlobOpening { commitment, proof }
        };
        Ok(Self {
            c: encoding::g1_from_bytes(&bytes_of(&decoded.c))?,
            chunks: decoded.chunks.iter().map(chunk).collect::<Result<_, _>>()?,
            openings: decoded.openings.iter().map(opening).collect(),
            operations: decoded.queue.iter().map(operation).collect::<Result<_, _>>()?,
        })
    }
}

fn words<const N: usize>(bytes: &[u8]) -> [B256; N] {
    let mut words = [B256::ZERO; N];
    for (word, source) in words.iter_mut().zip(bytes.chunks_exact(32)) {
        word.copy_from_slice(source);
    }
    words
}

fn bytes_of(words: &[B256]) -> Vec<u8> {
    words.iter().flat_map(|word| word.0).collect()
}
