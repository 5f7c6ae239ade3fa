//! How long a node takes from nothing to the head of a long history, and after a restart: from L1 and an
//! archive of blobs, and from a snapshot of a million accounts.
//!
//! `cargo bench -p fernet-follower --bench history --profile dev [-- SLOTS TRANSFERS ACCOUNTS]`. L1 is a
//! made-up chain behind JSON-RPC in this process, with the headers, blooms and logs of a real one; blobs and
//! state roots are those of real blocks. Proofs, KZG and signatures, which nobody checks in a catch-up, are
//! left out.

use std::{
    path::Path,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use alloy::{
    consensus::Header as L1Header,
    primitives::{Address, B256, Bloom, Log as LogBody, LogData, U256, keccak256},
    rpc::{
        json_rpc::{RequestPacket, Response, ResponsePacket, ResponsePayload, SerializedRequest},
        types::{Block, Header as RpcHeader, Log},
    },
    sol_types::SolEvent,
    transports::{BoxTransport, TransportError, TransportFut},
};
use ark_ec::{AffineRepr as _, CurveGroup as _};
use fernet_bindings::{IBridge, IRollup};
use fernet_follower::{
    Follower, FollowerStore, Ledger, RollupView, Snapshot, SnapshotBlock, ViewConfig, tree_of, write_snapshot,
};
use fernet_l1::{
    ArchivedBlobs, BlobArchive, BlobLocation, Contracts, Feed, L1Block, LoggedEvent, Scoring,
    connect_transport, decode_event,
};
use fernet_ledger::{
    Account, AccountIndex, Domain, FeeBurn, Lanes, Layout, Levels, MemoryStore, PublicKey, QueuedOperation,
    SecretKey, Slot as Content, State, blob, field,
    replay::{Signatures, replay},
};
use fernet_protocol::{
    ChainId, Deposit, Header, L1Clock, L1Operation, L1Slot, Lane, Phase, RollupId, samples,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json, value::RawValue};
use tower::Service;

const SLOTS: u64 = 600;
const TRANSFERS: usize = 1_000;
/// Accounts among which the transfers are.
const ACTIVE: u32 = 10_000;
const SNAPSHOT_ACCOUNTS: u32 = 1_000_000;
const GENESIS: u64 = 1_767_225_600;
const CHAIN_ID: u64 = 31_337;
const SEED: u64 = 5;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let slots = numbers.next().unwrap_or(SLOTS);
    let transfers = numbers.next().map_or(TRANSFERS, |number| number as usize);
    let accounts = numbers.next().map_or(SNAPSHOT_ACCOUNTS, |number| number as u32);
    println!("seed {SEED}");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        history(slots, transfers).await?;
        if accounts > 0 {
            snapshot(accounts).await?;
        }
        Ok(())
    })
}

/// From L1 alone with an archive, then restarts.
async fn history(slots: u64, transfers: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let archive = BlobArchive::create(&folder.path().join("blobs"))?;
    let mut chain = Chain::new(ACTIVE);
    for _ in 0..slots {
        chain.finalize(transfers, &archive)?;
    }
    // On mainnet, a slot takes as many L1 blocks as L1 needs to finalize one.
    chain.idle(66);
    println!("\n{slots} slots of {transfers} transfers among {ACTIVE} accounts");
    let chain = Arc::new(chain);
    let path = folder.path().join("follower.redb");
    let timer = Timer::start();
    let mut follower = open(&chain, &archive, &path)?;
    follower.catch_up().await?;
    assert_eq!((follower.progress().height, follower.state_root()), (slots + 1, chain.root()));
    let (wall, cpu) = timer.stop();
    println!(
        "from L1 and the archive: {:.1} s, {:.1} s of processor time, {:.0} slots/s",
        wall.as_secs_f64(),
        cpu.as_secs_f64(),
        slots as f64 / wall.as_secs_f64()
    );
    drop(follower);
    restart(&chain, &archive, &path).await
}

