//! Remote signers that speak Web3Signer's API for L1 keys: the key stays in another process.
//!
//! `POST /api/v1/eth1/sign/{public key}` with `{"data": "0x…"}` hashes the data with Keccak-256 and signs the
//! hash. So the service gets what is hashed and can show and judge it. `GET /api/v1/eth1/publicKeys` lists
//! the keys, and `GET /upcheck` says that the service runs.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::{
    consensus::SignableTransaction,
    network::TxSigner,
    primitives::{Address, Signature, U256, keccak256},
};
use fernet_protocol::SigningPreimage;
use reqwest::{Certificate, Client, Identity, Method, redirect::Policy};
use url::Url;
use zeroize::Zeroizing;

use crate::{
    files::{self, KeyFileError, Readers},
    role_signer::{BoxFuture, RoleSigner},
};

/// Default of [`RemoteSettings::timeout`]: a signature is due well within an L1 slot of 12 seconds.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);
/// Waits before the second and the third try.
const RETRY_AFTER: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];
/// Most bytes of an answer: the list of some thousand keys.
const MAX_ANSWER: usize = 1 << 20;
/// Most characters of an answer that an error shows.
const SHOWN: usize = 120;

/// Files for TLS, all in PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The authority that signed the service's certificate; without one, the system's authorities.
    pub authority: Option<PathBuf>,
    /// The certificate that the service asks for, and its private key, which only its owner may read.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// How a remote signer is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct RemoteSettings {
    /// Address of the service.
    pub url: Url,
    /// Files for TLS.
    pub tls: TlsFiles,
    /// Longest time that one try may take. There are three.
    pub timeout: Duration,
}

impl RemoteSettings {
    /// The service at `url`, with default limits and the system's authorities.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self { url, tls: TlsFiles::default(), timeout: DEFAULT_TIMEOUT }
    }

    /// The part of the address that is no secret.
    fn shown(&self) -> String {
        shown(&self.url)
    }
}

impl fmt::Debug for RemoteSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url: _, tls, timeout } = self;
        f.debug_struct("RemoteSettings")
            .field("url", &self.shown())
            .field("tls", tls)
            .field("timeout", timeout)
            .finish()
    }
}

fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}", url.scheme())
}

/// Why a remote signer gives no signature.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The address isn't one of HTTP.
    #[error("expected an address with http or https, got {scheme}")]
    Scheme { scheme: String },
    /// A file for TLS can't be used.
    #[error("tls: {0}")]
    TlsFile(KeyFileError),
    /// The certificates can't be used.
    #[error("tls: {0}")]
    Tls(String),
    /// The service doesn't answer.
    #[error("{at} gave no answer in {tries} tries: {error}")]
    Unreachable { at: String, tries: usize, error: String },
    /// The service refuses.
    #[error("{at} answered {path} with status {status}: {text}")]
    Status { at: String, path: &'static str, status: u16, text: String },
    /// The answer isn't what it should be.
    #[error("{at} answered {path} with {actual}, expected {expected}")]
    Answer { at: String, path: &'static str, expected: &'static str, actual: String },
    /// The service doesn't have the key.
    #[error("{at} has no key of {address}: it has {keys} others")]
    UnknownKey { at: String, address: Address, keys: usize },
    /// The signature is of another key, or of other data.
    #[error("{at} gave a signature of {actual}, expected one of {expected}")]
    WrongSigner { at: String, expected: Address, actual: Address },
}

impl RemoteError {
    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Status { status, .. } => is_temporary(*status),
            _ => false,
        }
    }
}

const fn is_temporary(status: u16) -> bool {
    status >= 500 || status == 408 || status == 429
}

/// A key of a remote signer.
pub struct Web3Signer {
    client: Client,
    settings: RemoteSettings,
    address: Address,
    /// The path of signature requests, which has the public key.
    sign_path: String,
}

impl fmt::Debug for Web3Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web3Signer")
            .field("address", &self.address)
            .field("settings", &self.settings)
            .finish()
    }
}

