//! A user's way with `fernet wallet` beside a running devnet: pay in, sign, be forced out, and claim.
#![cfg(unix)]

mod common;

use std::{
    collections::BTreeSet,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use common::{Running, devnet, fernet};
use serde_json::{Value, json};

/// No other test has this chain id.
const CHAIN_ID: u64 = 31_714;
/// The account that has the tokens of a devnet.
const KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/// Another account of development nodes, which has ether.
const OTHER_KEY: &str = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
const OTHER: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
/// How long the devnet may take to make a block that has something.
const PATIENCE: Duration = Duration::from_secs(420);

fn json_of(mut command: Command) -> Result<Value, String> {
    let output = command.args(["--format", "json"]).output().expect("the fernet command");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        assert_eq!(output.status.code(), Some(1), "{command:?}: {stderr}");
        let (_, message) = stderr.rsplit_once("error: ").unwrap_or_else(|| panic!("no error in {stderr}"));
        return Err(message.trim_end().to_owned());
    }
    Ok(serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}")))
}

/// Asks until the answer is the wanted one.
fn wait_for(what: &str, ask: impl Fn() -> Value, is_wanted: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let answer = ask();
        if is_wanted(&answer) {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "expected {what}, got {answer}");
        thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn tokens_go_to_l2_and_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a path").to_owned();
    let mut running = Running::start(devnet(CHAIN_ID, &["--format", "json"]));
    let ready = running.stderr.find("L1 is ready").expect("an L1");
    let (_, rest) = ready.split_once("rpc=").expect("its address");
    let url = rest.split_whitespace().next().expect("its address").trim_matches('"').to_owned();
    running.stdout.next().expect("a first slot");

    let run = |key: Option<&str>, words: &[&str]| {
        let mut command = fernet(&[words, &["--rpc-url", &url]].concat());
        if let Some(key) = key {
            command.env("TEST_KEY", key);
            command.args(["--key-env", "TEST_KEY", "--yes", "--transactions", &path("transactions")]);
        }
        json_of(command)
    };
    // What happened in the first slot, and who ranks how.
    let slot = run(None, &["slot", "show", "0"]).expect("slot 0");
    let events = slot["events"].as_array().expect("events");
    for name in ["Proposed", "Committed", "Revealed", "Finalized", "BondReleased"] {
        assert!(events.iter().any(|event| event["name"] == name), "no {name} in {slot}");
    }
    assert_eq!(slot["outcome"], "finalized");
    let rank = run(None, &["rank", "--sequencer", "1"]).expect("a ranking");
    let sequencers: BTreeSet<Option<u64>> =
        rank["ranked"].as_array().into_iter().flatten().map(|ranked| ranked["sequencer"].as_u64()).collect();
    assert!(rank["scoring"] == "public" && rank["eligible"] == 4, "{rank}");
    assert!(rank["seed"].is_null() || sequencers == (1..=4).map(Some).collect(), "{rank}");

    let wallet = path("wallet.json");
    let new = json_of(fernet(&["wallet", "new", "--plain", "--out", &wallet])).expect("a key");
    assert_eq!(new["file"], json!(wallet));
    let exists = json_of(fernet(&["wallet", "new", "--plain", "--out", &wallet])).unwrap_err();
    assert!(exists.contains("exists already"), "{exists}");
    let status = || run(None, &["wallet", "status", "--wallet", &wallet]);
    let none = "the key has no L2 account: `fernet wallet deposit` opens one";
    assert_eq!(status(), Err(none.to_owned()));

    // Too little, too fine, and too much.
    let deposit = |key, amount| run(Some(key), &["wallet", "deposit", amount, "--wallet", &wallet]);
    assert!(deposit(OTHER_KEY, "5").unwrap_err().contains("has 0 FDEV, the transaction takes 5 FDEV"));
    let fine = deposit(KEY, "0.0000000001").unwrap_err();
    assert!(fine.starts_with("expected a multiple of 0.000000001 FDEV"), "{fine}");
    assert!(deposit(KEY, "0").unwrap_err().starts_with("the least deposit is 0.000000001 FDEV"));

    let deposited = deposit(KEY, "5").expect("a deposit");
    assert_eq!(
        (&deposited["result"], &deposited["amount"]),
        (&json!("deposited"), &json!("5000000000000000000"))
    );
    let index = deposited["index"].to_string();
    let account =
        wait_for("a consumed deposit", || status().expect("a status"), |account| account["queued"] == "0");
    assert_eq!((&account["balance"], &account["nonce"]), (&json!("5000000000000000000"), &json!(0)));

    // Operations of L2 are signed after its rules were checked.
    let transfer = ["wallet", "transfer", "--wallet", &wallet, "--to", "1"];
    let signed = run(None, &[&transfer[..], &["2", "--fee", "0.000000002"]].concat()).expect("a transfer");
    assert_eq!((&signed["kind"], &signed["nonce"]), (&json!("transfer"), &json!(0)));
    assert!(signed["operation"].as_str().is_some_and(|text| text.starts_with("0x")), "{signed}");
    let much = run(None, &[&transfer[..], &["6"]].concat()).unwrap_err();
    assert!(much.starts_with("expected a balance of at least 6000000000 in account"), "{much}");
    let nobody = run(None, &["wallet", "transfer", "--wallet", &wallet, "--to", "999", "1"]).unwrap_err();
    assert_eq!(nobody, "recipient #999 doesn't exist");
    let withdrawal = run(None, &["wallet", "withdraw", "--wallet", &wallet, "--to", OTHER, "1.5"]);
    assert_eq!(withdrawal.expect("a withdrawal")["amount"], "1500000000000000000");

    // The owner forces the balance out, nobody else, and anyone claims it.
    let foreign = run(Some(OTHER_KEY), &["wallet", "force-exit", &index]).unwrap_err();
    assert!(foreign.contains("the owner of the L2 account, must sign, not"), "{foreign}");
    let claim = |key| run(Some(key), &["wallet", "claim", "--to", OTHER]);
    assert!(claim(KEY).unwrap_err().starts_with("no finalized block has an open withdrawal"));
    let forced = run(Some(KEY), &["wallet", "force-exit", &index, "--to", OTHER]).expect("a forced exit");
    assert_eq!(forced["result"], "queued");
    wait_for("an empty account", || status().expect("a status"), |account| account["balance"] == "0");
    let claimed = claim(OTHER_KEY).expect("a claim");
    assert_eq!((&claimed["result"], &claimed["amount"]), (&json!("claimed"), &json!("5000000000000000000")));
    assert_eq!(run(None, &["prover", "status", OTHER]).expect("a status")["tokens"], "5000000000000000000");
    assert!(claim(OTHER_KEY).unwrap_err().starts_with("no finalized block has an open withdrawal"));

    running.signal("INT");
    running.signal("INT");
    running.end();
}