async fn restart(chain: &Arc<Chain>, archive: &BlobArchive, path: &Path) -> Result<(), Failure> {
    for _ in 0..3 {
        let timer = Timer::start();
        let mut follower = open(chain, archive, path)?;
        follower.catch_up().await?;
        assert!(follower.head_block().is_some() && follower.ledger_at_tip().is_some());
        let (wall, cpu) = timer.stop();
        println!(
            "restart to the head: {:.2} s, {:.2} s of processor time; the file has {} MB",
            wall.as_secs_f64(),
            cpu.as_secs_f64(),
            std::fs::metadata(path)?.len() / 1_000_000
        );
    }
    Ok(())
}

/// A fresh start from a snapshot.
async fn snapshot(count: u32) -> Result<(), Failure> {
    println!("\na snapshot of {count} accounts");
    let folder = tempfile::tempdir()?;
    let accounts = many_accounts(count);
    let (root, _) = tree_of(&accounts, Levels::PRODUCTION);
    let state_root = B256::new(field::to_bytes(&root));
    let mut chain = Chain::new(1);
    chain.finalize_as(state_root);
    let block = SnapshotBlock {
        rollup: chain.view.rollup(),
        height: chain.view.tip().height,
        slot: chain.view.tip().slot,
        header_hash: chain.view.tip().header_hash,
        state_root,
    };
    // Blocks on top, so that the snapshot's block is final on L1.
    chain.idle(100);
    let path = folder.path().join("snapshot");
    let timer = Timer::start();
    write_snapshot(&path, block, accounts.iter().copied().map(Ok))?;
    let (wall, _) = timer.stop();
    let size: u64 = std::fs::read_dir(&path)?
        .map(|file| Ok(file?.metadata()?.len()))
        .sum::<Result<u64, std::io::Error>>()?;
    println!("made in {:.1} s: {:.1} MB", wall.as_secs_f64(), size as f64 / 1e6);
    let chain = Arc::new(chain);
    let archive = BlobArchive::create(&folder.path().join("blobs"))?;
    let file = folder.path().join("follower.redb");
    let timer = Timer::start();
    let snapshot = Snapshot::read(&path)?;
    let (read, _) = timer.stop();
    let mut follower = open(&chain, &archive, &file)?.with_snapshot(snapshot)?;
    follower.catch_up().await?;
    assert_eq!((follower.awaits_snapshot(), follower.state_root()), (false, state_root));
    let (wall, cpu) = timer.stop();
    println!(
        "fresh start: {:.1} s, {:.1} s of processor time; of that {:.1} s to read and hash the snapshot",
        wall.as_secs_f64(),
        cpu.as_secs_f64(),
        read.as_secs_f64()
    );
    drop(follower);
    restart(&chain, &archive, &file).await
}

/// Wall time and time of the processor.
struct Timer(Instant, Duration);

impl Timer {
    fn start() -> Self {
        Self(Instant::now(), processor_time())
    }

    fn stop(&self) -> (Duration, Duration) {
        (self.0.elapsed(), processor_time().saturating_sub(self.1))
    }
}

/// What this process has used so far; zero where the system doesn't say.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 14 and 15, in hundredths of a second; the name before them may have spaces.
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

fn open(chain: &Arc<Chain>, archive: &BlobArchive, path: &Path) -> Result<Follower, Failure> {
    let provider = connect_transport(BoxTransport::new(Node(Arc::clone(chain))));
    let feed = Feed::from_block(provider.clone(), chain.clock, &chain.contracts, 1);
    let blobs = Arc::new(ArchivedBlobs::new(archive.clone(), Vec::new()));
    let view = RollupView::new(config());
    let follower = Follower::from_parts(provider, chain.clock, feed, view, ledger(), blobs);
    Ok(follower.with_store(FollowerStore::open(path)?)?)
}

fn rollup() -> RollupId {
    RollupId::new(ChainId::new(CHAIN_ID), Address::repeat_byte(2))
}

fn layout() -> Layout {
    Layout::new(8, 8, 512).expect("production's layout")
}

fn ledger() -> Ledger {
    Ledger::new(Domain::from(rollup()), layout(), FeeBurn::new(5_000).expect("a half"), Levels::PRODUCTION)
}

