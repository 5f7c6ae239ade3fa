//! Group elements as EIP-2537 has them: 64 bytes a coordinate, most significant first; of Fp2 first c0, then c1.
#![allow(clippy::indexing_slicing)] // constant ranges inside a coordinate

use ark_bls12_381::{Fq, Fq2, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{AdditiveGroup, BigInteger, PrimeField};

/// Bytes of a coordinate.
const COORDINATE: usize = 64;
/// Leading zeros of a coordinate.
const PADDING: usize = 16;
/// Bytes of a point of G1.
pub const G1_BYTES: usize = 2 * COORDINATE;
/// Bytes of a point of G2.
pub const G2_BYTES: usize = 4 * COORDINATE;

/// Why bytes aren't a group element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PointError {
    /// Too few or too many bytes.
    #[error("expected {expected} bytes of a point, got {actual}")]
    Length {
        /// What the group takes.
        expected: usize,
        /// What is there.
        actual: usize,
    },
    /// A coordinate isn't below the field's order.
    #[error("expected a coordinate below the order of the base field")]
    NotCanonical,
    /// The coordinates don't satisfy the curve's equation.
    #[error("expected a point on the curve")]
    NotOnCurve,
    /// The point lies outside the subgroup.
    #[error("expected a point of the prime-order subgroup")]
    NotInSubgroup,
}

/// The bytes of a point of G1; infinity is all zero.
#[must_use]
pub fn g1_to_bytes(point: &G1Affine) -> [u8; G1_BYTES] {
    let mut bytes = [0; G1_BYTES];
    if let Some((x, y)) = point.xy() {
        write(&mut bytes, &[x, y]);
    }
    bytes
}

/// The bytes of a point of G2; infinity is all zero.
#[must_use]
pub fn g2_to_bytes(point: &G2Affine) -> [u8; G2_BYTES] {
    let mut bytes = [0; G2_BYTES];
    if let Some((x, y)) = point.xy() {
        write(&mut bytes, &[x.c0, x.c1, y.c0, y.c1]);
    }
    bytes
}

/// Reads a point of G1.
///
/// # Errors
/// When the bytes aren't a point of the subgroup.
pub fn g1_from_bytes(bytes: &[u8]) -> Result<G1Affine, PointError> {
    let [x, y] = read(bytes)?;
    if x == Fq::ZERO && y == Fq::ZERO {
        return Ok(G1Affine::identity());
    }
    let point = G1Affine::new_unchecked(x, y);
    if !point.is_on_curve() {
        return Err(PointError::NotOnCurve);
    }
    if point.is_in_correct_subgroup_assuming_on_curve() { Ok(point) } else { Err(PointError::NotInSubgroup) }
}

/// Reads a point of G2.
///
/// # Errors
/// When the bytes aren't a point of the subgroup.
pub fn g2_from_bytes(bytes: &[u8]) -> Result<G2Affine, PointError> {
    let [x0, x1, y0, y1] = read(bytes)?;
    let (x, y) = (Fq2::new(x0, x1), Fq2::new(y0, y1));
    if x == Fq2::ZERO && y == Fq2::ZERO {
        return Ok(G2Affine::identity());
    }
    let point = G2Affine::new_unchecked(x, y);
    if !point.is_on_curve() {
        return Err(PointError::NotOnCurve);
    }
    if point.is_in_correct_subgroup_assuming_on_curve() { Ok(point) } else { Err(PointError::NotInSubgroup) }
}

fn write(bytes: &mut [u8], coordinates: &[Fq]) {
    for (target, coordinate) in bytes.chunks_exact_mut(COORDINATE).zip(coordinates) {
        target[PADDING..].copy_from_slice(&coordinate.into_bigint().to_bytes_be());
    }
}

fn read<const N: usize>(bytes: &[u8]) -> Result<[Fq; N], PointError> {
    let (expected, actual) = (N * COORDINATE, bytes.len());
    if expected != actual {
        return Err(PointError::Length { expected, actual });
    }
    let mut coordinates = [Fq::ZERO; N];
    for (coordinate, source) in coordinates.iter_mut().zip(bytes.chunks_exact(COORDINATE)) {
        let (padding, number) = source.split_at(PADDING);
        let value = Fq::from_be_bytes_mod_order(number);
        if padding.iter().any(|byte| *byte != 0) || value.into_bigint().to_bytes_be() != number {
            return Err(PointError::NotCanonical);
        }
        *coordinate = value;
    }
    Ok(coordinates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ec::CurveGroup;
    use ark_ff::Field;

    // rule: Z8
    #[test]
    fn points_round_trip() {
        for point in [
            G1Affine::generator(),
            G1Affine::identity(),
            (G1Affine::generator() * fernet_ledger::Fr::from(77u64)).into_affine(),
        ] {
            assert_eq!(g1_from_bytes(&g1_to_bytes(&point)), Ok(point));
        }
        for point in [G2Affine::generator(), G2Affine::identity()] {
            assert_eq!(g2_from_bytes(&g2_to_bytes(&point)), Ok(point));
        }
    }

    // rule: Z8
    #[test]
    fn what_is_no_point_of_the_subgroup_is_refused() {
        let good = g1_to_bytes(&G1Affine::generator());
        assert_eq!(g1_from_bytes(&good[1..]), Err(PointError::Length { expected: 128, actual: 127 }));
        let mut padded = good;
        padded[0] = 1;
        assert_eq!(g1_from_bytes(&padded), Err(PointError::NotCanonical));
        let mut large = good;
        large[16..64].fill(0xff);
        assert_eq!(g1_from_bytes(&large), Err(PointError::NotCanonical));
        let mut off = good;
        off[127] ^= 1;
        assert_eq!(g1_from_bytes(&off), Err(PointError::NotOnCurve));
        // The curve's order has a cofactor: the point with the smallest x is outside the subgroup.
        let outside = (0u64..)
            .find_map(|x| {
                let x = Fq::from(x);
                (x.square() * x + Fq::from(4u64)).sqrt().map(|y| G1Affine::new_unchecked(x, y))
            })
            .unwrap();
        assert_eq!(g1_from_bytes(&g1_to_bytes(&outside)), Err(PointError::NotInSubgroup));
    }
}
