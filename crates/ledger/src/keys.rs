//! Account keys and signatures: Schnorr over the prime-order subgroup of Jubjub with a Poseidon challenge.
//!
//! A signature of `(m, a)` in a domain is `(e, s)` with `R = k·G`, `e` = the lowest 128 bits of the Poseidon
//! hash of `(R.x, R.y, m, a)` whose capacity is the domain, and `s = k + e·sk`. It is valid if
//! `R' = s·G − e·pk` hashes to `e`.
//!
//! Verification takes the time that it takes. Signing uses no table whose lines a secret chooses.
#![allow(clippy::arithmetic_side_effects)] // field elements and curve points only

use std::sync::LazyLock;

use alloy_primitives::{U256, hex};
use ark_ec::scalar_mul::wnaf::WnafContext;
use ark_ec::{CurveGroup, PrimeGroup};
use ark_ed_on_bls12_381::{EdwardsAffine, EdwardsProjective, Fr as Scalar};
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use sha3::{Digest, Sha3_512};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{
    domain::Domain,
    field::{self, Fr},
    poseidon,
};

/// Bits of the windows of a multiple of a key: the fastest for 128 bits.
const WINDOW_BITS: usize = 4;
/// Points of one row of [`MULTIPLES`].
const ROW: usize = 255;
/// Multiples of the generator, half a mebibyte: row `i` has `j·256^i·G` for `j` from 1 to 255. With them
/// `s·G` takes one addition for each byte of `s`, and no doubling.
///
/// One thread makes them. Whoever waits for it may be a thread of rayon's, so it must not wait for rayon.
static MULTIPLES: LazyLock<Vec<EdwardsAffine>> = LazyLock::new(|| {
    let mut multiples = Vec::with_capacity(ROW * SCALAR_BYTES);
    let mut base = EdwardsProjective::generator();
    for _ in 0..SCALAR_BYTES {
        let mut multiple = base;
        for _ in 0..ROW {
            multiples.push(multiple);
            multiple += base;
        }
        base = multiple;
    }
    to_affine(&multiples)
});
/// Bytes of a scalar.
const SCALAR_BYTES: usize = 32;

/// Bytes of an encoded signature.
pub const SIGNATURE_BYTES: usize = 48;

/// Why bytes or coordinates aren't a key or a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A coordinate isn't a field element.
    #[error(transparent)]
    Field(#[from] field::FieldError),
    /// The coordinates don't satisfy the curve's equation.
    #[error("expected a point on jubjub, got ({}, {})", field::text(.x), field::text(.y))]
    NotOnCurve { x: Fr, y: Fr },
    /// The point has x = 0: it is the neutral element or the point of order two.
    #[error("key has x = 0: it is a point of order one or two")]
    ZeroX,
    /// A secret key is zero, or a scalar isn't below the order of the subgroup.
    #[error("expected a scalar from 1 to the order of the jubjub subgroup, got {}", hex::encode_prefixed(.0))]
    ScalarNotCanonical([u8; 32]),
}

/// The key of an account: a point on the curve with x ≠ 0.
///
/// L1 accepts every such point as the key of a deposit, so a key of the ledger may lie outside the subgroup
/// of prime order. The key of a [`SecretKey`] is always in the subgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(EdwardsAffine);

impl PublicKey {
    /// The key with these coordinates.
    ///
    /// # Errors
    /// Fails if they aren't a point on the curve, or if x is zero.
    pub fn new(x: Fr, y: Fr) -> Result<Self, KeyError> {
        let point = EdwardsAffine::new_unchecked(x, y);
        if !point.is_on_curve() {
            return Err(KeyError::NotOnCurve { x, y });
        }
        if x == Fr::ZERO {
            return Err(KeyError::ZeroX);
        }
        Ok(Self(point))
    }

    /// The key whose coordinates are these two words of the EVM.
    ///
    /// # Errors
    /// Fails as [`PublicKey::new`] does, or if a coordinate isn't a field element.
    pub fn from_words(x: U256, y: U256) -> Result<Self, KeyError> {
        Self::new(field::from_word(x)?, field::from_word(y)?)
    }

