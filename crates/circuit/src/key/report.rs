//! Progress and errors of a set-up.

use std::path::PathBuf;

use super::file::KeyFileError;
use crate::transition::SynthesisError;

/// What a set-up is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupProgress {
    /// Reading keys from disk.
    Loading,
    /// Writing the circuit down.
    Synthesizing,
    /// Computing group elements.
    Points {
        /// How many are done.
        done: u64,
        /// Of how many.
        total: u64,
    },
    /// Writing keys to disk.
    Writing,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The circuit is impossible.
    #[error(transparent)]
    Synthesis(#[from] SynthesisError),
    /// The circuit has more constraints than the field has roots of unity.
    #[error("expected at most 2^32 constraints, got {0}")]
    TooLarge(usize),
    /// The keys can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        source: KeyFileError,
    },
}
