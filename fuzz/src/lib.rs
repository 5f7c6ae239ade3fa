//! Fuzz targets for everything that decodes bytes of strangers: peers, RPC endpoints, users, files.
//!
//! A [`Target`] takes any bytes and checks three properties:
//!
//! 1. Decoding does not panic, and neither does printing its error.
//! 2. Decoding allocates no more than a bound, which grows with the input ([`bounded`]).
//! 3. A decoded value encodes to the same bytes. Where several texts mean one value (JSON), it encodes to
//!    bytes that decode to the same value.
//!
//! `fuzz_targets/` has a libFuzzer program for each target (`make fuzz`). `tests/replay.rs` runs every target
//! on its seeds and on mutations of them, as part of `cargo test`.

mod alloc;
mod circuit;
mod follower;
mod l1;
mod ledger;
mod network;
mod protocol;
mod roles;

use std::path::PathBuf;

pub use alloc::bounded;
pub use circuit::{BLOCK_PROOF, KEY_FILE, VERIFYING_KEY};
pub use follower::{ARCHIVE, SNAPSHOT};
pub use l1::{BEACON_ANSWER, BLOB_SIDECAR, DEPLOYMENT, EVENTS, JSON_RPC, L1_HEADER, REVERT, TX_RECORD};
pub use ledger::{ACCOUNT_KEYS, BLOCK_DATA};
pub use network::{BODY, GOSSIP, QUOTE_REQUEST, QUOTES};
pub use protocol::{BLS_KEYS, HEADER};
pub use roles::JOURNAL;

/// All targets, each named like its file in `fuzz_targets/`.
pub const TARGETS: [&Target; 22] = [
    &ACCOUNT_KEYS,
    &ARCHIVE,
    &BEACON_ANSWER,
    &BLOB_SIDECAR,
    &BLOCK_DATA,
    &BLOCK_PROOF,
    &BLS_KEYS,
    &BODY,
    &DEPLOYMENT,
    &EVENTS,
    &GOSSIP,
    &HEADER,
    &JOURNAL,
    &JSON_RPC,
    &KEY_FILE,
    &L1_HEADER,
    &QUOTE_REQUEST,
    &QUOTES,
    &REVERT,
    &SNAPSHOT,
    &TX_RECORD,
    &VERIFYING_KEY,
];

/// A decoder under test.
#[derive(Debug)]
pub struct Target {
    /// The name of its file in `fuzz_targets/`.
    pub name: &'static str,
    /// Checks the properties for one input.
    pub check: fn(&[u8]) -> Outcome,
    /// Inputs that the decoder accepts, from which the fuzzer starts.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// What a decoder did with an input that passed the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The bytes are a value.
    Decoded,
    /// The bytes are refused with an error.
    Refused,
}

/// Checks that the error can be printed.
fn refused(error: &impl std::fmt::Display) -> Outcome {
    assert!(!error.to_string().is_empty(), "expected an error with a text");
    Outcome::Refused
}

/// Writes the seeds of a target into the folder that `FERNET_FUZZ_SEEDS` names, if it is set.
///
/// # Panics
/// When the folder cannot be written.
pub fn write_seeds(target: &Target) {
    let Some(folder) = std::env::var_os("FERNET_FUZZ_SEEDS").map(PathBuf::from) else { return };
    for (number, seed) in (target.seeds)().iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number}")), seed)
            .expect("the folder of the seeds is writable");
    }
}

/// Makes a libFuzzer program of a target.
#[cfg(feature = "libfuzzer")]
#[macro_export]
macro_rules! fuzz {
    ($target:ident) => {
        ::libfuzzer_sys::fuzz_target!(init: $crate::write_seeds(&$crate::$target), |bytes: &[u8]| {
            ($crate::$target.check)(bytes);
        });
    };
}
