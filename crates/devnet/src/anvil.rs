//! An anvil that belongs to the devnet: started here, ended when dropped or when this process ends.

use std::{
    io::{self, BufRead as _, BufReader, Read as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, ExitStatus, Stdio},
    time::Duration,
};

use tokio::sync::oneshot;

use crate::process::supervised;

/// How long anvil may take until it says where it listens.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long a port may take to show that somebody listens there.
const PROBE_LIMIT: Duration = Duration::from_millis(500);
/// What anvil writes before the address that it listens on.
const LISTENING: &str = "Listening on ";

/// Why there is no anvil.
#[derive(Debug, thiserror::Error)]
pub enum AnvilError {
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
    /// Another process has the port.
    #[error(
        "port {port} on 127.0.0.1 is taken by another process: choose another --rpc-port, or 0 for a free one"
    )]
    PortTaken {
        /// The port asked for.
        port: u16,
    },
    /// It ended at once.
    #[error("anvil ended with {status} before it listened: {output}")]
    Ended {
        /// Its exit status.
        status: ExitStatus,
        /// What it wrote to stderr.
        output: String,
    },
    /// It doesn't listen.
    #[error("anvil did not listen on a port within {} s", START_LIMIT.as_secs())]
    Silent,
}

/// A running anvil. Dropping it ends the process.
#[derive(Debug)]
pub struct Anvil {
    child: Child,
    url: String,
}

impl Anvil {
    /// Starts an anvil on `port` (0: a free one) from the repository at `root`, and waits until it listens.
    ///
    /// It makes one block a transaction until told otherwise over RPC. `genesis_time` is the UNIX time of its
    /// first block in seconds.
    ///
    /// # Errors
    /// When anvil isn't installed, another process has the port, or anvil doesn't start.
    pub async fn start(root: &Path, port: u16, chain_id: u64, genesis_time: u64) -> Result<Self, AnvilError> {
        let path = root.join("tools/anvil");
        if !path.exists() {
            return Err(AnvilError::NotInstalled { path, root: root.to_owned() });
        }
        if port != 0 && is_taken(port) {
            return Err(AnvilError::PortTaken { port });
        }
        let mut command = supervised(&path);
        command
            .args(["--host", "127.0.0.1", "--port"])
            .arg(port.to_string())
            .arg("--chain-id")
            .arg(chain_id.to_string())
            .arg("--timestamp")
            .arg(genesis_time.to_string())
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.spawn().map_err(|source| AnvilError::Start { path, source })?;
        let mut anvil = Self { child, url: String::new() };
        anvil.url = anvil.wait_until_it_listens().await?;
        Ok(anvil)
    }

    /// Address of its JSON-RPC.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address comes from the child's own output: whoever else listens on a port isn't taken for it.
    async fn wait_until_it_listens(&mut self) -> Result<String, AnvilError> {
        let (found, address) = oneshot::channel();
        if let Some(stdout) = self.child.stdout.take() {
            std::thread::spawn(move || read_output(stdout, found));
        }
        match tokio::time::timeout(START_LIMIT, address).await {
            Ok(Ok(address)) => Ok(format!("http://{address}")),
            Ok(Err(_)) => Err(self.ended()),
            Err(_) => Err(AnvilError::Silent),
        }
    }

    /// Why an anvil whose output is over never listened.
    fn ended(&mut self) -> AnvilError {
        let mut output = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            // Whatever could be read is better than nothing.
            let _ = stderr.read_to_string(&mut output);
        }
        match self.child.wait() {
            Ok(status) => AnvilError::Ended { status, output: output.trim().to_owned() },
            Err(_) => AnvilError::Silent,
        }
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // The supervisor kills anvil and ends; waiting leaves no zombie behind.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Tells the address that anvil listens on, and reads on to the end: a full pipe would stop anvil.
fn read_output(stdout: ChildStdout, found: oneshot::Sender<String>) {
    let mut output = BufReader::new(stdout);
    let mut line = String::new();
    let address = loop {
        line.clear();
        match output.read_line(&mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if let Some(address) = line.trim().strip_prefix(LISTENING) {
            break address.to_owned();
        }
    };
    // Nobody waits any more where the start was given up.
    let _ = found.send(address);
    let _ = io::copy(&mut output, &mut io::sink());
}

fn is_taken(port: u16) -> bool {
    TcpStream::connect_timeout(&([127, 0, 0, 1], port).into(), PROBE_LIMIT).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[tokio::test]
    async fn a_folder_without_the_tools_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let error = Anvil::start(folder.path(), 0, 31337, 0).await.unwrap_err();
        assert!(error.to_string().contains("tools/anvil"), "{error}");
    }

    #[cfg(unix)]
    fn tool(script: &str) -> tempfile::TempDir {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let tool = folder.path().join("tools/anvil");
        std::fs::create_dir(folder.path().join("tools")).unwrap();
        std::fs::write(&tool, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
        folder
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_missing_anvil_says_how_to_get_it() {
        let folder = tool("echo 'missing tool: anvil - run npm ci' >&2\nexit 1");
        let error = Anvil::start(folder.path(), 0, 31337, 0).await.unwrap_err();
        assert!(matches!(error, AnvilError::Ended { .. }), "{error}");
        assert!(error.to_string().contains("npm ci"), "{error}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_port_that_another_process_has_is_refused_by_number() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let folder = tool("echo 'anvil was started' >&2\nexit 1");
        let error = Anvil::start(folder.path(), port, 31337, 0).await.unwrap_err();
        assert!(matches!(error, AnvilError::PortTaken { port: taken } if taken == port), "{error}");
        assert!(error.to_string().contains(&port.to_string()), "{error}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_address_is_the_one_that_the_child_names() {
        let folder = tool("echo banner; echo 'Listening on 127.0.0.1:4321'; exec sleep 1000");
        let anvil = Anvil::start(folder.path(), 0, 31337, 0).await.unwrap();
        assert_eq!(anvil.url(), "http://127.0.0.1:4321");
    }
}