    /// The key whose coordinates are these 64 bytes: x, then y, both big-endian.
    ///
    /// # Errors
    /// Fails as [`PublicKey::new`] does, or if a coordinate isn't a field element.
    pub fn from_bytes(bytes: &[u8; 64]) -> Result<Self, KeyError> {
        let (mut x, mut y) = ([0u8; 32], [0u8; 32]);
        for (target, source) in x.iter_mut().chain(y.iter_mut()).zip(bytes) {
            *target = *source;
        }
        Self::new(field::from_bytes(&x)?, field::from_bytes(&y)?)
    }

    /// The coordinates as 64 bytes: x, then y, both big-endian.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 64] {
        let mut bytes = [0u8; 64];
        let coordinates = field::to_bytes(&self.0.x).into_iter().chain(field::to_bytes(&self.0.y));
        bytes.iter_mut().zip(coordinates).for_each(|(target, source)| *target = source);
        bytes
    }

    /// Affine x.
    #[must_use]
    pub const fn x(&self) -> Fr {
        self.0.x
    }

    /// Affine y.
    #[must_use]
    pub const fn y(&self) -> Fr {
        self.0.y
    }

    /// Whether `signature` is a signature of `message` in `domain` under this key.
    #[must_use]
    pub fn verify(&self, domain: Domain, message: &Message, signature: &Signature) -> bool {
        // The multiple is of the integer, so it is right for a key outside the subgroup too.
        let multiple: EdwardsProjective =
            WnafContext::new(WINDOW_BITS).mul(self.0.into(), &Scalar::from(signature.challenge));
        let point: EdwardsProjective = generator_times(&signature.response) - multiple;
        message.challenge(domain, &point.into_affine()) == signature.challenge
    }
}

/// What an account signs: the operation's data element with the nonce in the bits above it, and the L1
/// address of a withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// Data element + nonce · 2^168.
    pub operation: Fr,
    /// L1 address of a withdrawal; zero for a transfer.
    pub target: Fr,
}

impl Message {
    fn challenge(&self, domain: Domain, point: &EdwardsAffine) -> u128 {
        let inputs = [point.x, point.y, self.operation, self.target];
        field::low_128_bits(&poseidon::hash(domain.element(), inputs))
    }
}

/// A Schnorr signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature {
    /// The lowest 128 bits of the hash, `e`.
    challenge: u128,
    /// `s = k + e·sk`, below the subgroup's order.
    response: Scalar,
}

impl Signature {
    /// Reads 16 bytes of challenge and 32 bytes of response, both big-endian.
    ///
    /// # Errors
    /// Fails if the response isn't below the subgroup's order.
    pub fn from_bytes(bytes: &[u8; SIGNATURE_BYTES]) -> Result<Self, KeyError> {
        let (mut challenge, mut response) = ([0u8; 16], [0u8; 32]);
        for (target, source) in challenge.iter_mut().chain(response.iter_mut()).zip(bytes) {
            *target = *source;
        }
        Ok(Self { challenge: u128::from_be_bytes(challenge), response: scalar(&response)? })
    }

    /// 16 bytes of challenge and 32 bytes of response, both big-endian.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; SIGNATURE_BYTES] {
        let mut bytes = [0u8; SIGNATURE_BYTES];
        let parts = self.challenge.to_be_bytes().into_iter().chain(self.response.into_bigint().to_bytes_be());
        bytes.iter_mut().zip(parts).for_each(|(target, source)| *target = source);
        bytes
    }

    /// The lowest 128 bits of the hash.
    #[must_use]
    pub const fn challenge(&self) -> u128 {
        self.challenge
    }

    /// The response as 64-bit limbs, least significant first.
    #[must_use]
    pub fn response(&self) -> [u64; 4] {
        self.response.into_bigint().0
    }
}

/// A secret scalar. Its memory is zeroed when it is dropped, and `Debug` doesn't print it.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SecretKey(Scalar);

