//! Account keys and signatures: Schnorr over the prime-order subgroup of Jubjub with a Poseidon challenge.
//!
//! A signature of `(m, a)` in a domain is `(e, s)` with `R = k·G`, `e` = the lowest 128 bits of the Poseidon hash of
//! `(R.x, R.y, m, a)` whose capacity is the domain, and `s = k + e·sk`. It holds if `R' = s·G − e·pk` hashes to `e`.
#![allow(clippy::arithmetic_side_effects)] // field elements and curve points only

use ark_ec::{AffineRepr, CurveGroup, PrimeGroup};
use ark_ed_on_bls12_381::{EdwardsAffine, EdwardsProjective, Fr as Scalar};
use ark_ff::{AdditiveGroup, BigInteger, PrimeField};
use sha3::{Digest, Sha3_512};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::domain::Domain;
use crate::field::{self, Fr};
use crate::poseidon;

/// Bytes of an encoded signature.
pub const SIGNATURE_BYTES: usize = 48;

/// Why bytes or coordinates aren't a key or a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A coordinate isn't a field element.
    #[error(transparent)]
    Field(#[from] field::FieldError),
    /// The coordinates don't satisfy the curve's equation.
    #[error("expected a point on jubjub, got (0x{}, 0x{})", field::hex(&field::to_bytes(.x)), field::hex(&field::to_bytes(.y)))]
    NotOnCurve {
        /// First coordinate.
        x: Fr,
        /// Second coordinate.
        y: Fr,
    },
    /// The point has x = 0: the neutral element or the point of order two.
    #[error("expected a key with nonzero x, got a point of order one or two")]
    ZeroX,
    /// The point lies outside the subgroup of prime order.
    #[error("expected a point of the prime-order subgroup, got one outside")]
    NotInSubgroup,
    /// The number isn't a nonzero scalar of the subgroup, or a response isn't below its order.
    #[error("expected a scalar below the order of the jubjub subgroup, got 0x{}", field::hex(.0))]
    ScalarNotCanonical([u8; 32]),
}

/// A point that may own an account: on the curve, with x ≠ 0.
///
/// L1 checks just this of a deposit's key, so such keys exist in the ledger; whoever makes or uses a key should also
/// ask for [`PublicKey::require_subgroup`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(EdwardsAffine);

impl PublicKey {
    /// The key with these coordinates.
    ///
    /// # Errors
    /// When they aren't a point on the curve, or x is zero.
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

    /// The key whose coordinates are these 64 bytes, x first, each most significant byte first.
    ///
    /// # Errors
    /// As [`PublicKey::new`], and when a coordinate isn't a field element.
    pub fn from_bytes(bytes: &[u8; 64]) -> Result<Self, KeyError> {
        let (mut x, mut y) = ([0u8; 32], [0u8; 32]);
        for (target, source) in x.iter_mut().chain(y.iter_mut()).zip(bytes) {
            *target = *source;
        }
        Self::new(field::from_bytes(&x)?, field::from_bytes(&y)?)
    }

    /// The coordinates as 64 bytes, x first, each most significant byte first.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 64] {
        let mut bytes = [0u8; 64];
        let coordinates = field::to_bytes(&self.0.x).into_iter().chain(field::to_bytes(&self.0.y));
        bytes.iter_mut().zip(coordinates).for_each(|(target, source)| *target = source);
        bytes
    }

    /// First coordinate.
    #[must_use]
    pub const fn x(&self) -> Fr {
        self.0.x
    }

    /// Second coordinate.
    #[must_use]
    pub const fn y(&self) -> Fr {
        self.0.y
    }

    /// Refuses a key outside the subgroup of prime order.
    ///
    /// # Errors
    /// When the point lies outside.
    pub fn require_subgroup(self) -> Result<Self, KeyError> {
        if self.0.is_in_correct_subgroup_assuming_on_curve() {
            Ok(self)
        } else {
            Err(KeyError::NotInSubgroup)
        }
    }

    /// Whether `signature` is this key's for `message` in `domain`.
    #[must_use]
    pub fn verify(&self, domain: Domain, message: &Message, signature: &Signature) -> bool {
        let challenge = [signature.challenge as u64, (signature.challenge >> 64) as u64];
        let point = EdwardsProjective::generator() * signature.response - self.0.mul_bigint(challenge);
        message.challenge(domain, &point.into_affine()) == signature.challenge
    }
}

