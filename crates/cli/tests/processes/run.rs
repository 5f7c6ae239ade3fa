//! A run: the devnet's processes, the faults, and what must hold in the end.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use alloy::{primitives::Address, providers::Provider as _};
use fernet_circuit::{CircuitParams, DEVELOPMENT_SEED, ProverKey, key};
use fernet_devnet::{
    accounts::Accounts,
    devnet::Devnet,
    observer::{Watch, observer},
    options::{
        CommitmentBy, DevnetOptions, L1Choice, ProcessOptions, ProofSource, RoleCounts, Scoring, keys_folder,
    },
    processes::{Faultless, Member, Program},
    record::{SlotOutcome, SlotRecord},
};
use fernet_follower::{Follower, FollowerStore};
use fernet_hooks::{Endpoint, EndpointState};
use fernet_l1::{Accounts as Senders, BeaconBlobs, BlockIds, TxConfig, TxManager, TxStatus, TxStore};
use fernet_protocol::Phase;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{
    faults::{Fault, Schedule},
    report::{Happened, Report},
};

/// No other test has this chain id.
const CHAIN_ID: u64 = 31_711;
/// Transactions of an account before its role began: the approval, and the registration or the deposit.
const EARLIER: u64 = 2;
/// Copies are numbered from here.
const COPIES: usize = 100;
/// How long a process may take to end after SIGTERM.
const END_LIMIT: Duration = Duration::from_secs(300);

/// What a run does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    seed: u64,
    slots: u64,
    counts: RoleCounts,
    nodes: usize,
    /// Every kind at every phase.
    is_long: bool,
}

impl Plan {
    /// A few slots.
    pub(crate) fn short(seed: u64) -> Self {
        let counts = RoleCounts { sequencers: 3, provers: 2 };
        Self { seed, slots: 4, counts, nodes: 1, is_long: false }
    }

