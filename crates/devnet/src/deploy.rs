//! Runs the deployment script with forge, as an operator would.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    process::Stdio,
};

use alloy::signers::local::PrivateKeySigner;
use fernet_l1::Scoring;
use tokio::process::Command;

use crate::backend::L1Backend;

/// Lines of forge's output that an error shows.
const SHOWN_LINES: usize = 12;

/// Why nothing was deployed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The repository's own tool isn't there.
    #[error("expected the tool {}, found none: is {} the Fernet repository?", path.display(), root.display())]
    NotInstalled {
        /// Where it should be.
        path: PathBuf,
        /// Root of the repository.
        root: PathBuf,
    },
    /// It couldn't be started.
    #[error("could not start {}: {source}", path.display())]
    Start {
        /// The program.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The script failed.
    #[error("the deployment script ended with {status}:\n{output}")]
    Failed {
        /// forge's exit status.
        status: std::process::ExitStatus,
        /// The end of its output.
        output: String,
    },
    /// An earlier deployment's file stays where it is.
    #[error("could not remove {}: {source}", path.display())]
    Stale {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another deployment may be under way.
    #[error("could not lock {}: {source}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It succeeded but left no deployment file.
    #[error("expected the deployment script to write {}, it didn't", path.display())]
    NoDeployment {
        /// The file.
        path: PathBuf,
    },
}

/// Deploys everything with `script/Deploy.s.sol` from the repository at `root` to an L1.
///
/// The key travels in the environment, never in the arguments. Returns the deployment file.
///
/// # Errors
/// When forge isn't installed or the script fails; the error has the end of its output.
pub async fn deploy(
    root: &Path,
    backend: &L1Backend,
    network: &str,
    scoring: Scoring,
    deployer: &PrivateKeySigner,
) -> Result<PathBuf, DeployError> {
    let path = root.join("tools/forge");
    if !path.exists() {
        return Err(DeployError::NotInstalled { path, root: root.to_owned() });
    }
    // forge's compiler cache isn't made for several writers.
    let _alone = alone(root).await?;
    let file = root.join(format!("deployments/{}.json", backend.chain_id()));
    match std::fs::remove_file(&file) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(DeployError::Stale { path: file, source });
        }
        _ => {}
    }
    let mut command = Command::new(&path);
    command
        .current_dir(root)
        .args([
            "script",
            "script/Deploy.s.sol",
            "--broadcast",
            "--skip",
            "test",
            "--rpc-url",
            backend.url().as_str(),
        ])
        .env("FERNET_NETWORK", network)
        .env("FERNET_SCORING", scoring.name())
        .env("FERNET_L1_SLOT_SECONDS", backend.slot_seconds().to_string())
        .env("FERNET_DEPLOYER_KEY", deployer.to_bytes().to_string())
        .env("FOUNDRY_DISABLE_NIGHTLY_WARNING", "1")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    if backend.is_stepwise() {
        // One after the other, each in its own block: the same chain every time.
        command.arg("--slow");
    }
    let output = command.output().await.map_err(|source| DeployError::Start { path, source })?;
    if !output.status.success() {
        return Err(DeployError::Failed {
            status: output.status,
            output: tail(&output.stdout, &output.stderr),
        });
    }
    if !file.exists() {
        return Err(DeployError::NoDeployment { path: file });
    }
    Ok(file)
}

/// Waits until no other process deploys from the same folder. The lock lasts as long as the file returned.
async fn alone(root: &Path) -> Result<File, DeployError> {
    let path = root.join("cache/deploy.lock");
    let failed = {
        let path = path.clone();
        move |source| DeployError::Lock { path, source }
    };
    let lock = move || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = File::create(path)?;
        file.lock()?;
        Ok(file)
    };
    match tokio::task::spawn_blocking(lock).await {
        Ok(locked) => locked.map_err(failed),
        Err(error) => Err(failed(io::Error::other(error))),
    }
}

/// The last lines of both streams, errors last.
fn tail(stdout: &[u8], stderr: &[u8]) -> String {
    let text = format!("{}\n{}", String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr));
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::L1Choice;

    #[tokio::test]
    async fn a_folder_without_the_tools_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let backend = L1Backend::start(&L1Choice::Embedded, folder.path(), 0, 1, 1).await.unwrap();
        let error = deploy(folder.path(), &backend, "devnet", Scoring::Public, &PrivateKeySigner::random())
            .await
            .unwrap_err();
        assert!(error.to_string().contains("tools/forge"), "{error}");
    }

    #[test]
    fn an_error_shows_the_end_of_the_output() {
        let long: String = (0..100).map(|n| format!("line {n}\n")).collect();
        let shown = tail(long.as_bytes(), b"the reason\n\n");
        assert!(shown.ends_with("line 99\nthe reason"));
        assert_eq!(shown.lines().count(), SHOWN_LINES);
    }
}
