//! A rank-1 constraint system that computes only values for a proof, and records its rows for a set-up.
//!
//! Every constraint is `a · b = c` for three linear combinations of variables. Variable 0 is the constant
//! one, then come the public inputs, then the witness. A proof needs only the values of a, b and c in each
//! row, so no combination is stored. A set-up needs the rows, so each [`Num`] has its combination.

use std::{
    collections::BTreeMap,
    ops::{Add, Neg, Sub},
};

use ark_ff::{AdditiveGroup, Field, PrimeField};
use fernet_ledger::Fr;
use sha2::{Digest, Sha256};

/// A linear combination: variables in ascending order with their nonzero coefficients.
pub type Terms = Vec<(u32, Fr)>;

/// A constraint: the three combinations of `a · b = c`.
pub type Row = [Terms; 3];

/// A value in the circuit, with its linear combination of variables if rows are recorded or hashed.
#[derive(Debug, Clone)]
pub struct Num {
    /// The value under the current assignment.
    pub(crate) value: Fr,
    terms: Terms,
}

/// What the system does with rows.
#[derive(Debug)]
enum Rows {
    /// Only the values of rows are computed.
    Evaluated,
    /// Rows are stored.
    Recorded(Vec<Row>),
    /// Rows are hashed and not stored.
    Hashed(Box<Sha256>),
}

/// A constraint system with its assignment.
#[derive(Debug)]
pub struct System {
    rows: Rows,
    inputs: usize,
    assignment: Vec<Fr>,
    sides: [Vec<Fr>; 3],
    /// Number of rows by part of the circuit.
    counts: BTreeMap<&'static str, usize>,
    part: &'static str,
}

impl System {
    /// A system for a proof, which computes only values.
    #[must_use]
    pub fn evaluating() -> Self {
        Self::new(Rows::Evaluated)
    }

    /// A system for a set-up, which records its rows.
    #[must_use]
    pub fn recording() -> Self {
        Self::new(Rows::Recorded(Vec::new()))
    }

    /// A system that hashes its rows.
    #[must_use]
    pub fn hashing() -> Self {
        Self::new(Rows::Hashed(Box::default()))
    }

    fn new(rows: Rows) -> Self {
        Self {
            rows,
            inputs: 1,
            assignment: vec![Fr::ONE],
            sides: Default::default(),
            counts: BTreeMap::new(),
            part: "",
        }
    }

    /// Number of constraints so far.
    #[must_use]
    pub fn constraints(&self) -> usize {
        self.counts.values().sum()
    }

