//! What an operator does before a role runs: a configuration, keys, and a look at whether all is well.
#![cfg(unix)]

mod common;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use common::fernet;
use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the command runs")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = fernet(arguments);
    command.stdin(Stdio::null()).env_remove("FERNET_CONFIG").env_remove("FERNET_NETWORK");
    command
}

/// Runs a command that succeeds, and returns its stdout.
fn done(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Runs a command that fails with status 1, and returns its stderr.
fn failed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).expect("text")
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn private(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
    path
}

/// A key that everybody knows: the first of anvil's accounts.
const SECRET: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const ADDRESS: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

#[test]
fn a_new_configuration_is_valid_and_never_replaces_another() {
    let folder = tempfile::tempdir().expect("a folder");
    for role in ["sequencer", "prover", "node"] {
        let file = folder.path().join(format!("{role}.toml"));
        done(&["init", "--role", role, "--network", "sepolia", "--out", text(&file)]);
        let written = fs::read_to_string(&file).expect("the file");
        assert!(failed(&["init", "--out", text(&file)]).contains("never replaced"));
        assert_eq!(fs::read_to_string(&file).expect("the file"), written);
        let shown = done(&["config", "check", "--config", text(&file)]);
        assert!(shown.contains(&format!("network = \"sepolia\"\n  from {}:", file.display())), "{shown}");
    }
    let error = failed(&["init", "--network", "sepolja", "--out", text(&folder.path().join("x"))]);
    assert!(error.contains("--network") && error.contains("\"sepolia\""), "{error}");
    assert!(!folder.path().join("x").exists());
}

#[test]
fn the_origin_of_every_setting_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("fernet.toml");
    let written = "[l1]\nrpc = [\"http://127.0.0.1:1\"]\n\n[p2p]\nmax_peers = 7\nupnp = true\n";
    fs::write(&file, written).expect("a file");
    let mut show = command(&["config", "show", "--format", "json", "--set", "p2p.upnp=false"]);
    let output = show.env("FERNET_CONFIG", &file).env("FERNET_P2P_MAX_PEERS", "8").output().expect("it runs");
    let settings = lines(&String::from_utf8(output.stdout).expect("text"));
    let find = |name: &str| {
        let found = settings.iter().find(|setting| setting["setting"] == name).expect("the setting");
        let of = |name: &str| found[name].as_str().expect("a text").to_owned();
        (of("value"), of("origin"))
    };
    assert_eq!(find("l1.rpc").1, format!("{}:2", file.display()));
    assert_eq!(find("p2p.max_peers"), ("8".to_owned(), "FERNET_P2P_MAX_PEERS in the environment".to_owned()));
    assert_eq!(find("p2p.upnp"), ("false".to_owned(), "--set p2p.upnp".to_owned()));
    assert_eq!(find("metrics.listen").1, "default");
}

#[test]
fn a_wrong_configuration_is_told_with_its_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("fernet.toml");
    fs::write(&file, "[sequencer]\nmax_prize = \"1 token\"\npatience = \"2\"\n").expect("a file");
    let error = failed(&["config", "check", "--config", text(&file)]);
    let nearest = "fernet.toml:2: sequencer.max_prize: no such setting; the nearest is sequencer.max_price";
    assert!(error.contains(nearest), "{error}");
    assert!(error.contains("fernet.toml:3: sequencer.patience: expected an integer"), "{error}");
    let error = failed(&["config", "check", "--config", text(&folder.path().join("missing.toml"))]);
    assert!(error.contains("missing.toml can't be read"), "{error}");
    let error = failed(&["config", "check", "--role", "prover"]);
    assert!(error.contains("prover.signer: missing") && error.contains("l1.rpc: missing"), "{error}");
}

#[test]
fn commands_take_the_l1_from_the_configuration() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("fernet.toml");
    fs::write(&file, "[l1]\nrpc = [\"http://127.0.0.1:1\"]\n").expect("a file");
    let with = failed(&["bridge", "account", "--index", "1", "--config", text(&file)]);
    assert!(!with.contains("expected the L1"), "{with}");
    let without = failed(&["bridge", "account", "--index", "1"]);
    assert!(without.contains("expected the L1") && without.contains("--config FILE"), "{without}");
}

