//! Bits and ranges.

use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use fernet_ledger::Fr;

use crate::system::{Num, System};

/// Number of bits of the field's order.
const FIELD_BITS: usize = Fr::MODULUS_BIT_SIZE as usize;

/// A variable that is zero or one. 1 constraint.
pub(crate) fn bit(system: &mut System, value: bool) -> Num {
    let bit = system.witness(Fr::from(value));
    boolean(system, &bit);
    bit
}

/// Constrains a combination to be zero or one. 1 constraint.
pub(crate) fn boolean(system: &mut System, num: &Num) {
    let complement = &system.one() - num;
    system.enforce(num, &complement, &system.zero());
}

/// The lowest `count` bits of `value` as boolean variables. `count` constraints.
pub(crate) fn bits(system: &mut System, value: &Fr, count: usize) -> Vec<Num> {
    let integer = value.into_bigint();
    (0..count).map(|index| bit(system, integer.get_bit(index))).collect()
}

/// The number with these bits, least significant first. No constraint.
pub(crate) fn pack(system: &System, bits: &[Num]) -> Num {
    let mut factor = Fr::ONE;
    let mut packed = system.zero();
    for bit in bits {
        packed.add_scaled(bit, factor);
        factor.double_in_place();
    }
    packed
}

/// Constrains `num` to `count` bits, fewer than those of the field, and returns them. `count` + 1
/// constraints.
pub(crate) fn decompose(system: &mut System, num: &Num, count: usize) -> Vec<Num> {
    debug_assert!(count < FIELD_BITS, "a wider decomposition isn't unique");
    let bits = bits(system, &num.value, count);
    let packed = pack(system, &bits);
    system.equal(&packed, num);
    bits
}

/// The bits of the canonical representation of `num`, the only one below the field's order.
///
/// From the most significant bit, `equal` is one while all bits are equal to those of the order less one.
/// Where the order less one has a zero and `equal` is one, the bit must be zero. 511 constraints.
pub(crate) fn canonical_bits(system: &mut System, num: &Num) -> Vec<Num> {
    let bits = bits(system, &num.value, FIELD_BITS);
    let packed = pack(system, &bits);
    system.equal(&packed, num);
    let largest = (-Fr::ONE).into_bigint();
    let mut equal = system.one();
    for (place, bit) in bits.iter().enumerate().rev() {
        if largest.get_bit(place) {
            equal = system.multiply(&equal, bit);
        } else {
            system.zero_if(&equal, bit);
        }
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_takes_its_values_and_no_others() {
        for (value, fits) in [(0u64, true), (255, true), (256, false)] {
            let mut system = System::evaluating();
            let num = system.witness(Fr::from(value));
            decompose(&mut system, &num, 8);
            assert_eq!(system.violated().is_none(), fits, "{value}");
        }
        let mut system = System::evaluating();
        let negative = system.witness(-Fr::ONE);
        decompose(&mut system, &negative, 64);
        assert!(system.violated().is_some());
    }

    #[test]
    fn canonical_bits_exist_for_every_element() {
        for value in [Fr::ZERO, Fr::ONE, -Fr::ONE, -Fr::from(2u64), Fr::from(7u64).pow([999u64])] {
            let mut system = System::evaluating();
            let num = system.witness(value);
            let bits = canonical_bits(&mut system, &num);
            assert_eq!(system.violated(), None);
            assert_eq!(pack(&system, &bits).value, value);
        }
    }

    #[test]
    fn the_bits_of_value_plus_order_are_refused() {
        // The same constraints for given bits: those of the order have the value zero but aren't canonical.
        let order = Fr::MODULUS;
        let mut system = System::evaluating();
        let bits: Vec<Num> = (0..FIELD_BITS).map(|place| bit(&mut system, order.get_bit(place))).collect();
        assert_eq!(pack(&system, &bits).value, Fr::ZERO);
        let largest = (-Fr::ONE).into_bigint();
        let mut equal = system.one();
        for (place, bit) in bits.iter().enumerate().rev() {
            if largest.get_bit(place) {
                equal = system.multiply(&equal, bit);
            } else {
                system.zero_if(&equal, bit);
            }
        }
        assert!(system.violated().is_some());
    }
}
