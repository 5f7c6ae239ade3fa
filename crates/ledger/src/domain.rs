//! Which deployment a signature and a proof are for.

use sha3::{Digest, Keccak256};

use crate::account::L1Address;
use crate::field::{self, Fr};

/// First bytes of the domain's preimage.
const DOMAIN_TAG: &[u8] = b"fernet.ledger.v1";

/// A deployment, as a field element: `keccak256("fernet.ledger.v1" ‖ uint256 chainId ‖ address rollup) >> 3`.
///
/// It is the capacity value of every signature's hash and the first element of every data commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Domain(Fr);

impl Domain {
    /// The domain of the rollup contract at `rollup` on chain `chain_id`.
    #[must_use]
    pub fn new(chain_id: u64, rollup: L1Address) -> Self {
        let mut hasher = Keccak256::new();
        hasher.update(DOMAIN_TAG);
        hasher.update([0u8; 24]);
        hasher.update(chain_id.to_be_bytes());
        hasher.update(rollup.0);
        Self(field::from_digest(&hasher.finalize().into()))
    }

    /// The domain read from the contract.
    #[must_use]
    pub const fn from_element(element: Fr) -> Self {
        Self(element)
    }

    /// The field element.
    #[must_use]
    pub const fn element(self) -> Fr {
        self.0
    }
}
