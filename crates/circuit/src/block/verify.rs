//! Verification of a block's proof, with the checks of `BlockVerifier` on L1.

use fernet_ledger::{
    BlockRules, Fr, QueuedOperation,
    statement::{self, ChunkContext},
};

use crate::{
    inputs::ChunkInputs,
    kzg::{self, KzgError},
    proof::{BlockProof, ChunkWords},
    statement::{BlockStatement, challenge_of},
    verifier::{Aggregate, VerifyingKey},
};

/// What L1 knows about a block besides its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBlock<'a> {
    /// Rules under which the block is executed.
    pub rules: BlockRules,
    /// State root before the block.
    pub parent_root: Fr,
    /// State root in the header.
    pub state_root: Fr,
    /// Number of chunks in the header.
    pub chunks: usize,
    /// Versioned hashes of the blobs in the header.
    pub blob_hashes: &'a [[u8; 32]],
    /// Operations of the Bridge's two lanes that the block consumes, in the order of its data.
    pub queue: &'a [QueuedOperation],
}

/// Why L1 refuses a proof.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A number isn't the header's.
    #[error("expected {expected} {what}, got {actual}")]
    Count { what: &'static str, expected: usize, actual: usize },
    /// The operations aren't those of the Bridge's lanes, in the order of the data.
    #[error("the operations aren't those of the bridge's lanes, in the order of the data")]
    Queue,
    /// The state root after the last chunk isn't the header's.
    #[error("the state root after the last chunk isn't the header's")]
    StateRoot,
    /// The versioned hash of a blob isn't the header's.
    #[error("the versioned hash of blob {0} isn't the header's")]
    BlobHash(usize),
    /// A blob doesn't open to the sum of its chunks' shares.
    #[error("blob {0} doesn't open to the sum of its chunks' shares")]
    BlobValue(usize),
    /// The opening of a blob is malformed.
    #[error("blob {blob}: {source}")]
    Kzg { blob: usize, source: KzgError },
    /// The pairing product isn't one.
    #[error("the pairing product isn't one")]
    Pairing,
}

impl BlockProof {
    /// Verifies the proof with the checks of `BlockVerifier` on L1, so that a prover doesn't pay for a
    /// transaction that reverts.
    ///
    /// # Errors
    /// Returns the first check that fails.
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
        if !self.operations.iter().copied().eq(block.queue.iter().map(QueuedOperation::coefficients)) {
            return Err(VerifyError::Queue);
        }
        let chunks: Vec<(Fr, Fr)> =
            self.chunks.iter().map(|chunk| (chunk.state_root, chunk.commitment)).collect();
        let challenge = challenge_of(statement, &block.rules, block.parent_root, &chunks);
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

    /// The public inputs of each chunk, computed from what L1 knows.
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
            let count = usize::try_from(chunk.consumed).unwrap_or(usize::MAX);
            let most = left.len().min(layout.operations());
            let fits = if count > most { None } else { left.split_at_checked(count) };
            let Some((consumed, rest)) = fits else {
                let what = "operations (at most)";
                return Err(VerifyError::Count { what, expected: most, actual: count });
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
