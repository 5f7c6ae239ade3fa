//! `fernet setup`: the development proving keys.

use color_eyre::eyre::Result;
use fernet_circuit::key;

use crate::{output, proving_keys};

/// Arguments of `fernet setup`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The keys come from a public seed: whoever knows it can forge proofs. They are for development only, and the
deployment script refuses their verifying key on mainnet. Making them takes about a minute of CPU time,
once.")]
pub(crate) struct Args {
    #[command(flatten)]
    keys: proving_keys::KeyFolder,
}

/// Runs the subcommand.
///
/// # Errors
/// When the keys can't be made or kept.
pub(crate) fn run(args: &Args) -> Result<()> {
    let folder = args.keys.folder()?;
    let keys = proving_keys::load(&folder)?;
    let params = keys.params();
    output::line(&format!(
        "UNSAFE development keys, ready\ncircuit  {}\n\
         shape    {} operations a chunk, {} tree levels\nfile     {}",
        keys.circuit_hash(),
        params.operations,
        params.levels,
        key::path(&folder, &keys.circuit_hash()).display()
    ))
}
