//! Where keys come from, and how they are opened.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy::primitives::Address;
use fernet_protocol::BlsSecretKey;
use zeroize::Zeroizing;

use crate::{
    bls,
    error::SignerError,
    password::{Password, PasswordError, PasswordSource},
    remote::{RemoteSettings, Web3Signer},
    role_signer::RoleSigner,
    web3,
};

/// A signer of an L1 account, as the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerSpec {
    /// Its name in the configuration, which errors show.
    pub name: String,
    /// Where its key is.
    pub source: SignerSource,
    /// The account that it must sign for. Remote signers need it.
    pub address: Option<Address>,
}

/// Where the key of an L1 account is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignerSource {
    /// In a web3 keystore.
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Its password.
        password: PasswordSource,
    },
    /// In a remote signer.
    Remote(RemoteSettings),
    /// In an environment variable, in hexadecimal. For development only.
    Environment {
        /// The variable's name.
        variable: String,
    },
}

/// Where a BLS key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlsSource {
    /// In a keystore by ERC-2335.
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Its password.
        password: PasswordSource,
    },
    /// In an environment variable, in hexadecimal. For development only.
    Environment {
        /// The variable's name.
        variable: String,
    },
}

/// Whether somebody can be asked for a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// The first time, when the process starts.
    First,
    /// Again, while the role runs.
    Again,
}

impl SignerSpec {
    /// Opens the key.
    pub(crate) async fn open(&self, opening: Opening) -> Result<Arc<dyn RoleSigner>, SignerError> {
        let Self { name, source, address } = self;
        let name = || name.clone();
        let signer: Arc<dyn RoleSigner> = match source {
            SignerSource::KeyFile { path, password } => {
                let (path, password, owned) = (path.clone(), password.clone(), name());
                let open = move || {
                    let password = password_of(&owned, &path, &password, opening)?;
                    web3::read(&path, &password).map_err(|error| SignerError::KeyFile { name: owned, error })
                };
                Arc::new(blocking(name(), open).await?)
            }
            SignerSource::Remote(settings) => {
                let address = address.ok_or_else(|| SignerError::AddressMissing { name: name() })?;
                let connected = Web3Signer::connect(settings.clone(), address).await;
                Arc::new(connected.map_err(|error| SignerError::Remote { name: name(), error })?)
            }
            SignerSource::Environment { variable } => {
                let secret = secret_of(&self.name, variable)?;
                let key = web3::from_secret(&secret);
                Arc::new(key.map_err(|_| environment(&self.name, variable, "a number out of range"))?)
            }
        };
        match *address {
            Some(expected) if expected != signer.address() => {
                Err(SignerError::WrongAddress { name: name(), expected, actual: signer.address() })
            }
            _ => Ok(signer),
        }
    }

    /// The files that the key depends on.
    pub(crate) fn files(&self) -> Vec<&Path> {
        match &self.source {
            SignerSource::KeyFile { path, password } => {
                std::iter::once(path.as_path()).chain(password.file()).collect()
            }
            SignerSource::Remote(settings) => {
                let client = settings.tls.client.iter().flat_map(|(certificate, key)| [certificate, key]);
                settings.tls.authority.iter().chain(client).map(PathBuf::as_path).collect()
            }
            SignerSource::Environment { .. } => Vec::new(),
        }
    }
}

/// Opens a BLS key. `name` is shown in errors.
///
/// # Errors
/// When the key can't be read.
pub async fn open_bls(name: &str, source: &BlsSource) -> Result<BlsSecretKey, SignerError> {
    match source {
        BlsSource::KeyFile { path, password } => {
            let (path, password, owned) = (path.clone(), password.clone(), name.to_owned());
            let open = move || {
                let password = password_of(&owned, &path, &password, Opening::First)?;
                bls::read(&path, &password).map_err(|error| SignerError::KeyFile { name: owned, error })
            };
            blocking(name.to_owned(), open).await
        }
        BlsSource::Environment { variable } => BlsSecretKey::from_bytes(&*secret_of(name, variable)?)
            .map_err(|_| environment(name, variable, "a number out of range")),
    }
}

/// Deriving a key from a password takes a second of CPU time, and a prompt takes longer.
async fn blocking<T: Send + 'static>(
    name: String,
    work: impl FnOnce() -> Result<T, SignerError> + Send + 'static,
) -> Result<T, SignerError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| SignerError::Stopped { name })?
}

fn password_of(
    name: &str,
    path: &Path,
    source: &PasswordSource,
    opening: Opening,
) -> Result<Password, SignerError> {
    let what = path.display().to_string();
    let password = match opening {
        Opening::First => source.read(&what),
        Opening::Again => source.read_again(&what),
    };
    password.map_err(|error| SignerError::Password { name: name.to_owned(), error })
}

fn secret_of(name: &str, variable: &str) -> Result<Zeroizing<[u8; 32]>, SignerError> {
    let read = PasswordSource::Environment(variable.to_owned()).read_secret();
    let secret = read.map_err(|error| {
        let is_text = matches!(error, PasswordError::NotASecret);
        environment(name, variable, if is_text { "another text" } else { "nothing" })
    })?;
    tracing::warn!(
        code = "SIG-001",
        signer = name,
        variable,
        "a key in the environment is for development only"
    );
    Ok(secret)
}

fn environment(name: &str, variable: &str, actual: &'static str) -> SignerError {
    SignerError::Environment { name: name.to_owned(), variable: variable.to_owned(), actual }
}
