//! An anvil of our own: started on a free port, stopped when dropped.

use std::{
    io::{self, Read as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// How long a fresh anvil may take until its port answers.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Pause between two attempts to reach it.
const RETRY: Duration = Duration::from_millis(50);

/// Why there is no anvil.
#[derive(Debug, thiserror::Error)]
pub enum AnvilError {
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
    /// No port is free.
    #[error("could not find a free port on 127.0.0.1: {0}")]
    NoPort(io::Error),
    /// It ended at once.
    #[error("anvil ended with {status} before it answered: {output}")]
    Ended {
        /// Its exit status.
        status: ExitStatus,
        /// What it wrote to stderr.
        output: String,
    },
    /// It doesn't answer.
    #[error("expected anvil to answer on port {port} within {} s, it didn't", START_LIMIT.as_secs())]
    Silent {
        /// The port it was given.
        port: u16,
    },
}

/// How an anvil makes blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnvilMining {
    /// One block a transaction, until told otherwise over RPC.
    Automatic,
    /// One block each so many seconds.
    Every(u64),
}

/// A running anvil. Dropping it ends the process.
#[derive(Debug)]
pub struct Anvil {
    child: Child,
    port: u16,
}

impl Anvil {
    /// Starts an anvil on `port` (0: a free one) from the repository at `root`, and waits until it accepts connections.
    ///
    /// `genesis_time` is the UNIX time of its first block in seconds.
    ///
    /// # Errors
    /// When anvil isn't installed, doesn't start or doesn't answer.
    pub async fn start(
        root: &Path,
        port: u16,
        chain_id: u64,
        genesis_time: u64,
        mining: AnvilMining,
    ) -> Result<Self, AnvilError> {
        let path = root.join("tools/anvil");
        if !path.exists() {
            return Err(AnvilError::NotInstalled { path, root: root.to_owned() });
        }
        let port = if port == 0 { free_port()? } else { port };
        let mut command = Command::new(&path);
        command
            .args(["--silent", "--host", "127.0.0.1", "--port"])
            .arg(port.to_string())
            .arg("--chain-id")
            .arg(chain_id.to_string())
            .arg("--timestamp")
            .arg(genesis_time.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if let AnvilMining::Every(seconds) = mining {
            command.arg("--block-time").arg(seconds.to_string());
        }
        own_group(&mut command);
        let child = command.spawn().map_err(|source| AnvilError::Start { path, source })?;
        let mut anvil = Self { child, port };
        anvil.wait_until_open().await?;
        Ok(anvil)
    }

    /// Address of its JSON-RPC.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What an anvil that has ended wrote to stderr.
    fn last_words(&mut self) -> String {
        let mut text = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            // Whatever could be read is better than nothing.
            let _ = stderr.read_to_string(&mut text);
        }
        text.trim().to_owned()
    }

    async fn wait_until_open(&mut self) -> Result<(), AnvilError> {
        let begin = Instant::now();
        while begin.elapsed() < START_LIMIT {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(AnvilError::Ended { status, output: self.last_words() });
            }
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(RETRY).await;
        }
        Err(AnvilError::Silent { port: self.port })
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // Already ended is fine; waiting leaves no zombie behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps the terminal's Ctrl-C from the child: the devnet finishes its work on it first.
#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
fn own_group(_command: &mut Command) {}

/// A port that was free a moment ago.
fn free_port() -> Result<u16, AnvilError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(AnvilError::NoPort)?;
    Ok(listener.local_addr().map_err(AnvilError::NoPort)?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_without_the_tools_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let error = Anvil::start(folder.path(), 0, 31337, 0, AnvilMining::Automatic).await.unwrap_err();
        assert!(error.to_string().contains("tools/anvil"), "{error}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_missing_anvil_says_how_to_get_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let tool = folder.path().join("tools/anvil");
        std::fs::create_dir(folder.path().join("tools")).unwrap();
        std::fs::write(&tool, "#!/bin/sh\necho 'missing tool: anvil - run npm ci' >&2\nexit 1\n").unwrap();
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
        let error = Anvil::start(folder.path(), 0, 31337, 0, AnvilMining::Automatic).await.unwrap_err();
        assert!(matches!(error, AnvilError::Ended { .. }), "{error}");
        assert!(error.to_string().contains("npm ci"), "{error}");
    }
}
