//! Compiles `contracts/` once, with forge's own settings (`foundry.toml`), and writes what the crate
//! includes:
//!
//! - `sol.rs`: one `sol!` block with every type and interface of `contracts/types` and
//!   `contracts/interfaces`, taken from the sources (so a struct that two interfaces share is one Rust type,
//!   and the NatSpec becomes rustdoc), then one block per deployable contract with its constructor, its
//!   bytecode and what it has beyond the interfaces;
//! - `artifacts.rs`: bytecode, immutable references and JSON ABIs.
//!
//! `FERNET_INTERFACES_ONLY=1` leaves the compiler out and writes the interfaces alone: for work on the client
//! while the contracts are in pieces.

#[path = "build/compile.rs"]
mod compile;
#[path = "build/generate.rs"]
mod generate;
#[path = "build/umbrella.rs"]
mod umbrella;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// A one-line reason why the bindings can't be built.
type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("CARGO_MANIFEST_DIR is not set")?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let root = manifest.join("../..").canonicalize().map_err(|e| format!("workspace root: {e}"))?;
    let interfaces_only = env::var_os("FERNET_INTERFACES_ONLY").is_some_and(|v| v == "1");

    println!("cargo:rerun-if-env-changed=FERNET_INTERFACES_ONLY");
    for watched in ["build.rs", "build"] {
        println!("cargo:rerun-if-changed={watched}");
    }
    if interfaces_only {
        for watched in ["contracts/interfaces", "contracts/types"] {
            println!("cargo:rerun-if-changed={}", root.join(watched).display());
        }
    } else {
        for watched in ["contracts", "foundry.toml", "package-lock.json", "tools/solc"] {
            println!("cargo:rerun-if-changed={}", root.join(watched).display());
        }
    }

    let umbrella = umbrella::collect(&root.join("contracts"))?;
    let compiled = if interfaces_only { Vec::new() } else { compile::contracts(&root, &out.join("solc"))? };
    write(&out.join("sol.rs"), &generate::bindings(&umbrella, &compiled)?)?;
    write(&out.join("artifacts.rs"), &generate::artifacts(&compiled, interfaces_only))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|e| format!("can't write {}: {e}", path.display()))
}
