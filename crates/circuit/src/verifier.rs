//! Native verification of Groth16 proofs and aggregates, as on L1.
#![allow(clippy::indexing_slicing)] // constant positions in arrays of fixed length

use alloy_primitives::keccak256;
use ark_bls12_381::{Bls12_381, G1Affine, G1Projective, G2Affine};
use ark_ec::{
    AffineRepr, CurveGroup, VariableBaseMSM,
    pairing::{Pairing, PairingOutput},
};
use ark_ff::{AdditiveGroup, Field};
use ark_groth16::VerifyingKey as ArkVerifyingKey;
use fernet_ledger::{Fr, field};

use crate::{
    encoding::{self, G1_BYTES, G2_BYTES, PointError},
    inputs::{ChunkInputs, INPUT_COUNT},
    proof::{ChunkWords, Proof},
};

/// Bytes of a verifying key: alpha, beta, gamma, delta, one point for the constant and one per public input.
pub const VERIFYING_KEY_BYTES: usize = G1_BYTES + 3 * G2_BYTES + (INPUT_COUNT + 1) * G1_BYTES;

/// First word of the preimage of the weights, padded with zeros to 32 bytes.
const WEIGHTS_TAG: &[u8] = b"fernet.weights.v1";

/// An aggregate of the proofs of a block's chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregate {
    /// Points A and B of each chunk.
    pub pairs: Vec<(G1Affine, G2Affine)>,
    /// The weighted sum of the points C of all chunks.
    pub c: G1Affine,
}

/// A Groth16 verifying key.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifyingKey(ArkVerifyingKey<Bls12_381>);

/// Why bytes aren't a verifying key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyingKeyError {
    /// The number of bytes isn't [`VERIFYING_KEY_BYTES`].
    #[error("expected a verifying key of {VERIFYING_KEY_BYTES} bytes, got {0}")]
    Length(usize),
    /// A point isn't in its group.
    #[error(transparent)]
    Point(#[from] PointError),
}

impl VerifyingKey {
    pub(crate) const fn new(key: ArkVerifyingKey<Bls12_381>) -> Self {
        Self(key)
    }

    /// Number of public inputs, the constant one included.
    pub(crate) fn inputs(&self) -> usize {
        self.0.gamma_abc_g1.len()
    }

    pub(crate) const fn alpha_beta(&self) -> (G1Affine, G2Affine) {
        (self.0.alpha_g1, self.0.beta_g2)
    }

