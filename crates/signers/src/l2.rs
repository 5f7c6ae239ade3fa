//! Files of keys of L2 accounts: in JSON, with the secret as it is or encrypted as in ERC-2335.

use std::path::Path;

use fernet_ledger::{PublicKey, SecretKey, field};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    bls::{self, Opened, Sealed},
    envelope::{self, Cost, Unexpected},
    files::{self, KeyFileError, Readers},
    password::Password,
};

/// Version of files whose secret isn't encrypted.
const PLAIN: u64 = 1;
/// Version of encrypted files.
const ENCRYPTED: u64 = 2;
const EXPECTED: &str = "a key file of an L2 account";

/// How the secret is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// As it is, in a file that only its owner can read.
    Plain,
    /// Encrypted with a password.
    Encrypted,
}

/// The coordinates of a public key, each 32 bytes in hexadecimal with `0x`, as contracts take them.
#[must_use]
pub fn coordinates(key: &PublicKey) -> (String, String) {
    let text = |coordinate| format!("0x{}", hex::encode(field::to_bytes(&coordinate)));
    (text(key.x()), text(key.y()))
}

/// Reads how the file keeps its secret, and the coordinates of its public key, without the password.
///
/// # Errors
/// When the file isn't such a key file.
pub fn inspect(path: &Path) -> Result<(Protection, (String, String)), KeyFileError> {
    let text = files::read(path, Readers::Any)?;
    let (protection, value) = parse(path, &text)?;
    let coordinate = |name| member(&value, name).map(str::to_owned).map_err(|error| error.in_file(path));
    Ok((protection, (coordinate("x")?, coordinate("y")?)))
}

/// Reads a key. `password` is called if the file is encrypted.
///
/// # Errors
/// When the file isn't such a key file, others can read its secret, or the password is missing or wrong.
pub fn read<E: From<KeyFileError>>(
    path: &Path,
    password: impl FnOnce() -> Result<Password, E>,
) -> Result<SecretKey, E> {
    let malformed = |unexpected: Unexpected| unexpected.in_file(path);
    let text = files::read(path, Readers::Any)?;
    let (protection, mut value) = parse(path, &text)?;
    let secret = match protection {
        Protection::Plain => {
            // The secret is readable: only its owner may have it.
            let text = files::read(path, Readers::OwnerOnly)?;
            let (_, value) = parse(path, &text)?;
            let secret = member(&value, "secret").and_then(secret_bytes).map_err(malformed)?;
            Zeroizing::new(secret)
        }
        Protection::Encrypted => {
            let crypto = value.get_mut("crypto").map(Value::take).unwrap_or_default();
            let crypto = envelope::part(crypto, "an encrypted secret").map_err(malformed)?;
            let sealed = Sealed::parse(crypto).map_err(malformed)?;
            match sealed.open(&password()?).map_err(malformed)? {
                Opened::Secret(secret) => secret,
                Opened::WrongPassword => {
                    return Err(KeyFileError::WrongPassword { path: path.to_owned() }.into());
                }
            }
        }
    };
    let key = SecretKey::from_bytes(&secret)
        .map_err(|_| malformed(Unexpected::new("a secret key of Jubjub", "a number out of its range")))?;
    let actual = coordinates(&key.public_key());
    let expected = (member(&value, "x").map_err(malformed)?, member(&value, "y").map_err(malformed)?);
    if expected != (actual.0.as_str(), actual.1.as_str()) {
        let point = |x: &str, y: &str| format!("({x}, {y})");
        return Err(KeyFileError::OtherKey {
            path: path.to_owned(),
            expected: point(expected.0, expected.1),
            actual: point(&actual.0, &actual.1),
        }
        .into());
    }
    Ok(key)
}

/// A new key from the system's randomness.
///
/// # Errors
/// When the system gives no random bytes.
pub fn random() -> Result<SecretKey, KeyFileError> {
    Ok(SecretKey::from_seed(envelope::random::<32>()?.as_slice()))
}

/// Writes a key to a new file that only its owner can read; with a password, encrypted.
///
/// # Errors
/// When the file exists or can't be written.
pub fn write(path: &Path, key: &SecretKey, password: Option<(&Password, Cost)>) -> Result<(), KeyFileError> {
    let (x, y) = coordinates(&key.public_key());
    let text = match password {
        Some((password, cost)) => {
            let crypto = bls::seal(&key.to_bytes(), password, cost, path)?;
            let file = json!({ "version": ENCRYPTED, "kind": "l2", "x": x, "y": y, "crypto": crypto });
            Zeroizing::new(format!("{file:#}\n"))
        }
        None => {
            let secret = Zeroizing::new(hex::encode(key.to_bytes().as_slice()));
            Zeroizing::new(format!(
                "{{\n  \"version\": {PLAIN},\n  \"kind\": \"l2\",\n  \"x\": \"{x}\",\n  \"y\": \"{y}\",\n\
                 \x20 \"secret\": \"0x{}\"\n}}\n",
                secret.as_str()
            ))
        }
    };
    files::write_new(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<(Protection, Value), KeyFileError> {
    let value = files::parse(path, text, EXPECTED)?;
    if value.get("kind").and_then(Value::as_str) != Some("l2") {
        return Err(Unexpected::new(EXPECTED, "another kind of key file").in_file(path));
    }
    match value.get("version").and_then(Value::as_u64) {
        Some(PLAIN) => Ok((Protection::Plain, value)),
        Some(ENCRYPTED) => Ok((Protection::Encrypted, value)),
        _ => Err(Unexpected::new("version 1 or 2 of an L2 key file", "another version").in_file(path)),
    }
}

fn member<'a>(value: &'a Value, name: &str) -> Result<&'a str, Unexpected> {
    value
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| Unexpected::new(format!("a text named {name} in {EXPECTED}"), "none"))
}

/// The secret's bytes. The error shows nothing of the text.
fn secret_bytes(text: &str) -> Result<[u8; 32], Unexpected> {
    let mut secret = [0; 32];
    hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut secret)
        .map_err(|_| Unexpected::new("a secret of 32 bytes in hexadecimal", "another text"))?;
    Ok(secret)
}
