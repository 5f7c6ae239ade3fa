//! Proving keys: from their folder, or made on first use with a progress bar.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use color_eyre::eyre::{Result, WrapErr as _};
use fernet_circuit::{CircuitParams, DEVELOPMENT_SEED, ProverKey, SetupProgress, key};
use fernet_devnet::options::{find_root, keys_folder};

use crate::progress::Bar;

/// The keys of the production circuit.
pub(crate) type Keys = Arc<ProverKey>;

/// Where proving keys are kept.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct KeyFolder {
    /// Folder of the proving keys [default: target/keys in the repository, keys elsewhere]
    #[arg(long = "keys", value_name = "FOLDER", env = "FERNET_KEYS")]
    folder: Option<PathBuf>,
}

impl KeyFolder {
    /// The folder.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        if let Some(folder) = &self.folder {
            return Ok(folder.clone());
        }
        let here = std::env::current_dir()?;
        Ok(find_root(&here).map_or_else(|| here.join("keys"), |root| keys_folder(&root)))
    }
}

/// Loads the development keys of the production circuit, or makes them.
pub(crate) fn load(folder: &Path) -> Result<Keys> {
    let bar = Bar::new("proving keys");
    let mut shown = 0.0;
    let keys =
        key::load_or_generate(folder, &CircuitParams::PRODUCTION, &DEVELOPMENT_SEED, &mut |progress| {
            let (fraction, what) = step(progress);
            shown = if fraction > shown { fraction } else { shown };
            bar.set(shown, what);
        });
    bar.finish();
    Ok(Arc::new(
        keys.wrap_err_with(|| format!("proving keys in {} could not be loaded or made", folder.display()))?,
    ))
}

/// How much of a set-up is done, and what it does. Group elements take nearly all of the time.
fn step(progress: SetupProgress) -> (f64, &'static str) {
    match progress {
        SetupProgress::Loading => (0.0, "loading the keys"),
        SetupProgress::Synthesizing => (0.01, "building the circuit"),
        SetupProgress::Points { done, total } => {
            let share = if total == 0 { 0.0 } else { done as f64 / total as f64 };
            (0.03 + 0.95 * share, "computing group elements (once, about a minute of CPU time)")
        }
        SetupProgress::Writing => (0.99, "writing the keys to disk"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_only_grows() {
        let steps = [
            SetupProgress::Loading,
            SetupProgress::Synthesizing,
            SetupProgress::Points { done: 0, total: 10 },
            SetupProgress::Points { done: 10, total: 10 },
            SetupProgress::Writing,
        ];
        let fractions = steps.map(|progress| step(progress).0);
        assert!(fractions.is_sorted(), "{fractions:?}");
        assert!(fractions.iter().all(|fraction| (0.0..=1.0).contains(fraction)));
        assert_eq!(step(SetupProgress::Points { done: 0, total: 0 }).0, 0.03);
    }
}
