//! Encoding of scalar field elements.
#![allow(clippy::arithmetic_side_effects)] // field elements, and shifts by constants

use alloy_primitives::{Address, U256, hex};
use ark_ff::{BigInt, BigInteger, Field, PrimeField};

/// An element of the scalar field of BLS12-381, the field of blobs, Poseidon hashes and public inputs.
pub use ark_bls12_381::Fr;

/// Why an integer of 256 bits isn't a field element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The number is not below the field's order.
    #[error("expected a number below the order of the scalar field, got {}", hex::encode_prefixed(.0))]
    NotCanonical([u8; 32]),
}

/// The value as 32 bytes, big-endian.
#[must_use]
pub fn to_bytes(value: &Fr) -> [u8; 32] {
    let mut bytes = [0u8; 32];
    let limbs = value.into_bigint().0;
    for (chunk, limb) in bytes.chunks_exact_mut(8).zip(limbs.iter().rev()) {
        chunk.copy_from_slice(&limb.to_be_bytes());
    }
    bytes
}

/// Reads 32 big-endian bytes.
///
/// # Errors
/// Fails if the number is not below the field's order.
pub fn from_bytes(bytes: &[u8; 32]) -> Result<Fr, FieldError> {
    Fr::from_bigint(limbs(bytes)).ok_or(FieldError::NotCanonical(*bytes))
}

/// Reads an integer of 256 bits, a word of the EVM.
///
/// # Errors
/// Fails if the number is not below the field's order.
pub fn from_word(word: U256) -> Result<Fr, FieldError> {
    Fr::from_bigint(BigInt::new(word.into_limbs()))
        .ok_or_else(|| FieldError::NotCanonical(word.to_be_bytes()))
}

/// The value as an integer of 256 bits, a word of the EVM.
#[must_use]
pub fn to_word(value: &Fr) -> U256 {
    U256::from_limbs(value.into_bigint().0)
}

/// An L1 address as a number below 2^160.
#[must_use]
pub fn from_address(address: Address) -> Fr {
    // 160 bits are below the field's order.
    from_word(address.into_word().into()).unwrap_or_default()
}

/// The lowest 160 bits of a value as an L1 address.
pub(crate) fn low_address(value: &Fr) -> Address {
    Address::from_word(to_bytes(value).into())
}

/// The upper 253 bits of a 256-bit digest, as a field element (2^253 is below the field's order).
#[must_use]
pub fn from_digest(digest: &[u8; 32]) -> Fr {
    // Exact: the shifted number is below the order, so no reduction takes place.
    Fr::from_bigint(limbs(digest) >> 3).unwrap_or_default()
}

/// 2^`exponent` as a field element.
#[must_use]
pub fn power_of_two(exponent: u64) -> Fr {
    Fr::from(2u64).pow([exponent])
}

/// The lowest 128 bits of the canonical representation of `value`.
pub(crate) fn low_128_bits(value: &Fr) -> u128 {
    let [low, high, ..] = value.into_bigint().0;
    u128::from(low) | (u128::from(high) << 64)
}

fn limbs(bytes: &[u8; 32]) -> BigInt<4> {
    let mut limbs = [0u64; 4];
    for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.chunks_exact(8)) {
        *limb = chunk.iter().fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
    }
    BigInt::new(limbs)
}

/// Hexadecimal text of a value with 0x in front, for messages.
pub(crate) fn text(value: &Fr) -> String {
    hex::encode_prefixed(to_bytes(value))
}

/// Whether `value` has at most `bits` bits.
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
