//! Proving and verifying keys: made, kept on disk, loaded.
//!
//! The keys made here are for **development only**. Their secrets follow from a seed that everyone knows, so everyone
//! can forge proofs under them. They are the same on every machine, which is what a devnet and its tests need.

mod file;
mod generate;
mod prover;

use std::path::{Path, PathBuf};

pub use file::KeyFileError;
pub use generate::generate;
pub use prover::{Points, ProverKey};

use crate::digest::CircuitHash;
use crate::params::CircuitParams;
use crate::transition::SynthesisError;

/// The seed of the development keys: public, hence **unsafe** anywhere else.
pub const DEVELOPMENT_SEED: [u8; 32] = *b"UNSAFE fernet development keys 1";

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

/// Where the development keys of a circuit are kept in `directory`.
#[must_use]
pub fn path(directory: &Path, hash: &CircuitHash) -> PathBuf {
    directory.join(format!("unsafe-development-{hash}.key"))
}

/// Loads the development keys of a circuit from `directory`, or makes and keeps them there.
///
/// A file that is damaged, or is of another circuit, is made anew. Processes that need the same keys wait for the first
/// to make them. **Unsafe** outside development: see the module.
///
/// # Errors
/// When the circuit is impossible or the directory can't be written.
pub fn load_or_generate(
    directory: &Path,
    params: &CircuitParams,
    seed: &[u8; 32],
    progress: &mut dyn FnMut(SetupProgress),
) -> Result<ProverKey, KeyError> {
    let hash = CircuitHash::of(params)?;
    let path = path(directory, &hash);
    progress(SetupProgress::Loading);
    if let Some(key) = usable(&path, params, &hash, seed) {
        return Ok(key);
    }
    let failed = |source: std::io::Error| KeyError::File { path: path.clone(), source: source.into() };
    std::fs::create_dir_all(directory).map_err(failed)?;
    // Held until the end of this function.
    let lock = std::fs::File::create(path.with_extension("lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    if let Some(key) = usable(&path, params, &hash, seed) {
        return Ok(key);
    }
    let key = ProverKey::new(&generate(params, seed, progress)?, *params, hash);
    progress(SetupProgress::Writing);
    file::write(&path, &key, seed).map_err(|source| KeyError::File { path, source })?;
    Ok(key)
}

/// The key in a file. What can't be read, or isn't what it should be, is as good as nothing: it is replaced.
fn usable(path: &Path, params: &CircuitParams, hash: &CircuitHash, seed: &[u8; 32]) -> Option<ProverKey> {
    file::read(path, params, hash, seed).ok()
}
