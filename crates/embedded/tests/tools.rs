//! Other people's clients against the node over HTTP: cast and viem, as `npm ci` installs them.

mod common;

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Stdio,
};

use common::{KEYS, init_code, instant};
use fernet_embedded::{DEV_ACCOUNTS, HttpServer, Node};
use tokio::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A tool of `node_modules`, which must be there: a test that skips itself proves nothing.
fn installed(path: &str) -> PathBuf {
    let path = root().join("node_modules").join(path);
    assert!(path.exists(), "{} is missing: run npm ci", path.display());
    path
}

async fn serve(node: &Node) -> HttpServer {
    node.serve((Ipv4Addr::LOCALHOST, 0).into()).await.expect("bound")
}

async fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().await.expect("started");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} failed:\n{stdout}\n{stderr}");
    stdout.into_owned()
}

async fn cast(server: &HttpServer, arguments: &[&str]) -> String {
    let mut command = Command::new(installed("../tools/cast"));
    run(command.args(arguments).env("ETH_RPC_URL", server.url())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn cast_reads_sends_and_deploys() {
    let node = instant();
    let server = serve(&node).await;
    assert_eq!(cast(&server, &["chain-id"]).await.trim(), "31337");
    let block = cast(&server, &["block", "latest"]).await;
    assert!(block.contains(&node.head().hash.to_string()), "{block}");
    let to = DEV_ACCOUNTS[5].to_string();
    let sent = cast(&server, &["send", &to, "--value", "1ether", "--private-key", KEYS[0]]).await;
    assert!(sent.contains("1 (success)"), "{sent}");
    assert_eq!(cast(&server, &["balance", &to, "--ether"]).await.trim(), "10001.000000000000000000");
    // RETURN(NUMBER)
    let code = init_code(&[0x43, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]).to_string();
    let created = cast(&server, &["send", "--private-key", KEYS[0], "--json", "--create", &code]).await;
    let created: serde_json::Value = serde_json::from_str(&created).expect(&created);
    let contract = created["contractAddress"].as_str().expect("an address");
    assert_eq!(
        cast(&server, &["call", contract, "number()(uint256)", "--block", "latest"]).await.trim(),
        "2"
    );
    let logs = cast(&server, &["logs", "--from-block", "0", "--to-block", "latest"]).await;
    assert_eq!(logs.trim(), "");
    let age = cast(&server, &["block", "1", "--field", "timestamp"]).await;
    assert!(age.starts_with("1767225612"), "{age}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cast_sends_blobs() {
    let node = instant();
    let server = serve(&node).await;
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("embedded-blob.bin");
    tokio::fs::write(&file, b"a blob from a file").await.expect("written");
    let path = file.to_str().expect("UTF-8");
    let to = DEV_ACCOUNTS[1].to_string();
    for flags in [&["--blob"][..], &["--blob", "--eip4844"]] {
        let arguments = [&["send"], flags, &["--path", path, "--private-key", KEYS[0], &to]].concat();
        let sent = cast(&server, &arguments).await;
        assert!(sent.contains("1 (success)") && sent.contains("131072"), "{sent}");
        let blobs = node.read(|chain| chain.block_blobs(chain.head()).len());
        assert_eq!(blobs, 1);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn viem_finds_a_chain_like_any_other() {
    installed("viem/package.json");
    let node = instant();
    let server = serve(&node).await;
    let script = root().join("tools/tests/viem-smoke.mjs");
    let output = run(Command::new("node").arg(script).arg(server.url()).current_dir(root())).await;
    assert_eq!(output.trim(), "ok");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn viem_finds_a_development_node() {
    installed("viem/package.json");
    let node = instant();
    let server = serve(&node).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/script/viem-development.mjs");
    let output = run(Command::new("node").arg(script).arg(server.url()).current_dir(root())).await;
    assert_eq!(output.trim(), "ok");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cast_finds_a_development_node() {
    let node = instant();
    let server = serve(&node).await;
    let rpc = async |method: &str, arguments: &[&str]| {
        cast(&server, &[&["rpc", method], arguments].concat()).await.trim().to_owned()
    };
    let [from, to, ..] = DEV_ACCOUNTS.map(|account| account.to_string());
    // cast asks the node to sign for an unlocked account
    let sent =
        cast(&server, &["send", &to, "--value", "1ether", "--from", &from, "--unlocked", "--json"]).await;
    let sent: serde_json::Value = serde_json::from_str(&sent).expect(&sent);
    let hash = sent["transactionHash"].as_str().expect("a hash");
    let trace = rpc("debug_traceTransaction", &[hash, r#"{"tracer":"callTracer"}"#]).await;
    let trace: serde_json::Value = serde_json::from_str(&trace).expect(&trace);
    assert_eq!((&trace["type"], &trace["value"]), (&"CALL".into(), &"0xde0b6b3a7640000".into()));
    // cast executes the transaction and its block again by itself
    let run = cast(&server, &["run", hash]).await;
    assert!(run.contains("Transaction successfully executed"), "{run}");
    let snapshot = rpc("evm_snapshot", &[]).await;
    assert_eq!(rpc("anvil_setBalance", &[&to, "0x5"]).await, "null");
    assert_eq!(cast(&server, &["balance", &to]).await.trim(), "5");
    assert_eq!(rpc("evm_revert", &[snapshot.trim_matches('"')]).await, "true");
    assert_eq!(cast(&server, &["balance", &to, "--ether"]).await.trim(), "10001.000000000000000000");
    assert_eq!(rpc("evm_increaseTime", &["120"]).await, "120");
    assert_eq!(rpc("evm_mine", &[]).await, "\"0x0\"");
    let first = cast(&server, &["block", "1", "--field", "timestamp"]).await;
    let second = cast(&server, &["block", "2", "--field", "timestamp"]).await;
    let seconds = |text: &str| text.split_whitespace().next().and_then(|text| text.parse::<u64>().ok());
    assert_eq!(seconds(&second).expect("a number") - seconds(&first).expect("a number"), 120);
    let pool = cast(&server, &["tx-pool", "status"]).await;
    assert!(pool.contains("pending"), "{pool}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forge_scripts_broadcast() {
    let node = instant();
    let server = serve(&node).await;
    let scratch = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(installed("../tools/forge"));
    command
        .args([
            "script",
            "--broadcast",
            "--non-interactive",
            "--private-key",
            KEYS[0],
            "--rpc-url",
            &server.url(),
        ])
        .args(["--root", scratch.path().to_str().expect("UTF-8")])
        .arg("--use")
        .arg(installed("../tools/solc").canonicalize().expect("a path"))
        .arg("Probe.s.sol:ProbeScript")
        .current_dir(scratch.path());
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/script/Probe.s.sol");
    std::fs::copy(source, scratch.path().join("Probe.s.sol")).expect("copied");
    std::fs::write(
        scratch.path().join("foundry.toml"),
        "[profile.default]\nsrc = \".\"\nevm_version = \"osaka\"\n",
    )
    .expect("written");
    let output = run(&mut command).await;
    assert!(output.contains("ONCHAIN EXECUTION COMPLETE & SUCCESSFUL"), "{output}");
    let mined = node.read(|chain| {
        (1..=chain.head().number())
            .filter_map(|number| chain.block(number))
            .map(|block| block.transactions.len())
            .sum::<usize>()
    });
    assert_eq!(mined, 4);
    server.stop().await;
}
