//! The statement of a chunk's proof: commitments and values that L1 recomputes or checks.
#![allow(clippy::arithmetic_side_effects)] // field elements only

use alloy_primitives::{Address, Keccak256};
use ark_ff::{AdditiveGroup, Field, batch_inversion};

use crate::{
    account::AccountIndex,
    domain::Domain,
    fees::FeeBurn,
    field::{self, Fr, power_of_two},
    layout::{BLOB_ELEMENTS, Layout},
    operation::QueuedOperation,
    poseidon,
};

/// First word of the challenge's preimage, padded with zeros to 32 bytes.
const CHALLENGE_TAG: &[u8] = b"fernet.z.v1";

/// What a chunk's proof is bound to besides its data and its operations of L1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkContext {
    /// The deployment.
    pub domain: Domain,
    /// See [`recipients`].
    pub recipients: Fr,
    /// State root before the chunk.
    pub root_before: Fr,
    /// State root after the chunk.
    pub root_after: Fr,
}

impl ChunkContext {
    /// The elements in the order in which the commitment absorbs them and the binding has them as
    /// coefficients.
    #[must_use]
    pub const fn to_array(self) -> [Fr; 4] {
        [self.domain.element(), self.recipients, self.root_before, self.root_after]
    }
}

/// Commitment to a chunk: the Poseidon sponge over its context and the elements of all slots.
#[must_use]
pub fn commitment(context: &ChunkContext, elements: &[Fr]) -> Fr {
    let absorbed: Vec<Fr> = context.to_array().into_iter().chain(elements.iter().copied()).collect();
    poseidon::sponge(poseidon::data_capacity(absorbed.len()), &absorbed)
}

/// The preimage of a block's challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenged<'a> {
    /// Hash of the header.
    pub header_hash: [u8; 32],
    /// Rolling hash of the lane of deposits after those that the block consumes; zero if it consumes none.
    pub deposits_to: [u8; 32],
    /// Rolling hash of the lane of forced exits after those that the block consumes; zero if it consumes
    /// none.
    pub exits_to: [u8; 32],
    /// The deployment.
    pub domain: Domain,
    /// See [`recipients`].
    pub recipients: Fr,
    /// State root before the block.
    pub parent_root: Fr,
    /// For each chunk, the state root after it and its commitment.
    pub chunks: &'a [(Fr, Fr)],
}

/// The point at which the polynomials of the block's blobs and operations of L1 are evaluated.
///
/// It is `keccak256("fernet.z.v1" ‖ headerHash ‖ depositsTo ‖ exitsTo ‖ domain ‖ recipients ‖ parentRoot ‖
/// root_0 ‖ D_0 ‖ … ‖ root_{K-1} ‖ D_{K-1}) >> 3`, in words of 32 bytes.
#[must_use]
pub fn challenge(challenged: &Challenged<'_>) -> Fr {
    let mut tag = [0u8; 32];
    tag.iter_mut().zip(CHALLENGE_TAG).for_each(|(target, source)| *target = *source);
    let mut hasher = Keccak256::new();
    hasher.update(tag);
    hasher.update(challenged.header_hash);
    hasher.update(challenged.deposits_to);
    hasher.update(challenged.exits_to);
    let context = [challenged.domain.element(), challenged.recipients, challenged.parent_root];
    let chunks = challenged.chunks.iter().flat_map(|(root, commitment)| [*root, *commitment]);
    for element in context.into_iter().chain(chunks) {
        hasher.update(field::to_bytes(&element));
    }
    field::from_digest(&hasher.finalize().0)
}

/// The challenge of a chunk: the block's challenge divided by the factor between the points of the chunk and
/// those of the blob's first chunk.
#[must_use]
pub fn chunk_challenge(layout: &Layout, chunk_in_blob: usize, challenge: Fr) -> Fr {
    // A power of a root of unity is never zero.
    challenge * layout.shift(chunk_in_blob).inverse().unwrap_or_default()
}

/// A chunk's share of the value of its blob's polynomial: `(z^4096 − 1)/4096 · Σ d_j·μ_j/(z − μ_j)`.
///
/// `z` is the chunk's challenge. The probability that a digest is one of the 4,096 points is about 2^-240.
/// The sum omits the term of such a point.
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

