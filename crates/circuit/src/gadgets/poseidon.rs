//! The permutation, hash and sponge of `fernet_ledger::poseidon`.

use ark_ff::Field;
use fernet_ledger::{
    Fr,
    poseidon::{self, Matrix, RATE, WIDTH},
};

use crate::system::{Num, System};

/// The first lane of the input of a permutation.
#[derive(Debug)]
pub(crate) enum Capacity {
    /// A constant, whose first S-box has no constraint.
    Constant(Fr),
    /// A value in the circuit.
    Variable(Num),
}

/// The S-box x^5, in 3 constraints.
///
/// It is x² · x³, so that each side of the constraints has only one new variable besides x: A and B of the
/// proving key have a point for each variable on their side.
fn s_box(system: &mut System, x: &Num) -> Num {
    let square = system.multiply(x, x);
    let cube = system.multiply(&square, x);
    system.multiply(&square, &cube)
}

/// The permutation. 300 constraints, 297 with a constant capacity.
pub(crate) fn permute(system: &mut System, capacity: Capacity, inputs: &[Num; RATE]) -> [Num; WIDTH] {
    let rounds = poseidon::optimized();
    let [a, b, c, d] = inputs;
    let mut known = None;
    let first = match capacity {
        Capacity::Variable(num) => num,
        Capacity::Constant(value) => {
            known = Some(value);
            system.constant(value)
        }
    };
    let mut state = [first, a.clone(), b.clone(), c.clone(), d.clone()];
    for (constants, matrix) in &rounds.first {
        full_round(system, &mut state, constants, matrix, known.take());
    }
    for (lane, constant) in state.iter_mut().zip(&rounds.middle) {
        *lane = &*lane + &system.constant(*constant);
    }
    for round in &rounds.partial {
        let boxed = &s_box(system, &state[0]) + &system.constant(round.constant);
        let mut sum = boxed.scale(round.row[0]);
        for (lane, factor) in state[1..].iter().zip(&round.row[1..]) {
            sum.add_scaled(lane, *factor);
        }
        for (lane, factor) in state[1..].iter_mut().zip(&round.column) {
            lane.add_scaled(&boxed, *factor);
        }
        state[0] = sum;
    }
    for (constants, matrix) in &rounds.last {
        full_round(system, &mut state, constants, matrix, None);
    }
    state
}

fn full_round(
    system: &mut System,
    state: &mut [Num; WIDTH],
    constants: &[Fr; WIDTH],
    matrix: &Matrix<WIDTH>,
    known_first: Option<Fr>,
) {
    for (index, (lane, constant)) in state.iter_mut().zip(constants).enumerate() {
        *lane = match known_first {
            Some(value) if index == 0 => {
                let sum = value + constant;
                system.constant(sum.square().square() * sum)
            }
            _ => s_box(system, &(&*lane + &system.constant(*constant))),
        };
    }
    *state = matrix.map(|row| {
        let mut sum = system.zero();
        for (lane, factor) in state.iter().zip(row) {
            sum.add_scaled(lane, factor);
        }
        sum
    });
}

/// The hash of four values: the second lane of the permutation.
pub(crate) fn hash(system: &mut System, capacity: Capacity, inputs: &[Num; RATE]) -> Num {
    let [_, output, ..] = permute(system, capacity, inputs);
    output
}

/// The hash of the children of a node of the state tree.
pub(crate) fn node(system: &mut System, children: &[Num; RATE]) -> Num {
    hash(system, Capacity::Constant(Fr::from(poseidon::NODE_TAG)), children)
}

/// The hash of an account, which is its leaf.
pub(crate) fn leaf(system: &mut System, key: (&Num, &Num), balance: &Num, nonce: &Num) -> Num {
    let inputs = [key.0.clone(), key.1.clone(), balance.clone(), nonce.clone()];
    hash(system, Capacity::Constant(Fr::from(poseidon::LEAF_TAG)), &inputs)
}

/// The commitment to a chunk's data: a sponge over `elements`.
pub(crate) fn sponge(system: &mut System, elements: &[Num]) -> Num {
    let mut capacity = Capacity::Constant(poseidon::data_capacity(elements.len()));
    let mut lanes = [(); RATE].map(|()| system.zero());
    for block in elements.chunks(RATE) {
        for (lane, element) in lanes.iter_mut().zip(block) {
            *lane = &*lane + element;
        }
        let [first, a, b, c, d] = permute(system, capacity, &lanes);
        capacity = Capacity::Variable(first);
        lanes = [a, b, c, d];
    }
    let [output, ..] = lanes;
    output
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::AdditiveGroup;

    // rule: J2
    #[test]
    fn the_gadget_computes_the_permutation() {
        let values = [1u64, 2, 3, 4].map(Fr::from);
        for constant in [true, false] {
            let mut system = System::recording();
            let capacity = match constant {
                true => Capacity::Constant(Fr::ZERO),
                false => Capacity::Variable(system.witness(Fr::ZERO)),
            };
            let inputs = values.map(|value| system.witness(value));
            let output = permute(&mut system, capacity, &inputs).map(|lane| lane.value);
            let mut expected = [Fr::ZERO, values[0], values[1], values[2], values[3]];
            poseidon::permute(&mut expected);
            assert_eq!(output, expected);
            assert_eq!(system.violated(), None);
            assert_eq!(system.constraints(), if constant { 297 } else { 300 });
        }
    }

    // rule: J2
    #[test]
    fn the_sponge_absorbs_any_number_of_elements() {
        for count in 1..10u64 {
            let values: Vec<Fr> = (0..count).map(Fr::from).collect();
            let mut system = System::evaluating();
            let nums: Vec<Num> = values.iter().map(|value| system.witness(*value)).collect();
            let expected = poseidon::sponge(poseidon::data_capacity(values.len()), &values);
            assert_eq!(sponge(&mut system, &nums).value, expected);
        }
    }
}
