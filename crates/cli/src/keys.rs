//! `fernet keys`: keys of accounts, in files.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Subcommand, ValueEnum};
use color_eyre::eyre::{Result, WrapErr as _, bail};
use fernet_ledger::SecretKey;
use fernet_protocol::BlsSecretKey;
use fernet_signers::{Cost, KeyFileError, KeyFileKind, Password, PasswordSource, bls, kind_of, l2, web3};
use serde::Serialize;

use crate::{
    output,
    report::{FormatArgs, table},
};

/// Subcommands of `fernet keys`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a key and write it to a file that only its owner can read.
    New(NewArgs),
    /// Write a key that exists already to such a file.
    Import(ImportArgs),
    /// Show the public keys of the key files in a folder.
    List(ListArgs),
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// An account on L1 (secp256k1): a web3 keystore
    L1,
    /// A sequencer's scores under VRF scoring (BLS12-381): a keystore by ERC-2335
    Bls,
    /// An account on L2 (Jubjub)
    L2,
}

/// The file that is written, and its password.
#[derive(Debug, clap::Args)]
struct FileArgs {
    /// What the key is for
    #[arg(long, value_enum)]
    kind: Kind,
    /// File to write; it must not exist
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// File with the password of the key file, in one line [default: asked for; an l2 key has none]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Environment variable with the password
    #[arg(long, value_name = "VARIABLE", conflicts_with = "password_file")]
    password_env: Option<String>,
}

/// Arguments of `fernet keys new`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The secret goes to the file only. Without a password the file of an l2 key isn't encrypted; it can be read by
its owner alone. x and y of an l2 key are the KEY_X and KEY_Y of script/BridgeDeposit.s.sol.

Examples:
  fernet keys new --kind l1 --out keys/attester.json
  fernet keys new --kind bls --out keys/scores.json --password-file keys/scores.password
  fernet keys new --kind l2 --out account.json")]
pub(crate) struct NewArgs {
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Arguments of `fernet keys import`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The secret is 32 bytes in hexadecimal, with or without 0x. It is asked for, or read from a file that only its
owner can read, or from a variable; never from the command line, which others can see.

Example:
  fernet keys import --kind l1 --secret-file secret.hex --out keys/attester.json")]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    file: FileArgs,
    /// File with the secret [default: asked for]
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Environment variable with the secret
    #[arg(long, value_name = "VARIABLE", conflicts_with = "secret_file")]
    secret_env: Option<String>,
    #[command(flatten)]
    format: FormatArgs,
}

/// Arguments of `fernet keys list`.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// The folder
    folder: PathBuf,
    #[command(flatten)]
    format: FormatArgs,
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum PublicKey {
    /// Of an L1 account.
    L1 {
        /// The account, if the file names it.
        address: Option<String>,
    },
    /// Of a sequencer's scores.
    #[serde(rename_all = "camelCase")]
    Bls {
        /// The key in its short form, 48 bytes, if the file names it.
        public_key: Option<String>,
    },
    /// Of an L2 account, as contracts take it.
    L2 {
        /// First coordinate, 32 bytes in hexadecimal.
        x: String,
        /// Second coordinate.
        y: String,
    },
}

/// A key file and its public key.
#[derive(Debug, Serialize)]
struct Listed {
    file: String,
    #[serde(flatten)]
    key: PublicKey,
}

/// A secret key.
enum Key {
    L1(alloy::signers::local::PrivateKeySigner),
    Bls(BlsSecretKey),
    L2(SecretKey),
}

/// Runs the subcommand.
///
/// # Errors
/// When a file can't be read or written.
pub(crate) fn run(command: &Command) -> Result<()> {
    match command {
        Command::New(args) => {
            args.file.check()?;
            let key = match args.file.kind {
                Kind::L1 => Key::L1(web3::random()?),
                Kind::Bls => Key::Bls(bls::random()?),
                Kind::L2 => Key::L2(l2::random()?),
            };
            write(&args.file, &key, args.format)
        }
        Command::Import(args) => {
            args.file.check()?;
            let secret = source(&args.secret_file, &args.secret_env).unwrap_or(PasswordSource::Prompt);
            let secret = secret.read_secret().wrap_err("the secret can't be read")?;
            let out_of_range = || format!("the secret is not one of a {} key", kind_name(args.file.kind));
            let key = match args.file.kind {
                Kind::L1 => Key::L1(web3::from_secret(&secret).wrap_err_with(out_of_range)?),
                Kind::Bls => Key::Bls(BlsSecretKey::from_bytes(&secret).wrap_err_with(out_of_range)?),
                // The error of the ledger shows the number.
                Kind::L2 => match SecretKey::from_bytes(&secret) {
                    Ok(key) => Key::L2(key),
                    Err(_) => bail!(out_of_range()),
                },
            };
            write(&args.file, &key, args.format)
        }
        Command::List(args) => list(args),
    }
}