fn config() -> ViewConfig {
    ViewConfig {
        rollup: rollup(),
        parameters: samples::parameters(),
        scoring: Scoring::Public,
        genesis_slot: L1Slot::new(0),
        genesis_root: ledger().root(),
        escrow_withdrawal_delay: 4,
    }
}

/// Keys that cost an addition each.
fn many_accounts(count: u32) -> Vec<(AccountIndex, Account)> {
    let generator = ark_ed_on_bls12_381::EdwardsAffine::generator();
    let mut point = generator.into_group();
    let mut points = Vec::with_capacity(count as usize);
    for _ in 0..count {
        points.push(point);
        point += generator;
    }
    let points = ark_ed_on_bls12_381::EdwardsProjective::normalize_batch(&points);
    let mut random = StdRng::seed_from_u64(SEED);
    let account = |(number, point): (u32, ark_ed_on_bls12_381::EdwardsAffine)| {
        let key = PublicKey::new(point.x, point.y).expect("a point");
        let account = Account { key, balance: random.random(), nonce: random.random_range(0..1_000) };
        (AccountIndex::new(number), account)
    };
    (1..=count).zip(points).map(account).collect()
}

/// A made-up L1 with a rollup's history.
struct Chain {
    contracts: Contracts,
    clock: L1Clock,
    blocks: Vec<(L1Header, B256, Vec<Log>)>,
    /// The rollup as of the newest block.
    view: RollupView,
    state: MemoryStore,
    random: StdRng,
    accounts: u32,
}

impl Chain {
    /// A chain whose first block has a deposit to each account.
    fn new(accounts: u32) -> Self {
        let other = Address::repeat_byte;
        let contracts = Contracts {
            token: other(1),
            rollup: other(2),
            staking: other(3),
            randomness: other(4),
            escrow: other(5),
            rewards: other(6),
            bridge: other(7),
            verifier: other(8),
            scoring: other(9),
            reader: other(10),
            votes: other(11),
            timelock: other(12),
            guardian: other(13),
            registry: other(14),
        };
        let mut chain = Self {
            contracts,
            clock: L1Clock::new(GENESIS, 12).expect("12 seconds"),
            blocks: Vec::new(),
            view: RollupView::new(config()),
            state: MemoryStore::default(),
            random: StdRng::seed_from_u64(SEED),
            accounts,
        };
        chain.push(L1Slot::new(0), Vec::new());
        let mut before = B256::ZERO;
        let deposits = (1..=accounts).map(|index| {
            let key = SecretKey::from_seed(&index.to_be_bytes()).public_key().to_bytes();
            let (key_x, key_y) = (U256::from_be_slice(&key[..32]), U256::from_be_slice(&key[32..]));
            let amount = 1_000_000_000;
            before = L1Operation::Deposit(Deposit { index, amount, key_x, key_y }).chain(before);
            let event = IBridge::Deposited {
                number: u64::from(index) - 1,
                index,
                owner: Address::repeat_byte(20),
                from: Address::repeat_byte(20),
                keyX: key_x,
                keyY: key_y,
                amount,
                chain: before,
                l1Slot: 1,
            };
            (other(7), event.encode_log_data())
        });
        let deposits = deposits.collect();
        chain.push(L1Slot::new(1), deposits);
        chain
    }

    fn root(&self) -> B256 {
        self.view.tip().state_root
    }

