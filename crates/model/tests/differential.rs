//! Model and contracts beside each other.
#![allow(missing_docs)]

use fernet_model::{Tally, run_sequence};

const CALLS: usize = 40;

#[test]
fn model_and_contracts_agree() {
    let mut tally = Tally::default();
    let begun = std::time::Instant::now();
    for seed in 0..200 {
        match run_sequence(seed, CALLS) {
            Ok(more) => tally.add(&more),
            Err(difference) => panic!("{difference}"),
        }
    }
    println!("{tally}{:?}", begun.elapsed());
}
