//! The published constants: Grain generator, round constants and Cauchy matrix of the reference
//! implementation.
#![allow(clippy::arithmetic_side_effects)] // field elements, and indices into arrays of fixed length

use ark_ff::{AdditiveGroup, BigInt, BigInteger, Field, PrimeField};

use crate::field::Fr;

/// Lanes of the state.
pub const WIDTH: usize = 5;
/// Rounds with an S-box on every lane. Half of them come before the partial rounds, half after.
pub const FULL_ROUNDS: usize = 8;
/// Rounds with an S-box on the first lane only.
pub const PARTIAL_ROUNDS: usize = 60;

/// Full and partial rounds.
const ROUNDS: usize = FULL_ROUNDS + PARTIAL_ROUNDS;

/// Round constants and mixing matrix.
#[derive(Debug, Clone)]
pub struct Constants {
    /// Constants added at the start of each round, one per lane.
    pub rounds: Vec<[Fr; WIDTH]>,
    /// The maximum distance separable matrix, by rows; it multiplies the state at the end of each round.
    pub matrix: [[Fr; WIDTH]; WIDTH],
}

impl Constants {
    /// Generates the constants as `generate_parameters_grain.sage` of the reference implementation does.
    pub(super) fn generate() -> Self {
        let mut grain = Grain::new();
        let rounds = (0..ROUNDS).map(|_| [(); WIDTH].map(|()| grain.element_by_rejection())).collect();
        let columns_of_cauchy: [Fr; WIDTH] = [(); WIDTH].map(|()| grain.element_by_reduction());
        let rows_of_cauchy: [Fr; WIDTH] = [(); WIDTH].map(|()| grain.element_by_reduction());
        // The sums are nonzero for this instance: the published vector holds.
        let matrix = columns_of_cauchy.map(|x| rows_of_cauchy.map(|y| (x + y).inverse().unwrap_or(Fr::ZERO)));
        Self { rounds, matrix }
    }

    /// The permutation as the paper defines it, the reference for the optimized one.
    pub fn permute(&self, state: &mut [Fr; WIDTH]) {
        for (number, constants) in self.rounds.iter().enumerate() {
            for (lane, constant) in state.iter_mut().zip(constants) {
                *lane += constant;
            }
            let boxes = if is_full(number) { WIDTH } else { 1 };
            for lane in state.iter_mut().take(boxes) {
                *lane = s_box(*lane);
            }
            *state = self.matrix.map(|row| row.iter().zip(state.iter()).map(|(m, lane)| *m * lane).sum());
        }
    }
}

/// The S-box x^5.
pub(super) fn s_box(x: Fr) -> Fr {
    x.square().square() * x
}

/// Whether the round has an S-box on every lane.
fn is_full(round: usize) -> bool {
    !(FULL_ROUNDS / 2..FULL_ROUNDS / 2 + PARTIAL_ROUNDS).contains(&round)
}

/// The Grain shift register in self-shrinking mode, as the reference implementation seeds it.
struct Grain {
    /// The last 80 bits; the oldest is the lowest.
    bits: u128,
}

impl Grain {
    fn new() -> Self {
        // Field descriptor (2 bits: 1 = prime), S-box (4 bits: 0 = x^alpha), bits of the modulus (12), width
        // (12), full rounds (10), partial rounds (10), then 30 ones; each number has its most significant bit
        // first.
        let mut grain = Self { bits: 0 };
        let mut length = 0u32;
        let mut push = |value: u64, width: u32| {
            for shift in (0..width).rev() {
                grain.bits |= u128::from(value >> shift & 1) << length;
                length += 1;
            }
        };
        push(1, 2);
        push(0, 4);
        push(u64::from(Fr::MODULUS_BIT_SIZE), 12);
        push(WIDTH as u64, 12);
        push(FULL_ROUNDS as u64, 10);
        push(PARTIAL_ROUNDS as u64, 10);
        push((1 << 30) - 1, 30);
        for _ in 0..160 {
            grain.step();
        }
        grain
    }

    fn step(&mut self) -> bool {
        let tap = |index: u32| self.bits >> index & 1;
        let new = tap(62) ^ tap(51) ^ tap(38) ^ tap(23) ^ tap(13) ^ tap(0);
        self.bits = self.bits >> 1 | new << 79;
        new == 1
    }

    /// The next output bit. Bits are generated in pairs; the second one is output if the first one is set.
    fn bit(&mut self) -> bool {
        loop {
            let is_output = self.step();
            let bit = self.step();
            if is_output {
                return bit;
            }
        }
    }

    fn number(&mut self) -> BigInt<4> {
        let bits: Vec<bool> = (0..Fr::MODULUS_BIT_SIZE).map(|_| self.bit()).collect();
        BigInt::from_bits_be(&bits)
    }

    fn element_by_rejection(&mut self) -> Fr {
        loop {
            if let Some(element) = Fr::from_bigint(self.number()) {
                return element;
            }
        }
    }

    fn element_by_reduction(&mut self) -> Fr {
        Fr::from_le_bytes_mod_order(&self.number().to_bytes_le())
    }
}