    /// Number of constraints by part of the circuit.
    #[must_use]
    pub const fn counts(&self) -> &BTreeMap<&'static str, usize> {
        &self.counts
    }

    /// Number of public inputs, the constant one included.
    #[must_use]
    pub const fn inputs(&self) -> usize {
        self.inputs
    }

    /// Values of all variables: the constant one, the public inputs, the witness.
    #[must_use]
    pub fn assignment(&self) -> &[Fr] {
        &self.assignment
    }

    /// Values of the public inputs.
    #[must_use]
    pub fn public_inputs(&self) -> &[Fr] {
        self.assignment.get(1..self.inputs).unwrap_or_default()
    }

    /// The recorded rows; empty unless the system records them.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        match &self.rows {
            Rows::Recorded(rows) => rows,
            Rows::Evaluated | Rows::Hashed(_) => &[],
        }
    }

    /// The digest of all rows and the number of variables; zero unless the system hashes its rows.
    #[must_use]
    pub fn into_digest(self) -> [u8; 32] {
        let Rows::Hashed(mut hasher) = self.rows else { return [0; 32] };
        hasher.update((self.inputs as u64).to_le_bytes());
        hasher.update((self.assignment.len() as u64).to_le_bytes());
        hasher.finalize().into()
    }

    /// The values of a, b and c in each row, and of all variables.
    #[must_use]
    pub fn into_values(self) -> ([Vec<Fr>; 3], Vec<Fr>) {
        (self.sides, self.assignment)
    }

    /// Index of the first row that the assignment violates.
    #[must_use]
    pub fn violated(&self) -> Option<usize> {
        let [a, b, c] = &self.sides;
        a.iter().zip(b).zip(c).position(|((a, b), c)| *a * b != *c)
    }

    /// Sets the part of the circuit to which the next rows belong.
    pub(crate) fn enter(&mut self, part: &'static str) {
        self.part = part;
    }

    /// A constant.
    pub(crate) fn constant(&self, value: Fr) -> Num {
        let terms = if self.is_evaluating() || value == Fr::ZERO { Vec::new() } else { vec![(0, value)] };
        Num { value, terms }
    }

    /// The constant one.
    pub(crate) fn one(&self) -> Num {
        self.constant(Fr::ONE)
    }

    /// The constant zero.
    pub(crate) fn zero(&self) -> Num {
        self.constant(Fr::ZERO)
    }

    /// A new public input. All public inputs come before the first witness variable.
    pub(crate) fn input(&mut self, value: Fr) -> Num {
        debug_assert_eq!(self.inputs, self.assignment.len(), "public inputs come first");
        self.inputs += 1;
        self.witness(value)
    }

    /// A new witness variable with this value, without a constraint.
    pub(crate) fn witness(&mut self, value: Fr) -> Num {
        let terms =
            if self.is_evaluating() { Vec::new() } else { vec![(self.assignment.len() as u32, Fr::ONE)] };
        self.assignment.push(value);
        Num { value, terms }
    }

    /// Constrains `a · b = c`.
    pub(crate) fn enforce(&mut self, a: &Num, b: &Num, c: &Num) {
        for (side, num) in self.sides.iter_mut().zip([a, b, c]) {
            side.push(num.value);
        }
        *self.counts.entry(self.part).or_default() += 1;
        match &mut self.rows {
            Rows::Evaluated => {}
            Rows::Recorded(rows) => rows.push([a.terms.clone(), b.terms.clone(), c.terms.clone()]),
            Rows::Hashed(hasher) => {
                for num in [a, b, c] {
                    hasher.update((num.terms.len() as u32).to_le_bytes());
                    for (variable, coefficient) in &num.terms {
                        hasher.update(variable.to_le_bytes());
                        for limb in coefficient.into_bigint().0 {
                            hasher.update(limb.to_le_bytes());
                        }
                    }
                }
            }
        }
    }

    /// Constrains `a = b`.
    pub(crate) fn equal(&mut self, a: &Num, b: &Num) {
        self.enforce(a, &self.one(), b);
    }

    /// Constrains `a = 0` if `flag` isn't zero.
    pub(crate) fn zero_if(&mut self, flag: &Num, a: &Num) {
        self.enforce(flag, a, &self.zero());
    }

    /// The product.
    pub(crate) fn multiply(&mut self, a: &Num, b: &Num) -> Num {
        let product = self.witness(a.value * b.value);
        self.enforce(a, b, &product);
        product
    }

    /// The quotient, for a `denominator` that is never zero: the quotient by zero would be unconstrained.
    pub(crate) fn divide(&mut self, numerator: &Num, denominator: &Num) -> Num {
        let inverse = denominator.value.inverse().unwrap_or(Fr::ZERO);
        self.quotient(numerator, denominator, inverse)
    }

    /// Two quotients with one inversion, for denominators that are never zero.
    pub(crate) fn divide_two(&mut self, first: (&Num, &Num), second: (&Num, &Num)) -> (Num, Num) {
        let both = (first.1.value * second.1.value).inverse().unwrap_or(Fr::ZERO);
        let quotient = self.quotient(first.0, first.1, both * second.1.value);
        (quotient, self.quotient(second.0, second.1, both * first.1.value))
    }

    fn quotient(&mut self, numerator: &Num, denominator: &Num, inverse: Fr) -> Num {
        let quotient = self.witness(numerator.value * inverse);
        self.enforce(&quotient, denominator, numerator);
        quotient
    }

    fn is_evaluating(&self) -> bool {
        matches!(self.rows, Rows::Evaluated)
    }
}

impl Num {
    /// The combination times a constant.
    pub(crate) fn scale(&self, factor: Fr) -> Self {
        if factor == Fr::ZERO {
            return Self { value: Fr::ZERO, terms: Vec::new() };
        }
        let terms =
            self.terms.iter().map(|(variable, coefficient)| (*variable, *coefficient * factor)).collect();
        Self { value: self.value * factor, terms }
    }

