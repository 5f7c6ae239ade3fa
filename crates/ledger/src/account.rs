//! Accounts and their leaves in the state tree.

use ark_ff::AdditiveGroup;

use crate::{field::Fr, keys::PublicKey, poseidon};

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
}

/// The leaf of an account; zero if there is no account.
#[must_use]
pub fn leaf(account: Option<&Account>) -> Fr {
    account.map_or(Fr::ZERO, Account::leaf)
}
