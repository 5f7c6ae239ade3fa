//! Accounts and their leaves in the state tree.

use ark_ff::AdditiveGroup;

use crate::{
    field::Fr,
    keys::{KeyError, PublicKey},
    poseidon,
};

/// Bytes of an encoded account.
pub const ACCOUNT_BYTES: usize = 76;

/// Number of an account, and index of its leaf in the state tree. The bridge assigns 1, 2, 3, … and never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AccountIndex(u32);

impl AccountIndex {
    /// The index that no account has. A block with this fee recipient burns its fees.
    pub const RESERVED: Self = Self(0);

    /// The account with this number.
    #[must_use]
    pub const fn new(index: u32) -> Self {
        Self(index)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for AccountIndex {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "#{}", self.0)
    }
}

/// State of an account. Amounts are in L2 units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Account {
    /// Verifies its signatures; never changes.
    pub key: PublicKey,
    /// Amount that it owns.
    pub balance: u64,
    /// Number of operations that it has signed.
    pub nonce: u32,
}

impl Account {
    /// The account's leaf in the state tree.
    #[must_use]
    pub fn leaf(&self) -> Fr {
        let inputs = [self.key.x(), self.key.y(), Fr::from(self.balance), Fr::from(self.nonce)];
        poseidon::hash(Fr::from(poseidon::LEAF_TAG), inputs)
    }

    /// The account as bytes: key (x, y), balance, nonce, each big-endian.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; ACCOUNT_BYTES] {
        let (balance, nonce) = (self.balance.to_be_bytes(), self.nonce.to_be_bytes());
        let fields = self.key.to_bytes().into_iter().chain(balance).chain(nonce);
        let mut bytes = [0; ACCOUNT_BYTES];
        bytes.iter_mut().zip(fields).for_each(|(target, source)| *target = source);
        bytes
    }

    /// Reads an account from [`Self::to_bytes`].
    ///
    /// # Errors
    /// Fails if the key isn't one.
    pub fn from_bytes(bytes: &[u8; ACCOUNT_BYTES]) -> Result<Self, KeyError> {
        let (mut key, mut balance, mut nonce) = ([0; 64], [0; 8], [0; 4]);
        let fields = key.iter_mut().chain(&mut balance).chain(&mut nonce);
        fields.zip(bytes).for_each(|(target, source)| *target = *source);
        Ok(Self {
            key: PublicKey::from_bytes(&key)?,
            balance: u64::from_be_bytes(balance),
            nonce: u32::from_be_bytes(nonce),
        })
    }
}

/// The leaf of an account; zero if there is no account.
#[must_use]
pub fn leaf(account: Option<&Account>) -> Fr {
    account.map_or(Fr::ZERO, Account::leaf)
}
