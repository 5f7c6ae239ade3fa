//! Proving of one chunk.
#![allow(clippy::indexing_slicing)] // the public inputs start the assignment

use std::sync::Arc;

use ark_bls12_381::{G1Projective, G2Projective};
use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, FftField, Field};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use fernet_ledger::Fr;
use rayon::prelude::*;

use crate::{
    assignment::ChunkAssignment,
    key::ProverKey,
    msm,
    proof::Proof,
    system::System,
    transition::{SynthesisError, synthesize},
};

/// Why proving a chunk failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChunkProofError {
    /// The assignment isn't one of the circuit.
    #[error(transparent)]
    Synthesis(#[from] SynthesisError),
    /// The assignment violates a constraint, because an operation breaks a rule.
    #[error("the assignment violates constraint {0}")]
    Unsatisfied(usize),
    /// The proving key is for another circuit.
    #[error("expected a proving key for {expected} variables, got one for {actual}")]
    KeyMismatch { expected: usize, actual: usize },
}

/// Proves chunks and blocks with one proving key, which clones share.
#[derive(Debug, Clone)]
pub struct Prover {
    key: Arc<ProverKey>,
}

impl Prover {
    /// A prover with this proving key.
    #[must_use]
    pub fn new(key: Arc<ProverKey>) -> Self {
        Self { key }
    }

    /// The proving key.
    #[must_use]
    pub fn key(&self) -> &ProverKey {
        &self.key
    }

    /// Proves a chunk on all cores.
    ///
    /// # Errors
    /// Fails if the assignment isn't one of the circuit or violates a constraint.
    pub fn prove_chunk(&self, chunk: &ChunkAssignment) -> Result<Proof, ChunkProofError> {
        let mut system = System::evaluating();
        synthesize(&mut system, &self.key.params, chunk)?;
        if let Some(row) = system.violated() {
            return Err(ChunkProofError::Unsatisfied(row));
        }
        let inputs = system.inputs();
        let (sides, assignment) = system.into_values();
        let (expected, actual) = (assignment.len() - inputs, self.key.l.variables.len());
        if actual > expected || self.key.verifying_key().inputs() != inputs {
            return Err(ChunkProofError::KeyMismatch { expected, actual });
        }
        let domain = Radix2EvaluationDomain::new(sides[0].len() + inputs)
            .filter(|domain: &Radix2EvaluationDomain<Fr>| domain.size() - 1 == self.key.h.len());
        let Some(domain) = domain else {
            return Err(ChunkProofError::KeyMismatch { expected: sides[0].len(), actual: self.key.h.len() });
        };
        Ok(self.prove(domain, sides, &assignment, inputs))
    }

    /// The Groth16 proof without blinding: A = α + Σ, B = β + Σ, C = L + H.
    fn prove(
        &self,
        domain: Radix2EvaluationDomain<Fr>,
        sides: [Vec<Fr>; 3],
        assignment: &[Fr],
        inputs: usize,
    ) -> Proof {
        let values = msm::scalars(assignment);
        // The two halves share no data. Each has sequential sections, during which the other uses the free
        // cores.
        let (c, (a, b)) = rayon::join(
            || -> G1Projective {
                let quotient = msm::scalars(&quotient(domain, sides, &assignment[..inputs]));
                msm::msm_combined(&self.key.l, &values, &self.key.h, &quotient)
            },
            || -> (G1Projective, G2Projective) {
                let b = msm::msm_sparse(&self.key.b, &values);
                (msm::msm_sparse(&self.key.a, &values), b)
            },
        );
        let (alpha, beta) = self.key.verifying_key().alpha_beta();
        Proof { a: (a + alpha).into_affine(), b: (b + beta).into_affine(), c: c.into_affine() }
    }
}

/// Coefficients of Q = (A·B − C)/Z, where the three polynomials have the rows' values over the domain of size
/// n, and Z = X^n − 1 vanishes on it.
///
/// On the coset where X^n = −1, A·B = Q·Z + C becomes A·B = C − 2·Q. Both sides then have a degree below n,
/// so their coefficients are equal, and C isn't evaluated on the coset.
fn quotient(domain: Radix2EvaluationDomain<Fr>, sides: [Vec<Fr>; 3], inputs: &[Fr]) -> Vec<Fr> {
    let size = domain.size();
    // A root of order 2n exists: the field has roots of order 2^32, and no circuit has 2^31 rows.
    let shift = Fr::get_root_of_unity(2 * size as u64).unwrap_or(Fr::GENERATOR);
    let coset = domain.get_coset(shift).unwrap_or(domain);
    let [mut a, mut b, mut c] = sides;
    a.extend_from_slice(inputs);
    for side in [&mut a, &mut b, &mut c] {
        side.resize(size, Fr::ZERO);
        domain.ifft_in_place(side);
    }
    for side in [&mut a, &mut b] {
        coset.fft_in_place(side);
    }
    a.par_iter_mut().zip(&b).for_each(|(a, b)| *a *= b);
    drop(b);
    coset.ifft_in_place(&mut a);
    let half = Fr::from(2u64).inverse().unwrap_or(Fr::ZERO);
    c.par_iter_mut().zip(&a).for_each(|(c, product)| *c = (*c - product) * half);
    // The highest coefficient is zero, because the degree is at most size − 2.
    c.truncate(size - 1);
    c
}
