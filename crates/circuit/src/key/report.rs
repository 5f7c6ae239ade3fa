//! Progress and errors of a set-up.

use std::path::PathBuf;

use super::file::KeyFileError;
use crate::transition::SynthesisError;

/// Progress of a set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupProgress {
    /// Reading keys from disk.
    Loading,
    /// Synthesizing the circuit.
    Synthesizing,
    /// Computing group elements.
    Points {
        /// Number of computed elements.
        done: u64,
        /// Number of all elements.
        total: u64,
    },
    /// Writing keys to disk.
    Writing,
}

/// Why a set-up failed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The circuit can't be synthesized.
    #[error(transparent)]
    Synthesis(#[from] SynthesisError),
    /// The circuit has more constraints than the field has roots of unity.
    #[error("expected at most 2^32 constraints, got {0}")]
    TooLarge(usize),
    /// The key file can't be read or written.
    #[error("{path}: {source}")]
    File { path: PathBuf, source: KeyFileError },
}
