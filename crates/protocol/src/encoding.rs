//! Solidity's `abi.encode` of words, and canonical reading of them.

use alloy_primitives::{Address, B256, U256, keccak256};

/// A sequence of 32-byte words under construction.
#[derive(Debug, Default)]
pub(crate) struct Words(Vec<u8>);

impl Words {
    pub(crate) fn with_capacity(words: usize) -> Self {
        Self(Vec::with_capacity(words.saturating_mul(32)))
    }

    pub(crate) fn word(mut self, word: B256) -> Self {
        self.0.extend_from_slice(word.as_slice());
        self
    }

    pub(crate) fn uint(self, value: impl Into<u128>) -> Self {
        self.u256(U256::from(value.into()))
    }

    pub(crate) fn u256(self, value: U256) -> Self {
        self.word(B256::from(value.to_be_bytes()))
    }

    pub(crate) fn address(self, address: Address) -> Self {
        self.word(address.into_word())
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn hash(&self) -> B256 {
        keccak256(&self.0)
    }
}

/// A text of at most 32 bytes as Solidity makes a `bytes32` of it: padded at the right.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // `at` is below 32, and all calls are constants
pub(crate) const fn tag(text: &str) -> B256 {
    let mut word = [0; 32];
    let (mut left, mut at) = (text.as_bytes(), 0);
    while let [first, rest @ ..] = left {
        if at >= 32 {
            break;
        }
        word[at] = *first;
        at += 1;
        left = rest;
    }
    B256::new(word)
}

/// Reads whole words from the front of hostile bytes.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn word(&mut self) -> Option<B256> {
        let (word, rest) = self.0.split_first_chunk::<32>()?;
        self.0 = rest;
        Some(B256::new(*word))
    }

    /// A word that is an address, its upper bytes zero.
    pub(crate) fn address(&mut self) -> Option<Address> {
        let word = self.word()?;
        let address = Address::from_word(word);
        (address.into_word() == word).then_some(address)
    }

    /// A word whose value fits `T`.
    pub(crate) fn uint<T: TryFrom<u64>>(&mut self) -> Option<T> {
        let value = u64::try_from(U256::from_be_bytes(self.word()?.0)).ok()?;
        T::try_from(value).ok()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
