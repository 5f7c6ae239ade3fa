//! What the devnet's tests share.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alloy::eips::BlockId;
use fernet_circuit::{CircuitParams, DEVELOPMENT_SEED, ProverKey, key};
use fernet_devnet::{
    devnet::{self, Devnet, RunEnd},
    observer::{Watch, observer},
    options::{DevnetOptions, L1Choice, ProofSource, RoleCounts, find_root, keys_folder},
    record::{SlotRecord, Summary},
    stop::Stop,
};
use fernet_follower::SlotView;
use fernet_protocol::Lane;
use fernet_sequencer::CommitmentBy;

/// Root of the repository.
pub(crate) fn root() -> PathBuf {
    find_root(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the deployment script above this crate")
}

/// The development keys, from the cache or made now.
pub(crate) fn keys() -> Arc<ProverKey> {
    let folder = keys_folder(&root());
    let keys = key::load_or_generate(&folder, &CircuitParams::PRODUCTION, &DEVELOPMENT_SEED, &mut |_| ());
    Arc::new(keys.expect("development keys"))
}

/// Proofs that earlier runs of the same seed left.
pub(crate) fn cached() -> ProofSource {
    ProofSource::Cached(root().join("target/proofs"))
}

/// A devnet of `slots` slots. Tests run side by side: each takes a chain id of its own, as its deployment
/// file is named after it.
#[allow(dead_code, reason = "not every test file runs a whole devnet")]
pub(crate) fn options(l1: L1Choice, chain_id: u64, slots: u64, faults: &str) -> DevnetOptions {
    DevnetOptions {
        root: root(),
        l1,
        rpc_port: 0,
        chain_id,
        slots: Some(slots),
        seed: 7,
        counts: RoleCounts::default(),
        processes: None,
        faults: faults.parse().expect("a fault plan"),
        endpoint_faults: None,
        transfers_per_slot: 5,
        pace: Duration::ZERO,
        proofs: cached(),
        scoring: Default::default(),
        vote: Default::default(),
        sidecars: Default::default(),
        commitments: CommitmentBy::Sequencer,
    }
}

/// Runs a devnet for `slots` slots and returns it as it is then.
#[allow(dead_code, reason = "not every test file looks at what is left")]
pub(crate) async fn run_slots(options: DevnetOptions, slots: u64) -> (Devnet, Vec<SlotRecord>) {
    let (observer, Watch { mut records, .. }) = observer();
    let mut devnet = Devnet::start(options, keys(), observer).await.expect("a devnet");
    while devnet.slots() < slots {
        devnet.step().await.expect("a step");
    }
    let mut all = Vec::new();
    while let Ok(record) = records.try_recv() {
        all.push(record);
    }
    (devnet, all)
}

/// Runs a devnet to its end.
#[allow(dead_code, reason = "not every test file runs one to its end")]
pub(crate) async fn run(options: DevnetOptions) -> (Vec<SlotRecord>, Summary) {
    let (observer, Watch { mut records, .. }) = observer();
    let end = devnet::run(options, keys(), observer, Stop::default()).await.expect("a devnet that ends well");
    let RunEnd::Finished(summary) = end else { panic!("nobody stopped it: {end:?}") };
    let mut all = Vec::new();
    while let Some(record) = records.recv().await {
        all.push(record);
    }
    (all, *summary)
}

/// Steps a devnet through `slots` slots and compares, at every L1 slot, what the client derives from events
/// with what the contract says.
#[allow(dead_code, reason = "not every test file compares")]
pub(crate) async fn compare_views(options: DevnetOptions, slots: u64) -> Vec<SlotView> {
    let (observer, _watch) = observer();
    let mut devnet = Devnet::start(options, keys(), observer).await.expect("a devnet");
    let mut seen = Vec::new();
    while devnet.slots() < slots {
        devnet.step().await.expect("a step");
        let follower = devnet.follower().lock().await;
        let Some(head) = follower.view().head() else { continue };
        let view = follower.view();
        let ours = view.slot(head.l1_slot);
        let reader = fernet_bindings::IReader::new(
            devnet.deployment().contracts().reader,
            devnet.backend().provider(),
        );
        let theirs = reader.overview().block(BlockId::number(head.number)).call().await.expect("overview()");
        assert_eq!(contract_view(view, &ours), theirs.slot, "at L1 slot {}", head.l1_slot);
        let tip = view.tip();
        assert_eq!(
            (tip.header_hash, tip.state_root, tip.deposits_end, tip.exits_end, tip.height, tip.slot.get()),
            (
                theirs.tip.headerHash,
                theirs.tip.stateRoot,
                theirs.tip.depositsEnd,
                theirs.tip.exitsEnd,
                theirs.tip.height,
                theirs.tip.slot
            )
        );
        assert_eq!(view.rates(ours.slot).expect("deployed"), theirs.rates.into());
        assert_eq!(view.queue(Lane::Deposits).len() as u64 - tip.deposits_end, theirs.pendingDeposits);
        assert_eq!(view.queue(Lane::Exits).len() as u64 - tip.exits_end, theirs.pendingExits);
        assert_eq!(ours.unsettled.is_some(), theirs.unsettled);
        assert_eq!(view.paused_until(head.l1_slot).map_or(0, |until| until.get()), theirs.pausedUntil);
        seen.push(ours);
    }
    seen
}

/// The client's view in the contract's types.
fn contract_view(rollup: &fernet_follower::RollupView, view: &SlotView) -> fernet_bindings::SlotView {
    let candidate = |candidate: &fernet_follower::CandidateView| {
        let commitment = candidate.commitment.as_ref();
        fernet_bindings::Candidate {
            sequencer: candidate.sequencer.get(),
            score: candidate.score.get(),
            headerHash: candidate.header_hash,
            committedAt: commitment.map(|c| c.at.get()).unwrap_or_default(),
            revealedAt: candidate.revealed_at.map(|at| at.get()).unwrap_or_default(),
            blobsSeen: candidate.blobs_seen,
            prover: commitment.map(|c| c.prover).unwrap_or_default(),
            payee: commitment.map(|c| c.payee).unwrap_or_default(),
            bond: commitment.map(|c| c.bond.get().try_into().expect("96 bits")).unwrap_or_default(),
            price: commitment.map(|c| c.price.get().try_into().expect("96 bits")).unwrap_or_default(),
        }
    };
    // L1 knows a seed only once somebody has shown it
    let known = rollup.is_seed_known(view.slot, view.seed_at);
    let seed = known.then(|| rollup.seed(view.slot, view.previous_start)).flatten();
    fernet_bindings::SlotView {
        slot: view.slot.get(),
        phase: view.phase.into(),
        start: view.start.get(),
        previousStart: view.previous_start.get(),
        seedAt: view.seed_at.get(),
        seed: seed.unwrap_or_default(),
        phaseEnd: view.phase_end.get(),
        rank: u8::try_from(view.turn.index()).expect("a small rank"),
        turnStart: view.turn_start.map_or(0, |start| start.get()),
        paidL1Slots: view.paid_l1_slots,
        candidates: view.candidates.iter().map(candidate).collect(),
    }
}
