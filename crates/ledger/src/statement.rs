//! What a chunk's proof is about: commitments and values that L1 recomputes or checks.
#![allow(clippy::arithmetic_side_effects)] // field elements only

use ark_ff::{Field, batch_inversion};
use sha3::{Digest, Keccak256};

use crate::account::{AccountIndex, L1Address};
use crate::domain::Domain;
use crate::field::{self, Fr, power_of_two};
use crate::layout::{BLOB_ELEMENTS, Layout};
use crate::operation::Deposit;
use crate::poseidon;

/// First word of the challenge's preimage, padded with zeros to 32 bytes.
const CHALLENGE_TAG: &[u8] = b"fernet.z.v1";

/// Commitment to a chunk's data: Poseidon sponge over the domain and the elements of all slots.
#[must_use]
pub fn data_commitment(domain: Domain, elements: &[Fr]) -> Fr {
    let absorbed: Vec<Fr> = std::iter::once(domain.element()).chain(elements.iter().copied()).collect();
    poseidon::sponge(poseidon::data_capacity(absorbed.len()), &absorbed)
}

/// The point at which the block's blobs and deposits are evaluated:
/// `keccak256("fernet.z.v1" ‖ headerHash ‖ queueHash ‖ domain ‖ D_0 ‖ … ‖ D_{K-1}) >> 3`, words of 32 bytes.
#[must_use]
pub fn challenge(header_hash: [u8; 32], queue_hash: [u8; 32], domain: Domain, commitments: &[Fr]) -> Fr {
    let mut tag = [0u8; 32];
    tag.iter_mut().zip(CHALLENGE_TAG).for_each(|(target, source)| *target = *source);
    let mut hasher = Keccak256::new();
    hasher.update(tag);
    hasher.update(header_hash);
    hasher.update(queue_hash);
    hasher.update(field::to_bytes(&domain.element()));
    for commitment in commitments {
        hasher.update(field::to_bytes(commitment));
    }
    field::from_digest(&hasher.finalize().into())
}

/// The challenge as seen from a chunk: divided by the factor between its points and those of the blob's first chunk.
#[must_use]
pub fn chunk_challenge(layout: &Layout, chunk_in_blob: usize, challenge: Fr) -> Fr {
    // A power of a root of unity is never zero.
    challenge * layout.shift(chunk_in_blob).inverse().unwrap_or_default()
}

/// A chunk's share of its blob polynomial's value: `(z^4096 − 1)/4096 · Σ d_j·μ_j/(z − μ_j)`.
///
/// `z` is the chunk's challenge. A digest hits none of the 4,096 points but with probability 2^-240; the sum would
/// then leave that term out.
#[must_use]
pub fn share(layout: &Layout, z: Fr, elements: &[Fr]) -> Fr {
    let points = layout.points();
    let mut denominators: Vec<Fr> = points.iter().map(|point| z - point).collect();
    batch_inversion(&mut denominators);
    let sum: Fr = elements
        .iter()
        .zip(&points)
        .zip(&denominators)
        .map(|((d, point), inverse)| *d * point * inverse)
        .sum();
    vanishing(z) * sum
}

/// `(z^4096 − 1)/4096`.
fn vanishing(z: Fr) -> Fr {
    let count = Fr::from(BLOB_ELEMENTS as u64);
    (z.pow([BLOB_ELEMENTS as u64]) - Fr::ONE) * count.inverse().unwrap_or_default()
}

/// The polynomial of the domain and a chunk's deposits at the chunk's challenge, by Horner's rule.
#[must_use]
pub fn deposit_value<'a>(domain: Domain, z: Fr, deposits: impl IntoIterator<Item = &'a Deposit>) -> Fr {
    deposits.into_iter().fold(domain.element(), |value, deposit| {
        let packed = Fr::from(deposit.to.get()) + Fr::from(deposit.amount) * power_of_two(32);
        ((value * z + packed) * z + deposit.key.x()) * z + deposit.key.y()
    })
}

/// Payee of the proof's reward and fee recipient in one element: 160 and 32 bits.
#[must_use]
pub fn recipients(payee: L1Address, fee_recipient: AccountIndex) -> Fr {
    payee.to_field() + Fr::from(fee_recipient.get()) * power_of_two(160)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::AdditiveGroup;

    /// Lagrange interpolation over all 4,096 points, the definition.
    fn evaluate(layout: &Layout, blob: &[Fr], z: Fr) -> Fr {
        let whole = Layout::new(BLOB_ELEMENTS, BLOB_ELEMENTS, 1).unwrap();
        let _ = layout;
        share(&whole, z, blob)
    }

    #[test]
    fn shares_add_up_to_the_blob() {
        let layout = Layout::new(3, 4, 5).unwrap();
        let z = Fr::from(123_456_789u64);
        let mut blob = vec![Fr::ZERO; BLOB_ELEMENTS];
        let mut sum = Fr::ZERO;
        for chunk in 0..5usize {
            let elements: Vec<Fr> = (0..3).map(|slot| Fr::from((chunk * 7 + slot + 1) as u64)).collect();
            blob[4 * chunk..4 * chunk + 3].copy_from_slice(&elements);
            sum += share(&layout, chunk_challenge(&layout, chunk, z), &elements);
        }
        assert_eq!(sum, evaluate(&layout, &blob, z));
        // A constant polynomial has the same value everywhere.
        assert_eq!(evaluate(&layout, &vec![Fr::from(9u64); BLOB_ELEMENTS], z), Fr::from(9u64));
    }

    #[test]
    fn the_challenge_depends_on_every_part() {
        let domain = Domain::from_element(Fr::from(1u64));
        let base = challenge([1; 32], [2; 32], domain, &[Fr::from(3u64)]);
        assert_ne!(base, challenge([0; 32], [2; 32], domain, &[Fr::from(3u64)]));
        assert_ne!(base, challenge([1; 32], [0; 32], domain, &[Fr::from(3u64)]));
        assert_ne!(base, challenge([1; 32], [2; 32], Domain::from_element(Fr::ZERO), &[Fr::from(3u64)]));
        assert_ne!(base, challenge([1; 32], [2; 32], domain, &[Fr::from(4u64)]));
        assert_ne!(base, challenge([1; 32], [2; 32], domain, &[Fr::from(3u64), Fr::ZERO]));
    }

    #[test]
    fn without_deposits_the_value_is_the_domain() {
        let domain = Domain::from_element(Fr::from(77u64));
        assert_eq!(deposit_value(domain, Fr::from(5u64), []), Fr::from(77u64));
    }
}
