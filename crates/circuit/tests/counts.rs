//! Number of constraints of the production circuit by part.
#![allow(missing_docs)]

use fernet_circuit::{ChunkAssignment, CircuitParams, System, synthesize};

fn count(operations: usize) -> System {
    let params = CircuitParams { operations, elements: 8, ..CircuitParams::PRODUCTION };
    let mut system = System::evaluating();
    synthesize(&mut system, &params, &ChunkAssignment::blank(16, operations)).unwrap();
    system
}

// rule: H3
#[test]
fn a_transfer_takes_at_most_25_000_constraints() {
    let (eight, seven) = (count(8), count(7));
    let slot = eight.constraints() - seven.constraints();
    println!("per slot {slot}, per chunk {}, total {}", eight.constraints() - 8 * slot, eight.constraints());
    println!("variables {}", eight.assignment().len());
    for (part, count) in eight.counts() {
        println!("{part:20} {count}");
    }
    assert!(slot <= 25_000, "{slot}");
    assert!(eight.constraints() + eight.inputs() <= 1 << 18);
}
