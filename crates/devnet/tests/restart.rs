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

use alloy::{
    primitives::{Address, B256},
    providers::Provider as _,
};
use common::{keys, options};
use crash::{CrashPlan, CrashPolicies};
use fernet_devnet::{
    accounts::{Accounts as DevnetAccounts, RoleCounts},
    devnet::Devnet,
    observer::{Watch, observer},
    options::{DevnetOptions, L1Choice},
    policies::{FaultPolicies, RolePolicies},
    record::{SlotOutcome, SlotRecord},
};
use fernet_follower::Follower;
use fernet_l1::{
    Accounts, BlobError, BlobFuture, BlobLocation, BlobSource, L1Provider, TxConfig, TxManager, TxStatus,
};
use fernet_protocol::{L1Clock, Phase};
use fernet_roles::Storage;
use fernet_sequencer::CommitmentBy;

/// A usual slot, one with a backup, one with a rescue, and the first two again: a role that crashed after it
/// sent a block crashes after it built another one.
const SLOTS: u64 = 6;
/// The seed of [`options`].
const SEED: u64 = 7;
const FAULTS: &str = "no-proposal@1,no-proof@2,no-proposal@4";

/// The intents of a role as they stand in its file: name → status.
fn intents(folder: &Path, role: &str, provider: &L1Provider, clock: L1Clock) -> BTreeMap<String, TxStatus> {
    let store = Storage::Folder(folder.to_owned()).transactions(role).expect("the role's transactions");
    let accounts = Accounts::new(DevnetAccounts::new(SEED, RoleCounts::default()).expect("accounts").funder);
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

/// Drops the roles, and checks that nothing was sent twice: an account's nonce counts its transactions, and
/// each is of an intent of its own. Returns the number of claims.
async fn sent_once(devnet: &mut Devnet, folder: &Path) -> usize {
    devnet.drop_roles();
    let (provider, clock) = (devnet.backend().provider().clone(), devnet.deployment().clock());
    let accounts = DevnetAccounts::new(SEED, RoleCounts::default()).expect("the run's accounts");
    let nonce = async |address: Address| provider.get_transaction_count(address).await.expect("a nonce");
    // Transactions of before the roles began.
    let earlier = 2;
    let mut claims = 0;
    for (number, signer) in accounts.sequencers.iter().enumerate() {
        let intents = intents(folder, &format!("sequencer-{number}"), &provider, clock);
        let blob_account = accounts.blob_accounts[number].address();
        let sent = nonce(signer.address()).await - earlier + nonce(blob_account).await;
        assert_eq!(sent, landed(&intents), "sequencer {number}: {intents:#?}");
        let mut proposals = BTreeSet::new();
        // A proposal that was withdrawn, or whose window closed, competes with none.
        let stands = |status: &TxStatus| matches!(status, TxStatus::Mined(_) | TxStatus::Pending(_));
        let standing = intents.iter().filter(|(_, status)| stands(status)).map(|(key, _)| key);
        for key in standing.filter(|key| key.starts_with("propose/")) {
            let slot = key.split('/').nth(1).expect("a slot").to_owned();
            assert!(proposals.insert(slot), "one block a slot: {intents:#?}");
        }
        claims += intents.keys().filter(|key| key.starts_with("claim/")).count();
    }
    for (number, signer) in accounts.provers.iter().enumerate() {
        let intents = intents(folder, &format!("prover-{number}"), &provider, clock);
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
    claims
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

    let claims = sent_once(&mut devnet, folder.path()).await;
    assert!(claims > 0, "rewards are claimed");
}

/// Other policies, under which the second prover offers nothing, so that it has no block but those that it
/// fetches.
#[derive(Debug)]
struct OneOffers<P>(P);

impl<P: RolePolicies> RolePolicies for OneOffers<P> {
    fn sequencer(&self, number: usize) -> fernet_sequencer::Policy {
        self.0.sequencer(number)
    }

    fn prover(&self, number: usize) -> fernet_prover::Policy {
        let policy = self.0.prover(number);
        Box::new(move |effect, context| match effect {
            fernet_prover::Effect::Offer { .. } if number == 1 => fernet_prover::Decision::Hold,
            _ => policy(effect, context),
        })
    }
}

/// Effects that need a commitment by the prover, a rescuer that lost what was announced, or a reorg of the
/// parent of a block that is prepared already.
#[tokio::test(flavor = "multi_thread")]
async fn roles_that_die_after_the_rarer_effects_send_nothing_twice_either() {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = Storage::Folder(folder.path().to_owned());
    let crashes = Arc::new(CrashPlan::default());
    let faults = FaultPolicies::new("no-proof@0".parse().expect("a plan"));
    let policies = CrashPolicies::new(&crashes, OneOffers(faults));
    let (observer, Watch { mut records, .. }) = observer();
    let options = DevnetOptions {
        commitments: CommitmentBy::Prover,
        ..options(L1Choice::Embedded, 31_413, 4, "no-proof@0")
    };
    let mut devnet = Devnet::start(options, keys(), observer).await.expect("a devnet");
    devnet.restart_roles(&storage, &policies).await.expect("roles with files");
    let mut phase = None;
    let mut is_reorganized = false;
    while devnet.slots() < 4 {
        devnet.step().await.expect("a step");
        let view = {
            let follower = devnet.follower().lock().await;
            let now = follower.view().head().expect("a head").l1_slot;
            follower.view().slot(now.plus(1))
        };
        // The block before is undone when the next one is proposed, and L1 makes no block until its slot is
        // over.
        if view.slot.get() == 2
            && view.phase == Phase::Proposal
            && !view.candidates.is_empty()
            && !is_reorganized
        {
            is_reorganized = true;
            crashes.only("CancelProposal");
            let (head, undone) = {
                let follower = devnet.follower().lock().await;
                let view = follower.view();
                (view.head().expect("a head").number, view.finalized_blocks().last().expect("one").l1_block)
            };
            let provider = devnet.backend().provider().clone();
            let depth = format!("{:#x}", head - undone + 1);
            let options = serde_json::json!({ "dropTransactions": true, "refill": true });
            let _: serde_json::Value =
                provider.raw_request("fernet_reorg".into(), (depth, options)).await.expect("a reorg");
            let skipped = {
                let mut follower = devnet.follower().lock().await;
                follower.catch_up().await.expect("L1");
                let now = follower.view().head().expect("a head").l1_slot;
                (1..).find(|later| follower.view().slot(now.plus(*later)).slot.get() == 2).expect("a slot 2")
            };
            let skipped = format!("{skipped:#x}");
            let _: serde_json::Value =
                provider.raw_request("fernet_skipSlots".into(), (skipped,)).await.expect("skipped slots");
        }
        // Everything anew with each phase: what peers announced is gone.
        if !crashes.take_crashed().is_empty() || (phase != Some(view.phase) && !is_reorganized) {
            phase = Some(view.phase);
            devnet.restart_roles(&storage, &policies).await.expect("roles made anew");
            devnet.act().await.expect("the same L1 block again");
        }
    }
    let mut outcomes = Vec::new();
    while let Ok(record) = records.try_recv() {
        outcomes.push((record.slot, record.outcome));
    }
    println!("{outcomes:?}");
    let kinds: BTreeSet<String> = crashes.crashes().into_iter().map(|(_, kind)| kind).collect();
    for kind in ["HandOver", "Commit", "FetchBody", "CancelProposal"] {
        assert!(kinds.contains(kind), "no role crashed after {kind}: {kinds:?}");
    }
    sent_once(&mut devnet, folder.path()).await;
}

/// A prover that stopped taking work stays stopped, whoever starts it again, until its operator says
/// otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_prover_stays_suspended_over_restarts() {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = Storage::Folder(folder.path().to_owned());
    let (observer, Watch { mut records, .. }) = observer();
    let options = options(L1Choice::Embedded, 31_414, 6, "");
    let mut devnet = Devnet::start(options, keys(), observer).await.expect("a devnet");
    let policies = FaultPolicies::new("".parse().expect("no faults"));
    devnet.restart_roles(&storage, &policies).await.expect("roles with files");
    let cheap = DevnetAccounts::new(SEED, RoleCounts::default()).expect("accounts").provers[0].address();
    let mut provers = Vec::new();
    for (until, suspended) in [(2, None), (4, Some("a disk is full")), (6, None)] {
        devnet.drop_roles();
        storage.journal("prover-0").expect("the journal").set_suspension(suspended).expect("a disk");
        // Twice: the second start must find it too.
        for _ in 0..2 {
            devnet.restart_roles(&storage, &policies).await.expect("roles made anew");
        }
        while devnet.slots() < until {
            devnet.step().await.expect("a step");
        }
        devnet.drop_roles();
        assert_eq!(
            storage.journal("prover-0").expect("the journal").suspension().expect("a disk").as_deref(),
            suspended
        );
    }
    while let Ok(record) = records.try_recv() {
        provers.push(record.prover == Some(cheap));
    }
    // The first block has the deposits; the other prover is cheaper for it.
    assert_eq!(provers[1..], [true, false, false, true, true]);
}

/// What waits for a block waits for it after a restart as well, and gets into one.
#[tokio::test(flavor = "multi_thread")]
async fn the_mempool_outlives_its_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = Storage::Folder(folder.path().to_owned());
    let policies = FaultPolicies::new("".parse().expect("no faults"));
    let (observer, Watch { mut records, .. }) = observer();
    let options = DevnetOptions { slots: Some(2), ..options(L1Choice::Embedded, 31_415, 2, "") };
    let mut devnet = Devnet::start(options, keys(), observer).await.expect("a devnet");
    devnet.restart_roles(&storage, &policies).await.expect("roles with files");
    let waiting = || {
        let journal = storage.journal("sequencer-0").expect("the journal");
        journal.operations().expect("a mempool")
    };
    let mut found = Vec::new();
    while found.is_empty() {
        devnet.step().await.expect("a step");
        devnet.drop_roles();
        found = waiting();
        devnet.restart_roles(&storage, &policies).await.expect("roles made anew");
    }
    devnet.act().await.expect("the same L1 block again");
    devnet.drop_roles();
    assert_eq!(waiting(), found, "nobody sent anything meanwhile");
    devnet.restart_roles(&storage, &policies).await.expect("roles made anew");
    while devnet.slots() < 2 {
        devnet.step().await.expect("a step");
    }
    devnet.drop_roles();
    let left = waiting();
    assert!(found.iter().all(|operation| !left.contains(operation)), "all of them are in blocks");
    let mut transfers = 0;
    while let Ok(record) = records.try_recv() {
        transfers += record.transfers;
    }
    assert!(transfers as usize >= found.len(), "{transfers} transfers, {} waited", found.len());
}

