//! `fernet init`: a commented configuration to begin with.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::PathBuf,
};

use clap::ValueEnum;
use color_eyre::eyre::{Result, WrapErr as _, bail};
use fernet_config::{Role, document};

use crate::{output, settings};

/// A role, as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleArg {
    /// A sequencer
    Sequencer,
    /// A prover
    Prover,
    /// A node
    Node,
}

impl RoleArg {
    pub(crate) const fn role(self) -> Role {
        match self {
            Self::Sequencer => Role::Sequencer,
            Self::Prover => Role::Prover,
            Self::Node => Role::Node,
        }
    }
}

/// Arguments of `fernet init`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The file has every setting with what it is for; what has a default is commented out.

Examples:
  fernet init --role sequencer --network sepolia --out fernet.toml
  fernet config check --config fernet.toml --role sequencer
  fernet doctor --config fernet.toml --role sequencer")]
pub(crate) struct Args {
    /// The role that the file is for [default: all of them]
    #[arg(long, value_enum)]
    role: Option<RoleArg>,
    /// File to write; it must not exist
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs the subcommand.
///
/// # Errors
/// When the network has no such name, or the file exists or can't be written.
pub(crate) fn run(args: &Args) -> Result<()> {
    let text = document::file(args.role.map(RoleArg::role), settings::network()?);
    let mut options = OpenOptions::new();
    let mut file = match options.write(true).create_new(true).open(&args.out) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            bail!("{} exists already: a configuration is never replaced", args.out.display());
        }
        Err(error) => return Err(error).wrap_err_with(|| format!("could not make {}", args.out.display())),
    };
    if let Err(error) = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()) {
        // Half a configuration would be taken for a whole one.
        let _ = std::fs::remove_file(&args.out);
        return Err(error).wrap_err_with(|| format!("could not write {}", args.out.display()));
    }
    output::line(&format!("{}", args.out.display()))
}
