//! Proving and verifying keys: generation, storage on disk, loading.
//!
//! The keys that are generated here are for **development only**. Their secrets follow from a public seed, so
//! everyone can forge proofs under them. They are the same on every machine, as a devnet and its tests
//! require.

mod directory;
mod file;
mod generate;
mod prover;
mod report;

pub use directory::{DEVELOPMENT_SEED, load_or_generate, path};
pub use file::KeyFileError;
pub use generate::generate;
pub use prover::ProverKey;
pub use report::{KeyError, SetupProgress};
