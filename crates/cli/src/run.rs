//! `fernet sequencer run`, `fernet prover run` and `fernet node run`: roles as processes.

use std::process::ExitCode;

use color_eyre::eyre::{Result, WrapErr as _, eyre};
use fernet_config::{LogFormat, Network, Role};
use fernet_operator::{
    launch::{self, Launch, WhenHeld},
    signals,
};
use fernet_roles::Shutdown;
use fernet_telemetry::BuildInfo;

use crate::{
    logs::{self, Detail, LogOptions},
    output,
    proving_keys::{self, KeyFolder},
    rollup, settings,
};

/// Arguments of every role.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The role follows L1 and acts at each of its blocks, until SIGINT or SIGTERM. The first one ends it when
nothing is outstanding, such as a bond; the second one at once. After a crash it goes on where it was.
Its files are in storage.folder of the configuration. docs/operating/running.md has more.")]
pub(crate) struct RunArgs {
    /// Wait, as a spare, while another process has the role's folder
    #[arg(long)]
    wait: bool,
}

/// Runs a role.
///
/// # Errors
/// When the configuration lacks something, a part can't be opened, or going on is useless.
pub(crate) fn run(role: Role, args: &RunArgs) -> Result<ExitCode> {
    let config = settings::config()?;
    let format = match config.log.format {
        LogFormat::Text => fernet_telemetry::LogFormat::Text,
        LogFormat::Json => fernet_telemetry::LogFormat::Json,
    };
    let log = LogOptions { filter: config.log.filter.clone(), format: Some(format) };
    logs::to_stderr(Detail::Role, &log)?;
    config.require(role)?;
    let deployment = match &config.l1.deployment {
        Some(file) => file.clone(),
        None => {
            let chain_id = config.rollup.network.and_then(Network::chain_id);
            let missing = "expected l1.deployment, or a network with a chain id, in the configuration";
            rollup::default_file(chain_id.ok_or_else(|| eyre!(missing))?)?
        }
    };
    let keys = match role {
        Role::Prover => {
            let folder =
                config.prover.proving_keys.clone().map_or_else(|| KeyFolder::default().folder(), Ok)?;
            Some(proving_keys::load(&folder)?)
        }
        Role::Sequencer | Role::Node => None,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let shutdown = signals::listen().wrap_err("the system doesn't tell of signals")?;
        let asked = shutdown.clone();
        let launch = Launch {
            config,
            deployment,
            build: BuildInfo { version: env!("CARGO_PKG_VERSION"), commit: "unknown" },
            when_held: if args.wait { WhenHeld::Wait } else { WhenHeld::Fail },
            shutdown,
        };
        match (role, keys) {
            (Role::Sequencer, _) => launch::sequencer(launch).await?,
            (Role::Node, _) => launch::node(launch).await?,
            (Role::Prover, Some(keys)) => launch::prover(launch, keys).await?,
            (Role::Prover, None) => return Err(eyre!("a prover needs its proving keys")),
        }
        let asked = *asked.borrow();
        Ok(asked)
    });
    // A proof that is still computed isn't needed any more.
    runtime.shutdown_background();
    if ended? == Shutdown::Now {
        output::message("left at once: what is outstanding goes on with the next start");
        return Ok(ExitCode::from(output::INTERRUPTED));
    }
    output::message("ended: nothing is outstanding");
    Ok(ExitCode::SUCCESS)
}
