//! Why a signer can't be opened.

use alloy::primitives::Address;

use crate::{files::KeyFileError, password::PasswordError, remote::RemoteError};

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
