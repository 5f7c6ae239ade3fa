//! Points of Jubjub, a twisted Edwards curve `−x² + y² = 1 + d·x²·y²` whose addition law is complete: −1 is a
//! square and d isn't, so no denominator below is zero for points **on the curve**. The caller guarantees
//! that points are on it.

use std::sync::OnceLock;

use ark_ec::{CurveGroup, PrimeGroup, twisted_edwards::TECurveConfig};
use ark_ed_on_bls12_381::{EdwardsAffine, EdwardsConfig, EdwardsProjective};
use ark_ff::AdditiveGroup;
use fernet_ledger::Fr;

use crate::system::{Num, System};

/// Bits per window of the multiplication of the generator.
const WINDOW: usize = 3;
/// Bits of a scalar of the prime-order subgroup.
pub(crate) const SCALAR_BITS: usize = 252;

/// A point in affine coordinates.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub(crate) x: Num,
    pub(crate) y: Num,
}

/// For each window w, the multiples by 0 to 7 of 8^w times the generator.
fn windows() -> &'static [[(Fr, Fr); 1 << WINDOW]] {
    static WINDOWS: OnceLock<Vec<[(Fr, Fr); 1 << WINDOW]>> = OnceLock::new();
    WINDOWS.get_or_init(|| {
        let mut base = EdwardsProjective::generator();
        let window = |_| {
            let mut multiple = EdwardsProjective::ZERO;
            let row = [(); 1 << WINDOW].map(|()| {
                let point: EdwardsAffine = multiple.into_affine();
                multiple += base;
                (point.x, point.y)
            });
            base = multiple;
            row
        };
        (0..SCALAR_BITS / WINDOW).map(window).collect()
    })
}

/// The coordinates of the subgroup's generator.
#[cfg(test)]
fn generator() -> (Fr, Fr) {
    use ark_ec::AffineRepr;
    let point = EdwardsAffine::generator();
    (point.x, point.y)
}

/// The sum. 6 constraints.
pub(crate) fn add(system: &mut System, p: &Point, q: &Point) -> Point {
    let cross = system.multiply(&p.x, &q.y);
    let other = system.multiply(&p.y, &q.x);
    let product = system.multiply(&(&p.x + &p.y), &(&q.x + &q.y));
    let d = <EdwardsConfig as TECurveConfig>::COEFF_D;
    let curved = system.multiply(&cross.scale(d), &other);
    let one = system.one();
    let sum = &cross + &other;
    // (x_p + y_p)(x_q + y_q) − x_p·y_q − y_p·x_q = x_p·x_q + y_p·y_q
    let (x, y) = system.divide_two((&sum, &(&one + &curved)), (&(&product - &sum), &(&one - &curved)));
    Point { x, y }
}

/// Twice a point on the curve. By the equation of the curve, 1 + d·x²·y² = y² − x². 5 constraints.
pub(crate) fn double(system: &mut System, p: &Point) -> Point {
    let product = system.multiply(&p.x, &p.y);
    let x_squared = system.multiply(&p.x, &p.x);
    let y_squared = system.multiply(&p.y, &p.y);
    let denominator = &y_squared - &x_squared;
    let two = system.constant(Fr::from(2u64));
    let numerators = (product.scale(Fr::from(2u64)), &x_squared + &y_squared);
    let (x, y) = system.divide_two((&numerators.0, &denominator), (&numerators.1, &(&two - &denominator)));
    Point { x, y }
}

/// The generator times the number with these bits, least significant first. 9 constraints per 3 bits.
pub(crate) fn multiply_generator(system: &mut System, bits: &[Num]) -> Point {
    let mut sum: Option<Point> = None;
    for (window, bits) in windows().iter().zip(bits.as_chunks::<WINDOW>().0) {
        let [low, middle, high] = bits;
        let both = system.multiply(low, middle);
        let lookup = |system: &mut System, coordinate: fn(&(Fr, Fr)) -> Fr| {
            let [a, b, c, d, e, f, g, h] = window.each_ref().map(coordinate);
            // The entry that low and middle select from four, as a combination of 1, low, middle and both.
            let four = |system: &System, [a, b, c, d]: [Fr; 4]| {
                let mut entry = system.constant(a);
                entry.add_scaled(low, b - a);
                entry.add_scaled(middle, c - a);
                entry.add_scaled(&both, d - c - b + a);
                entry
            };
            let lower = four(system, [a, b, c, d]);
            let step = &four(system, [e, f, g, h]) - &lower;
            &system.multiply(high, &step) + &lower
        };
        let entry = Point { x: lookup(system, |point| point.0), y: lookup(system, |point| point.1) };
        sum = Some(match sum {
            None => entry,
            Some(sum) => add(system, &sum, &entry),
        });
    }
    sum.unwrap_or_else(|| neutral(system))
}

