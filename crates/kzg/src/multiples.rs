//! Multi-scalar multiplication of fixed points.
//!
//! A 256-bit scalar has four lanes of 64 bits, which multiply P, 2^64·P, 2^128·P and 2^192·P. Each lane has
//! 13 signed digits of 5 bits. The multiples by 1 to 16 of each lane of a point are stored, so a term of a
//! sum costs at most 52 additions. All terms share the doublings between digits.

use ark_bls12_381::{G1Affine, G1Projective};
use ark_ec::CurveGroup;
use ark_ff::AdditiveGroup;

/// Lanes of a scalar, its 64-bit limbs.
const LANES: usize = 4;
/// Bits of a digit.
const WIDTH: usize = 5;
/// Digits of a lane. Together they have one bit more than a limb, for the carry.
const DIGITS: usize = 13;
/// Stored multiples of a lane: by 1 to the largest digit.
const STORED: usize = 1 << (WIDTH - 1);

/// The multiples of one point: those by 1 to 16 of each lane.
pub(crate) type Multiples = [G1Affine; LANES * STORED];

/// The digits of one scalar, from −15 to 16, by position in the lane and by lane.
pub(crate) type Digits = [[i8; LANES]; DIGITS];

/// The multiples of each point.
pub(crate) fn multiples(points: &[G1Affine]) -> Vec<Multiples> {
    let mut sums = Vec::with_capacity(points.len().saturating_mul(LANES * STORED));
    for point in points {
        let mut lane = G1Projective::from(*point);
        for _ in 0..LANES {
            let mut multiple = lane;
            for _ in 0..STORED {
                sums.push(multiple);
                multiple += lane;
            }
            for _ in 0..u64::BITS {
                lane.double_in_place();
            }
        }
    }
    let sums = G1Projective::normalize_batch(&sums);
    sums.as_chunks::<{ LANES * STORED }>().0.to_vec()
}

/// The digits of a scalar, given as limbs, least significant first.
pub(crate) fn digits(scalar: [u64; LANES]) -> Digits {
    let mut digits = [[0; LANES]; DIGITS];
    for (lane, limb) in scalar.into_iter().enumerate() {
        let mut rest = u128::from(limb);
        for row in &mut digits {
            // The lowest five bits: 0 to 31.
            let low = (rest % (1 << WIDTH)) as i8;
            rest >>= WIDTH;
            let digit = if low as usize > STORED { low - (1 << WIDTH) } else { low };
            // A negative digit carries one to the next digit.
            rest += u128::from(digit < 0);
            if let Some(target) = row.get_mut(lane) {
                *target = digit;
            }
        }
    }
    digits
}

/// Σ scalar · point.
pub(crate) fn sum<'a>(terms: impl Iterator<Item = (&'a Digits, &'a Multiples)> + Clone) -> G1Projective {
    let mut sum = G1Projective::ZERO;
    for position in (0..DIGITS).rev() {
        for _ in 0..WIDTH {
            sum.double_in_place();
        }
        for (digits, multiples) in terms.clone() {
            let row = digits.get(position).into_iter().flatten();
            for (digit, stored) in row.zip(multiples.as_chunks::<STORED>().0) {
                let multiple =
                    usize::from(digit.unsigned_abs()).checked_sub(1).and_then(|index| stored.get(index));
                match multiple {
                    Some(multiple) if *digit > 0 => sum += multiple,
                    Some(multiple) => sum -= multiple,
                    None => {}
                }
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_bls12_381::Fr;
    use ark_ec::{AffineRepr, PrimeGroup};
    use ark_ff::{BigInt, Field, PrimeField};

    fn scalars() -> Vec<Fr> {
        let mut values = vec![Fr::ONE, -Fr::ONE, Fr::from(u64::MAX), Fr::from(16u64), Fr::from(17u64)];
        values.push(Fr::from(BigInt::new([u64::MAX, u64::MAX, u64::MAX, 0x73ed_a753_0000_0000])));
        values.extend((1..20u64).map(|seed| Fr::from(seed).pow([12_345_678_901 + seed])));
        values
    }

    #[test]
    fn digits_add_up_to_their_scalar() {
        for scalar in scalars() {
            let mut value = Fr::ZERO;
            for row in digits(scalar.into_bigint().0).iter().rev() {
                value *= Fr::from(32u64);
                for (lane, digit) in row.iter().enumerate() {
                    assert!((-15..=16).contains(digit));
                    let weight = Fr::from(2u64).pow([64 * lane as u64]);
                    value += Fr::from(i64::from(*digit)) * weight;
                }
            }
            assert_eq!(value, scalar);
        }
    }

    #[test]
    fn sums_are_those_of_plain_multiplications() {
        let points: Vec<G1Affine> = (0..scalars().len())
            .map(|n| (G1Projective::generator() * Fr::from(n as u64 + 3)).into())
            .collect();
        let stored = multiples(&points);
        let digits: Vec<Digits> = scalars().iter().map(|scalar| digits(scalar.into_bigint().0)).collect();
        let expected: G1Projective =
            points.iter().zip(scalars()).map(|(point, scalar)| *point * scalar).sum();
        assert_eq!(sum(digits.iter().zip(&stored)), expected);
        assert_eq!(sum(std::iter::empty()), G1Projective::ZERO);
        // The point at infinity is a valid point: the proofs of a constant polynomial.
        let stored = multiples(&[G1Affine::zero()]);
        assert_eq!(sum(digits.iter().zip(&stored)), G1Projective::ZERO);
    }
}
