//! Writes the circuit's files of `vectors/`: `cargo run -p fernet-circuit --example vectors`.
//!
//! The first run makes the development keys, in `target/keys` or the folder named as the first argument.

#[path = "../tests/cases/mod.rs"]
mod cases;

use std::{path::PathBuf, sync::Arc};

use cases::*;
use fernet_circuit::{CircuitParams, DEVELOPMENT_SEED, Prover, SetupProgress, key::load_or_generate};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let default = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/keys");
    let keys = std::env::args_os().nth(1).map_or(default, PathBuf::from);
    let params = CircuitParams::PRODUCTION;
    let mut report = |progress| match progress {
        SetupProgress::Points { done, total } if done % (1 << 17) == 0 || done == total => {
            println!("set-up: {done} of {total} points");
        }
        SetupProgress::Points { .. } => {}
        other => println!("set-up: {other:?}"),
    };
    let prover = Prover::new(Arc::new(load_or_generate(&keys, &params, &DEVELOPMENT_SEED, &mut report)?));
    let key = prover.key();
    write("verifying-key", &key_case(&params, &key.circuit_hash(), key.verifying_key()))?;
    write("poseidon", &poseidon_cases())?;
    write("operations", &operation_cases())?;
    write("challenge", &challenge_cases())?;
    write("blocks", &block_cases())?;
    let mut proofs = Vec::new();
    for case in cases() {
        let proof =
            prover.prove_block(&case.block, &case.statement, 1, &|progress| println!("{progress:?}"))?;
        proofs.push(proof_case(&case, &proof));
    }
    write("proofs", &json!({ "cases": proofs }))?;
    Ok(())
}

fn write(name: &str, value: &Value) -> std::io::Result<()> {
    let path = directory().join(format!("{name}.json"));
    println!("writing {}", path.display());
    std::fs::write(path, serde_json::to_string_pretty(value)? + "\n")
}
