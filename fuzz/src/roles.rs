//! Records of the roles' journals.

use alloy::primitives::B256;
use fernet_network::Wire;
use fernet_protocol::Slot;
use fernet_prover::journal::StoredProof;
use fernet_roles::{OwnBlock, record_key};

use crate::network::check_message;
use crate::{Outcome, Target};

/// Records that are no messages: blocks that a role built, and proofs. The journal also has bodies and
/// quotes, which the targets of messages decode.
pub const JOURNAL: Target = Target { name: "journal", check, seeds };

fn check(bytes: &[u8]) -> Outcome {
    let limit = 4 * bytes.len() + 4096;
    let own = check_message::<OwnBlock>(limit, bytes);
    let proof = check_message::<StoredProof>(limit, bytes);
    if own == Outcome::Decoded { own } else { proof }
}

fn seeds() -> Vec<Vec<u8>> {
    let (slot, header_hash) = (Slot::new(3), B256::repeat_byte(1));
    let own = OwnBlock { slot, header_hash, parent: B256::repeat_byte(2) };
    // A proof is its key, the job, milliseconds of proving, and the proof's bytes.
    let (key, job, elapsed) = (record_key(slot, header_hash), [4; 32], 1234_u64.to_be_bytes());
    vec![own.encode(), [key.as_slice(), &job, &elapsed, &[5; 9]].concat()]
}
