//! `fernet snapshot …`: makes and checks snapshots of the L2 state.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use color_eyre::eyre::{Result, WrapErr as _, bail};
use fernet_follower::{FollowerStore, Manifest, Snapshot};

use crate::{format::number, output};

/// Subcommands of `fernet snapshot`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write the L2 state of a folder of `fernet follow`, which must not be running, to a new folder.
    Make(MakeArgs),
    /// Read a snapshot, and compute its state root. Whether it is L1's, `fernet follow --snapshot` finds out.
    Check(CheckArgs),
}

/// How the result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For reading.
    Human,
    /// One JSON object.
    Json,
}

/// Arguments of `fernet snapshot make`.
#[derive(Debug, clap::Args)]
pub(crate) struct MakeArgs {
    /// Folder of the state
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// Folder of the snapshot, which must not be there yet
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Arguments of `fernet snapshot check`.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// Folder of the snapshot
    folder: PathBuf,
    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Runs the subcommand.
///
/// # Errors
/// When the state or the snapshot can't be read, or the snapshot can't be written.
pub(crate) fn run(command: &Command) -> Result<()> {
    let (manifest, format) = match command {
        Command::Make(args) => {
            let file = args.folder.join("follower.redb");
            if !file.is_file() {
                bail!("{}: expected a folder that `fernet follow` has written to", args.folder.display());
            }
            let manifest = FollowerStore::open(&file)?.write_snapshot(&args.out);
            (manifest.wrap_err("the snapshot could not be made")?, args.format)
        }
        Command::Check(args) => (Snapshot::read(&args.folder)?.manifest().clone(), args.format),
    };
    output::line(&match format {
        Format::Human => text(&manifest),
        Format::Json => serde_json::to_string(&manifest)?,
    })
}

fn text(manifest: &Manifest) -> String {
    format!(
        "rollup      {}\nblock       {} of slot {}\nheader      {}\nstate root  {}\naccounts    {}",
        manifest.rollup,
        number(manifest.height),
        number(manifest.slot.get()),
        manifest.header_hash,
        manifest.state_root,
        number(manifest.accounts)
    )
}
