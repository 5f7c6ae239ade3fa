//! Runs the deployment script with forge, as an operator would.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use alloy::signers::local::PrivateKeySigner;
use fernet_l1::{Scoring, redact};
use tokio::process::Command;

use crate::{backend::L1Backend, observer::Observer, process::supervised};

/// Lines of forge's output that an error shows.
const SHOWN_LINES: usize = 12;
/// How often a lock that another process holds is tried again.
const LOCK_RETRY: Duration = Duration::from_millis(100);

/// Why nothing was deployed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The repository's own tool isn't there.
    #[error("the tool {} is missing: is {} the Fernet repository?", path.display(), root.display())]
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
    /// Another deployment may be under way.
    #[error("could not lock {}: {source}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It succeeded but left no deployment file.
    #[error("the deployment script did not write {}", path.display())]
    NoDeployment {
        /// The file.
        path: PathBuf,
    },
}

/// Deploys everything from the repository at `root` to an L1 with `script/Deploy.s.sol`. Then
/// `script/RecordDeployment.s.sol` writes `file`.
///
/// The key travels in the environment, never in the arguments.
///
/// # Errors
/// When forge isn't installed or the script fails; the error has the end of its output.
pub async fn deploy(
    root: &Path,
    file: &Path,
    backend: &L1Backend,
    network: &str,
    scoring: Scoring,
    deployer: &PrivateKeySigner,
    observer: &Observer,
) -> Result<(), DeployError> {
    let path = root.join("tools/forge");
    if !path.exists() {
        return Err(DeployError::NotInstalled { path, root: root.to_owned() });
    }
    // forge's compiler cache isn't made for several writers.
    let _lock = lock(root, observer).await?;
    let mut command = script(root, &path, "script/Deploy.s.sol", backend);
    command
        .arg("--broadcast")
        .env("FERNET_NETWORK", network)
        .env("FERNET_SCORING", scoring.name())
        .env("FERNET_L1_SLOT_SECONDS", backend.slot_seconds().to_string())
        .env("FERNET_KEY", deployer.to_bytes().to_string())
        .env_remove("FERNET_UNSIGNED")
        .env_remove("FERNET_FROM");
    if backend.is_stepwise() {
        // One after the other, each in its own block: the same chain every time.
        command.arg("--slow");
    }
    run(command, &path).await?;
    // Compares what the first script simulated with the chain, and writes the file.
    run(script(root, &path, "script/RecordDeployment.s.sol", backend), &path).await?;
    if !file.exists() {
        return Err(DeployError::NoDeployment { path: file.to_owned() });
    }
    Ok(())
}

/// The command that runs a script of the repository at `root` against an L1.
fn script(root: &Path, forge: &Path, script: &str, backend: &L1Backend) -> Command {
    let mut command = Command::from(supervised(forge));
    command
        .current_dir(root)
        .args(["script", script, "--skip", "test"])
        // It may have a key in it, and arguments are for everybody to read.
        .env("FOUNDRY_ETH_RPC_URL", backend.url().as_str())
        .env("FOUNDRY_DISABLE_NIGHTLY_WARNING", "1")
        .env("NO_COLOR", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs a command to its end.
async fn run(mut command: Command, forge: &Path) -> Result<(), DeployError> {
    let failed = |source| DeployError::Start { path: forge.to_owned(), source };
    let mut child = command.spawn().map_err(failed)?;
    // forge is killed when this end of its supervisor's stdin closes.
    let _running = child.stdin.take();
    let output = child.wait_with_output().await.map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    Err(DeployError::Failed { status: output.status, output: tail(&output.stdout, &output.stderr) })
}

/// Waits until no other process deploys from the same folder. The lock lasts as long as the file returned.
async fn lock(root: &Path, observer: &Observer) -> Result<File, DeployError> {
    let path = root.join("cache/deploy.lock");
    let failed = |source| DeployError::Lock { path: path.clone(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let file = File::create(&path).map_err(failed)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                observer.activity("waiting for another deployment from this folder");
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        tokio::time::sleep(LOCK_RETRY).await;
    }
}

/// The last lines of both streams, errors last.
fn tail(stdout: &[u8], stderr: &[u8]) -> String {
    let text = format!("{}\n{}", String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr));
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    redact(&lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{observer::observer, options::L1Choice};

    #[tokio::test]
    async fn a_folder_without_the_tools_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (observer, _watch) = observer();
        let backend = L1Backend::start(&L1Choice::Embedded, folder.path(), 0, 1, 1, &observer).await.unwrap();
        let (file, key) = (folder.path().join("deployments/1.json"), PrivateKeySigner::random());
        let error = deploy(folder.path(), &file, &backend, "devnet", Scoring::Public, &key, &observer)
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
