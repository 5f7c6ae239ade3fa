//! No command panics when nobody reads what it writes.
#![cfg(unix)]

mod common;

use std::{collections::BTreeSet, io, process::Stdio};

use common::{devnet, fernet};

/// Exit status when the reader of stdout went away.
const CLOSED: i32 = 141;

/// An L1 that isn't there.
const NO_L1: &[&str] = &["--rpc-url", "http://127.0.0.1:1"];
const ACCOUNT: &str = "0x0000000000000000000000000000000000000001";

/// A command by its words, with arguments for a short run, and its exit status when both streams are read.
struct Case {
    words: &'static str,
    arguments: Vec<String>,
    status: i32,
}

fn case(words: &'static str, arguments: &[&str], status: i32) -> Case {
    Case { words, arguments: arguments.iter().map(ToString::to_string).collect(), status }
}

fn cases(folder: &std::path::Path) -> Vec<Case> {
    let (key, wallet, state) = (folder.join("key.json"), folder.join("wallet.json"), folder.join("state"));
    let config = folder.join("config.toml");
    vec![
        case("devnet", &["--slots", "1"], 0),
        case("devnet", &["--slots", "1", "--format", "json"], 0),
        case("devnet", &["--fault", "no-proof"], 2),
        case("devnet", &["--slots", "1", "--fault", "no-proof@1"], 1),
        case("setup", &[], 0),
        case("keys new", &["--kind", "l2", "--out", key.to_str().expect("a path")], 0),
        case("keys import", &["--kind", "l1", "--out", "nowhere/key", "--secret-file", "nowhere"], 1),
        case("keys list", &["script/config"], 0),
        case("init", &["--out", config.to_str().expect("a path")], 0),
        case("sequencer run", &[], 1),
        case("prover run", &[], 1),
        case("node run", &[], 1),
        case("node snapshot make", &["--folder", "nowhere", "--out", "nowhere"], 1),
        case("node snapshot check", &["nowhere"], 1),
        case("config check", &[], 0),
        case("config show", &["--format", "json"], 0),
        case("doctor", &[], 0),
        case("completions", &["bash"], 0),
        case("bridge account", &["--rpc-url", "http://127.0.0.1:1", "--index", "1"], 1),
        case("bridge claim", &["--rpc-url", "http://127.0.0.1:1", "--to", &format!("0x{:040}", 1)], 1),
        case("follow", &["--rpc-url", "http://127.0.0.1:1", "--folder", state.to_str().expect("a path")], 1),
        case("snapshot make", &["--folder", "nowhere", "--out", "nowhere"], 1),
        case("snapshot check", &["nowhere"], 1),
        case("prover standing", &["nowhere"], 1),
        case("sequencer status", NO_L1, 1),
        case("sequencer register", &[NO_L1, &["--attester", ACCOUNT]].concat(), 1),
        case("sequencer exit", &[NO_L1, &["1"]].concat(), 1),
        case("sequencer withdraw", &[NO_L1, &["1"]].concat(), 1),
        case("sequencer cancel-entry", &[NO_L1, &["1"]].concat(), 1),
        case("sequencer top-up", &[NO_L1, &["1", "20"]].concat(), 1),
        case("sequencer rotate-attester", &[NO_L1, &["1", ACCOUNT]].concat(), 1),
        case("sequencer rotate-bls-key", &[NO_L1, &["1"]].concat(), 1),
        case("sequencer set-withdrawer", &[NO_L1, &["1", ACCOUNT]].concat(), 1),
        case("sequencer set-fee-recipient", &[NO_L1, &["1", "1"]].concat(), 1),
        case("sequencer claim", NO_L1, 1),
        case("prover status", &[NO_L1, &[ACCOUNT]].concat(), 1),
        case("prover deposit", &[NO_L1, &["20"]].concat(), 1),
        case("prover withdraw", &[NO_L1, &["all"]].concat(), 1),
        case("prover set-signer", &[NO_L1, &["--none"]].concat(), 1),
        case("prover claim", NO_L1, 1),
        case("slot show", NO_L1, 1),
        case("slot watch", NO_L1, 1),
        case("rank", NO_L1, 1),
        case("tx list", &["--folder", "nowhere"], 1),
        case("tx show", &["--folder", "nowhere", "a"], 1),
        case("tx cancel", &["--folder", "nowhere", "a"], 1),
        case("wallet new", &["--plain", "--out", wallet.to_str().expect("a path")], 0),
        case("wallet status", &[NO_L1, &["--wallet", "nowhere"]].concat(), 1),
        case("wallet deposit", &[NO_L1, &["--wallet", "nowhere", "20"]].concat(), 1),
        case("wallet transfer", &[NO_L1, &["--wallet", "nowhere", "--to", "1", "20"]].concat(), 1),
        case("wallet withdraw", &[NO_L1, &["--wallet", "nowhere", "--to", ACCOUNT, "20"]].concat(), 1),
        case("wallet force-exit", &[NO_L1, &["1"]].concat(), 1),
        case("wallet claim", NO_L1, 1),
        case("prover benchmark", &["--chunks", "1", "--runs", "1"], 0),
        case("prover benchmark", &["--chunks", "1", "--runs", "1", "--format", "json"], 0),
    ]
}