    /// Adds another combination times a constant.
    pub(crate) fn add_scaled(&mut self, other: &Self, factor: Fr) {
        self.value += other.value * factor;
        if other.terms.is_empty() {
            return;
        }
        // Usually, all variables of `other` are newer.
        let newer = other.terms.first().map(|term| term.0) > self.terms.last().map(|term| term.0);
        if newer {
            self.terms.extend(other.terms.iter().map(|(variable, c)| (*variable, *c * factor)));
            self.terms.retain(|(_, coefficient)| *coefficient != Fr::ZERO);
        } else {
            self.terms = merge(&self.terms, &other.terms, factor);
        }
    }
}

fn merge(left: &Terms, right: &Terms, factor: Fr) -> Terms {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    loop {
        let term = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) if a.0 == b.0 => {
                let sum = (a.0, a.1 + b.1 * factor);
                left.next();
                right.next();
                sum
            }
            (Some(a), Some(b)) if a.0 > b.0 => {
                let term = (b.0, b.1 * factor);
                right.next();
                term
            }
            (Some(a), _) => {
                let term = **a;
                left.next();
                term
            }
            (None, Some(b)) => {
                let term = (b.0, b.1 * factor);
                right.next();
                term
            }
            (None, None) => return merged,
        };
        if term.1 != Fr::ZERO {
            merged.push(term);
        }
    }
}

impl Add for &Num {
    type Output = Num;

    fn add(self, other: Self) -> Num {
        let mut sum = self.clone();
        sum.add_scaled(other, Fr::ONE);
        sum
    }
}

impl Sub for &Num {
    type Output = Num;

    fn sub(self, other: Self) -> Num {
        let mut difference = self.clone();
        difference.add_scaled(other, -Fr::ONE);
        difference
    }
}

impl Neg for &Num {
    type Output = Num;

    fn neg(self) -> Num {
        self.scale(-Fr::ONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: u64) -> Fr {
        Fr::from(value)
    }

    #[test]
    fn combinations_add_up_and_cancel() {
        let mut system = System::recording();
        let (x, y) = (system.witness(number(3)), system.witness(number(5)));
        let sum = &(&y.scale(number(2)) + &x) + &system.constant(number(7));
        assert_eq!(sum.value, number(20));
        assert_eq!(sum.terms, [(0, number(7)), (1, number(1)), (2, number(2))]);
        let difference = &sum - &y.scale(number(2));
        assert_eq!(difference.terms, [(0, number(7)), (1, number(1))]);
        assert!((&x - &x).terms.is_empty());
    }

    #[test]
    fn violated_rows_are_found() {
        let mut system = System::evaluating();
        let (x, y) = (system.witness(number(3)), system.witness(number(5)));
        let product = system.multiply(&x, &y);
        assert_eq!(product.value, number(15));
        assert_eq!(system.violated(), None);
        system.equal(&x, &y);
        assert_eq!(system.violated(), Some(1));
    }

    #[test]
    fn recorded_rows_have_the_evaluated_values() {
        let mut system = System::recording();
        let x = system.input(number(3));
        let y = system.witness(number(5));
        let quotient = system.divide(&(&x + &y), &(&y - &x));
        assert_eq!(quotient.value, number(4));
        let assignment = system.assignment().to_vec();
        let value = |terms: &Terms| terms.iter().map(|(v, c)| assignment[*v as usize] * c).sum::<Fr>();
        for (number, [a, b, c]) in system.rows().iter().enumerate() {
            assert_eq!(value(a) * value(b), value(c), "row {number}");
        }
        assert_eq!(system.public_inputs(), [number(3)]);
    }

    #[test]
    fn digests_tell_systems_apart() {
        let digest = |factor: u64| {
            let mut system = System::hashing();
            let x = system.witness(number(3));
            system.multiply(&x.scale(number(factor)), &x);
            system.into_digest()
        };
        assert_eq!(digest(2), digest(2));
        assert_ne!(digest(2), digest(3));
    }
}