    /// Makes an L1 block.
    fn push(&mut self, l1_slot: L1Slot, events: Vec<(Address, LogData)>) {
        let parent_hash = self.blocks.last().map(|(_, hash, _)| *hash).unwrap_or_default();
        let number = self.blocks.len() as u64;
        let mut logs_bloom = Bloom::ZERO;
        let bodies: Vec<LogBody> =
            events.into_iter().map(|(address, data)| LogBody { address, data }).collect();
        bodies.iter().for_each(|body| logs_bloom.accrue_log(body));
        let header = L1Header {
            number,
            parent_hash,
            timestamp: GENESIS + 12 * l1_slot.get(),
            mix_hash: keccak256(number.to_be_bytes()),
            logs_bloom,
            base_fee_per_gas: Some(7),
            ..L1Header::default()
        };
        let hash = header.hash_slow();
        let log = |(index, inner): (usize, LogBody)| Log {
            inner,
            block_hash: Some(hash),
            block_number: Some(number),
            transaction_hash: Some(hash),
            transaction_index: Some(0),
            log_index: Some(index as u64),
            ..Log::default()
        };
        let logs: Vec<Log> = bodies.into_iter().enumerate().map(log).collect();
        let events = logs.iter().map(|log| {
            let log_index = log.log_index.unwrap_or_default();
            let event = decode_event(log, &self.contracts, number, log_index).expect("an event");
            LoggedEvent { event, tx: hash, log_index }
        });
        let block = L1Block { number, hash, l1_slot, header: header.clone(), events: events.collect() };
        if number > 0 {
            self.view.apply_settled(&block).expect("the next block");
        }
        self.blocks.push((header, hash, logs));
    }

    /// The next L1 slot in which a block can be finalized in backup.
    fn backup(&self) -> L1Slot {
        let head = self.view.head().expect("a block").l1_slot;
        let mut at = head.plus(1);
        while self.view.slot(at).phase != Phase::Backup {
            at = self.view.slot(at).phase_end;
        }
        at
    }

    fn header(&self, at: L1Slot) -> Header {
        let chain = |lane| match self.view.queue_chain(lane, self.view.queue(lane).len() as u64) {
            Some(chain) if self.view.tip().consumed(lane) < self.view.queue(lane).len() as u64 => chain,
            _ => B256::ZERO,
        };
        Header {
            parent: self.view.tip().header_hash,
            deposits_end: self.view.queue(Lane::Deposits).len() as u64,
            deposits_chain: chain(Lane::Deposits),
            exits_end: 0,
            exits_chain: B256::ZERO,
            fee_recipient: 1,
            ..samples::header(self.view.slot(at).slot)
        }
    }

    /// A block of transfers, and of all deposits that wait.
    fn finalize(&mut self, transfers: usize, archive: &BlobArchive) -> Result<(), Failure> {
        let first = self.view.tip().height == 0;
        if first {
            self.block(Vec::new(), archive)?;
        }
        let slots = (0..transfers).map(|_| {
            let (from, to) =
                (self.random.random_range(1..=self.accounts), self.random.random_range(1..=self.accounts));
            Content::Transfer { from: AccountIndex::new(from), to: AccountIndex::new(to), amount: 1, fee: 1 }
        });
        let slots = slots.collect();
        self.block(slots, archive)
    }

    fn block(&mut self, mut contents: Vec<Content>, archive: &BlobArchive) -> Result<(), Failure> {
        let at = self.backup();
        let mut header = self.header(at);
        let consumed = usize::try_from(self.view.tip().deposits_end)?;
        let queued = &self.view.queue(Lane::Deposits)[consumed..];
        let lanes: Lanes = queued
            .iter()
            .map(|record| QueuedOperation::try_from(record.operation))
            .collect::<Result<_, _>>()?;
        contents.extend(
            lanes.deposits.iter().map(|deposit| Content::Deposit { to: deposit.to, amount: deposit.amount }),
        );
        let elements: Vec<_> = contents.iter().map(Content::pack).collect();
        let chunks: Vec<Vec<_>> = elements
            .chunks(layout().operations())
            .map(|chunk| {
                let mut chunk = chunk.to_vec();
                chunk.resize(layout().operations(), Content::Padding.pack());
                chunk
            })
            .collect();
        let blobs = blob::encode(&layout(), &chunks);
        header.chunks = chunks.len() as u32;
        let mut state = State::without_openings(&self.state, Levels::PRODUCTION);
        replay(&mut state, ledger().rules(&header), chunks.len(), &blobs, &lanes, Signatures::Proven)?;
        state.rehash();
        header.state_root = B256::new(field::to_bytes(&state.root()));
        let changes = state.into_changes();
        self.state.commit(changes);
        // The own archive is read without computing KZG hashes, so any name does.
        header.blob_hashes = blobs.iter().map(|blob| keccak256(blob.as_bytes())).collect();
        let number = self.blocks.len() as u64;
        let location = BlobLocation { number, hash: B256::ZERO, l1_slot: at };
        for (hash, blob) in header.blob_hashes.iter().zip(&blobs) {
            archive.put(location, *hash, &(*blob.as_bytes()).into())?;
        }
        self.show(at, header);
        Ok(())
    }

