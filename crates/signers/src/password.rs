//! Passwords of key files.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::files::{self, KeyFileError, Readers};

/// A password. It is zeroed when it is dropped, and nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Password {
    /// A password from its text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The bytes as they are, which web3 keystores take.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The bytes that ERC-2335 takes: normalized (NFKD), without control codes (C0, C1 and delete).
    pub(crate) fn normalized(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.0.len().saturating_mul(4)));
        for character in self.0.nfkd().filter(|character| !character.is_control()) {
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        bytes
    }
}

/// Where a password comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordSource {
    /// Typed at a prompt that doesn't show it.
    Prompt,
    /// A file that only its owner can read, with the password as its only line.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
}

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The password file can't be used.
    #[error("password file {0}")]
    File(KeyFileError),
    /// The file has more than one line.
    #[error("password file {path}: expected one line, got {actual}")]
    Lines { path: PathBuf, actual: usize },
    /// The variable isn't set, or isn't text.
    #[error("expected a password in the environment variable {variable}: {error}")]
    Environment { variable: String, error: std::env::VarError },
    /// There is no terminal to ask at.
    #[error("there is no terminal to ask for a password: name a password file ({0})")]
    NoTerminal(io::Error),
    /// The password was typed when the process started, and nobody can be asked now.
    #[error("its password was typed at a prompt: give it a password file to open the key again")]
    CannotAsk,
    /// The two passwords that were typed differ.
    #[error("the two passwords differ")]
    Differ,
    /// The text is no secret key.
    #[error("expected 32 bytes in hexadecimal, got another text")]
    NotASecret,
    /// A new key would have no password.
    #[error("expected a password for the new key, got an empty one")]
    Empty,
}

impl PasswordSource {
    /// The password of an existing key file. `what` is shown at the prompt.
    ///
    /// # Errors
    /// When there is none.
    pub fn read(&self, what: &str) -> Result<Password, PasswordError> {
        match self {
            Self::Prompt => prompt(&format!("Password of {what}: ")),
            Self::File(path) => of_file(path),
            Self::Environment(variable) => std::env::var(variable)
                .map(Password::new)
                .map_err(|error| PasswordError::Environment { variable: variable.clone(), error }),
        }
    }

    /// The password for a new key file. It is asked for twice, and isn't empty.
    ///
    /// # Errors
    /// When there is none, or both differ.
    pub fn read_new(&self, what: &str) -> Result<Password, PasswordError> {
        let password = self.read(&format!("the new {what}"))?;
        if password.0.is_empty() {
            return Err(PasswordError::Empty);
        }
        if *self == Self::Prompt && prompt("The same password again: ")? != password {
            return Err(PasswordError::Differ);
        }
        Ok(password)
    }

    /// A secret key instead of a password, in hexadecimal, from the same places.
    ///
    /// # Errors
    /// When there is none, or the text isn't one. The error doesn't show it.
    pub fn read_secret(&self) -> Result<Zeroizing<[u8; 32]>, PasswordError> {
        let text = match self {
            Self::Prompt => prompt("Secret key in hexadecimal: ")?,
            Self::File(_) | Self::Environment(_) => self.read("the secret")?,
        };
        let text = text.0.trim();
        let mut secret = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), secret.as_mut_slice())
            .map_err(|_| PasswordError::NotASecret)?;
        Ok(secret)
    }

    /// The password without a question to anybody.
    ///
    /// # Errors
    /// When there is none, or only a prompt has it.
    pub(crate) fn read_again(&self, what: &str) -> Result<Password, PasswordError> {
        if *self == Self::Prompt { Err(PasswordError::CannotAsk) } else { self.read(what) }
    }

    /// The file that has the password.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Prompt | Self::Environment(_) => None,
        }
    }
}

fn prompt(text: &str) -> Result<Password, PasswordError> {
    rpassword::prompt_password(text).map(Password::new).map_err(PasswordError::NoTerminal)
}

fn of_file(path: &Path) -> Result<Password, PasswordError> {
    let text = files::read(path, Readers::OwnerOnly).map_err(PasswordError::File)?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.contains('\n') {
        return Err(PasswordError::Lines { path: path.to_owned(), actual: line.lines().count() });
    }
    Ok(Password::new(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_printed() {
        assert_eq!(format!("{:?}", Password::new("correct horse".to_owned())), "Password(…)");
    }

    /// The example of ERC-2335, and its control codes.
    #[test]
    fn passwords_are_normalized_as_erc_2335_says() {
        let password = Password::new("𝔱𝔢𝔰𝔱𝔭𝔞𝔰𝔰𝔴𝔬𝔯𝔡🔑".to_owned());
        assert_eq!(hex::encode(&*password.normalized()), "7465737470617373776f7264f09f9491");
        let controls: String =
            (0..=0x1fu8).chain([0x7f]).map(char::from).chain('\u{80}'..='\u{9f}').collect();
        assert_eq!(*Password::new(format!("{controls}a b{controls}")).normalized(), b"a b");
    }

    #[test]
    fn a_password_file_has_one_line_and_one_reader() {
        let folder = tempfile::tempdir().unwrap();
        for (number, (text, expected)) in
            [("pass word", "pass word"), ("pass\n", "pass"), ("pass\r\n", "pass"), (" pass ", " pass ")]
                .into_iter()
                .enumerate()
        {
            let path = folder.path().join(number.to_string());
            files::write_new(&path, text).unwrap();
            assert_eq!(PasswordSource::File(path).read("a key").unwrap(), Password::new(expected.to_owned()));
        }
        let path = folder.path().join("two");
        files::write_new(&path, "one\ntwo\n").unwrap();
        let error = PasswordSource::File(path).read("a key").unwrap_err().to_string();
        assert!(error.contains("expected one line, got 2"), "{error}");
        let missing = PasswordSource::Environment("FERNET_TEST_NO_SUCH_VARIABLE".to_owned());
        assert!(missing.read("a key").unwrap_err().to_string().contains("FERNET_TEST_NO_SUCH_VARIABLE"));
    }

    #[test]
    fn a_new_key_has_a_password() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty");
        files::write_new(&path, "\n").unwrap();
        assert!(matches!(PasswordSource::File(path).read_new("key"), Err(PasswordError::Empty)));
        assert!(matches!(PasswordSource::Prompt.read_again("key"), Err(PasswordError::CannotAsk)));
    }
}
