//! Encoding of words as by Solidity's `abi.encode`, and canonical decoding.

use alloy_primitives::{Address, B256, U256, keccak256};

/// Builds a sequence of 32-byte words.
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

    /// Two's complement, extended to 256 bits.
    pub(crate) fn int(self, value: i128) -> Self {
        let mut word = B256::repeat_byte(if value.is_negative() { 0xff } else { 0 });
        for (to, from) in word.0.iter_mut().rev().zip(value.to_be_bytes().iter().rev()) {
            *to = *from;
        }
        self.word(word)
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

/// A text of at most 32 bytes as Solidity's `bytes32`: with zeros after it.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // `index` is below 32
pub(crate) const fn tag(text: &str) -> B256 {
    let mut word = [0; 32];
    let (mut left, mut index) = (text.as_bytes(), 0);
    while let [first, rest @ ..] = left {
        if index >= 32 {
            break;
        }
        word[index] = *first;
        index += 1;
        left = rest;
    }
    B256::new(word)
}

/// Reads words from untrusted bytes.
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

    /// The next word as an address, if its upper bytes are zero.
    pub(crate) fn address(&mut self) -> Option<Address> {
        let word = self.word()?;
        let address = Address::from_word(word);
        (address.into_word() == word).then_some(address)
    }

    /// The next word as an integer, if `T` can represent it.
    pub(crate) fn uint<T: TryFrom<u64>>(&mut self) -> Option<T> {
        let value = u64::try_from(U256::from_be_bytes(self.word()?.0)).ok()?;
        T::try_from(value).ok()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