    /// 20 slots or more.
    pub(crate) fn long(seed: u64) -> Self {
        let counts = RoleCounts { sequencers: 6, provers: 3 };
        Self { seed, slots: 20, counts, nodes: 2, is_long: true }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

fn keys() -> Arc<ProverKey> {
    let folder = keys_folder(&root());
    let keys = key::load_or_generate(&folder, &CircuitParams::PRODUCTION, &DEVELOPMENT_SEED, &mut |_| ());
    Arc::new(keys.expect("development keys"))
}

fn options(plan: Plan, folder: &Path) -> DevnetOptions {
    DevnetOptions {
        root: root(),
        l1: L1Choice::Embedded,
        rpc_port: 0,
        chain_id: CHAIN_ID,
        slots: Some(plan.slots),
        seed: plan.seed,
        counts: plan.counts,
        processes: Some(ProcessOptions {
            binary: env!("CARGO_BIN_EXE_fernet").into(),
            folder: folder.to_owned(),
            keys: None,
            nodes: plan.nodes,
            pause: Duration::from_millis(400),
        }),
        faults: Default::default(),
        endpoint_faults: None,
        transfers_per_slot: 4,
        pace: Duration::from_millis(2_000),
        proofs: ProofSource::Made,
        scoring: Scoring::Public,
        vote: Address::ZERO,
        sidecars: Default::default(),
        commitments: CommitmentBy::Sequencer,
    }
}

/// A fault that isn't over.
struct Active {
    fault: Fault,
    until: u64,
    /// In the report.
    index: usize,
    strangers: Vec<TcpStream>,
}

pub(crate) async fn run(plan: Plan) {
    println!("seed {}", plan.seed);
    let folder = tempfile::tempdir().expect("a folder");
    let (observer, Watch { mut records, .. }) = observer();
    let mut devnet = Devnet::start(options(plan, folder.path()), keys(), observer).await.expect("a devnet");
    let members: Vec<Member> = devnet.processes().expect("processes").members().collect();
    let mut schedule = if plan.is_long {
        Schedule::every_phase(&members, plan.seed)
    } else {
        Schedule::each_kind(&members, plan.seed)
    };
    let mut report = Report::default();
    let mut slots: BTreeMap<u64, SlotRecord> = BTreeMap::new();
    let mut active: Vec<Active> = Vec::new();
    let mut recovering: Vec<(Member, u64, usize)> = Vec::new();
    let most = plan.slots.saturating_mul(4);
    while devnet.slots() < plan.slots || schedule.left() > 0 || !active.is_empty() || !recovering.is_empty() {
        assert!(devnet.slots() <= most, "{} faults left: {active}", schedule.left(), active = active.len());
        if let Err(error) = devnet.step().await {
            explain(folder.path());
            panic!("{error}");
        }
        while let Ok(record) = records.try_recv() {
            println!("slot {} {:?} by {:?}", record.slot, record.outcome, record.sequencer);
            slots.insert(record.slot, record);
        }
        let (block, slot, phase) = now(&devnet).await;
        let over = active.extract_if(.., |one| one.until <= block).collect::<Vec<_>>();
        for Active { fault, index, strangers, .. } in over {
            drop(strangers);
            end(&mut devnet, fault);
            if let Some(member) =
                fault.member().filter(|_| !matches!(fault, Fault::Stranger(_) | Fault::Copy(_)))
            {
                recovering.push((member, block, index));
            }
        }
        let mut still = Vec::new();
        for (member, since, index) in recovering {
            match head_of(&mut devnet, member).await {
                Some(head) if head.saturating_add(1) >= block => {
                    report.0[index].recovered_after = Some(block - since);
                }
                _ => {
                    assert!(block < since + 120, "{member} doesn't recover from {:?}", report.0[index]);
                    still.push((member, since, index));
                }
            }
        }
        recovering = still;
        let busy: Vec<Fault> = active.iter().map(|one| one.fault).collect();
        if let Some(fault) = schedule.take(phase, &busy) {
            let index = report.0.len();
            report.0.push(Happened { fault, slot, phase, l1_block: block, recovered_after: None });
            let strangers = begin(&mut devnet, fault, folder.path()).await;
            active.push(Active { fault, until: block + fault.blocks(), index, strangers });
        }
    }
    report.print(&slots);
    for happened in &report.0 {
        let needs = happened
            .fault
            .member()
            .is_some_and(|_| !matches!(happened.fault, Fault::Stranger(_) | Fault::Copy(_)));
        assert!(!needs || happened.recovered_after.is_some(), "{happened:?}");
    }
    check(devnet, plan, folder.path(), &slots).await;
}

/// L1 block, slot in turn and its phase.
async fn now(devnet: &Devnet) -> (u64, u64, Phase) {
    let follower = devnet.follower().lock().await;
    let head = follower.view().head().expect("a head");
    let slot = follower.view().slot(head.l1_slot.plus(1));
    (head.number, slot.slot.get(), slot.phase)
}

async fn begin(devnet: &mut Devnet, fault: Fault, folder: &Path) -> Vec<TcpStream> {
    if let Fault::Reorg(depth) = fault {
        let provider = devnet.backend().provider();
        let options = serde_json::json!({ "refill": true });
        let depth = format!("{depth:#x}");
        let _: Value = provider.raw_request("fernet_reorg".into(), (depth, options)).await.expect("a reorg");
        return Vec::new();
    }
    let upstream = devnet.backend().url().clone();
    let node = devnet.backend().provider().client().transport().clone();
    let processes = devnet.processes().expect("processes");
    match fault {
        Fault::Kill(member) => processes.kill(member).expect("a kill"),
        Fault::EndpointDown(member) => state(processes, member, EndpointState::Down),
        Fault::EndpointSlow(member) => state(processes, member, EndpointState::Slow(Duration::from_secs(5))),
        Fault::WithoutBlobs(member) => state(processes, member, EndpointState::WithoutBlobs),
        Fault::Copy(member) => {
            let Member::Sequencer(number) = member else { unreachable!("a sequencer") };
            let copy = Member::Sequencer(COPIES + number);
            let program = elsewhere(processes.program(member).expect("a program"));
            let endpoint =
                Endpoint::serve(alloy::transports::BoxTransport::new(node), upstream, Arc::new(Faultless));
            let endpoint = Arc::new(endpoint.await.expect("an endpoint"));
            processes.add(copy, folder.join(copy.to_string()), program, endpoint).expect("a copy");
            processes.start(copy).expect("a copy");
        }
        Fault::Stranger(member) => {
            let port = peers_port(processes.program(member).expect("a program"));
            let connect = |number: u8| {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
                // The process may close the connection at once.
                let _ = stream.write_all(&vec![number; 4096]);
                Some(stream)
            };
            return (0..64).filter_map(connect).collect();
        }
        Fault::Reorg(_) => unreachable!("handled above"),
    }
    Vec::new()
}

fn state(processes: &fernet_devnet::processes::Processes, member: Member, state: EndpointState) {
    processes.endpoint(member).expect("an endpoint").set_state(state);
}

fn end(devnet: &mut Devnet, fault: Fault) {
    let processes = devnet.processes().expect("processes");
    match fault {
        Fault::Kill(member) => processes.start(member).expect("a start"),
        Fault::EndpointDown(member) | Fault::EndpointSlow(member) | Fault::WithoutBlobs(member) => {
            state(processes, member, EndpointState::Up);
        }
        Fault::Copy(Member::Sequencer(number)) => {
            processes.kill(Member::Sequencer(COPIES + number)).expect("a kill");
        }
        Fault::Copy(_) | Fault::Reorg(_) | Fault::Stranger(_) => {}
    }
}

/// The same program with ports of the system's choice.
fn elsewhere(program: &Program) -> Program {
    let peers = peers_port(program);
    let configuration = program
        .configuration
        .replace(&format!("/tcp/{peers}\""), "/tcp/0\"")
        .replace(&program.metrics.to_string(), "127.0.0.1:0");
    Program { configuration, ..program.clone() }
}

fn peers_port(program: &Program) -> u16 {
    let (_, rest) = program.configuration.split_once("/tcp/").expect("an address");
    let (port, _) = rest.split_once('"').expect("its end");
    port.parse().expect("a port")
}

/// The newest L1 block of a process; `None` if it doesn't answer.
async fn head_of(devnet: &mut Devnet, member: Member) -> Option<u64> {
    let address = devnet.processes()?.metrics(member).ok()?;
    let answer = reqwest::get(format!("http://{address}/status")).await.ok()?;
    let status: Value = serde_json::from_slice(&answer.bytes().await.ok()?).ok()?;
    status["l1"]["block"].as_u64()
}

/// The last lines of every log.
fn explain(folder: &Path) {
    for entry in fs::read_dir(folder).expect("folders") {
        let path = entry.expect("a folder").path();
        let log = fs::read_to_string(path.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        println!("{}:\n{}", path.display(), lines[lines.len().saturating_sub(12)..].join("\n"));
    }
}

/// Asks every process to end, while L1 goes on, and waits until all have.
async fn terminate(devnet: &mut Devnet) {
    let members: Vec<Member> = devnet.processes().expect("processes").members().collect();
    let members: Vec<Member> = members
        .into_iter()
        .filter(|member| !matches!(member, Member::Sequencer(number) if *number >= COPIES))
        .collect();
    for member in &members {
        let folder = devnet.processes().expect("processes").folder(*member).expect("a folder").to_owned();
        let lease = fs::read_to_string(folder.join("data/lease")).expect("a lease");
        let holder: Value = serde_json::from_str(&lease).expect("a holder");
        let pid = holder["pid"].as_u64().expect("a pid").to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
    }
    let until = Instant::now() + END_LIMIT;
    let mut left = members;
    while !left.is_empty() {
        assert!(Instant::now() < until, "still running: {left:?}");
        devnet.backend().advance().await.expect("an L1 block");
        sleep(Duration::from_millis(500)).await;
        let processes = devnet.processes().expect("processes");
        let mut still = Vec::new();
        for member in left {
            match processes.ended(member, Duration::ZERO).await.expect("a process") {
                Some(status) => assert!(status.success(), "{member} ended with {status}"),
                None => still.push(member),
            }
        }
        left = still;
    }
}

/// What must hold in the end.
async fn check(mut devnet: Devnet, plan: Plan, folder: &Path, slots: &BTreeMap<u64, SlotRecord>) {
    terminate(&mut devnet).await;
    let provider = devnet.backend().provider().clone();
    let clock = devnet.deployment().clock();
    let accounts = Accounts::new(plan.seed, plan.counts).expect("accounts");
    let nonce = async |address: Address| provider.get_transaction_count(address).await.expect("a nonce");
    // Of a role and of its copies: how many transactions landed.
    let landed = |member: Member| -> u64 {
        let copy = match member {
            Member::Sequencer(number) => vec![member, Member::Sequencer(COPIES + number)],
            _ => vec![member],
        };
        let file = |member: &Member| {
            folder.join(member.to_string()).join(format!("data/{}.transactions.redb", member.command()))
        };
        let files = copy.iter().map(file).filter(|file| file.exists());
        files.map(|file| landed_in(&file, &provider, clock)).sum()
    };
    for (number, signer) in accounts.sequencers.iter().enumerate() {
        let sent =
            nonce(signer.address()).await - EARLIER + nonce(accounts.blob_accounts[number].address()).await;
        assert_eq!(
            sent,
            landed(Member::Sequencer(number)),
            "each transaction of sequencer {number} is of one intent"
        );
    }
    for (number, signer) in accounts.provers.iter().enumerate() {
        let sent = nonce(signer.address()).await - EARLIER;
        assert_eq!(
            sent,
            landed(Member::Prover(number)),
            "each transaction of prover {number} is of one intent"
        );
    }
    let summary = devnet.totals().await.expect("a summary");
    assert!(summary.conservation.holds, "{:?}", summary.conservation.violations);
    let (slashed, root) = {
        let follower = devnet.follower().lock().await;
        (follower.view().totals().bonds_slashed, follower.state_root())
    };
    assert!(slashed.is_zero(), "a prover that was up in time lost a bond: {slashed}");
    for number in 0..plan.nodes {
        let store = folder.join(format!("node-{number}/data/follower.redb"));
        let store = FollowerStore::open(&store).expect("a node's store");
        let blobs = BeaconBlobs::new(devnet.backend().url().clone(), BlockIds::ExecutionHash).expect("blobs");
        let mut node =
            Follower::open(provider.clone(), devnet.deployment(), Arc::new(blobs), store).expect("a node");
        node.catch_up().await.expect("L1");
        assert_eq!(node.state_root(), root, "node {number}");
    }
    let empty = slots.values().filter(|record| record.outcome == SlotOutcome::Empty).count();
    assert_eq!(empty, 0, "every slot has a block");
}

/// Transactions of a store that landed.
fn landed_in(file: &Path, provider: &fernet_l1::L1Provider, clock: fernet_protocol::L1Clock) -> u64 {
    let store = TxStore::open(file).expect("a role's transactions");
    // Whose key it is doesn't matter: nothing is sent.
    let senders = Senders::new(alloy::signers::local::PrivateKeySigner::random());
    let manager =
        TxManager::open(provider.clone(), senders, store, TxConfig::new(1, clock)).expect("intents");
    let landed = |status: &TxStatus| match status {
        TxStatus::Mined(_) => true,
        TxStatus::Failed { outcome, .. } => outcome.is_some(),
        TxStatus::Expired { cancelled_by } => cancelled_by.is_some(),
        TxStatus::Pending(_) => false,
    };
    manager.statuses().filter(|(_, status)| landed(status)).count() as u64
}
