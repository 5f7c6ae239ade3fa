//! Generation of Groth16 keys from known secrets.
// Vectors have one entry per variable, and the Lagrange basis is at least as long as the rows.
#![allow(clippy::indexing_slicing)]

use ark_bls12_381::{Bls12_381, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{
    CurveGroup, PrimeGroup,
    scalar_mul::{BatchMulPreprocessing, ScalarMul},
};
use ark_ff::{AdditiveGroup, PrimeField, batch_inversion};
use ark_groth16::{ProvingKey, VerifyingKey};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use fernet_ledger::Fr;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use sha2::{Digest, Sha256};

use super::report::{KeyError, SetupProgress};
use crate::{
    digest::{CircuitHash, blank},
    params::CircuitParams,
    system::System,
};

/// Points that are computed between two reports.
const BATCH: usize = 1 << 13;

/// The secrets of a set-up. With one of them, false statements can be proven.
struct Secrets {
    alpha: Fr,
    beta: Fr,
    gamma: Fr,
    delta: Fr,
    tau: Fr,
}

impl Secrets {
    /// The secrets of a seed and a circuit.
    fn derive(seed: &[u8; 32], hash: &CircuitHash) -> Self {
        let digest = Sha256::new().chain_update(seed).chain_update(hash.0).finalize();
        let mut generator = ChaCha20Rng::from_seed(digest.into());
        let mut secret = || {
            let mut bytes = [0u8; 64];
            generator.fill_bytes(&mut bytes);
            Fr::from_le_bytes_mod_order(&bytes)
        };
        Self { alpha: secret(), beta: secret(), gamma: secret(), delta: secret(), tau: secret() }
    }
}

/// Values at tau of each variable's polynomials.
struct Polynomials {
    a: Vec<Fr>,
    b: Vec<Fr>,
    c: Vec<Fr>,
    inputs: usize,
    domain: Radix2EvaluationDomain<Fr>,
}

/// Generates the keys of a circuit from `seed` in the format of ark-groth16. They are the same on every
/// machine.
///
/// # Errors
/// Fails if the circuit can't be synthesized or has too many constraints.
pub fn generate(
    params: &CircuitParams,
    seed: &[u8; 32],
    progress: &mut dyn FnMut(SetupProgress),
) -> Result<ProvingKey<Bls12_381>, KeyError> {
    progress(SetupProgress::Synthesizing);
    let secrets = Secrets::derive(seed, &CircuitHash::of(params)?);
    let mut system = System::recording();
    blank(&mut system, params)?;
    let polynomials = evaluate(&system, &secrets.tau)?;
    drop(system);
    Ok(keys(&secrets, &polynomials, progress))
}

/// The polynomials at tau: the sum over i of row i's coefficients times the i-th Lagrange polynomial. Each
/// public input has one additional row, `input · 0 = 0`, which makes their polynomials linearly independent.
fn evaluate(system: &System, tau: &Fr) -> Result<Polynomials, KeyError> {
    let (rows, inputs) = (system.rows(), system.inputs());
    let size = rows.len() + inputs;
    let domain = Radix2EvaluationDomain::<Fr>::new(size).ok_or(KeyError::TooLarge(size))?;
    let lagrange = domain.evaluate_all_lagrange_coefficients(*tau);
    let variables = system.assignment().len();
    let mut sides = [(); 3].map(|()| vec![Fr::ZERO; variables]);
    for (row, value) in rows.iter().zip(&lagrange) {
        for (side, terms) in sides.iter_mut().zip(row) {
            for (variable, coefficient) in terms {
                side[*variable as usize] += *value * coefficient;
            }
        }
    }
    let [mut a, b, c] = sides;
    for (input, value) in a.iter_mut().zip(&lagrange[rows.len()..]).take(inputs) {
        *input += value;
    }
    Ok(Polynomials { a, b, c, inputs, domain })
}

fn keys(
    secrets: &Secrets,
    polynomials: &Polynomials,
    progress: &mut dyn FnMut(SetupProgress),
) -> ProvingKey<Bls12_381> {
    let Polynomials { a, b, c, inputs, domain } = polynomials;
    let mut inverses = [secrets.gamma, secrets.delta];
    batch_inversion(&mut inverses);
    let [gamma_inverse, delta_inverse] = inverses;
    let combined = |range: std::ops::Range<usize>, inverse: Fr| -> Vec<Fr> {
        range.map(|i| (secrets.beta * a[i] + secrets.alpha * b[i] + c[i]) * inverse).collect()
    };
    let public = combined(0..*inputs, gamma_inverse);
    let private = combined(*inputs..a.len(), delta_inverse);
    // Powers of tau times the vanishing polynomial, over delta.
    let vanishing = domain.evaluate_vanishing_polynomial(secrets.tau) * delta_inverse;
    let quotient: Vec<Fr> = std::iter::successors(Some(vanishing), |power| Some(*power * secrets.tau))
        .take(domain.size() - 1)
        .collect();

    let g1_scalars = [a, b, &quotient, &private, &public];
    let total = (g1_scalars.iter().map(|scalars| scalars.len()).sum::<usize>() + b.len()) as u64;
    let mut done = 0u64;
    let mut report = |points: usize| {
        done += points as u64;
        progress(SetupProgress::Points { done, total });
    };
    report(0);
    let g1 = BatchMulPreprocessing::new(G1Projective::generator(), total as usize);
    let [a_query, b_g1_query, h_query, l_query, gamma_abc_g1] =
        g1_scalars.map(|scalars| multiply(&g1, scalars, &mut report));
    drop(g1);
    let g2 = BatchMulPreprocessing::new(G2Projective::generator(), b.len());
    let b_g2_query = multiply(&g2, b, &mut report);

    let on_g1 = |scalar: Fr| -> G1Affine { (G1Projective::generator() * scalar).into_affine() };
    let on_g2 = |scalar: Fr| -> G2Affine { (G2Projective::generator() * scalar).into_affine() };
    ProvingKey {
        vk: VerifyingKey {
            alpha_g1: on_g1(secrets.alpha),
            beta_g2: on_g2(secrets.beta),
            gamma_g2: on_g2(secrets.gamma),
            delta_g2: on_g2(secrets.delta),
            gamma_abc_g1,
        },
        beta_g1: on_g1(secrets.beta),
        delta_g1: on_g1(secrets.delta),
        a_query,
        b_g1_query,
        b_g2_query,
        h_query,
        l_query,
    }
}

/// The generator times each scalar.
fn multiply<G: ScalarMul<ScalarField = Fr>>(
    table: &BatchMulPreprocessing<G>,
    scalars: &[Fr],
    report: &mut impl FnMut(usize),
) -> Vec<G::MulBase> {
    let mut points = Vec::with_capacity(scalars.len());
    for batch in scalars.chunks(BATCH) {
        points.extend(table.batch_mul(batch));
        report(batch.len());
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::Field;

    #[test]
    fn secrets_follow_from_seed_and_circuit() {
        let (one, two) = (CircuitHash([1; 32]), CircuitHash([2; 32]));
        let secrets = Secrets::derive(&[0; 32], &one);
        assert_eq!(secrets.tau, Secrets::derive(&[0; 32], &one).tau);
        assert_ne!(secrets.tau, Secrets::derive(&[0; 32], &two).tau);
        assert_ne!(secrets.tau, Secrets::derive(&[1; 32], &one).tau);
        assert_ne!(secrets.alpha, secrets.beta);
        assert_eq!(secrets.alpha * secrets.alpha.inverse().unwrap(), Fr::ONE);
    }
}
