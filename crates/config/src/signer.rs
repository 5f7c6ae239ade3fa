//! Signers, after it was checked that each has what its kind needs, and nothing else.

use std::{path::PathBuf, time::Duration};

use alloy_primitives::Address;

use crate::{
    layers::{Layers, SIGNERS},
    options::SignerOptions,
    types::{Endpoint, PasswordReference, SignerKind, SignerName},
};

/// Default of the time for one try of a remote signer.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);

/// A signer: its name, and where its key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// Its name.
    pub name: SignerName,
    /// The account that the key must be of.
    pub address: Option<Address>,
    /// Where the key is.
    pub source: SignerSource,
}

/// Where a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignerSource {
    /// In an encrypted file.
    Keystore {
        /// The file.
        file: PathBuf,
        /// Its password.
        password: PasswordReference,
    },
    /// In a remote signer.
    Web3Signer {
        /// Its address.
        url: Endpoint,
        /// Longest time for one try.
        timeout: Duration,
        /// The authority of its certificate.
        authority: Option<PathBuf>,
        /// The certificate that it asks for, with its private key.
        certificate: Option<(PathBuf, PathBuf)>,
    },
    /// In a variable of the environment.
    Environment {
        /// The variable.
        variable: String,
    },
}

impl Signer {
    /// Checks a signer's table. `None` after an error.
    pub(crate) fn check(layers: &mut Layers, name: &SignerName, options: &SignerOptions) -> Option<Self> {
        let table = format!("{SIGNERS}.{name}");
        let errors = layers.errors.len();
        let allowed: &[&str] = match options.kind {
            SignerKind::Keystore => &["file", "password"],
            SignerKind::Web3Signer => &["url", "timeout", "authority", "certificate", "certificate_key"],
            SignerKind::Env => &["variable"],
        };
        for option in SignerOptions::SECTION.options {
            let (key, path) = (option.key, option.path_in(&table));
            if matches!(key, "kind" | "address") || allowed.contains(&key) {
                continue;
            }
            if let Some(entry) = layers.get(&path).cloned() {
                let kind = options.kind.word();
                let keys = allowed.join(", ");
                let problem = format!("a signer of the kind {kind:?} has no such setting: expected {keys}");
                layers.fail(Some(entry.origin), &path, problem);
            }
        }
        let mut needed = |key: &str, is_there: bool| {
            if !is_there {
                let kind = options.kind.word();
                let problem = format!("missing: a signer of the kind {kind:?} needs it");
                layers.fail(None, &format!("{table}.{key}"), problem);
            }
        };
        let source = match options.kind {
            SignerKind::Keystore => {
                needed("file", options.file.is_some());
                options.file.clone().map(|file| SignerSource::Keystore {
                    file,
                    password: options.password.clone().unwrap_or(PasswordReference::Prompt),
                })
            }
            SignerKind::Web3Signer => {
                needed("url", options.url.is_some());
                needed("address", options.address.is_some());
                let pair = (&options.certificate, &options.certificate_key);
                needed("certificate_key", pair.0.is_none() || pair.1.is_some());
                needed("certificate", pair.1.is_none() || pair.0.is_some());
                options.url.clone().map(|url| SignerSource::Web3Signer {
                    url,
                    timeout: options.timeout.unwrap_or(DEFAULT_TIMEOUT),
                    authority: options.authority.clone(),
                    certificate: pair.0.clone().zip(pair.1.clone()),
                })
            }
            SignerKind::Env => {
                needed("variable", options.variable.is_some());
                options.variable.clone().map(|variable| SignerSource::Environment { variable })
            }
        };
        let source = source.filter(|_| layers.errors.len() == errors)?;
        Some(Self { name: name.clone(), address: options.address, source })
    }
}
