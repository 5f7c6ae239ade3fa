//! Proving a block: its chunks in parallel, then one aggregate and the blobs' openings, in the form that L1 reads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy::primitives::{B256, U256};
use alloy::sol_types::SolValue;
use fernet_ledger::account::L1Address;
use fernet_ledger::{Blob, BlockRules, BlockWitness, Deposit, Fr, field, statement};

use crate::assignment::{AssignmentError, ChunkAssignment};
use crate::encoding::{self, PointError};
use crate::inputs::ChunkInputs;
use crate::kzg::{self, COMMITMENT_BYTES, KzgError};
use crate::prover::{ChunkProofError, Prover};
use crate::verifier::{self, Aggregate, ChunkWords, Proof, Transcript, VerifyingKey};

/// The encodings of `contracts/verifier/BlockProof.sol` and `contracts/interfaces/IBridge.sol`.
pub mod abi {
    #![allow(missing_docs)] // documented in the contracts

    alloy::sol! {
        #[derive(Debug, PartialEq, Eq)]
        struct Deposit {
            uint32 index;
            uint64 amount;
            uint256 keyX;
            uint256 keyY;
        }

        #[derive(Debug, PartialEq, Eq)]
        struct ChunkProof {
            bytes32 stateRoot;
            bytes32 dataCommitment;
            bytes32 y;
            uint256 deposits;
            bytes32[4] a;
            bytes32[8] b;
        }

        #[derive(Debug, PartialEq, Eq)]
        struct BlockProof {
            bytes32[4] c;
            ChunkProof[] chunks;
            bytes32[3][] openings;
            Deposit[] deposits;
        }
    }
}

