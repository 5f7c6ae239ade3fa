//! `fernet config …`: what the configuration is, and whether it is right.

use clap::Subcommand;
use color_eyre::eyre::Result;
use fernet_config::Shown;

use crate::{
    init::RoleArg,
    report::{FormatArgs, table},
    settings,
};

/// Subcommands of `fernet config`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check the configuration, and explain every setting: its value, where that comes from, what it is for.
    Check(CheckArgs),
    /// Show every setting with its value and where that comes from.
    Show(ShowArgs),
}

/// Arguments of `fernet config check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Nothing is opened and nobody is asked: `fernet doctor` tries everything out.

Example:
  fernet config check --config fernet.toml --role sequencer")]
pub(crate) struct CheckArgs {
    /// A role that must have every setting that it needs
    #[arg(long, value_enum)]
    role: Option<RoleArg>,
    #[command(flatten)]
    format: FormatArgs,
}

/// Arguments of `fernet config show`.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// Only settings that don't have their default
    #[arg(long)]
    changed: bool,
    #[command(flatten)]
    format: FormatArgs,
}

/// Runs the subcommand.
///
/// # Errors
/// When anything in the configuration is wrong, or missing for the role.
pub(crate) fn run(command: &Command) -> Result<()> {
    let config = settings::config()?;
    match command {
        Command::Check(args) => {
            if let Some(role) = args.role {
                config.require(role.role())?;
            }
            args.format.write_list(config.settings(), |settings| {
                settings.iter().map(explained).collect::<Vec<_>>().join("\n\n")
            })
        }
        Command::Show(args) => {
            let settings = config.settings().iter();
            let settings = settings.filter(|shown| !args.changed || shown.origin != "default");
            let settings: Vec<Shown> = settings.cloned().collect();
            args.format.write_list(&settings, |settings| {
                let rows = settings
                    .iter()
                    .map(|shown| vec![shown.setting.clone(), value(shown).to_owned(), shown.origin.clone()]);
                table(&["setting", "value", "origin"], rows)
            })
        }
    }
}

fn value(shown: &Shown) -> &str {
    shown.value.as_deref().unwrap_or("not set")
}

fn explained(shown: &Shown) -> String {
    format!("{} = {}\n  from {}\n  {}", shown.setting, value(shown), shown.origin, shown.about)
}
