//! Files with secrets: who may read them, and how they are written whole or not at all.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use serde_json::Value;
use zeroize::Zeroizing;

/// Most bytes of a key file: known ones have less than 2 KiB.
const MAX_BYTES: u64 = 64 * 1024;

/// Why a key file can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file can't be read.
    #[error("{path}: could not be read: {error}")]
    Read { path: PathBuf, error: io::Error },
    /// The file can't be written.
    #[error("{path}: could not be written: {error}")]
    Write { path: PathBuf, error: io::Error },
    /// There is a file already.
    #[error("{path} exists already: a key file is never replaced")]
    Exists { path: PathBuf },
    /// The file is larger than any key file.
    #[error("{path}: expected a key file of at most {maximum} bytes, got {actual}")]
    TooLarge { path: PathBuf, maximum: u64, actual: u64 },
    /// Other users of the machine can read the file.
    #[error("{path}: others than its owner can read it (mode {mode:03o}): run `chmod 600 {path}`")]
    Exposed { path: PathBuf, mode: u32 },
    /// The text isn't a key file.
    #[error("{path}: expected {expected}, got {actual}")]
    Malformed { path: PathBuf, expected: String, actual: String },
    /// The password isn't the file's.
    #[error("{path}: the password is wrong")]
    WrongPassword { path: PathBuf },
    /// The key isn't the one that the file names.
    #[error("{path}: the file is of {expected}, but its key is of {actual}")]
    OtherKey { path: PathBuf, expected: String, actual: String },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Randomness(getrandom::Error),
}

/// The kinds of key files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFileKind {
    /// An L1 key: a web3 keystore of version 3.
    L1,
    /// A BLS key: a keystore by ERC-2335.
    Bls,
    /// A key of an L2 account.
    L2,
}

/// Whether others than the owner may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// The file is encrypted: who reads it is the owner's choice.
    Any,
    /// The file has a secret as it is.
    OwnerOnly,
}

/// Reads a file with a secret.
pub(crate) fn read(path: &Path, readers: Readers) -> Result<Zeroizing<String>, KeyFileError> {
    let failed = |error| KeyFileError::Read { path: path.to_owned(), error };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(failed(io::Error::other("not a regular file")));
    }
    #[cfg(unix)]
    if readers == Readers::OwnerOnly {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
        }
    }
    #[cfg(not(unix))]
    let _ = readers;
    if metadata.len() > MAX_BYTES {
        let actual = metadata.len();
        return Err(KeyFileError::TooLarge { path: path.to_owned(), maximum: MAX_BYTES, actual });
    }
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1));
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Parses JSON. The error says where it isn't JSON, and never shows the text, which may be a secret.
pub(crate) fn parse(path: &Path, text: &str, expected: &str) -> Result<Value, KeyFileError> {
    serde_json::from_str(text).map_err(|error| KeyFileError::Malformed {
        path: path.to_owned(),
        expected: expected.to_owned(),
        actual: format!("text that is not JSON at line {}, column {}", error.line(), error.column()),
    })
}

/// Writes a new file that only its owner can read. There is either the whole file or none.
///
/// # Errors
/// When the file exists or can't be written.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<(), KeyFileError> {
    let failed = |error| KeyFileError::Write { path: path.to_owned(), error };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file has mode 600.
    let mut file = tempfile::Builder::new().prefix(".key-").tempfile_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist_noclobber(path).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists { path: path.to_owned() },
        _ => failed(error.error),
    })?;
    // The name is on disk after its folder is.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

/// The kind of a key file, from its form.
///
/// # Errors
/// When the file can't be read or is no key file.
pub fn kind_of(path: &Path) -> Result<KeyFileKind, KeyFileError> {
    let expected = "a key file (a web3 keystore, ERC-2335, or an L2 key)";
    let value = parse(path, &read(path, Readers::Any)?, expected)?;
    let version = value.get("version").and_then(Value::as_u64);
    if value.get("kind").and_then(Value::as_str) == Some("l2") {
        return Ok(KeyFileKind::L2);
    }
    match version {
        Some(3) => Ok(KeyFileKind::L1),
        Some(4) => Ok(KeyFileKind::Bls),
        _ => Err(KeyFileError::Malformed {
            path: path.to_owned(),
            expected: expected.to_owned(),
            actual: "another JSON text".to_owned(),
        }),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn only_the_owner_can_read_a_new_file_and_none_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        write_new(&path, "first").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let error = write_new(&path, "second").unwrap_err();
        assert!(matches!(error, KeyFileError::Exists { .. }), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first");
        let error = write_new(&folder.path().join("no/key.json"), "text").unwrap_err().to_string();
        assert!(error.contains("no/key.json"), "{error}");
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap()).collect();
        assert_eq!(names.len(), 1, "a failed write leaves nothing: {names:?}");
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        write_new(&path, "text").unwrap();
        assert_eq!(read(&path, Readers::OwnerOnly).unwrap().as_str(), "text");
        for mode in [0o640, 0o604, 0o660] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = read(&path, Readers::OwnerOnly).unwrap_err().to_string();
            assert!(error.contains("chmod 600") && error.contains(&format!("{mode:o}")), "{error}");
            read(&path, Readers::Any).unwrap();
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        write_new(&path, &" ".repeat(usize::try_from(MAX_BYTES).unwrap() + 1)).unwrap();
        assert!(matches!(read(&path, Readers::Any), Err(KeyFileError::TooLarge { .. })));
    }

    #[test]
    fn an_error_shows_nothing_of_a_secret() {
        let error = parse(Path::new("key"), "{\"secret\": \"0xabcdef\" nonsense", "a key").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("abcdef"), "{error:?}");
    }
}
