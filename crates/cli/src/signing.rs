//! The keys that a command signs with: arguments that say where they are, never the keys themselves.

use std::{path::PathBuf, sync::Arc};

use color_eyre::eyre::{Result, bail, eyre};
use fernet_config::{Config, Signer, SignerName};
use fernet_l1::TransactionSigner;
use fernet_operator::configured;
use fernet_protocol::BlsSecretKey;
use fernet_signers::{BlsSource, PasswordSource, SignerHandle, SignerSource, SignerSpec, open_bls};

use crate::settings;

/// Which account signs.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SignerArgs {
    /// Signer that signs and pays, by its name in the configuration ([signers.NAME])
    #[arg(long, value_name = "NAME", conflicts_with_all = ["keystore", "key_env"])]
    signer: Option<String>,
    /// Key file of the account that signs and pays: a web3 keystore, as `fernet keys new` writes it
    #[arg(long, value_name = "FILE")]
    keystore: Option<PathBuf>,
    /// File with the password of the key file [default: asked for]
    #[arg(long, value_name = "FILE", requires = "keystore")]
    password_file: Option<PathBuf>,
    /// Environment variable with the key, in hexadecimal: for development only
    #[arg(long, value_name = "VARIABLE", conflicts_with = "keystore")]
    key_env: Option<String>,
}

impl SignerArgs {
    /// Opens the key.
    ///
    /// # Errors
    /// When no key is named, or it can't be opened.
    pub(crate) async fn open(&self) -> Result<TransactionSigner> {
        if let Some(name) = &self.signer {
            return Ok(Arc::new(SignerHandle::open(spec(settings::config()?, name)?).await?));
        }
        let (name, source) = match (&self.keystore, &self.key_env) {
            (Some(path), _) => (
                "--keystore",
                SignerSource::KeyFile { path: path.clone(), password: password(&self.password_file) },
            ),
            (None, Some(variable)) => ("--key-env", SignerSource::Environment { variable: variable.clone() }),
            (None, None) => bail!(
                "expected the key that signs: name its file with --keystore, or a signer of the \
                 configuration with --signer"
            ),
        };
        let spec = SignerSpec { name: name.to_owned(), source, address: None };
        Ok(Arc::new(SignerHandle::open(spec).await?))
    }
}

/// Which BLS key a sequencer has.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct BlsArgs {
    /// Signer with the sequencer's BLS key, by its name in the configuration ([signers.NAME])
    #[arg(long, value_name = "NAME", conflicts_with_all = ["bls_keystore", "bls_key_env"])]
    bls_signer: Option<String>,
    /// Key file of the sequencer's BLS key: a keystore by ERC-2335, as `fernet keys new --kind bls` writes it
    #[arg(long, value_name = "FILE")]
    bls_keystore: Option<PathBuf>,
    /// File with the password of the BLS key file [default: asked for]
    #[arg(long, value_name = "FILE", requires = "bls_keystore")]
    bls_password_file: Option<PathBuf>,
    /// Environment variable with the BLS key, in hexadecimal: for development only
    #[arg(long, value_name = "VARIABLE", conflicts_with = "bls_keystore")]
    bls_key_env: Option<String>,
}

impl BlsArgs {
    /// Opens the key, if one is named.
    ///
    /// # Errors
    /// When it can't be opened.
    pub(crate) async fn open(&self) -> Result<Option<BlsSecretKey>> {
        if let Some(name) = &self.bls_signer {
            return Ok(Some(open_bls(name, &bls_source(settings::config()?, name)?).await?));
        }
        let (name, source) = match (&self.bls_keystore, &self.bls_key_env) {
            (Some(path), _) => {
                let password = password(&self.bls_password_file);
                ("--bls-keystore", BlsSource::KeyFile { path: path.clone(), password })
            }
            (None, Some(variable)) => {
                ("--bls-key-env", BlsSource::Environment { variable: variable.clone() })
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(open_bls(name, &source).await?))
    }

    /// Opens the key, which the command can't do without.
    ///
    /// # Errors
    /// When no key is named, or it can't be opened.
    pub(crate) async fn require(&self) -> Result<BlsSecretKey> {
        match self.open().await? {
            Some(key) => Ok(key),
            None => bail!(
                "expected the sequencer's BLS key: name its file with --bls-keystore, or its signer with \
                 --bls-signer"
            ),
        }
    }
}

/// A signer of the configuration, ready to be opened.
///
/// # Errors
/// When there is none with this name, or its address can't be resolved.
pub(crate) fn spec(config: &Config, name: &str) -> Result<SignerSpec> {
    Ok(configured::signer_spec(find(config, name)?)?)
}

/// A BLS key of the configuration, ready to be opened.
///
/// # Errors
/// When there is no signer with this name, or its kind can't have a BLS key.
pub(crate) fn bls_source(config: &Config, name: &str) -> Result<BlsSource> {
    Ok(configured::bls_source(find(config, name)?)?)
}

fn find<'a>(config: &'a Config, name: &str) -> Result<&'a Signer> {
    let found = SignerName::new(name).and_then(|name| config.signers.get(&name));
    found.ok_or_else(|| {
        let names: Vec<&str> = config.signers.keys().map(SignerName::as_str).collect();
        match names.as_slice() {
            [] => {
                eyre!("no signer {name:?}: the configuration has no [signers.{name}] table (--config FILE)")
            }
            names => eyre!("no signer {name:?}: expected one of {}", names.join(", ")),
        }
    })
}

fn password(file: &Option<PathBuf>) -> PasswordSource {
    file.clone().map_or(PasswordSource::Prompt, PasswordSource::File)
}