/// What a block's proof is bound to, beside the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockStatement {
    /// The header's hash.
    pub header_hash: [u8; 32],
    /// The bridge's rolling hash after the block's deposits.
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
    /// Commitment to its data.
    pub data_commitment: Fr,
    /// Its share of the blob's value.
    pub share: Fr,
    /// How many deposits it consumes.
    pub deposits: u64,
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
    /// The deposits consumed, in order.
    pub deposits: Vec<Deposit>,
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
    let commitments = block.data_commitments();
    statement::challenge(statement.header_hash, statement.queue_hash, block.rules.domain, &commitments)
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
        let deposits: Vec<u64> = block.chunks.iter().map(|chunk| chunk.deposits().count() as u64).collect();
        let inputs: Vec<ChunkInputs> = assignments.iter().map(|assignment| assignment.inputs).collect();
        let words: Vec<ChunkWords> = inputs
            .iter()
            .zip(&deposits)
            .zip(&proofs)
            .map(|((inputs, deposits), proof)| ChunkWords::new(inputs, *deposits, &(proof.a, proof.b)))
            .collect();
        let transcript = transcript(&block.rules, statement, challenge, block.parent_root());
        let aggregate = verifier::aggregate(&transcript, &words, &proofs);
        let parts =
            inputs.iter().zip(deposits).zip(aggregate.pairs).map(|((inputs, deposits), pair)| ChunkPart {
                state_root: inputs.root_after,
                data_commitment: inputs.data_commitment,
                share: inputs.share,
                deposits,
                pair,
            });
        Ok(BlockProof {
            c: aggregate.c,
            chunks: parts.collect(),
            openings,
            deposits: block.deposits().copied().collect(),
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

fn transcript(rules: &BlockRules, statement: &BlockStatement, challenge: Fr, parent_root: Fr) -> Transcript {
    let recipients = statement::recipients(statement.payee, rules.fee_recipient);
    Transcript { challenge, parent_root, recipients }
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
    /// A deposit's key is none.
    #[error(transparent)]
    Key(#[from] fernet_ledger::keys::KeyError),
    /// A chunk consumes more deposits than can be.
    #[error("expected fewer than 2^64 deposits in a chunk")]
    DepositCount,
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
                    dataCommitment: word(&chunk.data_commitment),
                    y: word(&chunk.share),
                    deposits: U256::from(chunk.deposits),
                    a: words(&encoding::g1_to_bytes(&chunk.pair.0)),
                    b: words(&encoding::g2_to_bytes(&chunk.pair.1)),
                })
                .collect(),
            openings: self
                .openings
                .iter()
                .map(|opening| words([opening.commitment, opening.proof].as_flattened()))
                .collect(),
            deposits: self
                .deposits
                .iter()
                .map(|deposit| abi::Deposit {
                    index: deposit.to.get(),
                    amount: deposit.amount,
                    keyX: number(&deposit.key.x()),
                    keyY: number(&deposit.key.y()),
                })
                .collect(),
        };
        encoded.abi_encode()
    }

    /// Reads a proof from L1 or from another prover.
    ///
    /// # Errors
    /// When the bytes aren't the canonical encoding of field elements, points of the subgroups and keys on the curve.
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
                data_commitment: element(&chunk.dataCommitment)?,
                share: element(&chunk.y)?,
                deposits: u64::try_from(chunk.deposits).map_err(|_| DecodeError::DepositCount)?,
                pair: (
                    encoding::g1_from_bytes(&bytes_of(&chunk.a))?,
                    encoding::g2_from_bytes(&bytes_of(&chunk.b))?,
                ),
            })
        };
        let deposit = |deposit: &abi::Deposit| -> Result<Deposit, DecodeError> {
            let (x, y) = (deposit.keyX.to_be_bytes(), deposit.keyY.to_be_bytes());
            let key = fernet_ledger::PublicKey::new(field::from_bytes(&x)?, field::from_bytes(&y)?)?;
            Ok(Deposit { to: fernet_ledger::AccountIndex::new(deposit.index), key, amount: deposit.amount })
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
            deposits: decoded.deposits.iter().map(deposit).collect::<Result<_, _>>()?,
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
    /// The deposits that the bridge says the block consumes.
    pub deposits: &'a [Deposit],
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
    /// The deposits aren't the bridge's.
    #[error("expected the bridge's deposits, got others")]
    Deposits,
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
        if self.deposits != block.deposits {
            return Err(VerifyError::Deposits);
        }
        let commitments: Vec<Fr> = self.chunks.iter().map(|chunk| chunk.data_commitment).collect();
        let (header, deposits) = (statement.header_hash, statement.queue_hash);
        let challenge = statement::challenge(header, deposits, block.rules.domain, &commitments);
        let inputs = self.inputs(statement, block, challenge)?;
        self.check_blobs(block, challenge)?;
        let aggregate = Aggregate { pairs: self.chunks.iter().map(|chunk| chunk.pair).collect(), c: self.c };
        let counts: Vec<u64> = self.chunks.iter().map(|chunk| chunk.deposits).collect();
        let transcript = transcript(&block.rules, statement, challenge, block.parent_root);
        if key.verify_aggregate(&transcript, &inputs, &aggregate, &counts) {
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
        let (mut root, mut left) = (block.parent_root, block.deposits);
        let mut inputs = Vec::with_capacity(self.chunks.len());
        for (number, chunk) in self.chunks.iter().enumerate() {
            let taken = usize::try_from(chunk.deposits).ok().and_then(|count| left.split_at_checked(count));
            let Some((consumed, rest)) = taken else {
                let actual = usize::try_from(chunk.deposits).unwrap_or(usize::MAX);
                return Err(VerifyError::Count { what: "deposits (at most)", expected: left.len(), actual });
            };
            left = rest;
            let z = statement::chunk_challenge(layout, layout.position(number).chunk, challenge);
            inputs.push(ChunkInputs {
                root_before: root,
                root_after: chunk.state_root,
                challenge: z,
                share: chunk.share,
                data_commitment: chunk.data_commitment,
                deposit_value: statement::deposit_value(block.rules.domain, z, consumed),
                recipients: statement::recipients(statement.payee, block.rules.fee_recipient),
            });
            root = chunk.state_root;
        }
        count("deposits left", 0, left.len())?;
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
