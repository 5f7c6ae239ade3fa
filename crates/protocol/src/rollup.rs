//! The identity of a rollup, and the values that depend on nothing else.

use std::fmt;

use alloy_primitives::{Address, B256, Keccak256, U256, keccak256};
use serde::{Deserialize, Serialize};

use crate::{
    ChainId,
    encoding::{Words, tag},
};

/// Domain of the parent hash of the first block: `bytes32("fernet.genesis.v1")`.
const GENESIS_DOMAIN: B256 = tag("fernet.genesis.v1");
/// First bytes of the preimage of the ledger's domain, without padding.
const LEDGER_DOMAIN: &[u8] = b"fernet.ledger.v1";
const EIP712_DOMAIN_TYPE: &[u8] =
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const EIP712_NAME: &[u8] = b"Fernet";
const EIP712_VERSION: &[u8] = b"1";

/// Identity of a rollup: the L1 and the address of its contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RollupId {
    /// Chain id of the L1.
    pub chain_id: ChainId,
    /// Address of the `Rollup` contract.
    pub address: Address,
}

impl RollupId {
    /// The rollup at `address` on the chain `chain_id`.
    #[must_use]
    pub const fn new(chain_id: ChainId, address: Address) -> Self {
        Self { chain_id, address }
    }

    /// The parent hash of the first block: `keccak256(abi.encode("fernet.genesis.v1", chainId, rollup))`.
    #[must_use]
    pub fn genesis_hash(&self) -> B256 {
        Words::with_capacity(3).word(GENESIS_DOMAIN).uint(self.chain_id.get()).address(self.address).hash()
    }

    /// The domain of the ledger: `keccak256("fernet.ledger.v1" ‖ uint256 chainId ‖ address rollup) >>
    /// 3`, which is below the order of the scalar field of BLS12-381.
    #[must_use]
    pub fn domain(&self) -> U256 {
        let mut hasher = Keccak256::new();
        hasher.update(LEDGER_DOMAIN);
        hasher.update(U256::from(self.chain_id.get()).to_be_bytes::<32>());
        hasher.update(self.address);
        U256::from_be_bytes(hasher.finalize().0).wrapping_shr(3)
    }

    /// The EIP-712 domain separator of quotes.
    #[must_use]
    pub fn eip712_separator(&self) -> B256 {
        Words::with_capacity(5)
            .word(keccak256(EIP712_DOMAIN_TYPE))
            .word(keccak256(EIP712_NAME))
            .word(keccak256(EIP712_VERSION))
            .uint(self.chain_id.get())
            .address(self.address)
            .hash()
    }
}

impl fmt::Display for RollupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rollup {} on chain {}", self.address, self.chain_id)
    }
}