/// The value at the chunk's challenge of the polynomial whose coefficients are the chunk's context and its
/// operations of L1 in the order of the data, computed by Horner's rule.
#[must_use]
pub fn binding<'a>(
    context: &ChunkContext,
    z: Fr,
    operations: impl IntoIterator<Item = &'a QueuedOperation>,
) -> Fr {
    let queued = operations.into_iter().flat_map(QueuedOperation::coefficients);
    context.to_array().into_iter().chain(queued).fold(Fr::ZERO, |value, coefficient| value * z + coefficient)
}

/// Payee of the proof's reward (160 bits), fee recipient (32 bits) and burned share of the fees (14 bits) as
/// one element.
#[must_use]
pub fn recipients(payee: Address, fee_recipient: AccountIndex, fee_burn: FeeBurn) -> Fr {
    field::from_address(payee)
        + Fr::from(fee_recipient.get()) * power_of_two(160)
        + Fr::from(fee_burn.bps()) * power_of_two(192)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lagrange interpolation over all 4,096 points, the definition.
    fn evaluate(blob: &[Fr], z: Fr) -> Fr {
        let whole = Layout::new(BLOB_ELEMENTS, BLOB_ELEMENTS, 1).unwrap();
        share(&whole, z, blob)
    }

    // rule: Z3
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
        assert_eq!(sum, evaluate(&blob, z));
        // A constant polynomial has the same value everywhere.
        assert_eq!(evaluate(&vec![Fr::from(9u64); BLOB_ELEMENTS], z), Fr::from(9u64));
    }

    // rule: Z2
    #[test]
    fn the_challenge_depends_on_every_part() {
        let chunks = [(Fr::from(3u64), Fr::from(4u64))];
        let base = Challenged {
            header_hash: [1; 32],
            deposits_to: [2; 32],
            exits_to: [3; 32],
            domain: Domain::from_element(Fr::from(1u64)),
            recipients: Fr::from(5u64),
            parent_root: Fr::from(6u64),
            chunks: &chunks,
        };
        let other = |change: &dyn Fn(&mut Challenged<'_>)| {
            let mut changed = base;
            change(&mut changed);
            assert_ne!(challenge(&changed), challenge(&base));
        };
        other(&|changed| changed.header_hash = [0; 32]);
        other(&|changed| changed.deposits_to = [0; 32]);
        other(&|changed| changed.exits_to = [0; 32]);
        other(&|changed| std::mem::swap(&mut changed.deposits_to, &mut changed.exits_to));
        other(&|changed| changed.domain = Domain::from_element(Fr::ZERO));
        other(&|changed| changed.recipients = Fr::ZERO);
        other(&|changed| changed.parent_root = Fr::ZERO);
        other(&|changed| changed.chunks = &[(Fr::ONE, Fr::ONE)]);
        other(&|changed| changed.chunks = &[]);
    }

    // rule: Z4
    #[test]
    fn the_binding_is_the_polynomial_of_all_coefficients() {
        let context = ChunkContext {
            domain: Domain::from_element(Fr::from(2u64)),
            recipients: Fr::from(3u64),
            root_before: Fr::from(5u64),
            root_after: Fr::from(7u64),
        };
        let z = Fr::from(1_000u64);
        assert_eq!(binding(&context, z, []), Fr::from(2_003_005_007u64));
        let exit = crate::Exit { from: AccountIndex::new(9), target: Address::left_padding_from(&[11]) };
        let head = power_of_two(96) + Fr::from(9u64);
        let expected = ((Fr::from(2_003_005_007u64) * z + head) * z + Fr::from(11u64)) * z;
        assert_eq!(binding(&context, z, [&exit.into()]), expected);
    }

    // rule: Y5
    #[test]
    fn recipients_do_not_overlap() {
        let most = recipients(Address::repeat_byte(0xff), AccountIndex::new(u32::MAX), FeeBurn::ALL);
        assert_eq!(most, power_of_two(192) - Fr::ONE + Fr::from(10_000u64) * power_of_two(192));
    }
}
