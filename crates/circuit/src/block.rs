//! Proving a block: its chunks in parallel, then one aggregate and the blobs' openings, in the form that L1 reads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy::primitives::{B256, U256};
use alloy::sol_types::SolValue;
use fernet_ledger::account::L1Address;
use fernet_ledger::statement::{self, Challenged, ChunkContext};
use fernet_ledger::{Blob, BlockRules, BlockWitness, Fr, L1Operation, field};

use crate::assignment::{AssignmentError, ChunkAssignment};
use crate::encoding::{self, PointError};
use crate::inputs::ChunkInputs;
use crate::kzg::{self, COMMITMENT_BYTES, KzgError};
use crate::prover::{ChunkProofError, Prover};
use crate::verifier::{self, Aggregate, ChunkWords, Proof, VerifyingKey};

/// The encodings of `contracts/verifier/BlockProof.sol` and `contracts/interfaces/IBridge.sol`.
pub mod abi {
    #![allow(missing_docs)] // documented in the contracts

    alloy::sol! {
        #[derive(Debug, PartialEq, Eq)]
        struct L1Operation {
            uint256 head;
            uint256 x;
            uint256 y;
        }

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
            L1Operation[] queue;
        }
    }
}

/// What a block's proof is bound to, beside the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockStatement {
    /// The header's hash.
    pub header_hash: [u8; 32],
    /// The bridge's rolling hash after the block's part of the queue.
    pub queue_hash: [u8; 32],
    /// Who is paid for the proof.
    pub payee: L1Address,
}

/// How far a block's proof is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvingProgress {
    /// Chunk proofs.
    Chunks {
        /// How many are done.
        done: usize,
        /// Of how many.
        total: usize,
    },
    /// Blob openings.
    Blobs {
        /// How many are done.
        done: usize,
        /// Of how many.
        total: usize,
    },
}

/// Why there is no proof of a block.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// A chunk's witness is incomplete.
    #[error("chunk {chunk}: {source}")]
    Assignment {
        /// Which chunk.
        chunk: usize,
        /// Why.
        source: AssignmentError,
    },
    /// A chunk can't be proven.
    #[error("chunk {chunk}: {source}")]
    Chunk {
        /// Which chunk.
        chunk: usize,
        /// Why.
        source: ChunkProofError,
    },
    /// A blob can't be opened.
    #[error("blob {blob}: {source}")]
    Kzg {
        /// Which blob.
        blob: usize,
        /// Why.
        source: KzgError,
    },
    /// The block has no chunk.
    #[error("expected at least one chunk, got none")]
    NoChunks,
    /// The proving was cancelled.
    #[error("expected to finish the proof, was cancelled")]
    Cancelled,
}

/// What one chunk adds to a block's proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkPart {
    /// Root after the chunk.
    pub state_root: Fr,
    /// Commitment to its context and data.
    pub commitment: Fr,
    /// Its share of the blob's value.
    pub share: Fr,
    /// How many operations of L1's queue it consumes.
    pub consumed: u64,
    /// A and B.
    pub pair: (ark_bls12_381::G1Affine, ark_bls12_381::G2Affine),
}

/// A blob's commitment and its opening at the block's challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobOpening {
    /// The commitment.
    pub commitment: [u8; COMMITMENT_BYTES],
    /// The proof of the opening.
    pub proof: [u8; COMMITMENT_BYTES],
}

/// The proof of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockProof {
    /// The weighted sum of the chunks' C.
    pub c: ark_bls12_381::G1Affine,
    /// One part for each chunk.
    pub chunks: Vec<ChunkPart>,
    /// One opening for each blob.
    pub openings: Vec<BlobOpening>,
    /// The operations of L1's queue that the block consumes, in order: the coefficients of each.
    pub operations: Vec<[Fr; 3]>,
}

/// Whether to go on, and whom to tell.
pub trait ProvingObserver: Sync {
    /// Called from any worker.
    fn report(&self, progress: ProvingProgress);

    /// Asked before each chunk; `true` ends the proving with [`ProveError::Cancelled`].
    fn is_cancelled(&self) -> bool {
        false
    }
}