    /// The encoding for L1: alpha, beta, gamma, delta, then the points of the constant and of the public
    /// inputs.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = encoding::g1_to_bytes(&self.0.alpha_g1).to_vec();
        for point in [&self.0.beta_g2, &self.0.gamma_g2, &self.0.delta_g2] {
            bytes.extend(encoding::g2_to_bytes(point));
        }
        for point in &self.0.gamma_abc_g1 {
            bytes.extend(encoding::g1_to_bytes(point));
        }
        bytes
    }

    /// Decodes a key.
    ///
    /// # Errors
    /// Fails if the number of bytes is wrong or a point isn't in its subgroup.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VerifyingKeyError> {
        if bytes.len() != VERIFYING_KEY_BYTES {
            return Err(VerifyingKeyError::Length(bytes.len()));
        }
        let (alpha, rest) = bytes.split_at(G1_BYTES);
        let (twos, ones) = rest.split_at(3 * G2_BYTES);
        let twos = twos.chunks(G2_BYTES).map(encoding::g2_from_bytes).collect::<Result<Vec<_>, _>>()?;
        let [beta_g2, gamma_g2, delta_g2] = twos[..] else {
            return Err(VerifyingKeyError::Length(bytes.len()));
        };
        Ok(Self(ArkVerifyingKey {
            alpha_g1: encoding::g1_from_bytes(alpha)?,
            beta_g2,
            gamma_g2,
            delta_g2,
            gamma_abc_g1: ones.chunks(G1_BYTES).map(encoding::g1_from_bytes).collect::<Result<_, _>>()?,
        }))
    }

    /// Whether `proof` is a valid proof for `inputs`.
    #[must_use]
    pub fn verify(&self, inputs: &ChunkInputs, proof: &Proof) -> bool {
        self.holds(&[Fr::ONE], &[*inputs], &Aggregate { pairs: vec![(proof.a, proof.b)], c: proof.c })
    }

    /// Whether `aggregate` is valid for all `inputs`, by the pairing product that L1 computes. `words` are
    /// the words of the chunks in the block's proof, and `challenge` is the block's challenge.
    #[must_use]
    pub fn verify_aggregate(
        &self,
        challenge: Fr,
        words: &[ChunkWords],
        inputs: &[ChunkInputs],
        aggregate: &Aggregate,
    ) -> bool {
        if inputs.is_empty() || inputs.len() != aggregate.pairs.len() || inputs.len() != words.len() {
            return false;
        }
        self.holds(&weights(challenge, words), inputs, aggregate)
    }

    /// `Π e(w_k·A_k, B_k) = e(Σw·α, β) · e(Σ w_k·X_k, γ) · e(C, δ)`.
    fn holds(&self, weights: &[Fr], inputs: &[ChunkInputs], aggregate: &Aggregate) -> bool {
        let key = &self.0;
        let mut scalars = vec![Fr::ZERO; key.gamma_abc_g1.len()];
        for (weight, inputs) in weights.iter().zip(inputs) {
            let values = std::iter::once(Fr::ONE).chain(inputs.to_array());
            scalars.iter_mut().zip(values).for_each(|(scalar, value)| *scalar += *weight * value);
        }
        let total: Fr = weights.iter().sum();
        let public = G1Projective::msm_unchecked(&key.gamma_abc_g1, &scalars);
        let mut left: Vec<G1Projective> =
            weights.iter().zip(&aggregate.pairs).map(|(weight, (a, _))| *a * weight).collect();
        left.extend([-(key.alpha_g1 * total), -public, -aggregate.c.into_group()]);
        let left = G1Projective::normalize_batch(&left);
        let right = aggregate.pairs.iter().map(|(_, b)| *b).chain([key.beta_g2, key.gamma_g2, key.delta_g2]);
        Bls12_381::multi_pairing(left, right) == PairingOutput::ZERO
    }
}

/// The weight of each chunk. The weights are 128 bits of a digest, except the first one, which makes the sum
/// one.
///
/// So they depend on every public input and on all A and B: the words contain A, B and some of the inputs,
/// and the challenge is a digest of everything else from which the inputs are computed.
#[must_use]
pub fn weights(challenge: Fr, chunks: &[ChunkWords]) -> Vec<Fr> {
    let mut preimage = vec![0; 32];
    preimage[..WEIGHTS_TAG.len()].copy_from_slice(WEIGHTS_TAG);
    preimage.extend(field::to_bytes(&challenge));
    for chunk in chunks {
        preimage.extend(chunk.0.as_flattened());
    }
    let transcript = keccak256(preimage);
    let mut weights = vec![Fr::ONE];
    for number in 1..chunks.len() as u64 {
        let mut preimage = [0; 64];
        preimage[..32].copy_from_slice(transcript.as_slice());
        preimage[56..].copy_from_slice(&number.to_be_bytes());
        let digest = keccak256(preimage);
        let weight = digest.iter().take(16).fold(0u128, |number, byte| number << 8 | u128::from(*byte));
        weights.push(Fr::from(weight));
        weights[0] -= Fr::from(weight);
    }
    weights
}

/// The weighted sum of the points C of the chunks' proofs.
pub fn weighted_sum(challenge: Fr, chunks: &[ChunkWords], proofs: &[Proof]) -> G1Affine {
    let weights = weights(challenge, chunks);
    let c: G1Projective = weights.iter().zip(proofs).map(|(weight, proof)| proof.c * weight).sum();
    c.into_affine()
}
