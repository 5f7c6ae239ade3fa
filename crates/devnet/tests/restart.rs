//! Roles that crash after each kind of effect and are made anew from their files: nothing is sent twice,
//! nothing is forgotten.

mod common;
#[path = "common/crash.rs"]
mod crash;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use alloy::{primitives::Address, providers::Provider as _};
use common::{keys, options};
use crash::{CrashPlan, CrashPolicies};
use fernet_devnet::{
    accounts::Accounts as DevnetAccounts,
    devnet::Devnet,
    observer::{Watch, observer},
    options::L1Choice,
    policies::FaultPolicies,
    record::{SlotOutcome, SlotRecord},
};
use fernet_l1::{Accounts, L1Provider, TxConfig, TxManager, TxStatus};
use fernet_protocol::L1Clock;
use fernet_roles::Storage;

/// A usual slot, one with a backup, one with a rescue, and the first two again: a role that crashed after it
/// sent a block crashes after it built another one.
const SLOTS: u64 = 6;
/// The seed of [`options`].
const SEED: u64 = 7;
const FAULTS: &str = "no-proposal@1,no-proof@2,no-proposal@4";

/// The intents of a role as they stand in its file: name → status.
fn intents(folder: &Path, role: &str, provider: &L1Provider, clock: L1Clock) -> BTreeMap<String, TxStatus> {
    let store = Storage::Folder(folder.to_owned()).transactions(role).expect("the role's transactions");
    let accounts = Accounts::new(DevnetAccounts::new(SEED).expect("accounts").funder);
    let manager =
        TxManager::open(provider.clone(), accounts, store, TxConfig::new(1, clock)).expect("intents");
    manager.statuses().map(|(key, status)| (key.to_string(), status)).collect()
}

/// How many transactions of these intents landed.
fn landed(intents: &BTreeMap<String, TxStatus>) -> u64 {
    let landed = |status: &&TxStatus| match status {
        TxStatus::Mined(_) => true,
        TxStatus::Failed { outcome, .. } => outcome.is_some(),
        TxStatus::Expired { cancelled_by } => cancelled_by.is_some(),
        TxStatus::Pending(_) => false,
    };
    intents.values().filter(landed).count() as u64
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_that_die_after_every_kind_of_effect_send_nothing_twice_and_forget_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = Storage::Folder(folder.path().to_owned());
    let crashes = Arc::new(CrashPlan::default());
    let policies = CrashPolicies::new(&crashes, FaultPolicies::new(FAULTS.parse().expect("a fault plan")));
    let (observer, Watch { mut records, .. }) = observer();
    let options = options(L1Choice::Embedded, 31_405, SLOTS, FAULTS);
    let mut devnet = Devnet::start(options, keys(), observer).await.expect("a devnet");
    devnet.restart_roles(&storage, &policies).await.expect("roles with files");

    let mut proven = BTreeSet::new();
    let mut restarts = 0;
    let mut report = devnet.step().await.expect("a step");
    while devnet.slots() < SLOTS {
        for (number, report) in report.provers.iter().enumerate() {
            for proof in &report.proven {
                let first = proven.insert((number, proof.header_hash));
                assert!(first, "a proof that was made is kept: {number} {proof:?}");
            }
        }
        // A crashed role is back before the next L1 block, when nothing that it sent has landed yet.
        report = if crashes.take_crashed().is_empty() {
            devnet.step().await.expect("a step")
        } else {
            restarts += 1;
            devnet.restart_roles(&storage, &policies).await.expect("roles made anew");
            devnet.act().await.expect("the same L1 block again")
        };
    }

    // Each role crashed once after every kind of effect that leaves it.
    let crashed: BTreeSet<(String, String)> = crashes.crashes();
    let kinds = |role: &str| -> BTreeSet<&str> {
        crashed.iter().filter(|(who, _)| who.starts_with(role)).map(|(_, kind)| kind.as_str()).collect()
    };
    let mut sequencers = kinds("sequencer");
    // Few slots seldom leave one sequencer enough to claim; provers claim by the same code.
    sequencers.remove("ClaimRewards");
    let expected = [
        "AnnounceBody",
        "Build",
        "Commit",
        "LoadBlock",
        "ManageTransactions",
        "Propose",
        "RequestQuotes",
        "Reveal",
    ];
    assert_eq!(sequencers, BTreeSet::from(expected));
    let expected =
        ["BuildBackup", "ClaimRewards", "Finalize", "FinalizeBackup", "ManageTransactions", "Offer", "Prove"];
    assert_eq!(kinds("prover"), BTreeSet::from(expected));
    assert!(restarts >= expected.len(), "{restarts} restarts");

    // Nothing was forgotten: each slot ends as it would have without crashes.
    let (mut outcomes, mut all) = (Vec::new(), Vec::<SlotRecord>::new());
    while let Ok(record) = records.try_recv() {
        outcomes.push(record.outcome);
        all.push(record);
    }
    use SlotOutcome::{Backup, Finalized, Rescued};
    assert_eq!(outcomes, [Finalized, Backup, Rescued, Finalized, Backup, Finalized], "{all:?}");

    // Nothing was sent twice: an account's nonce counts its transactions, and each is of an intent of its
    // own.
    devnet.drop_roles();
    let (provider, clock) = (devnet.backend().provider().clone(), devnet.deployment().clock());
    let accounts = DevnetAccounts::new(SEED).expect("the run's accounts");
    let nonce = async |address: Address| provider.get_transaction_count(address).await.expect("a nonce");
    // Transactions of before the roles began.
    let earlier = 2;
    let mut claims = 0;
    for (number, signer) in accounts.sequencers.iter().enumerate() {
        let intents = intents(folder.path(), &format!("sequencer-{number}"), &provider, clock);
        let blob_account = accounts.blob_accounts[number].address();
        let sent = nonce(signer.address()).await - earlier + nonce(blob_account).await;
        assert_eq!(sent, landed(&intents), "sequencer {number}: {intents:#?}");
        let mut proposals = BTreeSet::new();
        for key in intents.keys().filter(|key| key.starts_with("propose/")) {
            let slot = key.split('/').nth(1).expect("a slot").to_owned();
            assert!(proposals.insert(slot), "one block a slot: {intents:#?}");
        }
        claims += intents.keys().filter(|key| key.starts_with("claim/")).count();
    }
    for (number, signer) in accounts.provers.iter().enumerate() {
        let intents = intents(folder.path(), &format!("prover-{number}"), &provider, clock);
        assert_eq!(
            nonce(signer.address()).await - earlier,
            landed(&intents),
            "prover {number}: {intents:#?}"
        );
        let mut backups = BTreeSet::new();
        for key in intents.keys().filter(|key| key.starts_with("backup/")) {
            let slot = key.split('/').nth(1).expect("a slot").to_owned();
            assert!(backups.insert(slot), "one backup block a slot: {intents:#?}");
        }
        claims += intents.keys().filter(|key| key.starts_with("claim/")).count();
    }
    assert!(claims > 0, "rewards are claimed");
}
