//! Runs the `fernet` command as a process.

use std::{
    io::{BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
};

/// Root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// The command with some arguments, at the root of the repository.
pub(crate) fn fernet(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fernet"));
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    for variable in ["FERNET_LOG", "FERNET_KEYS", "FERNET_DEPLOYER_KEY", "FERNET_KEY"] {
        command.env_remove(variable);
    }
    command
}

/// A devnet whose chain id no other test has.
#[allow(dead_code, reason = "not every test file runs one")]
pub(crate) fn devnet(chain_id: u64, arguments: &[&str]) -> Command {
    let chain_id = chain_id.to_string();
    let cache = root().join("target/proofs");
    let fixed = ["devnet", "--chain-id", &chain_id, "--proof-cache", cache.to_str().expect("a path")];
    let mut command = fernet(&[&fixed[..], arguments].concat());
    command.env("FERNET_LOG", "warn,fernet_l1::tx=error,fernet=debug,fernet_devnet=debug");
    command
}

/// A running command whose output is read line by line.
#[allow(dead_code, reason = "not every test file runs one")]
pub(crate) struct Running {
    child: Ending,
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
}

/// A process that a test which fails doesn't leave behind.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lines of a stream, as they come.
#[allow(dead_code, reason = "not every test file runs one")]
pub(crate) struct Lines {
    incoming: Receiver<String>,
    pub(crate) seen: Vec<String>,
}

#[allow(dead_code, reason = "not every test file uses everything")]
impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, incoming) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { incoming, seen: Vec::new() }
    }

    /// The next line; none at the end.
    pub(crate) fn next(&mut self) -> Option<&str> {
        self.seen.push(self.incoming.recv().ok()?);
        self.seen.last().map(String::as_str)
    }

    /// Waits for a line with this text, and returns it; none at the end.
    pub(crate) fn find(&mut self, text: &str) -> Option<String> {
        while let Some(line) = self.next() {
            if line.contains(text) {
                return Some(line.to_owned());
            }
        }
        None
    }

    /// Everything, to the end.
    pub(crate) fn all(mut self) -> Vec<String> {
        while self.next().is_some() {}
        self.seen
    }
}

#[allow(dead_code, reason = "not every test file uses everything")]
impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the fernet command");
        let stdout = Lines::of(child.stdout.take().expect("stdout"));
        let stderr = Lines::of(child.stderr.take().expect("stderr"));
        Self { child: Ending(child), stdout, stderr }
    }

    /// Sends a signal by its name, such as INT.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.0.id().to_string()]).status();
        assert!(sent.expect("the kill command").success(), "no signal {name} was sent");
    }

    /// Waits for the end: status, stdout, stderr.
    pub(crate) fn end(mut self) -> (ExitStatus, Vec<String>, Vec<String>) {
        let status = self.child.0.wait().expect("an exit status");
        (status, self.stdout.all(), self.stderr.all())
    }
}
