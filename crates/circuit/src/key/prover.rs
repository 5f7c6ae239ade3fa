//! The proving key: the finite points of an ark-groth16 key, in blst's representation.

use ark_bls12_381::{Bls12_381, G1Affine};
use ark_ec::AffineRepr;
use ark_groth16::ProvingKey;
use blst::{blst_p1_affine, blst_p2_affine};

use crate::{
    digest::CircuitHash,
    msm::{self, Points},
    params::CircuitParams,
    verifier::VerifyingKey,
};

/// The Groth16 proving key of one circuit.
///
/// Proofs aren't zero-knowledge, because nothing is secret: the blinding factors are zero. So the key has no
/// B in G1.
#[derive(Debug, Clone)]
pub struct ProverKey {
    pub(crate) params: CircuitParams,
    pub(crate) hash: CircuitHash,
    pub(crate) verifying_key: VerifyingKey,
    pub(crate) a: Points<blst_p1_affine>,
    pub(crate) b: Points<blst_p2_affine>,
    pub(crate) l: Points<blst_p1_affine>,
    /// One point per coefficient of the quotient polynomial.
    pub(crate) h: Vec<blst_p1_affine>,
}

impl ProverKey {
    /// Converts a key of ark-groth16 for the circuit with these parameters and digest.
    #[must_use]
    pub fn new(key: &ProvingKey<Bls12_381>, params: CircuitParams, hash: CircuitHash) -> Self {
        let inputs = key.vk.gamma_abc_g1.len();
        Self {
            params,
            hash,
            verifying_key: VerifyingKey::new(key.vk.clone()),
            a: finite(&key.a_query, 0, msm::g1_to_blst),
            b: finite(&key.b_g2_query, 0, msm::g2_to_blst),
            l: finite(&key.l_query, inputs, msm::g1_to_blst),
            h: key.h_query.iter().map(|point: &G1Affine| msm::g1_to_blst(point)).collect(),
        }
    }

    /// Parameters of the circuit.
    #[must_use]
    pub const fn params(&self) -> &CircuitParams {
        &self.params
    }

    /// Digest of the circuit.
    #[must_use]
    pub const fn circuit_hash(&self) -> CircuitHash {
        self.hash
    }

    /// The verifying key.
    #[must_use]
    pub const fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying_key
    }
}

fn finite<A: AffineRepr, P>(query: &[A], first_variable: usize, convert: fn(&A) -> P) -> Points<P> {
    let kept = query.iter().enumerate().filter(|(_, point)| !point.is_zero());
    let (variables, points) =
        kept.map(|(index, point)| ((first_variable + index) as u32, convert(point))).unzip();
    Points { points, variables }
}
