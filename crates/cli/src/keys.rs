//! `fernet keys`: keys of accounts.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::{Subcommand, ValueEnum};
use color_eyre::eyre::{Result, WrapErr as _, bail};
use fernet_ledger::{SecretKey, field};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::output;

/// Version of the file's form.
const FILE_VERSION: u32 = 1;

/// Subcommands of `fernet keys`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a key and write it to a file that only its owner can read.
    New(NewArgs),
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// An account on L2: signs its transfers and withdrawals (a Jubjub key).
    L2,
}

/// How the result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For reading.
    Human,
    /// One JSON object.
    Json,
}

/// Arguments of `fernet keys new`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The secret goes to the file only. x and y are the KEY_X and KEY_Y of script/BridgeDeposit.s.sol, which opens
an account for the key on L2; docs/devnet.md shows the whole way.")]
pub(crate) struct NewArgs {
    /// What the key is for
    #[arg(long, value_enum)]
    kind: Kind,
    /// File to write; it must not exist
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// A public key, as contracts take it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct PublicKey {
    /// What the key is for.
    kind: Kind,
    /// First coordinate, 32 bytes in hexadecimal.
    x: String,
    /// Second coordinate.
    y: String,
}

/// Runs the subcommand.
///
/// # Errors
/// When the file can't be written.
pub(crate) fn run(command: &Command) -> Result<()> {
    let Command::New(args) = command;
    let secret = random_key()?;
    let public = public_key(args.kind, &secret);
    write_file(&args.out, &file(&public, &secret))?;
    output::line(&match args.format {
        Format::Human => {
            format!("key file  {}\nx         {}\ny         {}", args.out.display(), public.x, public.y)
        }
        Format::Json => serde_json::to_string(&public)?,
    })
}

/// A key from the system's randomness.
fn random_key() -> Result<SecretKey> {
    let mut seed = Zeroizing::new([0u8; 32]);
    getrandom::fill(seed.as_mut_slice()).wrap_err("the system gave no random bytes")?;
    Ok(SecretKey::from_seed(seed.as_slice()))
}

fn public_key(kind: Kind, secret: &SecretKey) -> PublicKey {
    let key = secret.public_key();
    let text = |coordinate| format!("0x{}", hex::encode(field::to_bytes(&coordinate)));
    PublicKey { kind, x: text(key.x()), y: text(key.y()) }
}

/// The key file: the public key beside the secret, in JSON.
fn file(public: &PublicKey, secret: &SecretKey) -> Zeroizing<String> {
    let secret = Zeroizing::new(hex::encode(secret.to_bytes().as_slice()));
    let PublicKey { kind: Kind::L2, x, y } = public;
    Zeroizing::new(format!(
        "{{\n  \"version\": {FILE_VERSION},\n  \"kind\": \"l2\",\n  \"x\": \"{x}\",\n  \"y\": \"{y}\",\n\
         \x20 \"secret\": \"0x{}\"\n}}\n",
        secret.as_str()
    ))
}

/// Writes a new file that only its owner can read.
fn write_file(path: &Path, text: &str) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            bail!("{} exists already: a key file is never replaced", path.display());
        }
        Err(error) => return Err(error).wrap_err_with(|| format!("could not make {}", path.display())),
    };
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .wrap_err_with(|| format!("could not write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_file_holds_the_secret_of_the_public_key() {
        let secret = random_key().unwrap();
        let public = public_key(Kind::L2, &secret);
        let parsed: Value = serde_json::from_str(&file(&public, &secret)).unwrap();
        assert_eq!((&parsed["version"], &parsed["kind"]), (&Value::from(1), &Value::from("l2")));
        let bytes: Vec<u8> = (0..32)
            .map(|byte| {
                let text = parsed["secret"].as_str().unwrap();
                u8::from_str_radix(&text[2 + 2 * byte..4 + 2 * byte], 16).unwrap()
            })
            .collect();
        let read = SecretKey::from_bytes(&bytes.try_into().unwrap()).unwrap();
        assert_eq!(read.public_key(), secret.public_key());
        assert_eq!((&parsed["x"], &parsed["y"]), (&public.x.into(), &public.y.into()));
        assert_ne!(random_key().unwrap().public_key(), secret.public_key());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_file_and_none_is_replaced() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        write_file(&path, "first").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let error = write_file(&path, "second").unwrap_err().to_string();
        assert!(error.contains("never replaced"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first");
        let error = write_file(&folder.path().join("no/key.json"), "text").unwrap_err().to_string();
        assert!(error.contains("no/key.json"), "{error}");
    }
}
