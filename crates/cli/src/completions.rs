//! `fernet completions`: completions of the command line for shells.

use clap_complete::Shell;
use color_eyre::eyre::Result;

use crate::output;

/// Arguments of `fernet completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fernet completions bash > ~/.local/share/bash-completion/completions/fernet
  fernet completions zsh > ~/.zfunc/_fernet")]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the subcommand.
///
/// # Errors
/// When stdout can't be written to.
pub(crate) fn run(args: &Args, mut command: clap::Command) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "fernet", &mut script);
    output::line(String::from_utf8_lossy(&script).trim_end())
}