impl FileArgs {
    /// Fails before anybody is asked for anything.
    fn check(&self) -> Result<()> {
        if self.out.exists() {
            bail!("{} exists already: a key file is never replaced", self.out.display());
        }
        Ok(())
    }
}

fn source(file: &Option<PathBuf>, variable: &Option<String>) -> Option<PasswordSource> {
    match (file, variable) {
        (Some(file), _) => Some(PasswordSource::File(file.clone())),
        (None, Some(variable)) => Some(PasswordSource::Environment(variable.clone())),
        (None, None) => None,
    }
}

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::L1 => "l1",
        Kind::Bls => "bls",
        Kind::L2 => "l2",
    }
}

fn write(args: &FileArgs, key: &Key, format: FormatArgs) -> Result<()> {
    let given = source(&args.password_file, &args.password_env);
    let what = format!("key file {}", args.out.display());
    let password = |source: PasswordSource| -> Result<Password> { Ok(source.read_new(&what)?) };
    let asked = || password(given.clone().unwrap_or(PasswordSource::Prompt));
    match key {
        Key::L1(key) => web3::write(&args.out, key, &asked()?, Cost::Standard)?,
        Key::Bls(key) => bls::write(&args.out, key, &asked()?, Cost::Standard)?,
        Key::L2(key) => {
            let password = given.clone().map(password).transpose()?;
            l2::write(&args.out, key, password.as_ref().map(|password| (password, Cost::Standard)))?;
        }
    }
    let public = public_key(key);
    format.write(&public, |public| {
        let file = args.out.display();
        match public {
            PublicKey::L1 { address } => {
                format!("key file  {file}\naddress   {}", address.as_deref().unwrap_or_default())
            }
            PublicKey::Bls { public_key } => {
                format!("key file    {file}\npublic key  {}", public_key.as_deref().unwrap_or_default())
            }
            PublicKey::L2 { x, y } => format!("key file  {file}\nx         {x}\ny         {y}"),
        }
    })
}

fn public_key(key: &Key) -> PublicKey {
    match key {
        Key::L1(key) => PublicKey::L1 { address: Some(key.address().to_string()) },
        Key::Bls(key) => PublicKey::Bls { public_key: Some(bls::text(&key.public_key())) },
        Key::L2(key) => {
            let (x, y) = l2::coordinates(&key.public_key());
            PublicKey::L2 { x, y }
        }
    }
}

/// The public key that a file names, without its password.
fn inspect(path: &Path) -> Result<PublicKey, KeyFileError> {
    Ok(match kind_of(path)? {
        KeyFileKind::L1 => PublicKey::L1 { address: web3::address(path)?.map(|address| address.to_string()) },
        KeyFileKind::Bls => PublicKey::Bls { public_key: bls::public_key(path)? },
        KeyFileKind::L2 => {
            let (_, (x, y)) = l2::inspect(path)?;
            PublicKey::L2 { x, y }
        }
    })
}

/// Whether the file is something else than a key file, such as a password file.
fn is_another_file(error: &KeyFileError) -> bool {
    match error {
        KeyFileError::Malformed { .. } | KeyFileError::TooLarge { .. } => true,
        KeyFileError::Read { error, .. } => error.kind() == io::ErrorKind::InvalidData,
        _ => false,
    }
}

fn list(args: &ListArgs) -> Result<()> {
    let shown = || format!("{}", args.folder.display());
    let entries = fs::read_dir(&args.folder).wrap_err_with(shown)?;
    let mut paths =
        entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>().wrap_err_with(shown)?;
    paths.sort();
    let mut keys = Vec::new();
    for path in paths.iter().filter(|path| path.is_file()) {
        match inspect(path) {
            Ok(key) => keys.push(Listed { file: path.display().to_string(), key }),
            Err(error) if is_another_file(&error) => {
                output::message(&format!("{}: not a key file", path.display()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    args.format.write_list(&keys, |keys| {
        let unnamed = || "not named in the file".to_owned();
        let rows = keys.iter().map(|Listed { file, key }| {
            let (kind, key) = match key {
                PublicKey::L1 { address } => (Kind::L1, address.clone().unwrap_or_else(unnamed)),
                PublicKey::Bls { public_key } => (Kind::Bls, public_key.clone().unwrap_or_else(unnamed)),
                PublicKey::L2 { x, y } => (Kind::L2, format!("{x} {y}")),
            };
            vec![kind_name(kind).to_owned(), key, file.clone()]
        });
        table(&["kind", "address or public key", "file"], rows)
    })
}
