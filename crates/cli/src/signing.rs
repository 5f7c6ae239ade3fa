//! The keys that a command signs with: arguments that say where they are, never the keys themselves.

use std::sync::Arc;

use alloy::signers::local::PrivateKeySigner;
use color_eyre::eyre::{Result, bail, eyre};
use fernet_l1::TransactionSigner;
use fernet_protocol::BlsSecretKey;

/// Which account signs.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SignerArgs {
    /// Environment variable with the key, in hexadecimal: for development only
    #[arg(long, value_name = "VARIABLE")]
    key_env: Option<String>,
}

impl SignerArgs {
    /// Opens the key.
    pub(crate) async fn open(&self) -> Result<TransactionSigner> {
        let Some(variable) = &self.key_env else {
            bail!("expected the key that signs: name its file with --keystore")
        };
        let key: PrivateKeySigner = std::env::var(variable)?.parse().map_err(|_| eyre!("bad key"))?;
        Ok(Arc::new(key))
    }
}

/// Which BLS key a sequencer has.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct BlsArgs {
    /// Environment variable with the BLS key, in hexadecimal: for development only
    #[arg(long, value_name = "VARIABLE")]
    bls_key_env: Option<String>,
}

impl BlsArgs {
    /// Opens the key, if one is named.
    pub(crate) async fn open(&self) -> Result<Option<BlsSecretKey>> {
        let Some(variable) = &self.bls_key_env else { return Ok(None) };
        let bytes = hex::decode(std::env::var(variable)?)?;
        Ok(Some(BlsSecretKey::from_bytes(&bytes.try_into().map_err(|_| eyre!("bad key"))?)?))
    }

    /// Opens the key, which the command can't do without.
    pub(crate) async fn require(&self) -> Result<BlsSecretKey> {
        match self.open().await? {
            Some(key) => Ok(key),
            None => bail!("expected the sequencer's BLS key: name its file with --bls-keystore"),
        }
    }
}
