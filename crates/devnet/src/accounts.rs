//! The accounts of a devnet. Every key is derived from the run's seed, and is for development only.

use std::sync::Arc;

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    signers::local::PrivateKeySigner,
};
use fernet_ledger::{PublicKey, SecretKey};
use fernet_protocol::BlsSecretKey;

/// How many roles of each kind a devnet has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleCounts {
    /// Sequencers, at least 1.
    pub sequencers: usize,
    /// Provers, at least 1.
    pub provers: usize,
}

impl Default for RoleCounts {
    /// Four sequencers and two provers.
    fn default() -> Self {
        Self { sequencers: 4, provers: 2 }
    }
}

/// Users of a devnet, each with an account on L2.
pub const USERS: usize = 6;

/// The first account that every development chain funds (mnemonic `test … junk`): it deploys and pays for the
/// others. Publicly known, worthless by design.
const FUNDER_KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/// Environment variable with the key to use instead, on an L1 where that account has nothing.
pub const FUNDER_VARIABLE: &str = "FERNET_DEPLOYER_KEY";

/// The given key of the deployer isn't one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a private key of 32 bytes in hexadecimal in {FUNDER_VARIABLE}")]
pub struct BadFunderKey;

/// The owner of an account on L2.
#[derive(Clone)]
pub struct User {
    /// On L1.
    pub l1: PrivateKeySigner,
    /// On L2.
    pub l2: Arc<SecretKey>,
}

/// Keys stay out of logs.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("address", &self.l1.address()).finish_non_exhaustive()
    }
}

impl User {
    /// The public part of the L2 key.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        self.l2.public_key()
    }
}

/// All accounts of a devnet.
#[derive(Debug, Clone)]
pub struct Accounts {
    /// Deploys the contracts, owns the tokens, pays for the others.
    pub funder: PrivateKeySigner,
    /// Attesters, who are their own owners.
    pub sequencers: Vec<PrivateKeySigner>,
    /// The sequencers' BLS keys, which draw their scores where the deployment wants that.
    pub bls: Vec<BlsSecretKey>,
    /// The sequencers' accounts for blob transactions: nodes don't take both kinds from one account at a
    /// time.
    pub blob_accounts: Vec<PrivateKeySigner>,
    /// Provers.
    pub provers: Vec<PrivateKeySigner>,
    /// Users.
    pub users: Vec<User>,
}

impl Accounts {
    /// The accounts of a run.
    ///
    /// # Errors
    /// When the environment names a funder's key that isn't one.
    pub fn new(seed: u64, counts: RoleCounts) -> Result<Self, BadFunderKey> {
        let RoleCounts { sequencers, provers } = counts;
        let given = std::env::var(FUNDER_VARIABLE).ok();
        let funder = given.as_deref().unwrap_or(FUNDER_KEY).parse().map_err(|_| BadFunderKey)?;
        let user = |n| User {
            l1: signer(seed, "user", n),
            l2: Arc::new(SecretKey::from_seed(secret(seed, "ledger", n).as_slice())),
        };
        Ok(Self {
            funder,
            sequencers: (0..sequencers).map(|n| signer(seed, "sequencer", n)).collect(),
            bls: (0..sequencers).map(|n| bls_key(seed, n)).collect(),
            blob_accounts: (0..sequencers).map(|n| signer(seed, "sequencer's blobs", n)).collect(),
            provers: (0..provers).map(|n| signer(seed, "prover", n)).collect(),
            users: (0..USERS).map(user).collect(),
        })
    }

    /// Every L1 account but the funder's, with the ether it needs for its transactions, in wei.
    pub fn needs(&self) -> impl Iterator<Item = (Address, U256)> + '_ {
        // Blob transactions dominate; ten ether last for thousands of slots at a development chain's fees.
        let ether = U256::from(10).pow(U256::from(18));
        let roles = self
            .sequencers
            .iter()
            .chain(&self.blob_accounts)
            .chain(&self.provers)
            .map(move |s| (s.address(), ether * U256::from(10)));
        roles.chain(self.users.iter().map(move |user| (user.l1.address(), ether)))
    }

    /// Every L1 account.
    pub fn addresses(&self) -> impl Iterator<Item = Address> + '_ {
        std::iter::once(self.funder.address()).chain(self.needs().map(|(address, _)| address))
    }
}

fn secret(seed: u64, role: &str, number: usize) -> B256 {
    keccak256(format!("fernet.devnet.v1/{seed}/{role}/{number}"))
}

/// A signer from a seed. The chance that a digest is no valid key is about 2^-128; then the next one serves.
fn signer(seed: u64, role: &str, number: usize) -> PrivateKeySigner {
    let mut key = secret(seed, role, number);
    loop {
        if let Ok(signer) = PrivateKeySigner::from_bytes(&key) {
            return signer;
        }
        key = keccak256(key);
    }
}

/// A BLS key from a seed. A digest has the 32 bytes that key generation asks for.
fn bls_key(seed: u64, number: usize) -> BlsSecretKey {
    let mut material = secret(seed, "sequencer's scores", number);
    loop {
        if let Ok(key) = BlsSecretKey::from_seed(material.as_slice()) {
            return key;
        }
        material = keccak256(material);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_seed_decides_on_everybody_and_nobody_is_there_twice() {
        let counts = RoleCounts { sequencers: 5, provers: 3 };
        let accounts = |seed| Accounts::new(seed, counts).unwrap();
        let (one, again, other) = (accounts(1), accounts(1), accounts(2));
        let addresses = |accounts: &Accounts| accounts.addresses().collect::<Vec<_>>();
        assert_eq!(addresses(&one), addresses(&again));
        assert_ne!(addresses(&one)[1..], addresses(&other)[1..]);
        let unique: BTreeSet<_> = addresses(&one).into_iter().collect();
        assert_eq!(unique.len(), 1 + 2 * 5 + 3 + USERS);
        assert_eq!(one.users[0].key(), again.users[0].key());
        assert_ne!(one.users[0].key(), one.users[1].key());
    }

    #[test]
    fn keys_stay_out_of_the_debug_output() {
        let accounts = Accounts::new(1, RoleCounts::default()).unwrap();
        let secret = alloy::hex::encode(accounts.users[0].l1.to_bytes());
        assert!(!format!("{accounts:?}").contains(&secret));
    }
}
