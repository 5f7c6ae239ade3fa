//! The devnet on hardhat: a node that knows no block overrides, no blobs in simulations, no receipts of a
//! block and no beacon API. `make hardhat` installs it.

mod common;

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use alloy::{consensus::Transaction as _, network::TransactionResponse as _, providers::Provider as _};
use common::{keys, options, root, run};
use fernet_devnet::{
    devnet::Devnet,
    observer::{Watch, observer},
    options::L1Choice,
    policies::FaultPolicies,
    record::SlotOutcome,
};
use fernet_roles::Storage;
use url::Url;

const CHAIN_ID: u64 = 31_503;
/// L1 blocks between two restarts of all roles.
const RESTART_BLOCKS: u64 = 3;

/// Ends with the test, however that ends.
struct Hardhat {
    process: Child,
    url: Url,
}

impl Drop for Hardhat {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Hardhat {
    /// A hardhat with its defaults on a port that it picks itself.
    fn start() -> Self {
        let mut process = Command::new(root().join("tools/hardhat/hardhat"))
            .args(["node", "--hostname", "127.0.0.1", "--port", "0", "--chain-id"])
            .arg(CHAIN_ID.to_string())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("tools/hardhat/hardhat");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let started = lines.by_ref().map_while(Result::ok).find(|line| line.contains("JSON-RPC server at "));
        let started = started.expect("hardhat says where it listens; run `make hardhat`");
        // Keeps the pipe from filling up.
        std::thread::spawn(move || lines.for_each(drop));
        let (_, address) = started.split_once("JSON-RPC server at ").expect("its address");
        Self { process, url: address.trim().parse().expect("a URL") }
    }

    fn choice(&self, scheme: &str) -> L1Choice {
        let mut url = self.url.clone();
        url.set_scheme(scheme).expect("a scheme");
        L1Choice::Urls(vec![url])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_final_and_roles_that_restart_send_nothing_twice() {
    // One after the other: both runs take the deployment file of this chain id.
    to_its_end().await;
    with_restarts().await;
}

async fn to_its_end() {
    let hardhat = Hardhat::start();
    let (records, summary) = run(options(hardhat.choice("ws"), CHAIN_ID, 1, "")).await;
    assert_eq!(records[0].outcome, SlotOutcome::Finalized, "{records:?}");
    assert_eq!(records[0].rank, Some(0));
    assert!(summary.conservation.holds, "{:?}", summary.conservation.violations);
    assert!(summary.missing.is_empty() && summary.withdrawal.is_some(), "{summary:?}");
}

async fn with_restarts() {
    let hardhat = Hardhat::start();
    let folder = tempfile::tempdir().expect("a folder");
    let storage = Storage::Folder(folder.path().to_owned());
    let policies = FaultPolicies::new(Default::default());
    let (observer, Watch { mut records, .. }) = observer();
    let options = options(hardhat.choice("http"), CHAIN_ID, 1, "");
    let mut devnet = Devnet::start(options, keys(), observer).await.expect("a devnet");
    devnet.restart_roles(&storage, &policies).await.expect("roles with files");
    let (mut blocks, mut restarts) = (0, 0);
    while devnet.slots() < 1 {
        devnet.step().await.expect("a step");
        blocks += 1;
        if blocks % RESTART_BLOCKS == 0 {
            devnet.restart_roles(&storage, &policies).await.expect("roles made anew");
            devnet.act().await.expect("the same L1 block again");
            restarts += 1;
        }
    }
    assert!(restarts > 1, "{restarts} restarts");
    let record = records.try_recv().expect("a slot");
    assert_eq!(record.outcome, SlotOutcome::Finalized, "{record:?}");

    let provider = devnet.backend().provider();
    let head = provider.get_block_number().await.expect("a head");
    let mut sent = BTreeSet::new();
    for number in devnet.deployment().file().block..=head {
        let block = provider.get_block_by_number(number.into()).full().await.expect("an answer");
        for transaction in block.expect("a block").transactions.into_transactions() {
            let blobs = transaction.blob_versioned_hashes().unwrap_or_default().to_vec();
            let one = (transaction.from(), transaction.to(), transaction.input().clone(), blobs);
            let is_ours = transaction.to() == Some(devnet.deployment().contracts().rollup);
            assert!(!is_ours || sent.insert(one), "sent twice, in block {number}: {transaction:?}");
        }
    }
    assert!(sent.len() >= 4, "propose, commit, reveal and finalize: {sent:?}");
}
