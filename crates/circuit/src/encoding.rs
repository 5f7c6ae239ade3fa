//! The encoding of points of EIP-2537: 64 big-endian bytes per coordinate, and c0 before c1 for Fp2.
#![allow(clippy::indexing_slicing)] // constant ranges inside a coordinate

use ark_bls12_381::{Fq, Fq2, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{AdditiveGroup, BigInteger, PrimeField};

/// Bytes of an encoded coordinate.
const COORDINATE: usize = 64;
/// Leading zero bytes of an encoded coordinate.
const PADDING: usize = 16;
/// Bytes of an encoded point of G1.
pub const G1_BYTES: usize = 2 * COORDINATE;
/// Bytes of an encoded point of G2.
pub const G2_BYTES: usize = 4 * COORDINATE;

/// Why bytes aren't a point of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PointError {
    /// The number of bytes isn't the group's.
    #[error("expected a point of {expected} bytes, got {actual}")]
    Length { expected: usize, actual: usize },
    /// A coordinate isn't below the field's order, or its padding isn't zero.
    #[error("coordinate isn't a canonical element of the base field")]
    NotCanonical,
    /// The coordinates don't satisfy the curve's equation.
    #[error("point isn't on the curve")]
    NotOnCurve,
    /// The point isn't in the subgroup of prime order.
    #[error("point isn't in the subgroup of prime order")]
    NotInSubgroup,
}

/// Encodes a point of G1. The point at infinity is all zeros.
#[must_use]
pub fn g1_to_bytes(point: &G1Affine) -> [u8; G1_BYTES] {
    let mut bytes = [0; G1_BYTES];
    if let Some((x, y)) = point.xy() {
        write(&mut bytes, &[x, y]);
    }
    bytes
}

/// Encodes a point of G2. The point at infinity is all zeros.
#[must_use]
pub fn g2_to_bytes(point: &G2Affine) -> [u8; G2_BYTES] {
    let mut bytes = [0; G2_BYTES];
    if let Some((x, y)) = point.xy() {
        write(&mut bytes, &[x.c0, x.c1, y.c0, y.c1]);
    }
    bytes
}

/// Decodes a point of G1.
///
/// # Errors
/// Fails if the bytes aren't the encoding of a point of the subgroup.
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

/// Decodes a point of G2.
///
/// # Errors
/// Fails if the bytes aren't the encoding of a point of the subgroup.
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