impl<F: Fn(ProvingProgress) + Sync> ProvingObserver for F {
    fn report(&self, progress: ProvingProgress) {
        self(progress);
    }
}

/// The challenge of a block.
#[must_use]
pub fn challenge(block: &BlockWitness, statement: &BlockStatement) -> Fr {
    draw(statement, &block.rules, block.parent_root(), &block.commitments(statement.payee))
}

/// The challenge of a block whose chunks have these roots and commitments.
fn draw(statement: &BlockStatement, rules: &BlockRules, parent_root: Fr, chunks: &[(Fr, Fr)]) -> Fr {
    statement::challenge(&Challenged {
        header_hash: statement.header_hash,
        queue_hash: statement.queue_hash,
        domain: rules.domain,
        recipients: rules.recipients(statement.payee),
        parent_root,
        chunks,
    })
}

impl Prover {
    /// Proves a block with `workers` chunks at a time; one worker already uses all cores, more hide what isn't parallel.
    ///
    /// # Errors
    /// When a chunk's witness lacks signatures or breaks a rule, or the observer cancels.
    pub fn prove_block(
        &self,
        block: &BlockWitness,
        statement: &BlockStatement,
        workers: usize,
        observer: &dyn ProvingObserver,
    ) -> Result<BlockProof, ProveError> {
        let total = block.chunks.len();
        if total == 0 {
            return Err(ProveError::NoChunks);
        }
        let challenge = challenge(block, statement);
        let assignments = block
            .chunks
            .iter()
            .enumerate()
            .map(|(chunk, witness)| {
                ChunkAssignment::new(&block.rules, witness, chunk, challenge, statement.payee)
                    .map_err(|source| ProveError::Assignment { chunk, source })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let proofs = self.prove_chunks(&assignments, workers, observer)?;
        let openings = open_blobs(&block.blobs(), challenge, observer)?;
        let parts: Vec<ChunkPart> = block
            .chunks
            .iter()
            .zip(&assignments)
            .zip(&proofs)
            .map(|((witness, assignment), proof)| ChunkPart {
                state_root: witness.root_after,
                commitment: assignment.inputs.commitment,
                share: assignment.inputs.share,
                consumed: witness.queued().count() as u64,
                pair: (proof.a, proof.b),
            })
            .collect();
        let words: Vec<ChunkWords> = parts.iter().map(ChunkWords::new).collect();
        Ok(BlockProof {
            c: verifier::weighted_sum(challenge, &words, &proofs),
            chunks: parts,
            openings,
            operations: block.queued().map(L1Operation::coefficients).collect(),
        })
    }

    /// Workers take the next chunk until all are proven or one fails.
    fn prove_chunks(
        &self,
        assignments: &[ChunkAssignment],
        workers: usize,
        observer: &dyn ProvingObserver,
    ) -> Result<Vec<Proof>, ProveError> {
        let total = assignments.len();
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let proofs: Mutex<Vec<Option<Proof>>> = Mutex::new(vec![None; total]);
        observer.report(ProvingProgress::Chunks { done: 0, total });
        let work = || -> Result<(), ProveError> {
            loop {
                let chunk = next.fetch_add(1, Ordering::Relaxed);
                let Some(assignment) = assignments.get(chunk) else { return Ok(()) };
                if observer.is_cancelled() {
                    return Err(ProveError::Cancelled);
                }
                let proof = self.prove_chunk(assignment);
                if proof.is_err() {
                    // The others needn't start anything any more.
                    next.store(total, Ordering::Relaxed);
                }
                let proof = proof.map_err(|source| ProveError::Chunk { chunk, source })?;
                if let Some(place) = lock(&proofs).get_mut(chunk) {
                    *place = Some(proof);
                }
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                observer.report(ProvingProgress::Chunks { done, total });
            }
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..workers.min(total)).map(|_| scope.spawn(work)).collect();
            let own = work();
            let joined = others.into_iter().map(|worker| worker.join().unwrap_or(Err(ProveError::Cancelled)));
            joined.chain([own]).collect::<Result<Vec<()>, _>>()
        })?;
        let proofs: Option<Vec<Proof>> = lock(&proofs).drain(..).collect();
        proofs.ok_or(ProveError::Cancelled)
    }
}