    /// A block without data that leads to a state from elsewhere.
    fn finalize_as(&mut self, state_root: B256) {
        let at = self.backup();
        let header = Header { state_root, ..self.header(at) };
        self.show(at, header);
    }

    fn show(&mut self, at: L1Slot, header: Header) {
        let (slot, hash) = (header.slot.get(), header.hash());
        let finalized = IRollup::Finalized {
            slot,
            headerHash: hash,
            payee: Address::repeat_byte(9),
            outcome: fernet_bindings::Outcome::Backup,
            stateRoot: header.state_root,
            depositsEnd: header.deposits_end,
            l1Slot: at.get(),
        };
        let shown = IRollup::BackupBlock { slot, headerHash: hash, header: header.into() };
        let rollup = Address::repeat_byte(2);
        self.push(at, vec![(rollup, shown.encode_log_data()), (rollup, finalized.encode_log_data())]);
    }

    /// L1 blocks without events.
    fn idle(&mut self, blocks: u64) {
        for _ in 0..blocks {
            let next = self.view.head().expect("a block").l1_slot.plus(1);
            self.push(next, Vec::new());
        }
    }

    fn answer(&self, method: &str, params: &Value) -> Value {
        let number = |value: &Value| {
            let text = value.as_str().unwrap_or_default();
            let last = self.blocks.len() as u64 - 1;
            match text.strip_prefix("0x") {
                Some(hex) => u64::from_str_radix(hex, 16).ok(),
                // Two epochs behind, as on mainnet.
                None if text == "finalized" => Some(last.saturating_sub(64)),
                None => Some(last),
            }
        };
        match method {
            "eth_getBlockByNumber" => {
                let found =
                    number(&params[0]).and_then(|number| self.blocks.get(usize::try_from(number).ok()?));
                let Some((header, hash, _)) = found else { return Value::Null };
                let header =
                    RpcHeader { hash: *hash, inner: header.clone(), total_difficulty: None, size: None };
                json!(Block::<B256>::empty(header))
            }
            "eth_getLogs" => {
                let by_hash =
                    params[0]["blockHash"].as_str().map(|hash| hash.parse::<B256>().expect("a hash"));
                let (from, to) = (&params[0]["fromBlock"], &params[0]["toBlock"]);
                let blocks = match by_hash {
                    Some(wanted) => {
                        let at = self.blocks.iter().rposition(|(_, hash, _)| *hash == wanted);
                        at.map_or(&[][..], |at| &self.blocks[at..=at])
                    }
                    None => {
                        let from = number(from).unwrap_or_default() as usize;
                        let to = number(to).unwrap_or_default() as usize;
                        &self.blocks[from..=to.min(self.blocks.len() - 1)]
                    }
                };
                json!(blocks.iter().flat_map(|(.., logs)| logs).collect::<Vec<_>>())
            }
            other => panic!("{other} is not part of this L1"),
        }
    }
}

/// JSON-RPC of the chain.
#[derive(Clone)]
struct Node(Arc<Chain>);

impl Node {
    fn answer(&self, request: &SerializedRequest) -> Response {
        let params = request.params().map_or("[]", RawValue::get);
        let result = self.0.answer(request.method(), &serde_json::from_str(params).expect("parameters"));
        let result = serde_json::value::to_raw_value(&result).expect("JSON");
        Response { id: request.id().clone(), payload: ResponsePayload::Success(result) }
    }
}

impl Service<RequestPacket> for Node {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let node = self.clone();
        Box::pin(async move {
            Ok(match packet {
                RequestPacket::Single(request) => ResponsePacket::Single(node.answer(&request)),
                RequestPacket::Batch(requests) => {
                    ResponsePacket::Batch(requests.iter().map(|request| node.answer(request)).collect())
                }
            })
        })
    }
}