/// What an account signs: the operation's data element with the nonce above it, and the L1 address of a withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// Data element + nonce · 2^168.
    pub operation: Fr,
    /// The L1 address that a withdrawal pays, zero for a transfer.
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
    /// The hash's lowest 128 bits, `e`.
    challenge: u128,
    /// `s = k + e·sk`, below the subgroup's order.
    response: Scalar,
}

impl Signature {
    /// Reads 16 bytes of challenge and 32 of response, each most significant byte first.
    ///
    /// # Errors
    /// When the response isn't below the subgroup's order.
    pub fn from_bytes(bytes: &[u8; SIGNATURE_BYTES]) -> Result<Self, KeyError> {
        let (mut challenge, mut response) = ([0u8; 16], [0u8; 32]);
        for (target, source) in challenge.iter_mut().chain(response.iter_mut()).zip(bytes) {
            *target = *source;
        }
        Ok(Self { challenge: u128::from_be_bytes(challenge), response: scalar(&response)? })
    }

    /// 16 bytes of challenge and 32 of response, each most significant byte first.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; SIGNATURE_BYTES] {
        let mut bytes = [0u8; SIGNATURE_BYTES];
        let parts = self.challenge.to_be_bytes().into_iter().chain(self.response.into_bigint().to_bytes_be());
        bytes.iter_mut().zip(parts).for_each(|(target, source)| *target = source);
        bytes
    }

    /// The hash's lowest 128 bits.
    #[must_use]
    pub const fn challenge(&self) -> u128 {
        self.challenge
    }

    /// The response as limbs, least significant first.
    #[must_use]
    pub fn response(&self) -> [u64; 4] {
        self.response.into_bigint().0
    }
}

/// A secret scalar. It is wiped when dropped and has no textual form.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SecretKey(Scalar);

impl SecretKey {
    /// The key that these 32 bytes encode, most significant first.
    ///
    /// # Errors
    /// When the number is zero or not below the subgroup's order.
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

    /// The secret scalar, 32 bytes, most significant first: for a key file, never for a log.
    #[must_use]
    pub fn to_bytes(&self) -> zeroize::Zeroizing<[u8; 32]> {
        let mut bytes = zeroize::Zeroizing::new([0u8; 32]);
        let encoded = zeroize::Zeroizing::new(self.0.into_bigint().to_bytes_be());
        bytes.iter_mut().zip(encoded.iter()).for_each(|(target, source)| *target = *source);
        bytes
    }

    /// The key that verifies what this one signs.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        // A nonzero multiple of the generator has prime order, hence x ≠ 0.
        PublicKey((EdwardsProjective::generator() * self.0).into_affine())
    }

    /// Signs. The nonce is derived from the secret and the message, so no randomness is needed.
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
        assert!(key.require_subgroup().is_ok());
    }

    #[test]
    fn a_key_outside_the_subgroup_is_told_apart() {
        // Adding the point of order two negates both coordinates.
        let inside = SecretKey::from_seed(b"alice").public_key();
        let outside = PublicKey::new(-inside.x(), -inside.y()).unwrap();
        assert_eq!(outside.require_subgroup(), Err(KeyError::NotInSubgroup));
    }

    #[test]
    fn a_secret_has_no_textual_form() {
        assert_eq!(format!("{:?}", SecretKey::from_seed(b"alice")), "SecretKey(..)");
    }
}