/// A lock that a panicking worker can't spoil: each entry is written whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn open_blobs(
    blobs: &[Blob],
    challenge: Fr,
    observer: &dyn ProvingObserver,
) -> Result<Vec<BlobOpening>, ProveError> {
    let total = blobs.len();
    let open = |(number, blob): (usize, &Blob)| {
        let commitment = kzg::commitment(blob)?;
        let proof = kzg::open(blob, challenge)?.proof;
        observer.report(ProvingProgress::Blobs { done: number + 1, total });
        Ok(BlobOpening { commitment, proof })
    };
    let opened = blobs.iter().enumerate();
    opened.map(|entry| open(entry).map_err(|source| ProveError::Kzg { blob: entry.0, source })).collect()
}

/// Why bytes aren't a block's proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The ABI encoding is malformed.
    #[error("expected an ABI-encoded block proof: {0}")]
    Abi(String),
    /// The encoding isn't the canonical one.
    #[error("expected the canonical encoding of a block proof, got another")]
    NotCanonical,
    /// A word isn't a field element.
    #[error(transparent)]
    Field(#[from] field::FieldError),
    /// A point is none.
    #[error(transparent)]
    Point(#[from] PointError),
    /// A chunk consumes more of the queue than can be.
    #[error("expected fewer than 2^64 operations of the queue in a chunk")]
    OperationCount,
}

impl BlockProof {
    /// The bytes that L1 reads: `abi.encode(BlockProof)`.
    #[must_use]
    pub fn abi_encode(&self) -> Vec<u8> {
        let word = |value: &Fr| B256::from(field::to_bytes(value));
        let number = |value: &Fr| U256::from_be_bytes(field::to_bytes(value));
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
                .map(|[head, x, y]| abi::L1Operation { head: number(head), x: number(x), y: number(y) })
                .collect(),
        };
        encoded.abi_encode()
    }

    /// Reads a proof from L1 or from another prover.
    ///
    /// # Errors
    /// When the bytes aren't the canonical encoding of field elements and points of the subgroups.
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
        let operation = |operation: &abi::L1Operation| -> Result<[Fr; 3], DecodeError> {
            let [head, x, y] = [operation.head, operation.x, operation.y].map(|word| word.to_be_bytes());
            Ok([field::from_bytes(&head)?, field::from_bytes(&x)?, field::from_bytes(&y)?])
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

/// What L1 knows of a block besides its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBlock<'a> {
    /// What the header fixes.
    pub rules: BlockRules,
    /// The finalized root that the block starts from.
    pub parent_root: Fr,
    /// The header's root.
    pub state_root: Fr,
    /// The header's number of chunks.
    pub chunks: usize,
    /// The header's blobs.
    pub blob_hashes: &'a [[u8; 32]],
    /// The part of the bridge's queue that the block consumes.
    pub queue: &'a [L1Operation],
}

/// Why L1 would refuse a proof.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Counts differ from the header's.
    #[error("expected {expected} {what}, got {actual}")]
    Count {
        /// Of what.
        what: &'static str,
        /// The header's.
        expected: usize,
        /// The proof's.
        actual: usize,
    },
    /// The operations aren't the bridge's.
    #[error("expected the operations of the bridge's queue, got others")]
    Queue,
    /// The last root isn't the header's.
    #[error("expected the header's state root after the last chunk, got another")]
    StateRoot,
    /// A commitment isn't the header's.
    #[error("expected the header's versioned hash for blob {0}, got another")]
    BlobHash(usize),
    /// A blob doesn't have the value that its chunks add up to.
    #[error("expected blob {0} to open to the sum of its chunks' shares")]
    BlobValue(usize),
    /// The opening is malformed.
    #[error("blob {blob}: {source}")]
    Kzg {
        /// Which blob.
        blob: usize,
        /// Why.
        source: KzgError,
    },
    /// The pairing product isn't one.
    #[error("expected the pairing product to be one")]
    Pairing,
}

