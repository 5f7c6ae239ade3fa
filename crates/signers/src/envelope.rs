//! What all encrypted key files have in common: a key derived from the password, and AES-128 in counter mode.

use aes::{
    Aes128,
    cipher::{KeyIvInit as _, StreamCipher as _},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::files::KeyFileError;

/// Bytes of a derived key: 16 for the cipher, 16 for the check of the password.
const DERIVED: usize = 32;
/// Most memory that scrypt may take, 128 bytes for each unit of n × r: 1 GiB.
const MAX_SCRYPT_BLOCKS: u64 = 1 << 23;
/// Most work of scrypt, in units of n × r × p: eight times that of a new file.
const MAX_SCRYPT_WORK: u64 = 1 << 24;
/// Most rounds of PBKDF2: forty times those of other tools.
const MAX_ROUNDS: u32 = 10_000_000;

/// What it costs to try a password of a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cost {
    /// As other tools write them: about a second of CPU time and 256 MiB (scrypt with n = 2¹⁸, r = 8, p = 1).
    #[default]
    Standard,
    /// Next to nothing. For keys of tests and devnets, whose secrets are worth nothing.
    Light,
}

impl Cost {
    const fn log_n(self) -> u8 {
        match self {
            Self::Standard => 18,
            Self::Light => 10,
        }
    }
}

/// How a key is derived from a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Derivation {
    function: Function,
    salt: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Function {
    Scrypt { log_n: u8, r: u32, p: u32 },
    Pbkdf2 { rounds: u32 },
}

#[derive(Serialize, Deserialize)]
struct ScryptParameters {
    dklen: u64,
    n: u64,
    p: u64,
    r: u64,
    salt: String,
}

#[derive(Deserialize)]
struct Pbkdf2Parameters {
    c: u64,
    dklen: u64,
    prf: String,
    salt: String,
}

/// What a file has where something else was expected.
#[derive(Debug)]
pub(crate) struct Unexpected {
    pub(crate) expected: String,
    pub(crate) actual: String,
}

impl Unexpected {
    pub(crate) fn new(expected: impl Into<String>, actual: impl ToString) -> Self {
        Self { expected: expected.into(), actual: actual.to_string() }
    }

    /// The error of a file.
    pub(crate) fn in_file(self, path: &std::path::Path) -> KeyFileError {
        let Self { expected, actual } = self;
        KeyFileError::Malformed { path: path.to_owned(), expected, actual }
    }
}

/// Reads a part of a key file. Parts of encrypted files are no secrets, so the error may show them.
pub(crate) fn part<T: DeserializeOwned>(value: Value, what: &str) -> Result<T, Unexpected> {
    serde_json::from_value(value).map_err(|error| Unexpected::new(what, error))
}

/// Bytes in hexadecimal, of a number that is known or not.
pub(crate) fn bytes(text: &str, length: Option<usize>, what: &str) -> Result<Vec<u8>, Unexpected> {
    let decoded = hex::decode(text.strip_prefix("0x").unwrap_or(text))
        .map_err(|error| Unexpected::new(format!("{what} in hexadecimal"), error))?;
    match length {
        Some(length) if decoded.len() != length => {
            Err(Unexpected::new(format!("{length} bytes of {what}"), format!("{} bytes", decoded.len())))
        }
        _ => Ok(decoded),
    }
}

/// An array of bytes in hexadecimal.
pub(crate) fn array<const N: usize>(text: &str, what: &str) -> Result<[u8; N], Unexpected> {
    let decoded = bytes(text, Some(N), what)?;
    decoded.try_into().map_err(|_| Unexpected::new(format!("{N} bytes of {what}"), "others"))
}

/// Fills an array with random bytes.
pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, KeyFileError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(KeyFileError::Randomness)?;
    Ok(bytes)
}