/// No blob source at all.
struct NoBlobs;

impl BlobSource for NoBlobs {
    fn blobs<'a>(&'a self, at: BlobLocation, hashes: &'a [B256]) -> BlobFuture<'a> {
        let hash = hashes.first().copied().unwrap_or_default();
        Box::pin(async move { Err(BlobError::Unavailable { hash, number: at.number }) })
    }
}

/// A new node gets the newest blocks' data from peers, where nobody else has it.
#[tokio::test(flavor = "multi_thread")]
async fn a_follower_without_blobs_asks_its_peers() {
    let (observer, _watch) = observer();
    let options = options(L1Choice::Embedded, 31_416, 2, "");
    let mut devnet = Devnet::start(options, keys(), observer).await.expect("a devnet");
    while devnet.slots() < 2 {
        devnet.step().await.expect("a step");
    }
    let provider = devnet.backend().provider().clone();
    let mut follower = Follower::new(provider, devnet.deployment(), Arc::new(NoBlobs)).expect("a follower");
    follower.catch_up().await.expect("L1");
    assert!(follower.progress().height == 0 && follower.ledger_at_tip().is_none());
    follower.ask_peers(devnet.peers());
    follower.catch_up().await.expect("L1");
    assert_eq!(follower.state_root(), devnet.follower().lock().await.state_root());
    assert!(follower.ledger_at_tip().is_some());
}
