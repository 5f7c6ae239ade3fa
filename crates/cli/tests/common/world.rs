//! A deployment on an embedded L1 behind HTTP, and commands against it.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use fernet_devnet::{
    backend::{L1Backend, Mining},
    deploy::deploy,
    deployment_file::ReservedFile,
    observer::observer,
    options::{L1Choice, Scoring},
};
use serde_json::Value;

use crate::common::{Running, fernet, root};

/// Keys of accounts with ether, of the mnemonic that every development node has. The first one has all
/// tokens.
pub(crate) const KEYS: [&str; 3] = [
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
];
/// Their addresses.
pub(crate) const ADDRESSES: [&str; 3] = [
    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
];

/// The L1, which makes a block for each transaction unless it is told otherwise.
pub(crate) struct World {
    pub(crate) backend: L1Backend,
    pub(crate) folder: tempfile::TempDir,
    file: ReservedFile,
}

impl World {
    /// Deploys everything on a chain that no other test has.
    pub(crate) async fn new(chain_id: u64, scoring: Scoring) -> Self {
        let (observer, _watch) = observer();
        let root = root();
        let backend = L1Backend::start(&L1Choice::Embedded, &root, 0, chain_id, 1, &observer).await;
        let backend = backend.expect("an L1");
        let file = ReservedFile::reserve(&root, chain_id, backend.lifetime()).expect("a deployment file");
        backend.set_mining(Mining::EachTransaction).await.expect("blocks for transactions");
        let funder = KEYS[0].parse().expect("a key");
        let deployed = deploy(&root, file.path(), &backend, "devnet", scoring, &funder, &observer).await;
        deployed.expect("a deployment");
        file.mark().expect("a mark");
        Self { backend, folder: tempfile::tempdir().expect("a folder"), file }
    }

    /// The deployment's file.
    pub(crate) fn file(&self) -> PathBuf {
        self.file.path().to_owned()
    }

    /// Makes L1 blocks.
    #[allow(dead_code, reason = "not every test file uses it")]
    pub(crate) async fn pass(&self, l1_slots: u64) {
        for _ in 0..l1_slots {
            self.backend.advance().await.expect("a block");
        }
    }

    /// A command that reads L1.
    pub(crate) fn reading(&self, arguments: &[&str]) -> Command {
        fernet(&[arguments, &["--rpc-url", self.backend.url().as_str(), "--format", "json"]].concat())
    }

    /// A command that an account signs.
    pub(crate) fn signed(&self, account: usize, arguments: &[&str]) -> Command {
        let mut command = self.reading(arguments);
        command
            .args(["--key-env", "TEST_KEY", "--transactions"])
            .arg(self.folder.path().join("transactions"));
        command.env("TEST_KEY", KEYS[account]);
        command
    }

    /// What an account's command says when it succeeds.
    pub(crate) fn done(&self, account: usize, arguments: &[&str]) -> Value {
        json(&mut self.signed(account, &[arguments, &["--yes"]].concat()))
    }

    /// What it says when it fails.
    #[allow(dead_code, reason = "not every test file uses it")]
    pub(crate) fn refused(&self, account: usize, arguments: &[&str]) -> String {
        failure(&mut self.signed(account, &[arguments, &["--yes"]].concat()))
    }

    /// A command that goes on.
    #[allow(dead_code, reason = "not every test file starts one")]
    pub(crate) fn start(&self, account: usize, arguments: &[&str]) -> Running {
        Running::start(self.signed(account, &[arguments, &["--yes"]].concat()))
    }
}

fn output(command: &mut Command) -> Output {
    command.output().expect("the fernet command")
}

/// The one JSON object of a command that succeeds; null without one.
pub(crate) fn json(command: &mut Command) -> Value {
    let output = output(command);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    let stdout = String::from_utf8(output.stdout).expect("text");
    match stdout.trim() {
        "" => Value::Null,
        text => serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")),
    }
}

/// The message of a command that fails.
#[allow(dead_code, reason = "not every test file uses it")]
pub(crate) fn failure(command: &mut Command) -> String {
    let output = output(command);
    assert_eq!(output.status.code(), Some(1), "{command:?} succeeded or crashed: {output:?}");
    assert!(output.stdout.is_empty(), "{command:?}: {output:?}");
    let stderr = String::from_utf8(output.stderr).expect("text");
    let (_, message) = stderr.rsplit_once("error: ").unwrap_or_else(|| panic!("no error in {stderr}"));
    message.trim_end().to_owned()
}