/// A new random id (UUID version 4).
pub(crate) fn random_id() -> Result<String, KeyFileError> {
    Ok(uuid::Builder::from_random_bytes(*random::<16>()?).into_uuid().hyphenated().to_string())
}

impl Derivation {
    /// Scrypt with a new salt.
    pub(crate) fn new(cost: Cost) -> Result<Self, KeyFileError> {
        let salt = random::<32>()?.to_vec();
        Ok(Self { function: Function::Scrypt { log_n: cost.log_n(), r: 8, p: 1 }, salt })
    }

    /// Reads name and parameters, and refuses ones that would take a machine down.
    pub(crate) fn parse(function: &str, parameters: Value) -> Result<Self, Unexpected> {
        let of_length = |dklen: u64| match dklen {
            32 => Ok(()),
            _ => Err(Unexpected::new("a derived key of 32 bytes (dklen)", dklen)),
        };
        match function {
            "scrypt" => {
                let ScryptParameters { dklen, n, p, r, salt } = part(parameters, "parameters of scrypt")?;
                of_length(dklen)?;
                let blocks = n.saturating_mul(r);
                if !n.is_power_of_two() || n < 2 || r == 0 || p == 0 {
                    let expected = "n of scrypt as a power of two, and r and p above 0";
                    return Err(Unexpected::new(expected, format!("n = {n}, r = {r}, p = {p}")));
                }
                if u64::from(n.trailing_zeros()) >= r.saturating_mul(16) {
                    let expected = "n of scrypt below 2^(16 r), as RFC 7914 says";
                    return Err(Unexpected::new(expected, format!("n = {n}, r = {r}")));
                }
                if blocks > MAX_SCRYPT_BLOCKS || blocks.saturating_mul(p) > MAX_SCRYPT_WORK {
                    let expected = "parameters of scrypt that need at most 1 GiB and 8 times the usual work";
                    return Err(Unexpected::new(expected, format!("n = {n}, r = {r}, p = {p}")));
                }
                let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
                let log_n = u8::try_from(n.trailing_zeros()).unwrap_or(u8::MAX);
                let function = Function::Scrypt { log_n, r: narrow(r), p: narrow(p) };
                Ok(Self { function, salt: bytes(&salt, None, "salt")? })
            }
            "pbkdf2" => {
                let Pbkdf2Parameters { c, dklen, prf, salt } = part(parameters, "parameters of PBKDF2")?;
                of_length(dklen)?;
                if prf != "hmac-sha256" {
                    return Err(Unexpected::new("hmac-sha256 in PBKDF2 (prf)", prf));
                }
                let rounds = u32::try_from(c).ok().filter(|rounds| (1..=MAX_ROUNDS).contains(rounds));
                let rounds = rounds
                    .ok_or_else(|| Unexpected::new(format!("1 to {MAX_ROUNDS} rounds of PBKDF2 (c)"), c))?;
                Ok(Self { function: Function::Pbkdf2 { rounds }, salt: bytes(&salt, None, "salt")? })
            }
            other => Err(Unexpected::new("scrypt or pbkdf2 as key derivation", other)),
        }
    }

    /// Name and parameters, as files have them.
    pub(crate) fn to_json(&self) -> (&'static str, Value) {
        let salt = hex::encode(&self.salt);
        match &self.function {
            Function::Scrypt { log_n, r, p } => {
                let n = 1u64 << log_n;
                ("scrypt", serde_json::json!({ "dklen": DERIVED, "n": n, "p": p, "r": r, "salt": salt }))
            }
            Function::Pbkdf2 { rounds } => {
                let prf = "hmac-sha256";
                ("pbkdf2", serde_json::json!({ "c": rounds, "dklen": DERIVED, "prf": prf, "salt": salt }))
            }
        }
    }

