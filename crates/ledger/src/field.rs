//! Encoding of scalar field elements, the ledger's only number type besides integers.
#![allow(clippy::arithmetic_side_effects)] // field elements, and shifts by constants

use ark_ff::{BigInteger, PrimeField};

/// The scalar field of BLS12-381: what blobs, Poseidon hashes and the proof's public inputs are made of.
pub use ark_bls12_381::Fr;

/// Why 32 bytes aren't a field element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The number is not below the field's order.
    #[error("expected a number below the order of the scalar field, got 0x{}", hex(.0))]
    NotCanonical([u8; 32]),
}

/// The 32 bytes of `value`, most significant first.
#[must_use]
pub fn to_bytes(value: &Fr) -> [u8; 32] {
    let mut bytes = [0u8; 32];
    let limbs = value.into_bigint().0;
    for (chunk, limb) in bytes.chunks_exact_mut(8).zip(limbs.iter().rev()) {
        chunk.copy_from_slice(&limb.to_be_bytes());
    }
    bytes
}

/// Reads 32 bytes, most significant first.
///
/// # Errors
/// When the number is not below the field's order.
pub fn from_bytes(bytes: &[u8; 32]) -> Result<Fr, FieldError> {
    Fr::from_bigint(limbs(bytes)).ok_or(FieldError::NotCanonical(*bytes))
}

/// The upper 253 bits of a 256-bit digest, as a field element (2^253 is below the field's order).
#[must_use]
pub fn from_digest(digest: &[u8; 32]) -> Fr {
    // Exact: the shifted number is below the order, so no reduction takes place.
    Fr::from_bigint(limbs(digest) >> 3).unwrap_or_default()
}

/// 2^`exponent` as a field element.
pub(crate) fn power_of_two(exponent: u64) -> Fr {
    use ark_ff::Field;
    Fr::from(2u64).pow([exponent])
}

/// The lowest 128 bits of the canonical representation of `value`.
pub(crate) fn low_128_bits(value: &Fr) -> u128 {
    let [low, high, ..] = value.into_bigint().0;
    u128::from(low) | (u128::from(high) << 64)
}

fn limbs(bytes: &[u8; 32]) -> ark_ff::BigInt<4> {
    let mut limbs = [0u64; 4];
    for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.chunks_exact(8)) {
        *limb = chunk.iter().fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
    }
    ark_ff::BigInt::new(limbs)
}

/// Lowercase hexadecimal of `bytes`, for messages.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether `value` fits `bits` bits.
pub(crate) fn fits(value: &Fr, bits: u32) -> bool {
    value.into_bigint().num_bits() <= bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_trip_and_the_order_is_refused() {
        let value = Fr::from(0x0102_0304_0506_0708u64) * power_of_two(180);
        assert_eq!(from_bytes(&to_bytes(&value)), Ok(value));
        let minus_one = to_bytes(&-Fr::from(1u64));
        assert_eq!(from_bytes(&minus_one), Ok(-Fr::from(1u64)));
        let mut order = minus_one;
        order[31] = 1;
        assert_eq!(from_bytes(&order), Err(FieldError::NotCanonical(order)));
    }

    #[test]
    fn a_digest_loses_three_bits() {
        let mut digest = [0u8; 32];
        digest[31] = 0b1000;
        assert_eq!(from_digest(&digest), Fr::from(1u64));
        assert_eq!(from_digest(&[0xff; 32]), power_of_two(253) - Fr::from(1u64));
    }
}
