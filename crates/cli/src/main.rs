//! The `fernet` command.
//!
//! One file per subcommand; results go to stdout, logs and progress to stderr.
//!
//! - [`devnet`]: a whole rollup in one process; [`live`] and [`screen`] draw it, [`plain`] writes it.
//! - [`setup`]: proving keys.
//! - [`prover`]: tools for provers.

mod devnet;
mod format;
mod keys;
mod live;
mod logs;
mod plain;
mod progress;
mod prover;
mod screen;
mod setup;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Fernet: a rollup with randomly elected sequencers, committed provers and proofs of everything.
#[derive(Debug, Parser)]
#[command(name = "fernet", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a whole rollup on this machine: L1, contracts, 4 sequencers, 2 provers and users.
    Devnet(devnet::Args),
    /// Make the development proving keys, or check that they are there.
    Setup(setup::Args),
    /// Tools for provers.
    #[command(subcommand, arg_required_else_help = true)]
    Prover(prover::Command),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            error.chain().skip(1).for_each(|cause| eprintln!("  because: {cause}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> color_eyre::Result<()> {
    match command {
        Command::Devnet(args) => devnet::run(args),
        Command::Setup(args) => {
            logs::to_stderr();
            setup::run(&args)
        }
        Command::Prover(command) => {
            logs::to_stderr();
            prover::run(command)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
