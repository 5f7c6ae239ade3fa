//! Proving of a block: its chunks in parallel, then the aggregate and the openings of its blobs.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use fernet_ledger::{Blob, BlockWitness, Fr, QueuedOperation};

use crate::{
    assignment::{AssignmentError, ChunkAssignment},
    kzg::{self, KzgError},
    proof::{BlobOpening, BlockProof, ChunkPart, ChunkWords, Proof},
    prover::{ChunkProofError, Prover},
    statement::{BlockStatement, challenge},
    verifier,
};

/// Progress of a block's proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvingProgress {
    /// Chunks are being proven.
    Chunks {
        /// Number of finished ones.
        done: usize,
        /// Number of all.
        total: usize,
    },
    /// Blobs are being opened.
    Blobs {
        /// Number of finished ones.
        done: usize,
        /// Number of all.
        total: usize,
    },
}

/// Why proving a block failed.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The witness of a chunk is incomplete.
    #[error("chunk {chunk}: {source}")]
    Assignment { chunk: usize, source: AssignmentError },
    /// Proving a chunk failed.
    #[error("chunk {chunk}: {source}")]
    Chunk { chunk: usize, source: ChunkProofError },
    /// Opening a blob failed.
    #[error("blob {blob}: {source}")]
    Kzg { blob: usize, source: KzgError },
    /// The block has no chunk.
    #[error("expected at least 1 chunk, got 0")]
    NoChunks,
    /// The observer cancelled the proving.
    #[error("proving was cancelled")]
    Cancelled,
}

/// Receives the progress of a block's proof, and can cancel it.
pub trait ProvingObserver: Sync {
    /// Called by any worker thread.
    fn report(&self, progress: ProvingProgress);

    /// Called before each chunk; `true` ends the proving with [`ProveError::Cancelled`].
    fn is_cancelled(&self) -> bool {
        false
    }
}

impl<F: Fn(ProvingProgress) + Sync> ProvingObserver for F {
    fn report(&self, progress: ProvingProgress) {
        self(progress);
    }
}

impl Prover {
    /// Proves a block, `workers` chunks at a time. One worker uses all cores; more workers fill the
    /// sequential sections.
    ///
    /// # Errors
    /// Fails if the block has no chunk, if the witness of a chunk lacks signatures or breaks a rule, or if
    /// the observer cancels.
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
            operations: block.queued().map(QueuedOperation::coefficients).collect(),
        })
    }

    /// Proves all chunks: each worker takes the next chunk until all are proven or one fails.
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
                    // The other workers then start no further chunk.
                    next.store(total, Ordering::Relaxed);
                }
                let proof = proof.map_err(|source| ProveError::Chunk { chunk, source })?;
                if let Some(entry) = lock(&proofs).get_mut(chunk) {
                    *entry = Some(proof);
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

/// Locks a mutex, also if a worker panicked while it held the lock: entries are written atomically.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
