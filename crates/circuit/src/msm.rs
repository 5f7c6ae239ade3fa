//! Multi-scalar multiplication by blst, on points and scalars of arkworks.
//!
//! blst multiplies in assembly, twice as fast as arkworks. Both libraries represent a coordinate as six words
//! in Montgomery form and a sum in Jacobian coordinates, so a conversion only copies words.
#![allow(clippy::indexing_slicing)] // ranges up to the smaller of two lengths

use ark_bls12_381::{Fq, Fq2, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::AffineRepr;
use ark_ff::{AdditiveGroup, BigInt, PrimeField};
use blst::{MultiPoint, blst_fp, blst_fp2, blst_p1, blst_p1_affine, blst_p2, blst_p2_affine};
use fernet_ledger::Fr;
use rayon::prelude::*;

/// Points with the variables whose values are their scalars. Points at infinity are omitted.
#[derive(Debug, Clone)]
pub(crate) struct Points<P> {
    /// The points.
    pub(crate) points: Vec<P>,
    /// The variable of each point.
    pub(crate) variables: Vec<u32>,
}

/// A scalar as blst reads it: 32 bytes, least significant first.
pub(crate) type ScalarBytes = [u8; 32];
/// Bits of a scalar.
const SCALAR_BITS: usize = Fr::MODULUS_BIT_SIZE as usize;

/// Converts scalars to bytes.
pub(crate) fn scalars(values: &[Fr]) -> Vec<ScalarBytes> {
    let bytes = |value: &Fr| {
        let mut bytes = [0; 32];
        for (target, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(value.into_bigint().0) {
            *target = limb.to_le_bytes();
        }
        bytes
    };
    values.par_iter().map(bytes).collect()
}

fn fp(value: &Fq) -> blst_fp {
    blst_fp { l: value.0.0 }
}

fn fp2(value: &Fq2) -> blst_fp2 {
    blst_fp2 { fp: [fp(&value.c0), fp(&value.c1)] }
}

fn fq(value: &blst_fp) -> Fq {
    Fq::new_unchecked(BigInt(value.l))
}

fn fq2(value: &blst_fp2) -> Fq2 {
    Fq2::new(fq(&value.fp[0]), fq(&value.fp[1]))
}

/// Converts a point. The point at infinity has zero coordinates.
pub(crate) fn g1_to_blst(point: &G1Affine) -> blst_p1_affine {
    if point.is_zero() {
        blst_p1_affine::default()
    } else {
        blst_p1_affine { x: fp(&point.x), y: fp(&point.y) }
    }
}

/// Converts a point. The point at infinity has zero coordinates.
pub(crate) fn g2_to_blst(point: &G2Affine) -> blst_p2_affine {
    if point.is_zero() {
        blst_p2_affine::default()
    } else {
        blst_p2_affine { x: fp2(&point.x), y: fp2(&point.y) }
    }
}

/// A group that both libraries implement.
pub(crate) trait Group: Sized + Copy {
    /// A sum of points in arkworks.
    type Sum: AdditiveGroup;

    /// Σ scalar · point, of as many scalars as points, at least one.
    fn multiply(points: &[Self], scalars: &[u8]) -> Self::Sum;

    /// Σ point, of at least one point.
    fn add(points: &[Self]) -> Self::Sum;
}

impl Group for blst_p1_affine {
    type Sum = G1Projective;

    fn multiply(points: &[Self], scalars: &[u8]) -> G1Projective {
        g1_from_blst(&points.mult(scalars, SCALAR_BITS))
    }

    fn add(points: &[Self]) -> G1Projective {
        g1_from_blst(&MultiPoint::add(points))
    }
}

impl Group for blst_p2_affine {
    type Sum = G2Projective;

    fn multiply(points: &[Self], scalars: &[u8]) -> G2Projective {
        g2_from_blst(&points.mult(scalars, SCALAR_BITS))
    }

    fn add(points: &[Self]) -> G2Projective {
        g2_from_blst(&MultiPoint::add(points))
    }
}

/// Both libraries represent (X/Z², Y/Z³) as (X, Y, Z), and the point at infinity with Z = 0.
fn g1_from_blst(point: &blst_p1) -> G1Projective {
    G1Projective::new_unchecked(fq(&point.x), fq(&point.y), fq(&point.z))
}

fn g2_from_blst(point: &blst_p2) -> G2Projective {
    G2Projective::new_unchecked(fq2(&point.x), fq2(&point.y), fq2(&point.z))
}

/// Σ scalar · point over points and scalars in the same order.
pub(crate) fn msm<P: Group>(points: &[P], scalars: &[ScalarBytes]) -> P::Sum {
    let count = points.len().min(scalars.len());
    if count == 0 {
        return P::Sum::ZERO;
    }
    P::multiply(&points[..count], scalars[..count].as_flattened())
}

/// Σ value · point over all variables that have a point.
pub(crate) fn msm_sparse<P: Group>(points: &Points<P>, values: &[ScalarBytes]) -> P::Sum {
    msm_combined(points, values, &[], &[])
}

/// [`msm_sparse`] plus [`msm`]. One multiplication of all points shares its buckets and costs less than two.
///
/// Most values of a witness are bits: zeros are omitted, and the points of ones are added without a
/// multiplication.
pub(crate) fn msm_combined<P: Group>(
    sparse: &Points<P>,
    values: &[ScalarBytes],
    dense: &[P],
    dense_scalars: &[ScalarBytes],
) -> P::Sum {
    const ZERO: ScalarBytes = [0; 32];
    const ONE: ScalarBytes = {
        let mut one = [0; 32];
        one[0] = 1;
        one
    };
    let count = dense.len().min(dense_scalars.len());
    let mut ones = Vec::new();
    let (mut points, mut scalars) = (dense[..count].to_vec(), dense_scalars[..count].to_vec());
    for (point, variable) in sparse.points.iter().zip(&sparse.variables) {
        match values.get(*variable as usize) {
            None | Some(&ZERO) => {}
            Some(&ONE) => ones.push(*point),
            Some(value) => {
                points.push(*point);
                scalars.push(*value);
            }
        }
    }
    let added = if ones.is_empty() { P::Sum::ZERO } else { P::add(&ones) };
    added + msm(&points, &scalars)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ec::{CurveGroup, PrimeGroup};
    use ark_ff::Field;

    #[test]
    fn products_equal_those_of_arkworks() {
        for count in [1usize, 2, 5, 700] {
            let values: Vec<Fr> =
                (0..count as u64).map(|i| Fr::from(i % 3 + i / 4).pow([1 + i % 7])).collect();
            let generator = G1Projective::generator();
            let points: Vec<G1Projective> = (0..count as u64).map(|i| generator * Fr::from(i + 1)).collect();
            let expected: G1Projective =
                points.iter().zip(&values).map(|(point, value)| *point * value).sum();
            let points = Points {
                points: points.iter().map(|point| g1_to_blst(&point.into_affine())).collect(),
                variables: (0..count as u32).collect(),
            };
            assert_eq!(msm_sparse(&points, &scalars(&values)), expected);
            assert_eq!(msm(&points.points, &scalars(&values)), expected);
            let twice = msm_combined(&points, &scalars(&values), &points.points, &scalars(&values));
            assert_eq!(twice, expected + expected);
        }
    }

    #[test]
    fn infinity_and_opposites_survive() {
        let generator = G2Projective::generator().into_affine();
        let points = [generator, -generator, G2Affine::identity()].map(|point| g2_to_blst(&point));
        let ones = scalars(&[Fr::ONE; 3]);
        assert_eq!(msm(&points, &ones), G2Projective::ZERO);
        let sparse = Points { points: points.to_vec(), variables: vec![0, 1, 2] };
        assert_eq!(msm_sparse(&sparse, &ones), G2Projective::ZERO);
        assert_eq!(msm::<blst_p1_affine>(&[], &[]), G1Projective::ZERO);
    }
}