#[test]
fn keys_are_made_imported_and_listed() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys");
    fs::create_dir(&keys).expect("a folder");
    let password = private(&keys, "password", "correct horse\n");
    let secret = private(folder.path(), "secret", SECRET);
    let file = |name: &str| keys.join(name);

    let imported = done(&[
        "keys",
        "import",
        "--kind",
        "l1",
        "--secret-file",
        text(&secret),
        "--password-file",
        text(&password),
        "--out",
        text(&file("attester.json")),
        "--format",
        "json",
    ]);
    assert_eq!(lines(&imported)[0]["address"], ADDRESS);
    for (kind, name) in [("l1", "new.json"), ("bls", "scores.json"), ("l2", "sealed.json")] {
        let out = file(name);
        done(&["keys", "new", "--kind", kind, "--out", text(&out), "--password-file", text(&password)]);
        assert_eq!(fs::metadata(&out).expect("the file").permissions().mode() & 0o777, 0o600);
    }
    done(&["keys", "new", "--kind", "l2", "--out", text(&file("plain.json"))]);
    assert!(fs::read_to_string(file("plain.json")).expect("a file").contains("\"secret\""));
    assert!(!fs::read_to_string(file("sealed.json")).expect("a file").contains("\"secret\""));

    let list = run(&["keys", "list", text(&keys), "--format", "json"]);
    let listed = lines(&String::from_utf8(list.stdout).expect("text"));
    let kinds: Vec<&str> = listed.iter().map(|key| key["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["l1", "l1", "l2", "bls", "l2"]);
    assert_eq!(listed[0]["address"], ADDRESS);
    assert!(listed[3]["publicKey"].as_str().expect("a key").len() == 98);
    let messages = String::from_utf8(list.stderr).expect("text");
    assert!(messages.contains("password: not a key file"), "{messages}");
    assert!(!messages.contains("correct horse"), "{messages}");
}

#[test]
fn a_secret_comes_from_a_private_file_and_never_into_a_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let password = private(folder.path(), "password", "x");
    let out = folder.path().join("key.json");
    let import = |secret: &Path| {
        failed(&[
            "keys",
            "import",
            "--kind",
            "l1",
            "--secret-file",
            text(secret),
            "--out",
            text(&out),
            "--password-file",
            text(&password),
        ])
    };
    let secret = private(folder.path(), "secret", SECRET);
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).expect("its mode");
    let error = import(&secret);
    assert!(error.contains("chmod 600") && !error.contains(&SECRET[4..]), "{error}");
    let (high, zero) = (format!("0x{}", "f".repeat(64)), format!("0x{}", "0".repeat(64)));
    for wrong in [&SECRET[..60], "hunter2", &high, &zero] {
        let error = import(&private(folder.path(), "wrong", wrong));
        assert!(!error.contains(&wrong[2..]), "{error}");
    }
    assert!(!out.exists());
    // Nobody can be asked without a terminal.
    let mut new = command(&["keys", "new", "--kind", "l1", "--out", text(&out)]);
    let output = new.output().expect("it runs");
    let error = String::from_utf8_lossy(&output.stderr);
    // A terminal may be there when a person runs the tests; then the prompt fails on its end.
    assert!(!output.status.success() && !out.exists(), "{error}");
}

#[test]
fn a_doctor_says_what_is_wrong_and_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("fernet.toml");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().map(|address| (taken, address)).expect("its address");
    let configuration = format!(
        "[l1]\nrpc = [\"http://127.0.0.1:1\"]\n[metrics]\nlisten = \"{}\"\n[p2p]\n\
         listen = [\"/ip4/127.0.0.1/tcp/0\"]\n[prover]\nsigner = \"quotes\"\n[signers.quotes]\n\
         file = \"missing.json\"\npassword = \"env:HOME\"\n",
        taken.1
    );
    fs::write(&file, configuration).expect("a file");
    let output = run(&["doctor", "--role", "prover", "--config", text(&file), "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let checks = lines(&String::from_utf8(output.stdout).expect("text"));
    let outcome = |name: &str| {
        let check = checks.iter().find(|check| check["check"].as_str().expect("a name").starts_with(name));
        let check = check.unwrap_or_else(|| panic!("{name}: {checks:?}"));
        let is_good = check["outcome"] == "OK";
        assert_eq!(check["advice"].is_null(), is_good, "{check}");
        check["outcome"].as_str().expect("an outcome").to_owned()
    };
    assert_eq!(outcome("configuration"), "OK");
    assert_ne!(outcome("disk"), "");
    assert_eq!(outcome("port /ip4/127.0.0.1/tcp/0"), "OK");
    assert_eq!(outcome(&format!("port {}", taken.1)), "FAIL");
    assert_eq!(outcome("l1.rpc http://127.0.0.1:1"), "FAIL");
    assert_eq!(outcome("signer quotes"), "FAIL");
    let human = run(&["doctor", "--role", "prover", "--config", text(&file)]);
    let human = String::from_utf8(human.stdout).expect("text");
    assert!(human.contains("FAIL  signer quotes: ") && human.contains(" failed"), "{human}");

    fs::write(&file, "[l1]\nrcp = []\n").expect("a file");
    let output = run(&["doctor", "--config", text(&file)]);
    let shown = String::from_utf8(output.stdout).expect("text");
    assert!(shown.contains("FAIL  configuration: ") && shown.contains("the nearest is l1.rpc"), "{shown}");
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = done(&["completions", shell]);
        assert!(["doctor", "init", "keys"].iter().all(|word| script.contains(word)), "{shell}");
    }
}
