//! The doctor against a real deployment: what it finds in good and in bad installations.
#![cfg(unix)]

mod common;
#[path = "common/world.rs"]
mod world;

use std::fs;

use common::fernet;
use fernet_devnet::options::Scoring;
use serde_json::Value;
use world::{ADDRESSES, KEYS, World};

/// Checks of an installation with this configuration.
struct Findings(Vec<Value>);

impl Findings {
    fn of(world: &World, role: &str, configuration: &str) -> Self {
        let file = world.folder.path().join("fernet.toml");
        let l1 = format!(
            "[l1]\nrpc = [\"{}\"]\ndeployment = \"{}\"\n[storage]\nfolder = \"data\"\n[metrics]\n\
             listen = \"never\"\n[p2p]\nlisten = []\n",
            world.backend.url(),
            world.file().display()
        );
        let signers: String = ["first", "second"]
            .iter()
            .map(|name| {
                format!("[signers.{name}]\nkind = \"env\"\nvariable = \"TEST_{}\"\n", name.to_uppercase())
            })
            .collect();
        fs::write(&file, format!("{configuration}\n{l1}{signers}")).expect("a file");
        let mut command = fernet(&["doctor", "--role", role, "--format", "json", "--config"]);
        command.arg(&file).env("TEST_FIRST", KEYS[0]).env("TEST_SECOND", KEYS[1]);
        let output = command.output().expect("the command runs");
        let stdout = String::from_utf8(output.stdout).expect("text");
        let checks: Vec<Value> =
            stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let failed = checks.iter().any(|check| check["outcome"] == "FAIL");
        assert_eq!(output.status.code(), Some(i32::from(failed)), "{stdout}");
        let all = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
        assert!(KEYS.iter().all(|key| !all.contains(key)), "{all}");
        Self(checks)
    }

    /// The outcome of a check, with what was found.
    fn outcome(&self, name: &str) -> (String, String) {
        let found =
            self.0.iter().find(|check| check["check"].as_str().is_some_and(|check| check.starts_with(name)));
        let check = found.unwrap_or_else(|| panic!("no check {name}: {:?}", self.0));
        let text = |member: &str| check[member].as_str().unwrap_or_default().to_owned();
        (text("outcome"), text("found"))
    }

    fn assert_ok(&self, names: &[&str]) {
        for name in names {
            let (outcome, found) = self.outcome(name);
            assert_eq!(outcome, "OK", "{name}: {found}");
        }
    }

    fn assert(&self, name: &str, expected: &str, expected_found: &str) {
        let (outcome, found) = self.outcome(name);
        assert_eq!(outcome, expected, "{name}: {found}");
        assert!(found.contains(expected_found), "{name}: {found}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_knows_a_good_installation_from_a_bad_one() {
    let world = World::new(31_731, Scoring::Public).await;

    // A sequencer that isn't registered yet.
    let sequencer = "[sequencer]\nid = 1\nattester = \"second\"\n";
    let findings = Findings::of(&world, "sequencer", sequencer);
    findings.assert_ok(&["configuration", "l1.rpc http://127.0.0.1", "chain id", "deployment"]);
    findings.assert_ok(&["l1.blobs http://127.0.0.1", "signer second", "balance of second"]);
    findings.assert("sequencer 1", "FAIL", "isn't registered");
    findings.assert("signer second", "OK", ADDRESSES[1]);

    // One that waits, and one whose attester is another.
    let mut register = world.signed(
        0,
        &["sequencer", "register", "--attester", ADDRESSES[1], "--bls-key-env", "TEST_BLS", "--yes"],
    );
    world::json(register.env("TEST_BLS", format!("{:064x}", 7)));
    let findings = Findings::of(&world, "sequencer", sequencer);
    findings.assert_ok(&["attester"]);
    findings.assert("sequencer 1", "WARN", "queued");
    let findings = Findings::of(&world, "sequencer", "[sequencer]\nid = 1\nattester = \"first\"\n");
    findings.assert("attester", "FAIL", ADDRESSES[1]);

    // A prover without a bond, and with some.
    let prover = "[prover]\nsigner = \"first\"\n";
    Findings::of(&world, "prover", prover).assert("escrow of", "FAIL", "enough for 0 bonds");
    world.done(0, &["prover", "deposit", "1000"]);
    let findings = Findings::of(&world, "prover", prover);
    findings.assert_ok(&["escrow of", "quotes"]);
    let other = format!("[prover]\nsigner = \"second\"\naccount = \"{}\"\n", ADDRESSES[0]);
    Findings::of(&world, "prover", &other).assert("quotes", "FAIL", "may not sign");

    // The wrong chain, and a deployment that isn't L1's.
    let sepolia = format!("network = \"sepolia\"\n{sequencer}");
    Findings::of(&world, "sequencer", &sepolia).assert(
        "chain id",
        "FAIL",
        "31731, but the network has 11155111",
    );
    let file = world.file();
    let text = fs::read_to_string(&file).expect("the deployment file");
    let mut deployment: Value = serde_json::from_str(&text).expect("JSON");
    deployment["codeHashes"]["escrow"] = Value::from(format!("0x{}", "11".repeat(32)));
    fs::write(&file, deployment.to_string()).expect("a file");
    Findings::of(&world, "sequencer", sequencer).assert("deployment", "FAIL", "is not L1's");
    fs::write(&file, text).expect("a file");
}
