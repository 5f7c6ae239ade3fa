//! Files of BLS keys: keystores by ERC-2335, as the consensus layer's tools write them.

use std::path::Path;

use fernet_protocol::{BlsPublicKey, BlsSecretKey};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{
    envelope::{self, Cost, Derivation, Unexpected},
    files::{self, KeyFileError, Readers},
    password::Password,
};

const EXPECTED: &str = "a keystore by ERC-2335 (version 4)";
const CHECKSUM: &str = "sha256";
const CIPHER: &str = "aes-128-ctr";

#[derive(Deserialize)]
struct File {
    crypto: Crypto,
    pubkey: Option<String>,
}

/// The three modules of a keystore.
#[derive(Deserialize)]
pub(crate) struct Crypto {
    kdf: Module,
    checksum: Module,
    cipher: Module,
}

#[derive(Deserialize)]
struct Module {
    function: String,
    params: Value,
    message: String,
}

/// What a keystore has when its password wasn't tried.
pub(crate) struct Sealed {
    derivation: Derivation,
    checksum: [u8; 32],
    iv: [u8; 16],
    message: Zeroizing<[u8; 32]>,
}

/// Whether a password is the file's.
pub(crate) enum Opened {
    Secret(Zeroizing<[u8; 32]>),
    WrongPassword,
}

impl Sealed {
    pub(crate) fn parse(crypto: Crypto) -> Result<Self, Unexpected> {
        let Crypto { kdf, checksum, cipher } = crypto;
        for (module, expected) in [(&checksum, CHECKSUM), (&cipher, CIPHER)] {
            if module.function != expected {
                return Err(Unexpected::new(expected, &module.function));
            }
        }
        let iv = cipher.params.get("iv").and_then(Value::as_str).unwrap_or_default();
        Ok(Self {
            derivation: Derivation::parse(&kdf.function, kdf.params)?,
            checksum: envelope::array(&checksum.message, "checksum")?,
            iv: envelope::array(iv, "iv")?,
            message: Zeroizing::new(envelope::array(&cipher.message, "cipher message")?),
        })
    }

    pub(crate) fn open(self, password: &Password) -> Result<Opened, Unexpected> {
        let derived = self.derivation.derive(&password.normalized())?;
        if checksum(derived.check_half(), self.message.as_slice()) != self.checksum {
            return Ok(Opened::WrongPassword);
        }
        let mut secret = self.message;
        derived.apply(&self.iv, secret.as_mut_slice());
        Ok(Opened::Secret(secret))
    }
}

fn checksum(check_half: &[u8], message: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(check_half).chain_update(message).finalize().into()
}

/// Encrypts 32 bytes, as the modules of a keystore.
pub(crate) fn seal(
    secret: &[u8; 32],
    password: &Password,
    cost: Cost,
    path: &Path,
) -> Result<Value, KeyFileError> {
    let derivation = Derivation::new(cost)?;
    let derived = derivation.derive(&password.normalized()).map_err(|unexpected| unexpected.in_file(path))?;
    let iv = *envelope::random::<16>()?;
    let mut message = Zeroizing::new(*secret);
    derived.apply(&iv, message.as_mut_slice());
    let (kdf, parameters) = derivation.to_json();
    let checksum = checksum(derived.check_half(), message.as_slice());
    Ok(json!({
        "kdf": { "function": kdf, "params": parameters, "message": "" },
        "checksum": { "function": CHECKSUM, "params": {}, "message": hex::encode(checksum) },
        "cipher": {
            "function": CIPHER,
            "params": { "iv": hex::encode(iv) },
            "message": hex::encode(message.as_slice()),
        },
    }))
}

fn parse(path: &Path) -> Result<File, KeyFileError> {
    let value = files::parse(path, &files::read(path, Readers::Any)?, EXPECTED)?;
    let version = value.get("version").cloned().unwrap_or_default();
    if version != 4 {
        return Err(Unexpected::new(EXPECTED, format!("version {version}")).in_file(path));
    }
    envelope::part(value, EXPECTED).map_err(|unexpected: Unexpected| unexpected.in_file(path))
}

/// Reads the public key that the file names, 48 bytes in hexadecimal with `0x`, without the password.
///
/// # Errors
/// When the file isn't a keystore.
pub fn public_key(path: &Path) -> Result<Option<String>, KeyFileError> {
    let key = parse(path)?.pubkey.filter(|key| !key.is_empty());
    key.map(|key| envelope::array::<48>(&key, "public key").map(|key| format!("0x{}", hex::encode(key))))
        .transpose()
        .map_err(|unexpected| unexpected.in_file(path))
}

/// Reads and decrypts a key. This takes about a second of CPU time.
///
/// # Errors
/// When the file isn't a keystore, the password is wrong, or the key isn't the public key's of the file.
pub fn read(path: &Path, password: &Password) -> Result<BlsSecretKey, KeyFileError> {
    let malformed = |unexpected: Unexpected| unexpected.in_file(path);
    let named = public_key(path)?;
    let sealed = Sealed::parse(parse(path)?.crypto).map_err(malformed)?;
    let Opened::Secret(secret) = sealed.open(password).map_err(malformed)? else {
        return Err(KeyFileError::WrongPassword { path: path.to_owned() });
    };
    let key = BlsSecretKey::from_bytes(&secret)
        .map_err(|error| malformed(Unexpected::new("a BLS secret key", error)))?;
    let actual = text(&key.public_key());
    match named {
        Some(expected) if expected != actual => {
            Err(KeyFileError::OtherKey { path: path.to_owned(), expected, actual })
        }
        _ => Ok(key),
    }
}

/// A new key from the system's randomness.
///
/// # Errors
/// When the system gives no random bytes.
pub fn random() -> Result<BlsSecretKey, KeyFileError> {
    let seed = envelope::random::<32>()?;
    // A seed of 32 bytes is long enough, so this doesn't fail.
    BlsSecretKey::from_seed(seed.as_slice())
        .map_err(|error| Unexpected::new("a seed of a BLS key", error).in_file(Path::new("random bytes")))
}

/// Writes a key to a new file. It takes about a second of CPU time, unless the cost is light.
///
/// # Errors
/// When the file exists or can't be written.
pub fn write(path: &Path, key: &BlsSecretKey, password: &Password, cost: Cost) -> Result<(), KeyFileError> {
    let file = json!({
        "crypto": seal(&key.to_bytes(), password, cost, path)?,
        "description": "Fernet sequencer",
        "pubkey": hex::encode(key.public_key().compress()),
        "path": "",
        "uuid": envelope::random_id()?,
        "version": 4,
    });
    files::write_new(path, &format!("{file:#}\n"))
}

/// The short form of a public key, in hexadecimal with `0x`.
#[must_use]
pub fn text(key: &BlsPublicKey) -> String {
    key.compress().to_string()
}