impl Web3Signer {
    /// Connects to the service, and finds the key of `address` there.
    ///
    /// # Errors
    /// When the service doesn't answer or doesn't have the key, or the files for TLS can't be used.
    pub async fn connect(settings: RemoteSettings, address: Address) -> Result<Self, RemoteError> {
        let client = client(&settings)?;
        let mut signer = Self { client, settings, address, sign_path: String::new() };
        signer.request(Method::GET, "/upcheck", "/upcheck", None).await?;
        let keys = signer.public_keys().await?;
        let found = keys.iter().find(|key| Address::from_raw_public_key(*key) == address);
        let Some(key) = found else {
            return Err(RemoteError::UnknownKey { at: signer.settings.shown(), address, keys: keys.len() });
        };
        signer.sign_path = format!("/api/v1/eth1/sign/0x{}", hex::encode(key));
        Ok(signer)
    }

    /// The public keys that the service has, each 64 bytes.
    async fn public_keys(&self) -> Result<Vec<[u8; 64]>, RemoteError> {
        const PATH: &str = "/api/v1/eth1/publicKeys";
        let text = self.request(Method::GET, PATH, PATH, None).await?;
        let expected = "a list of public keys of 64 bytes";
        let list: Vec<String> = serde_json::from_str(&text).map_err(|_| self.wrong(PATH, expected, &text))?;
        list.iter()
            .map(|key| {
                let bytes = hex::decode(key.strip_prefix("0x").unwrap_or(key)).unwrap_or_default();
                // The uncompressed form may begin with its tag.
                let bytes =
                    if bytes.len() == 65 { bytes.strip_prefix(&[4]).unwrap_or(&bytes) } else { &bytes };
                <[u8; 64]>::try_from(bytes).map_err(|_| self.wrong(PATH, expected, key))
            })
            .collect()
    }

    /// Has the service hash and sign `data`, and checks the answer.
    async fn sign(&self, data: &[u8]) -> Result<Signature, RemoteError> {
        const PATH: &str = "/api/v1/eth1/sign";
        let body = serde_json::json!({ "data": format!("0x{}", hex::encode(data)) }).to_string();
        let text = self.request(Method::POST, &self.sign_path, PATH, Some(body)).await?;
        let signature = parse_signature(text.trim().trim_matches('"'))
            .ok_or_else(|| self.wrong(PATH, "a signature of 65 bytes in hexadecimal", &text))?;
        let hash = keccak256(data);
        let recovered = signature.recover_address_from_prehash(&hash);
        let actual =
            recovered.map_err(|_| self.wrong(PATH, "a signature that a key can be recovered from", &text))?;
        if actual != self.address {
            let at = self.settings.shown();
            return Err(RemoteError::WrongSigner { at, expected: self.address, actual });
        }
        Ok(signature)
    }

    fn wrong(&self, path: &'static str, expected: &'static str, actual: &str) -> RemoteError {
        RemoteError::Answer { at: self.settings.shown(), path, expected, actual: excerpt(actual) }
    }

    /// Sends a request until it is answered, at most three times. A signature may be asked for again: the
    /// same data has the same meaning.
    async fn request(
        &self,
        method: Method,
        path: &str,
        shown_path: &'static str,
        body: Option<String>,
    ) -> Result<String, RemoteError> {
        let mut waits = RETRY_AFTER.into_iter();
        loop {
            let answer = tokio::time::timeout(
                self.settings.timeout,
                self.request_once(method.clone(), path, shown_path, body.clone()),
            );
            let error = match answer.await {
                Ok(Ok(text)) => return Ok(text),
                Ok(Err(error)) if !error.is_retryable() => return Err(error),
                Ok(Err(error)) => error,
                Err(_) => self.unreachable(format!("no answer within {:?}", self.settings.timeout)),
            };
            let Some(wait) = waits.next() else { return Err(error) };
            tracing::debug!(at = %self.settings.shown(), %error, "the remote signer is asked again");
            tokio::time::sleep(wait).await;
        }
    }

    fn unreachable(&self, error: String) -> RemoteError {
        RemoteError::Unreachable { at: self.settings.shown(), tries: RETRY_AFTER.len() + 1, error }
    }

