//! An equivalent permutation with sparse partial rounds (appendix B of the paper).
//!
//! The S-box of a partial round changes only the first lane. So everything that acts only on the other lanes
//! can move before the S-box: the constants of those lanes, and a factor of the matrix. The rest of each
//! round's matrix has one dense row and one dense column: 9 multiplications instead of 25.
// Arithmetic is on field elements, and indices are below fixed lengths.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

use ark_ff::{AdditiveGroup, Field};

use super::constants::{Constants, FULL_ROUNDS, PARTIAL_ROUNDS, WIDTH, s_box};
use crate::field::Fr;

/// A square matrix, as rows.
pub type Matrix<const N: usize> = [[Fr; N]; N];
/// Lanes other than the first.
const REST: usize = WIDTH - 1;

/// A partial round: S-box and constant on the first lane, then the sparse matrix.
#[derive(Debug, Clone)]
pub struct PartialRound {
    /// Added to the first lane after its S-box.
    pub constant: Fr,
    /// First row of the sparse matrix.
    pub row: [Fr; WIDTH],
    /// First column of the sparse matrix below the first row.
    pub column: [Fr; REST],
}

/// Constants in the order in which the permutation uses them.
#[derive(Debug, Clone)]
pub struct Optimized {
    /// Full rounds before the partial ones: constants, then S-boxes, then a matrix.
    pub first: Vec<([Fr; WIDTH], Matrix<WIDTH>)>,
    /// Added to every lane before the partial rounds.
    pub middle: [Fr; WIDTH],
    /// Partial rounds.
    pub partial: Vec<PartialRound>,
    /// Full rounds after the partial ones.
    pub last: Vec<([Fr; WIDTH], Matrix<WIDTH>)>,
}

impl Optimized {
    pub(super) fn new(constants: &Constants) -> Self {
        let half = FULL_ROUNDS / 2;
        let matrix = constants.matrix;
        let inverse = invert(matrix);

        // Constants, from the last partial round to the first: they move back through the matrix, and on the
        // lanes other than the first through the S-box.
        let mut after_box = [Fr::ZERO; PARTIAL_ROUNDS];
        let mut carried = constants.rounds[half + PARTIAL_ROUNDS - 1];
        for round in (0..PARTIAL_ROUNDS - 1).rev() {
            let mut moved = multiply(&inverse, &carried);
            after_box[round] = moved[0];
            moved[0] = Fr::ZERO;
            carried = constants.rounds[half + round];
            carried.iter_mut().zip(moved).for_each(|(lane, add)| *lane += add);
        }

        // Matrices, from last to first: dense = sparse · (1 ⊕ rest). The second factor moves to the round
        // before.
        let mut dense = matrix;
        let mut partial = Vec::with_capacity(PARTIAL_ROUNDS);
        for round in (0..PARTIAL_ROUNDS).rev() {
            let rest: Matrix<REST> = std::array::from_fn(|i| std::array::from_fn(|j| dense[i + 1][j + 1]));
            let rest_inverse = invert(rest);
            let row = std::array::from_fn(|j| match j {
                0 => dense[0][0],
                _ => (0..REST).map(|k| dense[0][k + 1] * rest_inverse[k][j - 1]).sum(),
            });
            let column = std::array::from_fn(|i| dense[i + 1][0]);
            partial.push(PartialRound { constant: after_box[round], row, column });
            dense = std::array::from_fn(|i| {
                std::array::from_fn(|j| match i {
                    0 => matrix[0][j],
                    _ => (0..REST).map(|k| rest[i - 1][k] * matrix[k + 1][j]).sum(),
                })
            });
        }
        partial.reverse();

        // The constants before the partial rounds are added after the last factor is applied to the state.
        let rest_of_first = first_factor(&matrix, PARTIAL_ROUNDS);
        let mut middle = carried;
        for i in 0..REST {
            middle[i + 1] = (0..REST).map(|k| rest_of_first[i][k] * carried[k + 1]).sum();
        }

        let full = |round: usize| (constants.rounds[round], matrix);
        let mut first: Vec<_> = (0..half).map(full).collect();
        first[half - 1].1 = dense;
        let last = (half + PARTIAL_ROUNDS..FULL_ROUNDS + PARTIAL_ROUNDS).map(full).collect();
        Self { first, middle, partial, last }
    }

    pub(super) fn permute(&self, state: &mut [Fr; WIDTH]) {
        full_rounds(&self.first, state);
        state.iter_mut().zip(&self.middle).for_each(|(lane, constant)| *lane += constant);
        for round in &self.partial {
            let first = s_box(state[0]) + round.constant;
            let mut sum = round.row[0] * first;
            for i in 0..REST {
                sum += round.row[i + 1] * state[i + 1];
                state[i + 1] += round.column[i] * first;
            }
            state[0] = sum;
        }
        full_rounds(&self.last, state);
    }
}

fn full_rounds(rounds: &[([Fr; WIDTH], Matrix<WIDTH>)], state: &mut [Fr; WIDTH]) {
    for (constants, matrix) in rounds {
        for (lane, constant) in state.iter_mut().zip(constants) {
            *lane = s_box(*lane + constant);
        }
        *state = multiply(matrix, state);
    }
}

/// The factor of the first of `rounds` partial rounds that moves before it and acts on the lanes other than
/// the first.
fn first_factor(matrix: &Matrix<WIDTH>, rounds: usize) -> Matrix<REST> {
    let block: Matrix<REST> = std::array::from_fn(|i| std::array::from_fn(|j| matrix[i + 1][j + 1]));
    (1..rounds).fold(block, |factor, _| {
        std::array::from_fn(|i| {
            std::array::from_fn(|j| (0..REST).map(|k| factor[i][k] * matrix[k + 1][j + 1]).sum())
        })
    })
}

fn multiply<const N: usize>(matrix: &Matrix<N>, vector: &[Fr; N]) -> [Fr; N] {
    std::array::from_fn(|i| (0..N).map(|j| matrix[i][j] * vector[j]).sum())
}

/// The inverse by Gauss–Jordan elimination. Every square block of a maximum distance separable matrix is
/// invertible.
fn invert<const N: usize>(mut matrix: Matrix<N>) -> Matrix<N> {
    let mut inverse: Matrix<N> = std::array::from_fn(|i| std::array::from_fn(|j| Fr::from(i == j)));
    for column in 0..N {
        let pivot = (column..N).find(|&row| matrix[row][column] != Fr::ZERO).unwrap_or(column);
        matrix.swap(column, pivot);
        inverse.swap(column, pivot);
        let scale = matrix[column][column].inverse().unwrap_or(Fr::ZERO);
        for j in 0..N {
            matrix[column][j] *= scale;
            inverse[column][j] *= scale;
        }
        for row in (0..N).filter(|&row| row != column) {
            let factor = matrix[row][column];
            for j in 0..N {
                let (above, above_inverse) = (matrix[column][j], inverse[column][j]);
                matrix[row][j] -= factor * above;
                inverse[row][j] -= factor * above_inverse;
            }
        }
    }
    inverse
}
