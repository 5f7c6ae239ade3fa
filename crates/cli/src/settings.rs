//! The configuration of this process: the arguments that every command has, and what comes of them.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use color_eyre::eyre::{Result, WrapErr as _, eyre};
use fernet_config::{Config, Endpoint, Network, Sources};
use url::Url;

/// Where the settings come from. Every command has these arguments.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct SettingsArgs {
    /// Configuration file, as `fernet init` writes it
    #[arg(long, global = true, value_name = "FILE", env = "FERNET_CONFIG")]
    config: Option<PathBuf>,
    /// Name of the deployment: devnet, sepolia or mainnet
    #[arg(long, global = true, value_name = "NAME")]
    network: Option<String>,
    /// A setting, which overrides file and environment; as often as needed
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = assignment)]
    assignments: Vec<(String, String)>,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (key, value) =
        text.split_once('=').ok_or("expected a setting and its value, such as p2p.upnp=true")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

/// What this process was started with. It is set once, before any command runs.
static ARGUMENTS: OnceLock<SettingsArgs> = OnceLock::new();
static CONFIG: OnceLock<Config> = OnceLock::new();

impl SettingsArgs {
    /// Makes these the arguments of this process.
    pub(crate) fn set(self) {
        // Only the first call counts, and there is one.
        let _ = ARGUMENTS.set(self);
    }

    fn sources(&self) -> Result<Sources> {
        let variables = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with("FERNET_"))
            .filter_map(|(name, value)| Some((name, value.into_string().ok()?)));
        let mut sources = Sources::default().with_environment(variables);
        if let Some(path) = &self.config {
            let text = fs::read_to_string(path)
                .wrap_err_with(|| format!("the configuration {} can't be read", path.display()))?;
            sources = sources.with_file(path, &text);
        }
        if let Some(network) = &self.network {
            sources = sources.with_flag("network", network, "--network");
        }
        for (key, value) in &self.assignments {
            sources = sources.with_flag(key, value, &format!("--set {key}"));
        }
        Ok(sources)
    }
}

/// The network that `--network` names.
///
/// # Errors
/// When no network has this name.
pub(crate) fn network() -> Result<Option<Network>> {
    let Some(name) = ARGUMENTS.get().and_then(|arguments| arguments.network.as_deref()) else {
        return Ok(None);
    };
    Ok(Config::build(&Sources::default().with_flag("network", name, "--network"))?.rollup.network)
}

/// The configuration of this process.
///
/// # Errors
/// When the file can't be read, or anything in it is wrong.
pub(crate) fn config() -> Result<&'static Config> {
    if let Some(config) = CONFIG.get() {
        return Ok(config);
    }
    let sources = ARGUMENTS.get().cloned().unwrap_or_default().sources()?;
    let config = Config::build(&sources)?;
    Ok(CONFIG.get_or_init(|| config))
}

/// The address of an endpoint, which a variable or a file may have.
///
/// # Errors
/// When there is none.
pub(crate) fn resolve(endpoint: &Endpoint) -> Result<Url> {
    let file = |path: &Path| fs::read_to_string(path);
    endpoint.resolve(|name| env::var(name).ok(), file).map_err(|problem| eyre!(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_has_a_key_and_a_value() {
        assert_eq!(assignment("l1.rpc = http://a?b=c"), Ok(("l1.rpc".into(), "http://a?b=c".into())));
        assert!(assignment("l1.rpc").is_err());
    }
}
