//! A block's body: made from an executed block, and checked by executing it.

use alloy::primitives::{Address, B256};
use fernet_ledger::replay::{ReplayError, Signatures, replay};
use fernet_ledger::{
    AccountIndex, Blob, BlockRules, BlockWitness, L1Operation, Signature, State, Store, field,
};
use fernet_protocol::{Header, Slot};

/// A block as its builder hands it on: blobs hold no signatures, and whoever proves the block needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockBody {
    /// The block's header.
    pub header: Header,
    /// Its data.
    pub blobs: Vec<Blob>,
    /// Its operations' signatures, in their order.
    pub signatures: Vec<Signature>,
}

/// What a header says beyond the block's execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderFields {
    /// The slot that the block is for.
    pub slot: Slot,
    /// Hash of the parent's header.
    pub parent: B256,
    /// Operations of the Bridge's queue consumed since genesis, this block's included.
    pub deposits_end: u64,
    /// Payload that the block's sequencer signals to governance; zero for none.
    pub vote: Address,
}

/// Why a body isn't that of its header, or can't be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The block was executed without its signatures.
    #[error("expected a block with all its signatures, got one without")]
    Unsigned,
    /// The block has more chunks than a header can count.
    #[error("expected at most {max} chunks, got {0}", max = u32::MAX)]
    TooManyChunks(usize),
    /// A blob can't be committed to.
    #[error("blob {number}: {reason}")]
    Blob {
        /// Which blob.
        number: usize,
        /// Why.
        reason: String,
    },
    /// The blobs aren't those of the header.
    #[error("expected the blobs {expected:?}, got {actual:?}")]
    WrongBlobs {
        /// The header's.
        expected: Vec<B256>,
        /// The body's.
        actual: Vec<B256>,
    },
    /// The blobs don't hold a valid block.
    #[error(transparent)]
    Invalid(#[from] ReplayError),
    /// The block leads to another state.
    #[error("expected the state root {expected}, got {actual}")]
    WrongStateRoot {
        /// The header's.
        expected: B256,
        /// What executing it gives.
        actual: B256,
    },
}

impl BlockBody {
    /// The body of an executed block. `versioned_hash` gives the hash under which L1 knows a blob.
    ///
    /// # Errors
    /// When the block lacks its signatures, or a blob can't be hashed.
    pub fn assemble<E: std::fmt::Display>(
        fields: HeaderFields,
        witness: &BlockWitness,
        versioned_hash: impl FnMut(&Blob) -> Result<B256, E>,
    ) -> Result<Self, BodyError> {
        let signatures = witness.signatures().ok_or(BodyError::Unsigned)?;
        let blobs = witness.blobs();
        let blob_hashes = hashes(&blobs, versioned_hash)?;
        let chunks = witness.chunks.len();
        let header = Header {
            slot: fields.slot,
            parent: fields.parent,
            state_root: B256::new(field::to_bytes(&witness.state_root())),
            deposits_end: fields.deposits_end,
            fee_recipient: witness.rules.fee_recipient.get(),
            chunks: u32::try_from(chunks).map_err(|_| BodyError::TooManyChunks(chunks))?,
            committee_digest: B256::ZERO,
            vote: fields.vote,
            blob_hashes,
        };
        Ok(Self { header, blobs, signatures })
    }

    /// Hash of the header.
    #[must_use]
    pub fn header_hash(&self) -> B256 {
        self.header.hash()
    }

    /// Executes the block on its parent's `state`, consuming `queued` of L1's queue whole, and compares everything with
    /// the header, whose fee recipient replaces that of `rules`. The result can be proven. The state ends after the
    /// block; drop it to undo.
    ///
    /// # Errors
    /// When anything differs or breaks a rule. The state is then of no use.
    pub fn execute<S: Store, E: std::fmt::Display>(
        &self,
        state: &mut State<S>,
        rules: BlockRules,
        queued: &[L1Operation],
        versioned_hash: impl FnMut(&Blob) -> Result<B256, E>,
    ) -> Result<BlockWitness, BodyError> {
        let expected = &self.header.blob_hashes;
        if expected.len() != self.blobs.len() {
            return Err(BodyError::WrongBlobs { expected: expected.clone(), actual: Vec::new() });
        }
        let actual = hashes(&self.blobs, versioned_hash)?;
        if actual != *expected {
            return Err(BodyError::WrongBlobs { expected: expected.clone(), actual });
        }
        let rules = BlockRules { fee_recipient: AccountIndex::new(self.header.fee_recipient), ..rules };
        let chunks = usize::try_from(self.header.chunks).unwrap_or(usize::MAX);
        let signatures = Signatures::Given(&self.signatures);
        let witness = replay(state, rules, chunks, &self.blobs, queued, signatures)?;
        let (expected, actual) = (self.header.state_root, B256::new(field::to_bytes(&witness.state_root())));
        if actual == expected { Ok(witness) } else { Err(BodyError::WrongStateRoot { expected, actual }) }
    }
}

fn hashes<E: std::fmt::Display>(
    blobs: &[Blob],
    mut versioned_hash: impl FnMut(&Blob) -> Result<B256, E>,
) -> Result<Vec<B256>, BodyError> {
    blobs
        .iter()
        .enumerate()
        .map(|(number, blob)| {
            versioned_hash(blob).map_err(|error| BodyError::Blob { number, reason: error.to_string() })
        })
        .collect()
}