impl SecretKey {
    /// The key that is this big-endian number.
    ///
    /// # Errors
    /// Fails if the number is zero or not below the subgroup's order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let secret = scalar(bytes)?;
        if secret == Scalar::ZERO {
            return Err(KeyError::ScalarNotCanonical(*bytes));
        }
        Ok(Self(secret))
    }

    /// The key derived from a seed: its SHA3-512 digest modulo the subgroup's order.
    #[must_use]
    pub fn from_seed(seed: &[u8]) -> Self {
        Self(hash_to_scalar(&[b"fernet.ledger.key.v1", seed]))
    }

    /// The secret scalar as 32 big-endian bytes. Write them to a key file, never to a log.
    #[must_use]
    pub fn to_bytes(&self) -> zeroize::Zeroizing<[u8; 32]> {
        let mut bytes = zeroize::Zeroizing::new([0u8; 32]);
        let encoded = zeroize::Zeroizing::new(self.0.into_bigint().to_bytes_be());
        bytes.iter_mut().zip(encoded.iter()).for_each(|(target, source)| *target = *source);
        bytes
    }

    /// The public key of this secret key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        // A nonzero multiple of the generator has prime order, so x ≠ 0.
        PublicKey((EdwardsProjective::generator() * self.0).into_affine())
    }

    /// Signs a message. The nonce is derived from the secret and the message, so signing needs no randomness.
    #[must_use]
    pub fn sign(&self, domain: Domain, message: &Message) -> Signature {
        let mut nonce = hash_to_scalar(&[
            b"fernet.ledger.nonce.v1",
            self.to_bytes().as_slice(),
            &field::to_bytes(&domain.element()),
            &field::to_bytes(&message.operation),
            &field::to_bytes(&message.target),
        ]);
        let point = (EdwardsProjective::generator() * nonce).into_affine();
        let challenge = message.challenge(domain, &point);
        let response = nonce + Scalar::from(challenge) * self.0;
        nonce.zeroize();
        Signature { challenge, response }
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SecretKey(..)")
    }
}

/// The affine form of points, with one inversion for all of them.
fn to_affine(points: &[EdwardsProjective]) -> Vec<EdwardsAffine> {
    let mut product = Fr::ONE;
    let mut before = Vec::with_capacity(points.len());
    for point in points {
        before.push(product);
        product *= point.z;
    }
    // No point of an Edwards curve has z = 0.
    let mut inverse = product.inverse().unwrap_or_default();
    let reversed = points.iter().zip(before).rev().map(|(point, before)| {
        let own = inverse * before;
        inverse *= point.z;
        EdwardsAffine::new_unchecked(point.x * own, point.y * own)
    });
    let mut affine: Vec<_> = reversed.collect();
    affine.reverse();
    affine
}

/// `scalar·G`, for scalars that aren't secret.
fn generator_times(scalar: &Scalar) -> EdwardsProjective {
    let bytes = scalar.into_bigint().0.into_iter().flat_map(u64::to_le_bytes);
    let rows = MULTIPLES.chunks_exact(ROW).zip(bytes);
    let points = rows.filter_map(|(row, byte)| row.get(usize::from(byte).checked_sub(1)?));
    points.fold(EdwardsProjective::ZERO, |sum, point| sum + point)
}

fn hash_to_scalar(parts: &[&[u8]]) -> Scalar {
    let mut hasher = Sha3_512::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut digest = hasher.finalize();
    let scalar = Scalar::from_be_bytes_mod_order(&digest);
    digest.iter_mut().for_each(Zeroize::zeroize);
    scalar
}