impl BlockProof {
    /// Checks the proof as `BlockVerifier` does on L1, so that a prover never pays for a transaction that reverts.
    ///
    /// # Errors
    /// With the first check that fails.
    pub fn verify(
        &self,
        key: &VerifyingKey,
        statement: &BlockStatement,
        block: &KnownBlock<'_>,
    ) -> Result<(), VerifyError> {
        let layout = block.rules.layout;
        count("chunks", block.chunks, self.chunks.len())?;
        count("blobs", layout.blobs(block.chunks), block.blob_hashes.len())?;
        count("blob openings", block.blob_hashes.len(), self.openings.len())?;
        if block.chunks == 0 {
            return Err(VerifyError::Count { what: "chunks (at least)", expected: 1, actual: 0 });
        }
        if !self.operations.iter().copied().eq(block.queue.iter().map(L1Operation::coefficients)) {
            return Err(VerifyError::Queue);
        }
        let chunks: Vec<(Fr, Fr)> =
            self.chunks.iter().map(|chunk| (chunk.state_root, chunk.commitment)).collect();
        let challenge = draw(statement, &block.rules, block.parent_root, &chunks);
        let inputs = self.inputs(statement, block, challenge)?;
        self.check_blobs(block, challenge)?;
        let aggregate = Aggregate { pairs: self.chunks.iter().map(|chunk| chunk.pair).collect(), c: self.c };
        let words: Vec<ChunkWords> = self.chunks.iter().map(ChunkWords::new).collect();
        if key.verify_aggregate(challenge, &words, &inputs, &aggregate) {
            Ok(())
        } else {
            Err(VerifyError::Pairing)
        }
    }

    /// Each chunk's public inputs, from what L1 knows.
    fn inputs(
        &self,
        statement: &BlockStatement,
        block: &KnownBlock<'_>,
        challenge: Fr,
    ) -> Result<Vec<ChunkInputs>, VerifyError> {
        let layout = &block.rules.layout;
        let recipients = block.rules.recipients(statement.payee);
        let (mut root, mut left) = (block.parent_root, block.queue);
        let mut inputs = Vec::with_capacity(self.chunks.len());
        for (number, chunk) in self.chunks.iter().enumerate() {
            let taken = usize::try_from(chunk.consumed).ok().and_then(|count| left.split_at_checked(count));
            let Some((consumed, rest)) = taken else {
                let (what, actual) = ("operations (at most)", chunk.consumed);
                let actual = usize::try_from(actual).unwrap_or(usize::MAX);
                return Err(VerifyError::Count { what, expected: left.len(), actual });
            };
            left = rest;
            let z = statement::chunk_challenge(layout, layout.position(number).chunk, challenge);
            let context = ChunkContext {
                domain: block.rules.domain,
                recipients,
                root_before: root,
                root_after: chunk.state_root,
            };
            inputs.push(ChunkInputs {
                challenge: z,
                share: chunk.share,
                commitment: chunk.commitment,
                binding: statement::binding(&context, z, consumed),
            });
            root = chunk.state_root;
        }
        count("operations left", 0, left.len())?;
        if root == block.state_root { Ok(inputs) } else { Err(VerifyError::StateRoot) }
    }

    fn check_blobs(&self, block: &KnownBlock<'_>, challenge: Fr) -> Result<(), VerifyError> {
        let in_blob = self.chunks.chunks(block.rules.layout.chunks_per_blob());
        for (number, ((opening, hash), chunks)) in
            self.openings.iter().zip(block.blob_hashes).zip(in_blob).enumerate()
        {
            if kzg::versioned_hash(&opening.commitment) != *hash {
                return Err(VerifyError::BlobHash(number));
            }
            let value = chunks.iter().map(|chunk| chunk.share).sum();
            let opened = kzg::Opening { point: challenge, value, proof: opening.proof };
            let holds = kzg::verify(&opening.commitment, &opened)
                .map_err(|source| VerifyError::Kzg { blob: number, source })?;
            if !holds {
                return Err(VerifyError::BlobValue(number));
            }
        }
        Ok(())
    }
}

fn count(what: &'static str, expected: usize, actual: usize) -> Result<(), VerifyError> {
    if expected == actual { Ok(()) } else { Err(VerifyError::Count { what, expected, actual }) }
}
