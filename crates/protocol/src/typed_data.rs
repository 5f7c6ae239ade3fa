//! What is signed of typed data (EIP-712), before it is hashed.

use std::fmt;

use alloy_primitives::{B256, hex, keccak256};

/// The 66 bytes `0x1901 ‖ domain separator ‖ struct hash`, whose Keccak-256 is the digest that is signed. A
/// remote signer hashes what it signs by itself, so it needs these bytes and not the digest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SigningPreimage([u8; Self::LENGTH]);

impl SigningPreimage {
    /// Bytes of a preimage.
    pub const LENGTH: usize = 66;

    /// The preimage of a struct's hash in a domain.
    #[must_use]
    pub fn new(domain_separator: B256, struct_hash: B256) -> Self {
        let mut bytes = [0; Self::LENGTH];
        let parts = [0x19, 0x01].into_iter().chain(domain_separator).chain(struct_hash);
        bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
        Self(bytes)
    }

    /// The bytes, which are hashed.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The digest, which is signed.
    #[must_use]
    pub fn digest(&self) -> B256 {
        keccak256(self.0)
    }
}

impl fmt::Debug for SigningPreimage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningPreimage({})", hex::encode_prefixed(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preimage_is_prefix_domain_and_struct_hash() {
        let preimage = SigningPreimage::new(B256::repeat_byte(1), B256::repeat_byte(2));
        let expected = [vec![0x19, 0x01], vec![1; 32], vec![2; 32]].concat();
        assert_eq!(preimage.as_bytes(), expected);
        assert_eq!(preimage.digest(), keccak256(expected));
    }
}
