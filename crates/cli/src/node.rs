//! `fernet node`: nodes.

use clap::Subcommand;

use crate::{run::RunArgs, snapshot};

/// Subcommands of `fernet node`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Follow the rollup until asked to end.
    Run(RunArgs),
    /// Make and check snapshots of the L2 state, from which other nodes start.
    #[command(subcommand, arg_required_else_help = true)]
    Snapshot(snapshot::Command),
}
