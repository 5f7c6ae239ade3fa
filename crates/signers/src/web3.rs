//! Files of L1 keys: web3 keystores of version 3, as geth, cast, MetaMask and others write them.

use std::path::Path;

use alloy::{
    primitives::{Address, keccak256},
    signers::local::PrivateKeySigner,
};
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{
    envelope::{self, Cost, Derivation, Unexpected},
    files::{self, KeyFileError, Readers},
    password::Password,
};

const EXPECTED: &str = "a web3 keystore of version 3";
const CIPHER: &str = "aes-128-ctr";

#[derive(Deserialize)]
struct File {
    address: Option<String>,
    #[serde(alias = "Crypto")]
    crypto: Crypto,
}

#[derive(Deserialize)]
struct Crypto {
    cipher: String,
    cipherparams: CipherParameters,
    ciphertext: String,
    kdf: String,
    kdfparams: Value,
    mac: String,
}

#[derive(Deserialize)]
struct CipherParameters {
    iv: String,
}

/// A keystore that was read, and whose password wasn't tried.
struct Sealed {
    address: Option<Address>,
    derivation: Derivation,
    iv: [u8; 16],
    ciphertext: Zeroizing<[u8; 32]>,
    mac: [u8; 32],
}

impl Sealed {
    fn parse(value: Value) -> Result<Self, Unexpected> {
        let version = value.get("version").cloned().unwrap_or_default();
        if version != 3 {
            return Err(Unexpected::new(EXPECTED, format!("version {version}")));
        }
        let File { address, crypto } = envelope::part(value, EXPECTED)?;
        if crypto.cipher != CIPHER {
            return Err(Unexpected::new(format!("{CIPHER} as cipher"), crypto.cipher));
        }
        let address = address.map(|text| envelope::array(&text, "address").map(Address::new)).transpose()?;
        Ok(Self {
            address,
            derivation: Derivation::parse(&crypto.kdf, crypto.kdfparams)?,
            iv: envelope::array(&crypto.cipherparams.iv, "iv")?,
            ciphertext: Zeroizing::new(envelope::array(&crypto.ciphertext, "ciphertext")?),
            mac: envelope::array(&crypto.mac, "mac")?,
        })
    }

    fn read(path: &Path) -> Result<Self, KeyFileError> {
        let value = files::parse(path, &files::read(path, Readers::Any)?, EXPECTED)?;
        Self::parse(value).map_err(|unexpected| unexpected.in_file(path))
    }
}

fn mac(check_half: &[u8], ciphertext: &[u8]) -> [u8; 32] {
    keccak256([check_half, ciphertext].concat()).0
}

/// Reads the address that the file names, without the password. Some tools leave it out.
///
/// # Errors
/// When the file isn't a keystore.
pub fn address(path: &Path) -> Result<Option<Address>, KeyFileError> {
    Ok(Sealed::read(path)?.address)
}

/// Reads and decrypts a key. This takes about a second of CPU time.
///
/// # Errors
/// When the file isn't a keystore, the password is wrong, or the key isn't of the address in the file.
pub fn read(path: &Path, password: &Password) -> Result<PrivateKeySigner, KeyFileError> {
    let sealed = Sealed::read(path)?;
    let malformed = |unexpected: Unexpected| unexpected.in_file(path);
    let derived = sealed.derivation.derive(password.as_bytes()).map_err(malformed)?;
    if mac(derived.check_half(), sealed.ciphertext.as_slice()) != sealed.mac {
        return Err(KeyFileError::WrongPassword { path: path.to_owned() });
    }
    let mut secret = sealed.ciphertext;
    derived.apply(&sealed.iv, secret.as_mut_slice());
    let key = from_secret(&secret).map_err(|error| malformed(Unexpected::new("a private key", error)))?;
    match sealed.address {
        Some(expected) if expected != key.address() => Err(KeyFileError::OtherKey {
            path: path.to_owned(),
            expected: expected.to_string(),
            actual: key.address().to_string(),
        }),
        _ => Ok(key),
    }
}

/// The number isn't a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number that is zero or not below the order of secp256k1")]
pub struct OutOfRange;

/// The key that is this big-endian number.
///
/// # Errors
/// When the number is zero or not below the order of the curve.
pub fn from_secret(secret: &[u8; 32]) -> Result<PrivateKeySigner, OutOfRange> {
    PrivateKeySigner::from_slice(secret).map_err(|_| OutOfRange)
}

/// A new key from the system's randomness.
///
/// # Errors
/// When the system gives no random bytes.
pub fn random() -> Result<PrivateKeySigner, KeyFileError> {
    loop {
        // Nearly every number of 256 bits is a key.
        if let Ok(key) = from_secret(&*envelope::random::<32>()?) {
            return Ok(key);
        }
    }
}

/// Writes a key to a new file. It takes about a second of CPU time, unless the cost is light.
///
/// # Errors
/// When the file exists or can't be written.
pub fn write(
    path: &Path,
    key: &PrivateKeySigner,
    password: &Password,
    cost: Cost,
) -> Result<(), KeyFileError> {
    let derivation = Derivation::new(cost)?;
    let derived = derivation.derive(password.as_bytes()).map_err(|unexpected| unexpected.in_file(path))?;
    let iv = *envelope::random::<16>()?;
    let mut text = Zeroizing::new(key.to_bytes().0);
    derived.apply(&iv, text.as_mut_slice());
    let (kdf, kdfparams) = derivation.to_json();
    let file = serde_json::json!({
        "address": hex::encode(key.address()),
        "crypto": {
            "cipher": CIPHER,
            "cipherparams": { "iv": hex::encode(iv) },
            "ciphertext": hex::encode(text.as_slice()),
            "kdf": kdf,
            "kdfparams": kdfparams,
            "mac": hex::encode(mac(derived.check_half(), text.as_slice())),
        },
        "id": envelope::random_id()?,
        "version": 3,
    });
    files::write_new(path, &format!("{file:#}\n"))
}