fn scalar(bytes: &[u8; 32]) -> Result<Scalar, KeyError> {
    let scalar = Scalar::from_be_bytes_mod_order(bytes);
    if scalar.into_bigint().to_bytes_be() == bytes {
        Ok(scalar)
    } else {
        Err(KeyError::ScalarNotCanonical(*bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message { operation: Fr::from(5u64), target: Fr::from(6u64) }
    }

    // rule: J14
    #[test]
    fn a_signature_holds_for_its_key_message_and_domain_only() {
        let (domain, other) = (Domain::from_element(Fr::from(1u64)), Domain::from_element(Fr::from(2u64)));
        let secret = SecretKey::from_seed(b"alice");
        let signature = secret.sign(domain, &message());
        let key = secret.public_key();
        assert!(key.verify(domain, &message(), &signature));
        assert!(!key.verify(other, &message(), &signature));
        assert!(!SecretKey::from_seed(b"bob").public_key().verify(domain, &message(), &signature));
        let changed = Message { target: Fr::from(7u64), ..message() };
        assert!(!key.verify(domain, &changed, &signature));
        let wrong = Signature { challenge: signature.challenge ^ 1, ..signature };
        assert!(!key.verify(domain, &message(), &wrong));
        let wrong = Signature { response: signature.response + Scalar::from(1u64), ..signature };
        assert!(!key.verify(domain, &message(), &wrong));
    }

    #[test]
    fn multiples_from_the_table_are_those_of_doubling_and_adding() {
        let edge = [0u64, 1, 255, 256, u64::MAX].map(Scalar::from);
        let random = (0..20u8).map(|seed| hash_to_scalar(&[&[seed]]));
        for scalar in edge.into_iter().chain([-Scalar::from(1u64)]).chain(random) {
            assert_eq!(generator_times(&scalar), EdwardsProjective::generator() * scalar, "{scalar}");
        }
    }

    /// L1 accepts every point of the curve as the key of a deposit: a signature that holds by the equation
    /// holds for such a key.
    #[test]
    fn a_key_outside_the_subgroup_verifies_by_the_equation() {
        // (0, -1) has order two, so the sum lies outside the subgroup.
        let two = EdwardsAffine::new_unchecked(Fr::ZERO, -Fr::from(1u64));
        let secret = SecretKey::from_seed(b"alice");
        let key = PublicKey((EdwardsProjective::from(secret.public_key().0) + two).into_affine());
        assert!(!key.0.is_in_correct_subgroup_assuming_on_curve());
        let domain = Domain::from_element(Fr::from(1u64));
        let message = |number: u64| Message { operation: Fr::from(number), target: Fr::ZERO };
        let mut outcomes = [0, 0];
        for number in 0..20 {
            let signature = secret.sign(domain, &message(number));
            // An even challenge takes the point of order two away.
            let is_even = signature.challenge % 2 == 0;
            assert_eq!(key.verify(domain, &message(number), &signature), is_even, "{number}");
            outcomes[usize::from(is_even)] += 1;
        }
        assert!(outcomes.iter().all(|count| *count > 0), "{outcomes:?}");
    }

    #[test]
    fn encodings_round_trip_and_refuse_what_is_not_canonical() {
        let secret = SecretKey::from_seed(b"alice");
        let again = SecretKey::from_bytes(&secret.to_bytes()).unwrap();
        assert_eq!(again.public_key(), secret.public_key());
        let key = secret.public_key();
        assert_eq!(PublicKey::from_bytes(&key.to_bytes()), Ok(key));
        let signature = secret.sign(Domain::from_element(Fr::ZERO), &message());
        assert_eq!(Signature::from_bytes(&signature.to_bytes()), Ok(signature));
        let mut bytes = signature.to_bytes();
        bytes[16..].fill(0xff);
        assert!(matches!(Signature::from_bytes(&bytes), Err(KeyError::ScalarNotCanonical(_))));
        assert!(matches!(SecretKey::from_bytes(&[0; 32]), Err(KeyError::ScalarNotCanonical(_))));
        assert!(matches!(PublicKey::new(Fr::ZERO, Fr::from(1u64)), Err(KeyError::ZeroX)));
        assert!(matches!(PublicKey::new(key.x(), key.x()), Err(KeyError::NotOnCurve { .. })));
        assert_eq!(PublicKey::from_words(field::to_word(&key.x()), field::to_word(&key.y())), Ok(key));
    }

    #[test]
    fn a_secret_has_no_textual_form() {
        assert_eq!(format!("{:?}", SecretKey::from_seed(b"alice")), "SecretKey(..)");
    }
}
