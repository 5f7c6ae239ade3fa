//! The `fernet` command.
//!
//! One file per subcommand; results go to stdout, logs and progress to stderr.
//!
//! - [`devnet`]: a whole rollup in one process; [`live`] and [`screen`] draw it, [`plain`] writes it.
//! - [`setup`]: the [`proving_keys`].
//! - [`keys`]: keys of accounts.
//! - [`bridge`]: L2 accounts as seen from L1, and claims of withdrawals.
//! - [`follow`]: follows the rollup, with its state on disk; [`snapshot`]s of that state.
//! - [`run`]: roles as processes.
//! - [`sequencer`]: registrations; [`prover`]: tools for provers, and their [`escrow`]. What sends
//!   transactions does it by [`act`], with the keys of [`signing`].
//! - [`wallet`]: L2 accounts of users.
//! - [`slot`], [`rank`], [`tx`]: what is going on.
//! - [`init`], [`configuration`], [`doctor`]: an installation; [`settings`] is what commands take from it.
//! - [`completions`] for shells, and the [`mod@reference`] of the command line.

mod act;
mod bridge;
mod completions;
mod configuration;
mod devnet;
mod doctor;
mod escrow;
mod follow;
mod format;
mod init;
mod keys;
mod live;
mod logs;
mod node;
mod output;
mod plain;
mod progress;
mod prover;
mod proving_keys;
mod rank;
mod reference;
mod report;
mod rollup;
mod run;
mod runtime;
mod screen;
mod sequencer;
mod settings;
mod setup;
mod signals;
mod signing;
mod slot;
mod snapshot;
mod tx;
mod wallet;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use color_eyre::eyre::Result;
use fernet_config::Role;
use logs::Detail;

/// Fernet: decentralised block production for an Ethereum rollup.
#[derive(Debug, Parser)]
#[command(name = "fernet", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "\
Exit status: 0 success, 1 failure, 2 wrong arguments, 130 left at once, 141 the reader of stdout closed it.
FERNET_LOG sets what is logged to stderr, such as debug or warn,fernet_l1=trace, and
FERNET_LOG_FORMAT how: text or json.")]
struct Cli {
    #[command(flatten)]
    settings: settings::SettingsArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a whole rollup on this machine: L1, contracts, sequencers, provers and users.
    Devnet(devnet::Args),
    /// Make the development proving keys, or check that they are there.
    Setup(setup::Args),
    /// Write a commented configuration to begin with.
    Init(init::Args),
    /// Check and explain the configuration.
    #[command(subcommand, arg_required_else_help = true)]
    Config(configuration::Command),
    /// Test an installation, and say what to do about what is wrong.
    Doctor(doctor::Args),
    /// Make, import and list keys.
    #[command(subcommand, arg_required_else_help = true)]
    Keys(keys::Command),
    /// Look at L2 accounts, and claim withdrawals on L1.
    #[command(subcommand, arg_required_else_help = true)]
    Bridge(bridge::Command),
    /// Follow the rollup from L1, with its state in a folder.
    Follow(follow::Args),
    /// Make and check snapshots of the L2 state.
    #[command(subcommand, arg_required_else_help = true)]
    Snapshot(snapshot::Command),
    /// Run a node: it follows the rollup, keeps its state, and passes on what it finds valid.
    #[command(subcommand, arg_required_else_help = true)]
    Node(node::Command),
    /// Run sequencers, register them, look at them, and take their stakes back.
    #[command(subcommand, arg_required_else_help = true)]
    Sequencer(sequencer::Command),
    /// Run provers; tools for them, and their escrow.
    #[command(subcommand, arg_required_else_help = true)]
    Prover(prover::Command),
    /// Look at the slot in turn, and at past ones.
    #[command(subcommand, arg_required_else_help = true)]
    Slot(slot::Command),
    /// Show who may propose in the slot in turn and in the next one, and with which rank.
    Rank(rank::Args),
    /// Make keys of L2 accounts, pay in, transfer, and pay out.
    #[command(subcommand, arg_required_else_help = true)]
    Wallet(wallet::Command),
    /// Look at the L1 transactions of a role or of commands, and withdraw them.
    #[command(subcommand, arg_required_else_help = true)]
    Tx(tx::Command),
    /// Write completions of the command line for a shell.
    Completions(completions::Args),
    /// Write a page of the documentation.
    #[command(hide = true)]
    Reference(reference::Args),
}

fn main() -> ExitCode {
    let Cli { settings, command } = Cli::parse();
    settings.set();
    start(command).unwrap_or_else(|error| output::failure(&error))
}

fn start(command: Command) -> Result<ExitCode> {
    match command {
        // It chooses where its log goes.
        Command::Devnet(args) => devnet::run(args),
        Command::Setup(args) => logged(|| setup::run(&args)),
        Command::Init(args) => logged(|| init::run(&args)),
        Command::Config(command) => logged(|| configuration::run(&command)),
        Command::Doctor(args) => logged(|| doctor::run(&args)),
        Command::Keys(command) => logged(|| keys::run(&command)),
        Command::Bridge(command) => logged(|| bridge::run(command)),
        Command::Follow(args) => logged(|| follow::run(args)),
        Command::Snapshot(command) => logged(|| snapshot::run(&command)),
        Command::Node(node::Command::Run(args)) => run::run(Role::Node, &args),
        Command::Sequencer(sequencer::Command::Run(args)) => run::run(Role::Sequencer, &args),
        Command::Prover(prover::Command::Run(args)) => run::run(Role::Prover, &args),
        Command::Node(node::Command::Snapshot(command)) => logged(|| snapshot::run(&command)),
        Command::Sequencer(command) => logged(|| sequencer::run(command)),
        Command::Prover(command) => logged(|| prover::run(command)),
        Command::Slot(command) => logged(|| slot::run(command)),
        Command::Rank(args) => logged(|| rank::run(args)),
        Command::Wallet(command) => logged(|| wallet::run(command)),
        Command::Tx(command) => logged(|| tx::run(&command)),
        Command::Completions(args) => logged(|| completions::run(&args, Cli::command())),
        Command::Reference(args) => logged(|| reference::run(&args, Cli::command())),
    }
}

fn logged(command: impl FnOnce() -> Result<()>) -> Result<ExitCode> {
    logs::to_stderr(Detail::Warnings, &logs::LogOptions::default())?;
    command()?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_argument_and_command_says_what_it_is() {
        fn check(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{} has no description", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
            command.get_subcommands().for_each(check);
        }
        let mut command = Cli::command();
        command.build();
        check(&command);
    }
}
