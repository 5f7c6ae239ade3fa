//! The records that a prover needs after a restart: the blocks that it offered to prove, its offers, and its
//! proofs.
//!
//! A prover that has a bond on a block and can't prove it loses the bond. So a block is on disk before an
//! offer for it leaves the process. A proof may take most of its window, so it is on disk before it is sent.

use std::time::Duration;

use alloy::primitives::{B256, Bytes};
use fernet_network::{Wire, WireError};
use fernet_protocol::Slot;
pub use fernet_roles::{Journal, JournalError};
use fernet_roles::{Record, record_key};

use crate::worker::{JobId, ProvenBlock};

/// Bytes before the proof: slot, header hash, job, milliseconds.
const PREFIX: usize = 80;

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
    const TABLE: &'static str = "proofs.v1";

    fn key(&self) -> (Slot, B256) {
        (self.slot, self.header_hash)
    }
}

/// The encoding is: slot, header hash, job, milliseconds of proving (8 bytes), and the proof.
impl Wire for StoredProof {
    fn encode(&self) -> Vec<u8> {
        let elapsed = u64::try_from(self.proven.elapsed.as_millis()).unwrap_or(u64::MAX);
        let key = record_key(self.slot, self.header_hash);
        [&key[..], self.job.get().as_slice(), &elapsed.to_be_bytes(), &self.proven.proof].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let parts = || {
            let (slot, rest) = bytes.split_first_chunk::<8>()?;
            let (header_hash, rest) = rest.split_first_chunk::<32>()?;
            let (job, rest) = rest.split_first_chunk::<32>()?;
            let (elapsed, proof) = rest.split_first_chunk::<8>()?;
            let elapsed = Duration::from_millis(u64::from_be_bytes(*elapsed));
            Some(Self {
                slot: Slot::new(u64::from_be_bytes(*slot)),
                header_hash: header_hash.into(),
                job: JobId::new(job.into()),
                proven: ProvenBlock { proof: Bytes::copy_from_slice(proof), elapsed },
            })
        };
        let truncated = WireError::Truncated { field: "proof", expected: PREFIX, actual: bytes.len() };
        parts().ok_or(truncated)
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
        let error = StoredProof::decode(&stored.encode()[..PREFIX - 1]).unwrap_err();
        assert_eq!(error, WireError::Truncated { field: "proof", expected: 80, actual: 79 });
    }
}
