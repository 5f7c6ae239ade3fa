//! Development keys in a directory.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use super::{
    file,
    generate::generate,
    prover::ProverKey,
    report::{KeyError, SetupProgress},
};
use crate::{digest::CircuitHash, params::CircuitParams};

/// The seed of the development keys. It is public, so they are **unsafe** outside development.
pub const DEVELOPMENT_SEED: [u8; 32] = *b"UNSAFE fernet development keys 1";

/// Path of the file with the development keys of a circuit in `directory`.
#[must_use]
pub fn path(directory: &Path, hash: &CircuitHash) -> PathBuf {
    directory.join(format!("unsafe-development-{hash}.key"))
}

/// Loads the development keys of a circuit from `directory`, or generates them and writes them there.
///
/// A file that is damaged or belongs to another circuit is replaced. If several processes need the same keys,
/// one generates them and the others wait. **Unsafe** outside development: the seed is public.
///
/// # Errors
/// Fails if the circuit can't be synthesized or the directory can't be written.
pub fn load_or_generate(
    directory: &Path,
    params: &CircuitParams,
    seed: &[u8; 32],
    progress: &mut dyn FnMut(SetupProgress),
) -> Result<ProverKey, KeyError> {
    let hash = CircuitHash::of(params)?;
    let path = path(directory, &hash);
    progress(SetupProgress::Loading);
    if let Some(key) = stored(&path, params, &hash, seed) {
        return Ok(key);
    }
    let failed = |source: io::Error| KeyError::File { path: path.clone(), source: source.into() };
    std::fs::create_dir_all(directory).map_err(failed)?;
    // The lock is held until the end of this function.
    let lock = File::create(path.with_extension("lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    if let Some(key) = stored(&path, params, &hash, seed) {
        return Ok(key);
    }
    let key = ProverKey::new(&generate(params, seed, progress)?, *params, hash);
    progress(SetupProgress::Writing);
    file::write(&path, &key, seed).map_err(|source| KeyError::File { path, source })?;
    Ok(key)
}

/// The key in a file; `None` if it can't be read or belongs to another circuit or seed, because it is then
/// replaced.
fn stored(path: &Path, params: &CircuitParams, hash: &CircuitHash, seed: &[u8; 32]) -> Option<ProverKey> {
    file::read(path, params, hash, seed).ok()
}