/// Tests run at the same time: each takes a chain id of its own.
fn command(case: &Case, chain_id: u64) -> std::process::Command {
    let arguments: Vec<&str> = case.arguments.iter().map(String::as_str).collect();
    if case.words == "devnet" {
        return devnet(chain_id, &arguments);
    }
    let words: Vec<&str> = case.words.split(' ').collect();
    fernet(&[words, arguments].concat())
}

/// The write end of a pipe that nobody reads.
fn closed() -> Stdio {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

/// Every command that has no further ones, by its words, from the help.
fn commands(words: &[&str]) -> BTreeSet<String> {
    let output = fernet(&[words, &["--help"]].concat()).output().expect("the help");
    let help = String::from_utf8(output.stdout).expect("text");
    let Some((_, list)) = help.split_once("\nCommands:\n") else { return BTreeSet::from([words.join(" ")]) };
    let names = list.lines().take_while(|line| line.starts_with("  "));
    let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    names.flat_map(|name| commands(&[words, &[name]].concat())).collect()
}

#[test]
fn every_command_has_a_case() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases: BTreeSet<String> = cases(folder.path()).iter().map(|case| case.words.to_owned()).collect();
    assert_eq!(commands(&[]), cases);
}

#[test]
fn a_closed_stdout_ends_every_command_quietly() {
    let folder = tempfile::tempdir().expect("a folder");
    for case in cases(folder.path()) {
        let output =
            command(&case, 31_706).stdout(closed()).env_remove("FERNET_LOG").output().expect("an output");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let expected = if case.status == 0 { CLOSED } else { case.status };
        assert_eq!(output.status.code(), Some(expected), "{}: {stderr}", case.words);
        assert!(!stderr.contains("panicked"), "{}: {stderr}", case.words);
        assert!(case.status != 0 || !stderr.contains("error"), "{}: {stderr}", case.words);
    }
}

#[test]
fn a_closed_stderr_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    for case in cases(folder.path()) {
        let output = command(&case, 31_707).stderr(closed()).output().expect("an output");
        assert_eq!(output.status.code(), Some(case.status), "{}", case.words);
        assert_eq!(output.stdout.is_empty(), case.status != 0, "{}", case.words);
    }
}

#[test]
fn help_and_version_into_a_closed_pipe_end_well() {
    for arguments in [&["--help"][..], &["--version"], &["devnet", "--help"], &["keys", "new", "--help"]] {
        let output = fernet(arguments).stdout(closed()).output().expect("an output");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && stderr.is_empty(), "{arguments:?}: {stderr}");
    }
}
