//! The roles as real processes over real sockets, while everything that can fail does, in a seeded order.
//!
//! `cargo test --workspace --test processes -- --ignored` runs a few slots with one fault of each kind;
//! FERNET_LONG=1 runs 20 slots with 6 sequencers, 3 provers and 2 nodes, and every kind at every phase.
//! `FERNET_SEED` repeats a run. Each run ends with a report: every fault, what became of its slot, and the
//! time to recover.
//!
//! It isn't among the tests of `make test`: the processes act by the clock, and a machine that is too busy to
//! prove a block within the proving phase loses slots.
#![cfg(unix)]

mod faults;
mod report;
mod run;

use run::{Plan, run};

/// The seed of a run without another one.
const SEED: u64 = 12;

fn seed() -> u64 {
    std::env::var("FERNET_SEED").ok().map_or(SEED, |text| text.parse().expect("FERNET_SEED is a number"))
}

#[test]
#[ignore = "by the clock: it needs a machine that does nothing else"]
fn roles_that_are_processes_lose_nothing_whatever_fails() {
    let is_long = std::env::var_os("FERNET_LONG").is_some();
    let plan = if is_long { Plan::long(seed()) } else { Plan::short(seed()) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run(plan));
}
