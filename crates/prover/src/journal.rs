//! The records that a prover needs after a restart: the blocks that it offered to prove, its offers, and its
//! proofs.
//!
//! A prover that has a bond on a block and can't prove it loses the bond. So a block is on disk before an
//! offer for it leaves the process. A proof may take most of its window, so it is on disk before it is sent.

use std::time::Duration;

use alloy::primitives::{B256, Bytes};
use fernet_network::wire::{decode_list, encode_list};
use fernet_network::{Wire, WireError};
use fernet_protocol::Slot;
use fernet_roles::Record;
pub use fernet_roles::{Journal, JournalError};

use crate::worker::{JobId, ProvenBlock};

/// Most bytes of a proof. One of a block with 64 chunks has some 40,000.
const MAX_PROOF_BYTES: usize = 1 << 20;

/// Most bytes of a [`StoredProof`].
const MAX_STORED_PROOF_BYTES: usize = MAX_PROOF_BYTES + 96;

/// A proof with the job that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredProof {
    /// The block's slot.
    pub slot: Slot,
    /// Hash of the block's header.
    pub header_hash: B256,
    /// The job, which identifies everything that the proof states.
    pub job: JobId,
    /// The proof.
    pub proven: ProvenBlock,
}

impl Record for StoredProof {
    const TABLE: &'static str = "proofs.v2";

    fn key(&self) -> (Slot, B256) {
        (self.slot, self.header_hash)
    }
}

/// The encoding is the list of slot, header hash, job, milliseconds of proving, and the proof.
impl Wire for StoredProof {
    fn encode(&self) -> Vec<u8> {
        encode_list(|fields| {
            fields.uint(self.slot.get());
            fields.bytes(self.header_hash.as_slice());
            fields.bytes(self.job.get().as_slice());
            fields.uint(u64::try_from(self.proven.elapsed.as_millis()).unwrap_or(u64::MAX));
            fields.bytes(&self.proven.proof);
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        decode_list(bytes, MAX_STORED_PROOF_BYTES, |fields| {
            let slot = Slot::new(fields.uint("slot")?);
            let header_hash = fields.array("header hash")?.into();
            let job = JobId::new(fields.array("job")?.into());
            let elapsed = Duration::from_millis(fields.uint("milliseconds")?);
            let proof = Bytes::copy_from_slice(fields.bytes("proof", MAX_PROOF_BYTES)?);
            Ok(Self { slot, header_hash, job, proven: ProvenBlock { proof, elapsed } })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_survives_and_a_stump_is_refused() {
        let proven = ProvenBlock { proof: vec![5; 9].into(), elapsed: Duration::from_millis(1234) };
        let job = JobId::new(B256::repeat_byte(2));
        let stored = StoredProof { slot: Slot::new(3), header_hash: B256::repeat_byte(1), job, proven };
        let journal = Journal::in_memory().unwrap();
        journal.put(&stored).unwrap();
        assert_eq!(journal.get(stored.slot, stored.header_hash).unwrap(), Some(stored.clone()));
        let bytes = stored.encode();
        for length in 0..bytes.len() {
            assert!(StoredProof::decode(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
        }
    }
}