    async fn request_once(
        &self,
        method: Method,
        path: &str,
        shown_path: &'static str,
        body: Option<String>,
    ) -> Result<String, RemoteError> {
        let mut url = self.settings.url.clone();
        url.set_path(&format!("{}{path}", self.settings.url.path().trim_end_matches('/')));
        let failed = |error: reqwest::Error| self.unreachable(causes(&error.without_url()));
        let mut request = self.client.request(method, url).header("accept", "application/json, text/plain");
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let mut response = request.send().await.map_err(failed)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_ANSWER {
                let expected = "an answer of at most 1 MiB";
                return Err(self.wrong(shown_path, expected, "more"));
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let status = response.status();
        if !status.is_success() {
            let (at, text) = (self.settings.shown(), excerpt(&text));
            return Err(RemoteError::Status { at, path: shown_path, status: status.as_u16(), text });
        }
        Ok(text)
    }
}

/// An error with its causes, which say what reqwest's own text leaves out.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// The beginning of a text, without characters that a terminal would obey.
fn excerpt(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("{:?}", shown.trim())
}

fn parse_signature(text: &str) -> Option<Signature> {
    let mut bytes = [0u8; 65];
    hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes).ok()?;
    let (r, rest) = bytes.split_first_chunk::<32>()?;
    let (s, rest) = rest.split_first_chunk::<32>()?;
    let parity = match rest {
        [0 | 27] => false,
        [1 | 28] => true,
        _ => return None,
    };
    // L1 takes low values of s only (EIP-2).
    Some(Signature::new(U256::from_be_bytes(*r), U256::from_be_bytes(*s), parity).normalized_s())
}

fn client(settings: &RemoteSettings) -> Result<Client, RemoteError> {
    if !matches!(settings.url.scheme(), "http" | "https") {
        return Err(RemoteError::Scheme { scheme: settings.url.scheme().to_owned() });
    }
    let invalid = |what: &str, error: reqwest::Error| RemoteError::Tls(format!("{what}: {}", causes(&error)));
    let mut builder = Client::builder().redirect(Policy::none()).no_proxy().connect_timeout(settings.timeout);
    if let Some(path) = &settings.tls.authority {
        let pem = read(path, Readers::Any)?;
        let found = Certificate::from_pem_bundle(pem.as_bytes());
        let certificates = found.map_err(|error| invalid(&path.display().to_string(), error))?;
        if certificates.is_empty() {
            return Err(RemoteError::Tls(format!(
                "{}: expected a certificate in PEM, got none",
                path.display()
            )));
        }
        builder = builder.tls_certs_only(certificates);
    }
    if let Some((certificate, key)) = &settings.tls.client {
        let chain = read(certificate, Readers::Any)?;
        let key_text = read(key, Readers::OwnerOnly)?;
        let pem = Zeroizing::new(format!("{}\n{}", chain.as_str(), key_text.as_str()));
        let what = format!("{} with {}", certificate.display(), key.display());
        let identity = Identity::from_pem(pem.as_bytes()).map_err(|error| invalid(&what, error))?;
        builder = builder.identity(identity);
    }
    builder.build().map_err(|error| invalid("certificates", error))
}

fn read(path: &Path, readers: Readers) -> Result<Zeroizing<String>, RemoteError> {
    files::read(path, readers).map_err(RemoteError::TlsFile)
}

impl TxSigner<Signature> for Web3Signer {
    fn address(&self) -> Address {
        self.address
    }

    fn sign_transaction<'a, 'b, 'c>(
        &'a self,
        tx: &'b mut dyn SignableTransaction<Signature>,
    ) -> BoxFuture<'c, alloy::signers::Result<Signature>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        let preimage = tx.encoded_for_signing();
        Box::pin(async move { self.sign(&preimage).await.map_err(alloy::signers::Error::other) })
    }
}

impl RoleSigner for Web3Signer {
    fn sign_typed_data<'a>(
        &'a self,
        preimage: &'a SigningPreimage,
    ) -> BoxFuture<'a, alloy::signers::Result<Signature>> {
        Box::pin(async move { self.sign(preimage.as_bytes()).await.map_err(alloy::signers::Error::other) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shows_the_secrets_of_an_address() {
        let url = "https://user:hunter2@signer.example:9000/token/abc?key=def".parse().unwrap();
        let settings = RemoteSettings::new(url);
        let text = format!("{settings:?} {}", settings.shown());
        assert!(text.contains("https://signer.example:9000"), "{text}");
        assert!(["hunter2", "user", "abc", "def"].iter().all(|secret| !text.contains(secret)), "{text}");
    }

    #[test]
    fn an_excerpt_is_short_and_harmless() {
        assert_eq!(excerpt("a\u{1b}[31mb\n"), "\"a [31mb\"");
        assert_eq!(excerpt(&"x".repeat(1_000)).len(), SHOWN + 2);
    }
}
