//! `fernet setup`: the development proving keys.

use color_eyre::eyre::Result;
use fernet_circuit::key;

use crate::keys;

/// Arguments of `fernet setup`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The keys come from a seed that everybody knows: whoever wants can forge proofs under them. They are for development
only; the deployment script refuses their verifying key on mainnet.")]
pub(crate) struct Args {
    #[command(flatten)]
    keys: keys::KeyFolder,
}

/// Runs the subcommand.
///
/// # Errors
/// When the keys can't be made or kept.
pub(crate) fn run(args: &Args) -> Result<()> {
    let folder = args.keys.folder()?;
    let keys = keys::load(&folder)?;
    let params = keys.params();
    println!("UNSAFE development keys, ready");
    println!("circuit  {}", keys.circuit_hash());
    println!("shape    {} operations a chunk, {} tree levels", params.operations, params.levels);
    println!("file     {}", key::path(&folder, &keys.circuit_hash()).display());
    Ok(())
}
