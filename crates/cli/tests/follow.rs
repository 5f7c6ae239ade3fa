//! `fernet follow` and `fernet snapshot` as processes: killed at any moment, started again, and on another
//! machine from a snapshot or from somebody's blobs.
#![cfg(unix)]

mod common;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use common::{Running, fernet, root};
use serde_json::Value;

/// No other test has this chain id.
const CHAIN_ID: &str = "31706";
/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

/// An anvil with finalized blocks, which ends with the test.
struct Anvil {
    process: Child,
    url: String,
}

impl Anvil {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
        let mut command = Command::new(root().join("tools/anvil"));
        command.args(["--port", &port.to_string(), "--chain-id", CHAIN_ID, "--slots-in-an-epoch", "1"]);
        let mut process = command.stdout(Stdio::piped()).spawn().expect("anvil");
        let mut lines = BufReader::new(process.stdout.take().expect("stdout")).lines();
        assert!(lines.any(|line| line.is_ok_and(|line| line.contains("Listening"))), "it listens");
        // Its output must be read, or it waits.
        thread::spawn(move || lines.for_each(drop));
        Self { process, url: format!("http://127.0.0.1:{port}") }
    }

    /// Makes blocks.
    fn mine(&self, blocks: &str) {
        let cast = root().join("tools/cast");
        let output = Command::new(cast).args(["rpc", "anvil_mine", blocks, "--rpc-url", &self.url]).output();
        assert!(output.expect("cast").status.success());
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // The devnet keeps the deployment of a chain that goes on after it. This one is over.
        let _ = fs::remove_file(root().join(format!("deployments/{CHAIN_ID}.json")));
    }
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// Follows to the head; what it says, without the time that it took.
fn follow_once(anvil: &Anvil, folder: &Path, more: &[&str]) -> Result<Value, String> {
    let arguments =
        ["follow", "--rpc-url", &anvil.url, "--folder", path(folder), "--once", "--format", "json"];
    let output = fernet(&[&arguments[..], more].concat()).output().expect("the fernet command");
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).expect("text"));
    }
    let mut position: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(position["milliseconds"].take().is_u64());
    Ok(position)
}

#[test]
fn a_folder_outlives_its_process_and_a_snapshot_its_machine() {
    let anvil = Anvil::start();
    let (status, stdout, stderr) =
        Running::start(fernet(&["devnet", "--l1", &anvil.url, "--slots", "2", "--format", "json"])).end();
    assert!(status.success(), "{stdout:#?} {stderr:#?}");
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();

    let first = folder.join("first");
    let expected = follow_once(&anvil, &first, &[]).expect("the rollup");
    assert!(expected["height"].as_u64() >= Some(2) && expected["height"] == expected["tip"], "{expected}");

    // Killed at any moment, and again, and again.
    let killed = folder.join("killed");
    for milliseconds in [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 30, 300] {
        let arguments = ["follow", "--rpc-url", &anvil.url, "--folder", path(&killed)];
        let running = Running::start(fernet(&arguments));
        thread::sleep(Duration::from_millis(milliseconds));
        running.signal("KILL");
        running.end();
    }
    assert_eq!(follow_once(&anvil, &killed, &[]).as_ref(), Ok(&expected));

    // Two processes can't have one folder, and one that is told to stop does.
    let mut running = Running::start(fernet(&["follow", "--rpc-url", &anvil.url, "--folder", path(&killed)]));
    running.stdout.next().expect("a first line");
    let refused = follow_once(&anvil, &killed, &[]).unwrap_err();
    let file = killed.join("follower.redb");
    assert_eq!(refused, format!("error: {} is in use by another process\n", file.display()));
    running.signal("TERM");
    let (status, _, stderr) = running.end();
    assert!(status.success());
    assert_eq!(stderr, ["stopped by SIGTERM; the folder has everything so far"]);

    // A snapshot is made and checked without L1 …
    let snapshot = folder.join("snapshot");
    let make = ["snapshot", "make", "--folder", path(&first), "--out", path(&snapshot), "--format", "json"];
    let made = fernet(&make).output().expect("the fernet command");
    let check = fernet(&["snapshot", "check", path(&snapshot), "--format", "json"]).output().expect("it");
    assert!(made.status.success() && check.status.success(), "{made:?} {check:?}");
    assert_eq!(made.stdout, check.stdout);
    let manifest: Value = serde_json::from_slice(&made.stdout).expect("JSON");
    assert_eq!(
        (&manifest["height"], &manifest["stateRoot"], &manifest["accounts"]),
        (&expected["height"], &expected["stateRoot"], &expected["accounts"])
    );
    // … and starts a node without the blobs of its blocks, once L1 has finalized its block.
    anvil.mine("0x8");
    let expected = follow_once(&anvil, &first, &[]).expect("the rollup");
    let from_snapshot = ["--snapshot", path(&snapshot), "--blobs-url", NOWHERE];
    let second = folder.join("second");
    assert_eq!(follow_once(&anvil, &second, &from_snapshot).as_ref(), Ok(&expected));
    assert_eq!(follow_once(&anvil, &second, &["--blobs-url", NOWHERE]).as_ref(), Ok(&expected));

    // The blobs of somebody else do as well, and nothing else does.
    let third = folder.join("third");
    let error = follow_once(&anvil, &third, &["--blobs-url", NOWHERE]).unwrap_err();
    assert!(error.contains("can't be executed") && error.contains("unreachable"), "{error}");
    let blobs = first.join("blobs");
    let from_files = ["--files", path(&blobs), "--blobs-url", NOWHERE];
    assert_eq!(follow_once(&anvil, &third, &from_files).as_ref(), Ok(&expected));

    // A snapshot with another state, whose files fit together, is refused.
    let manifest = snapshot.join("manifest.json");
    let text = fs::read_to_string(&manifest).expect("the manifest");
    let header = expected["stateRoot"].as_str().expect("a root");
    let json: Value = serde_json::from_str(&text).expect("JSON");
    let hash = json["headerHash"].as_str().expect("a hash");
    fs::write(&manifest, text.replace(hash, header)).expect("a change");
    let error = follow_once(&anvil, &folder.join("fourth"), &from_snapshot).unwrap_err();
    assert!(error.contains(&format!("L1 finalized block {hash} at height")), "{error}");
}
