//! The body of a block: its header, blobs and signatures.

use alloy::eips::eip4844::kzg_to_versioned_hash;
use alloy::primitives::{Address, B256};
use fernet_kzg::KzgError;
use fernet_ledger::replay::{ReplayError, Signatures, replay};
use fernet_ledger::{AccountIndex, Blob, BlockRules, BlockWitness, Lanes, Signature, State, Store, field};
use fernet_protocol::{Header, Slot};

/// A block with everything that a prover needs. The blobs on L1 hold no signatures, so the body adds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockBody {
    /// The header.
    pub header: Header,
    /// The block's data.
    pub blobs: Vec<Blob>,
    /// The signatures of the block's operations, in the order of the operations.
    pub signatures: Vec<Signature>,
}

/// The fields of a header that don't follow from executing the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderFields {
    /// The slot that the block is for.
    pub slot: Slot,
    /// Hash of the parent's header.
    pub parent: B256,
    /// Deposits consumed since genesis, including those of this block.
    pub deposits_end: u64,
    /// The Bridge's rolling hash of these deposits; zero if this block consumes none.
    pub deposits_chain: B256,
    /// Forced exits consumed since genesis, including those of this block.
    pub exits_end: u64,
    /// The Bridge's rolling hash of these forced exits; zero if this block consumes none.
    pub exits_chain: B256,
    /// Governance payload that the block's sequencer votes for; zero for none.
    pub vote: Address,
}

/// Why a body is invalid or can't be assembled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The block was executed without its signatures.
    #[error("the block was executed without its signatures")]
    Unsigned,
    /// The chunks don't fit the header's field.
    #[error("expected at most {max} chunks, got {0}", max = u32::MAX)]
    TooManyChunks(usize),
    /// A blob can't be hashed.
    #[error("blob {number}: {reason}")]
    Blob { number: usize, reason: String },
    /// The blobs' hashes differ from the header's.
    #[error("expected the blobs {expected:?}, got {actual:?}")]
    WrongBlobs { expected: Vec<B256>, actual: Vec<B256> },
    /// The blobs hold no valid block.
    #[error(transparent)]
    Invalid(#[from] ReplayError),
    /// Executing the block gives another state than the header says.
    #[error("expected the state root {expected}, got {actual}")]
    WrongStateRoot { expected: B256, actual: B256 },
}

impl BlockBody {
    /// Assembles the body of an executed block. `versioned_hash` computes a blob's versioned hash (EIP-4844).
    ///
    /// # Errors
    /// When the block was executed without signatures, has too many chunks, or a blob can't be hashed.
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
            deposits_chain: fields.deposits_chain,
            exits_end: fields.exits_end,
            exits_chain: fields.exits_chain,
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

    /// Checks that the blobs are those that the header lists. The KZG commitments take milliseconds for each
    /// blob.
    ///
    /// # Errors
    /// When a blob can't be hashed, or the hashes differ.
    pub fn check_blobs(&self) -> Result<(), BodyError> {
        self.check_hashes(versioned_blob_hash)
    }

    fn check_hashes<E: std::fmt::Display>(
        &self,
        versioned_hash: impl FnMut(&Blob) -> Result<B256, E>,
    ) -> Result<(), BodyError> {
        let expected = &self.header.blob_hashes;
        if expected.len() != self.blobs.len() {
            return Err(BodyError::WrongBlobs { expected: expected.clone(), actual: Vec::new() });
        }
        let actual = hashes(&self.blobs, versioned_hash)?;
        if actual != *expected {
            return Err(BodyError::WrongBlobs { expected: expected.clone(), actual });
        }
        Ok(())
    }

    /// Executes the block on its parent's `state` and compares the result with the header. The block must
    /// consume all of `lanes`. The header's fee recipient replaces that of `rules`. The result can be
    /// proven. Afterwards `state` is the state after the block.
    ///
    /// # Errors
    /// When the block breaks a rule or differs from the header. `state` is invalid then.
    pub fn execute<S: Store, E: std::fmt::Display>(
        &self,
        state: &mut State<S>,
        rules: BlockRules,
        lanes: &Lanes,
        versioned_hash: impl FnMut(&Blob) -> Result<B256, E>,
    ) -> Result<BlockWitness, BodyError> {
        self.check_hashes(versioned_hash)?;
        let rules = BlockRules { fee_recipient: AccountIndex::new(self.header.fee_recipient), ..rules };
        let chunks = usize::try_from(self.header.chunks).unwrap_or(usize::MAX);
        let signatures = Signatures::Given(&self.signatures);
        let witness = replay(state, rules, chunks, &self.blobs, lanes, signatures)?;
        let (expected, actual) = (self.header.state_root, B256::new(field::to_bytes(&witness.state_root())));
        if actual == expected { Ok(witness) } else { Err(BodyError::WrongStateRoot { expected, actual }) }
    }
}

/// The versioned hash of a blob (EIP-4844), as headers list it.
///
/// # Errors
/// When the bytes are no blob.
pub fn versioned_blob_hash(blob: &Blob) -> Result<B256, KzgError> {
    Ok(kzg_to_versioned_hash(&fernet_kzg::commitment(blob.as_bytes())?))
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
