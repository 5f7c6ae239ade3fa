//! Records of the roles' journals.

use alloy::primitives::B256;
use fernet_network::{Wire, wire::encode_list};
use fernet_protocol::Slot;
use fernet_prover::journal::StoredProof;
use fernet_roles::OwnBlock;

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
    let proof = encode_list(|fields| {
        fields.uint(slot.get());
        fields.bytes(header_hash.as_slice());
        fields.bytes(&[4; 32]);
        fields.uint(1234_u64);
        fields.bytes(&[5; 9]);
    });
    vec![own.encode(), proof]
}