    /// Derives the key of a password.
    pub(crate) fn derive(&self, password: &[u8]) -> Result<DerivedKey, Unexpected> {
        let mut key = Zeroizing::new([0; DERIVED]);
        match &self.function {
            Function::Scrypt { log_n, r, p } => {
                let parameters = scrypt::Params::new(*log_n, *r, *p, DERIVED)
                    .map_err(|error| Unexpected::new("parameters of scrypt", error))?;
                scrypt::scrypt(password, &self.salt, &parameters, key.as_mut_slice())
                    .map_err(|error| Unexpected::new("a derived key of 32 bytes", error))?;
            }
            Function::Pbkdf2 { rounds } => {
                pbkdf2::pbkdf2_hmac::<Sha256>(password, &self.salt, *rounds, key.as_mut_slice());
            }
        }
        Ok(DerivedKey(key))
    }
}

/// A key that was derived from a password.
pub(crate) struct DerivedKey(Zeroizing<[u8; DERIVED]>);

impl DerivedKey {
    /// The half that checks the password.
    pub(crate) fn check_half(&self) -> &[u8] {
        let (_, half) = self.0.split_at(DERIVED / 2);
        half
    }

    /// Encrypts or decrypts: both are the same.
    pub(crate) fn apply(&self, iv: &[u8; 16], text: &mut [u8]) {
        let mut key = Zeroizing::new([0u8; 16]);
        key.iter_mut().zip(self.0.iter()).for_each(|(byte, from)| *byte = *from);
        let mut cipher = ctr::Ctr128BE::<Aes128>::new((&*key).into(), iv.into());
        cipher.apply_keystream(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parameters_that_would_take_a_machine_down_are_refused() {
        let scrypt = |n: u64, r: u64, p: u64| {
            Derivation::parse("scrypt", json!({ "dklen": 32, "n": n, "r": r, "p": p, "salt": "00" }))
        };
        for (n, r, p) in [(262_144, 8, 1), (131_072, 8, 1), (4_096, 8, 6), (32_768, 1, 8), (2, 8, 1)] {
            scrypt(n, r, p).unwrap_or_else(|error| panic!("{n} {r} {p}: {error:?}"));
        }
        for (n, r, p) in [(0, 8, 1), (1, 8, 1), (3, 8, 1), (1 << 40, 8, 1), (1 << 21, 8, 1), (262_144, 8, 64)]
        {
            assert!(scrypt(n, r, p).is_err(), "{n} {r} {p}");
        }
        for (n, r, p) in [(262_144, 1, 8), (262_144, 0, 1), (262_144, 8, 0), (2, u64::MAX, u64::MAX)] {
            assert!(scrypt(n, r, p).is_err(), "{n} {r} {p}");
        }
        let pbkdf2 = |c: u64, dklen: u64, prf: &str| {
            Derivation::parse("pbkdf2", json!({ "c": c, "dklen": dklen, "prf": prf, "salt": "00" }))
        };
        pbkdf2(262_144, 32, "hmac-sha256").unwrap();
        for (c, dklen, prf) in [(0, 32, "hmac-sha256"), (1 << 33, 32, "hmac-sha256"), (1, 64, "hmac-sha256")]
        {
            assert!(pbkdf2(c, dklen, prf).is_err(), "{c} {dklen} {prf}");
        }
        assert!(pbkdf2(1, 32, "hmac-sha1").is_err());
        assert!(Derivation::parse("argon2id", json!({})).is_err());
    }

    #[test]
    fn written_parameters_are_read_back() {
        for cost in [Cost::Standard, Cost::Light] {
            let derivation = Derivation::new(cost).unwrap();
            let (function, parameters) = derivation.to_json();
            assert_eq!(Derivation::parse(function, parameters).unwrap(), derivation);
        }
        let parameters = json!({ "c": 7, "dklen": 32, "prf": "hmac-sha256", "salt": "0102" });
        let derivation = Derivation::parse("pbkdf2", parameters.clone()).unwrap();
        assert_eq!(derivation.to_json(), ("pbkdf2", parameters));
    }
}
