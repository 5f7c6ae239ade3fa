//! Why a key can't be read, written or used.

use std::{io, path::PathBuf};

use alloy::primitives::Address;

use crate::{password::PasswordError, remote::RemoteError};

/// Why a key file can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file can't be read.
    #[error("{path}: could not be read: {error}")]
    Read { path: PathBuf, error: io::Error },
    /// The file can't be written.
    #[error("{path}: could not be written: {error}")]
    Write { path: PathBuf, error: io::Error },
    /// There is a file already.
    #[error("{path} exists already: a key file is never replaced")]
    Exists { path: PathBuf },
    /// The file is larger than any key file.
    #[error("{path}: expected a key file of at most {maximum} bytes, got {actual}")]
    TooLarge { path: PathBuf, maximum: u64, actual: u64 },
    /// Other users of the machine can read the file.
    #[error("{path}: others than its owner can read it (mode {mode:03o}): run `chmod 600 {path}`")]
    Exposed { path: PathBuf, mode: u32 },
    /// The text isn't a key file.
    #[error("{path}: expected {expected}, got {actual}")]
    Malformed { path: PathBuf, expected: String, actual: String },
    /// The password isn't the file's.
    #[error("{path}: the password is wrong")]
    WrongPassword { path: PathBuf },
    /// The key isn't the one that the file names.
    #[error("{path}: the file is of {expected}, but its key is of {actual}")]
    OtherKey { path: PathBuf, expected: String, actual: String },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Randomness(getrandom::Error),
}

/// Why a signer can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The key file can't be used.
    #[error("signer {name}: {error}")]
    KeyFile { name: String, error: KeyFileError },
    /// There is no password.
    #[error("signer {name}: {error}")]
    Password { name: String, error: PasswordError },
    /// The remote signer can't be used.
    #[error("signer {name}: {error}")]
    Remote { name: String, error: RemoteError },
    /// The environment has no key.
    #[error("signer {name}: expected a private key of 32 bytes in hexadecimal in {variable}, got {actual}")]
    Environment { name: String, variable: String, actual: &'static str },
    /// A remote signer has many keys, and none was named.
    #[error("signer {name}: expected the address of its key, because a remote signer may hold many")]
    AddressMissing { name: String },
    /// The key is of another account than the one that was configured.
    #[error("signer {name}: expected the key of {expected}, got the key of {actual}")]
    WrongAddress { name: String, expected: Address, actual: Address },
    /// The task that opened the key was stopped.
    #[error("signer {name}: opening the key was stopped")]
    Stopped { name: String },
}

impl SignerError {
    /// Whether the same may succeed later without a change of files or configuration.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Remote { error, .. } => error.is_retryable(),
            _ => false,
        }
    }
}
