//! Accounts and where they live.

use ark_ff::AdditiveGroup;

use crate::field::Fr;
use crate::keys::PublicKey;
use crate::poseidon;

/// Number of an account: its leaf's place in the state tree. The bridge assigns 1, 2, 3, … and never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AccountIndex(u32);

impl AccountIndex {
    /// The index that no account has. As a fee recipient it burns the fees.
    pub const RESERVED: Self = Self(0);

    /// Account number `index`.
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

/// What the ledger knows of an account. Amounts are in the smallest unit of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Account {
    /// Who may sign for it; never changes.
    pub key: PublicKey,
    /// What it owns.
    pub balance: u64,
    /// How many operations it has signed.
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

/// The leaf of an account, or zero where there is none.
#[must_use]
pub fn leaf(account: Option<&Account>) -> Fr {
    account.map_or(Fr::ZERO, Account::leaf)
}

/// An address on L1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct L1Address(pub [u8; 20]);

impl L1Address {
    /// The address as a number below 2^160.
    #[must_use]
    pub fn to_field(self) -> Fr {
        let mut bytes = [0u8; 32];
        for (byte, own) in bytes.iter_mut().skip(12).zip(self.0) {
            *byte = own;
        }
        // 160 bits are below the order.
        crate::field::from_bytes(&bytes).unwrap_or_default()
    }
}

impl std::fmt::Display for L1Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "0x{}", crate::field::hex(&self.0))
    }
}
