//! The prover can't choose the value of any variable: a change of any one violates a constraint.
#![allow(missing_docs)]

mod common;

use std::collections::HashMap;

use ark_ff::AdditiveGroup;
use common::*;
use fernet_circuit::{System, synthesize, system::Terms};
use fernet_ledger::Fr;

/// Chunks that together have operations of all kinds.
fn attempts() -> [Attempt; 2] {
    let signed = Attempt::new([transfer(1, 2, 10, 5), withdrawal(2, 7, 1), target(), paid(4, 9)]);
    let forced = Attempt::new([left(1, 1_000), target(), left(5, 0), target()]);
    [
        signed.deposits([deposit(4, 9)]).fee_recipient(3).fee_burn(3_333),
        forced.queue([exit(1), exit(5)]).fee_recipient(3).fee_burn(1),
    ]
}

fn recorded(attempt: &Attempt) -> System {
    let mut system = System::recording();
    synthesize(&mut system, &PARAMS, &attempt.assignment()).unwrap();
    assert_eq!(system.violated(), None);
    system
}

fn value(terms: &Terms, assignment: &[Fr]) -> Fr {
    terms.iter().map(|(variable, coefficient)| assignment[*variable as usize] * coefficient).sum()
}

#[test]
fn rows_have_the_values_that_proving_uses() {
    attempts().iter().for_each(|attempt| rows_have_the_values(recorded(attempt)));
}

fn rows_have_the_values(system: System) {
    let assignment = system.assignment().to_vec();
    let rows: Vec<[Fr; 3]> =
        system.rows().iter().map(|row| row.each_ref().map(|terms| value(terms, &assignment))).collect();
    let ([a, b, c], _) = system.into_values();
    assert_eq!(rows.len(), a.len());
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(*row, [a[number], b[number], c[number]], "row {number}");
    }
}

#[test]
fn changing_one_variable_violates_a_constraint() {
    attempts().iter().for_each(|attempt| every_variable_is_bound(&recorded(attempt)));
}

fn every_variable_is_bound(system: &System) {
    let mut assignment = system.assignment().to_vec();
    let mut uses: HashMap<u32, Vec<usize>> = HashMap::new();
    for (number, row) in system.rows().iter().enumerate() {
        for (variable, _) in row.iter().flatten() {
            let rows = uses.entry(*variable).or_default();
            if rows.last() != Some(&number) {
                rows.push(number);
            }
        }
    }
    let mut free = Vec::new();
    for variable in 1..assignment.len() {
        let rows = uses.get(&(variable as u32)).map_or(&[][..], Vec::as_slice);
        let honest = assignment[variable];
        assignment[variable] += Fr::from(0x1234_5678_9abc_def1u64);
        let violated = rows.iter().any(|number| {
            let [a, b, c] = system.rows()[*number].each_ref().map(|terms| value(terms, &assignment));
            a * b != c
        });
        assignment[variable] = honest;
        if !violated {
            free.push((variable, rows.to_vec()));
        }
    }
    // The exceptions are inverses of numbers that are zero where zero is allowed: four rows `0 · inverse =
    // 0`, for the recipient of the withdrawal and the zero upper bits of its target.
    for (variable, rows) in &free {
        let [row] = rows[..] else { panic!("variable {variable} is used in {} rows", rows.len()) };
        let [a, b, c] = &system.rows()[row];
        assert_eq!(b.as_slice(), [(*variable as u32, Fr::from(1u64))]);
        assert_eq!((value(a, &assignment), value(c, &assignment)), (Fr::ZERO, Fr::ZERO));
    }
    println!("{} variables, {} free: {free:?}", assignment.len(), free.len());
    assert!(free.len() <= 4, "{free:?}");
}