/// A point on the curve times the number with these bits, least significant first. 13 constraints per bit.
pub(crate) fn multiply(system: &mut System, point: &Point, bits: &[Num]) -> Point {
    let one = system.one();
    let mut sum: Option<Point> = None;
    for bit in bits.iter().rev() {
        // The point if the bit is set, else the neutral element (0, 1).
        let x = system.multiply(bit, &point.x);
        let y = &system.multiply(bit, &(&point.y - &one)) + &one;
        let addend = Point { x, y };
        sum = Some(match sum {
            None => addend,
            Some(sum) => {
                let doubled = double(system, &sum);
                add(system, &doubled, &addend)
            }
        });
    }
    sum.unwrap_or_else(|| neutral(system))
}

/// The point's inverse. No constraint.
pub(crate) fn negate(point: &Point) -> Point {
    Point { x: -&point.x, y: point.y.clone() }
}

fn neutral(system: &System) -> Point {
    Point { x: system.zero(), y: system.one() }
}

/// Whether coordinates satisfy the curve's equation, natively.
#[cfg(test)]
fn is_on_curve(x: Fr, y: Fr) -> bool {
    use ark_ff::Field;
    let (x2, y2) = (x.square(), y.square());
    y2 - x2 == Fr::ONE + <EdwardsConfig as TECurveConfig>::COEFF_D * x2 * y2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gadgets::bits;
    use ark_ec::AffineRepr;
    use ark_ed_on_bls12_381::Fr as Scalar;
    use ark_ff::{Field, PrimeField};

    fn scalars() -> Vec<Scalar> {
        let seven = Scalar::from(7u64);
        vec![Scalar::ZERO, Scalar::ONE, -Scalar::ONE, seven.pow([77u64]), seven.pow([1234u64])]
    }

    fn value(point: &Point) -> (Fr, Fr) {
        (point.x.value, point.y.value)
    }

    #[test]
    fn fixed_base_multiplication_equals_arkworks() {
        for scalar in scalars() {
            let mut system = System::evaluating();
            let integer = scalar.into_bigint();
            let bits: Vec<Num> = (0..SCALAR_BITS)
                .map(|i| bits::bit(&mut system, ark_ff::BigInteger::get_bit(&integer, i)))
                .collect();
            let point = multiply_generator(&mut system, &bits);
            let expected = (EdwardsProjective::generator() * scalar).into_affine();
            assert_eq!(value(&point), (expected.x, expected.y));
            assert_eq!(system.violated(), None);
        }
    }

    #[test]
    fn variable_base_multiplication_equals_arkworks_for_any_point_on_the_curve() {
        let (x, y) = generator();
        // The generator, its sum with the point of order two, the neutral element, the point of order two.
        for (x, y) in [(x, y), (-x, -y), (Fr::ZERO, Fr::ONE), (Fr::ZERO, -Fr::ONE)] {
            assert!(is_on_curve(x, y));
            for scalar in [0u64, 1, 2, 5, 0xffff_ffff, 0x8000_0001] {
                let mut system = System::evaluating();
                let bits = bits::bits(&mut system, &Fr::from(scalar), 32);
                let point = Point { x: system.witness(x), y: system.witness(y) };
                let product = multiply(&mut system, &point, &bits);
                let expected = EdwardsAffine::new_unchecked(x, y).mul_bigint([scalar]).into_affine();
                assert_eq!(value(&product), (expected.x, expected.y));
                assert_eq!(system.violated(), None);
            }
        }
    }

    #[test]
    fn addition_is_complete() {
        let (x, y) = generator();
        let points = [(x, y), (-x, y), (-x, -y), (x, -y), (Fr::ZERO, Fr::ONE), (Fr::ZERO, -Fr::ONE)];
        for p in points {
            for q in points {
                let mut system = System::evaluating();
                let mut point = |(x, y)| Point { x: system.witness(x), y: system.witness(y) };
                let (left, right) = (point(p), point(q));
                let sum = add(&mut system, &left, &right);
                let native = |(x, y)| EdwardsAffine::new_unchecked(x, y).into_group();
                let expected = (native(p) + native(q)).into_affine();
                assert_eq!(value(&sum), (expected.x, expected.y));
                assert_eq!(system.violated(), None);
            }
        }
    }
}
