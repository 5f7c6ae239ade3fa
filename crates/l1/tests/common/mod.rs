//! One test suite, two L1s: the embedded one and anvil, both mined by hand, and both behind a transport that
//! can lose transactions.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test crate uses a part of this")]

pub mod code;
pub mod transport;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::{BlockNumberOrTag, eip2718::Encodable2718, eip4844::Blob},
    network::TxSignerSync,
    primitives::{Address, B256, Bytes, TxKind, U256},
    providers::Provider,
    signers::local::PrivateKeySigner,
    sol_types::SolEvent as _,
    transports::{BoxTransport, http::Http},
};
use fernet_bindings::IRollup;
use fernet_embedded::{ChainConfig, Clock, HttpServer, Node, NodeConfig, Reorg};
use fernet_l1::{
    Accounts, Contracts, Intent, IntentKey, L1Block, L1Provider, TxConfig, TxManager, TxStatus, TxStore,
    WhenReverting, connect_transport,
};
use fernet_protocol::{L1Clock, L1Slot};
use transport::{Faults, Faulty};

/// Timestamp of the first block, which is the clock's slot 0.
pub const GENESIS: u64 = 1_767_225_600;
pub const SLOT_SECONDS: u64 = 12;
pub const CHAIN_ID: u64 = 31337;

/// Keys of the well-known development accounts ("test test … junk"), which both L1s fund.
const KEYS: [&str; 4] = [
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
];

/// A development account.
pub fn signer(index: usize) -> PrivateKeySigner {
    KEYS[index].parse().unwrap()
}

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Embedded,
    Anvil,
}

enum Backend {
    Embedded { node: Node, _server: HttpServer },
    Anvil { _process: Process, next: u64 },
}

/// Ends with the test, however that ends.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An L1 whose blocks are mined by hand.
pub struct TestL1 {
    backend: Backend,
    pub provider: L1Provider,
    pub faults: Faults,
    pub clock: L1Clock,
    /// HTTP endpoint, of the beacon API too.
    pub url: url::Url,
}

impl TestL1 {
    pub async fn start(kind: Kind) -> Self {
        let faults = Faults::default();
        let (backend, transport, url): (_, BoxTransport, String) = match kind {
            Kind::Embedded => {
                let node = Node::start(NodeConfig {
                    chain: ChainConfig { genesis_timestamp: GENESIS, ..ChainConfig::dev() },
                    clock: Clock::Manual,
                    ..NodeConfig::default()
                })
                .unwrap();
                let server = node.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
                let url = server.url().to_string();
                let transport = BoxTransport::new(Faulty::new(node.transport(), faults.clone()));
                (Backend::Embedded { node, _server: server }, transport, url)
            }
            Kind::Anvil => {
                let (process, url) = start_anvil();
                let transport = Http::new(url.parse().unwrap());
                let transport = BoxTransport::new(Faulty::new(transport, faults.clone()));
                (Backend::Anvil { _process: process, next: GENESIS }, transport, url)
            }
        };
        let provider = connect_transport(transport);
        let clock = L1Clock::new(GENESIS, SLOT_SECONDS).unwrap();
        Self { backend, provider, faults, clock, url: url.parse().unwrap() }
    }

    /// Mines the block of the next L1 slot.
    pub async fn mine(&mut self) -> L1Block {
        match &mut self.backend {
            Backend::Embedded { node, .. } => {
                node.mine_slot();
            }
            Backend::Anvil { next, .. } => {
                *next += SLOT_SECONDS;
                let time = format!("{next:#x}");
                let _: serde_json::Value =
                    self.provider.raw_request("evm_mine".into(), (time,)).await.unwrap();
            }
        }
        self.head().await
    }

    /// Lets L1 slots pass without a block.
    pub async fn skip(&mut self, slots: u64) {
        match &mut self.backend {
            Backend::Embedded { node, .. } => node.skip_slots(slots).unwrap(),
            Backend::Anvil { next, .. } => *next += slots * SLOT_SECONDS,
        }
    }

    /// Takes a transaction out of the pool.
    pub async fn drop_transaction(&mut self, hash: B256) {
        match &mut self.backend {
            Backend::Embedded { node, .. } => node.drop_tx(hash).unwrap(),
            Backend::Anvil { .. } => {
                let _: serde_json::Value =
                    self.provider.raw_request("anvil_dropTransaction".into(), (hash,)).await.unwrap();
            }
        }
    }

    /// Replaces the newest `depth` blocks by empty ones in the same L1 slots; their transactions are
    /// forgotten.
    pub async fn reorg(&mut self, depth: u64) -> L1Block {
        match &mut self.backend {
            Backend::Embedded { node, .. } => {
                node.reorg(Reorg { depth, drop_transactions: true, refill: true }).unwrap();
            }
            Backend::Anvil { next, .. } => {
                let empty: [(); 0] = [];
                let _: serde_json::Value =
                    self.provider.raw_request("anvil_reorg".into(), (depth, empty)).await.unwrap();
                let head =
                    self.provider.get_block_by_number(BlockNumberOrTag::Latest).await.unwrap().unwrap();
                *next = head.header.timestamp;
            }
        }
        self.head().await
    }

    /// The newest block, without events.
    pub async fn head(&self) -> L1Block {
        let block = self.provider.get_block_by_number(BlockNumberOrTag::Latest).await.unwrap().unwrap();
        L1Block {
            number: block.header.number,
            hash: block.header.hash,
            l1_slot: self.clock.slot_at(block.header.timestamp).unwrap(),
            header: block.header.inner,
            events: Vec::new(),
        }
    }

    /// Sends a transaction past any manager and mines it.
    pub async fn send(&mut self, from: usize, to: TxKind, input: Bytes) -> B256 {
        let hash = self.pool(from, to, input).await;
        self.mine().await;
        let receipt = self.provider.get_transaction_receipt(hash).await.unwrap().unwrap();
        assert!(receipt.status(), "a test's own transaction reverted");
        hash
    }

    /// Sends a transaction past any manager.
    pub async fn pool(&mut self, from: usize, to: TxKind, input: Bytes) -> B256 {
        let signer = signer(from);
        let nonce = self.provider.get_transaction_count(signer.address()).await.unwrap();
        let mut tx = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce,
            gas_limit: 1_000_000,
            max_fee_per_gas: 100_000_000_000,
            max_priority_fee_per_gas: 1_000_000_000,
            to,
            value: U256::ZERO,
            access_list: Default::default(),
            input,
        };
        let signature = signer.sign_transaction_sync(&mut tx).unwrap();
        let raw = TxEnvelope::from(tx.into_signed(signature)).encoded_2718();
        *self.provider.send_raw_transaction(&raw).await.unwrap().tx_hash()
    }

    /// Deploys code and returns its address.
    pub async fn deploy(&mut self, runtime: &[u8]) -> Address {
        let hash = self.send(3, TxKind::Create, code::deploying(runtime)).await;
        let receipt = self.provider.get_transaction_receipt(hash).await.unwrap().unwrap();
        receipt.contract_address.unwrap()
    }

    pub fn config(&self) -> TxConfig {
        TxConfig::new(CHAIN_ID, self.clock)
    }

    /// A manager with one account, in memory.
    pub fn manager(&self) -> TxManager {
        self.manager_in(TxStore::in_memory().unwrap())
    }

    pub fn manager_in(&self, store: TxStore) -> TxManager {
        self.manager_of(Accounts::new(signer(0)), store)
    }

    pub fn manager_of(&self, accounts: Accounts, store: TxStore) -> TxManager {
        TxManager::open(self.provider.clone(), accounts, store, self.config()).unwrap()
    }
}

/// The anvil of `npm ci`, on a port that it picks itself.
fn start_anvil() -> (Process, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let native = root.join("node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
    let program = if native.exists() { native } else { root.join("node_modules/.bin/anvil") };
    let child = Command::new(&program)
        .args(["--host", "127.0.0.1", "--port", "0", "--no-mining", "--timestamp"])
        .arg(GENESIS.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}; run `npm ci`", program.display()));
    let mut process = Process(child);
    let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
    let address = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned))
        .expect("anvil says where it listens");
    // keeps the pipe from filling up
    std::thread::spawn(move || lines.for_each(drop));
    (process, format!("http://{address}"))
}

/// Addresses of made-up contracts beside a rollup.
pub fn contracts(rollup: Address) -> Contracts {
    let other = Address::repeat_byte;
    Contracts {
        token: other(1),
        rollup,
        staking: other(2),
        randomness: other(3),
        escrow: other(4),
        rewards: other(5),
        bridge: other(6),
        verifier: other(7),
        scoring: other(8),
        reader: other(9),
        votes: other(10),
        timelock: other(11),
        guardian: other(12),
        registry: other(13),
    }
}

/// Calldata with which the logging contract emits `SlotExpired(slot)`.
pub fn expired(slot: u64) -> Bytes {
    [IRollup::SlotExpired::SIGNATURE_HASH.0, U256::from(slot).to_be_bytes()].concat().into()
}

/// Loads the trusted set-up once, so that no test's first blob waits for it.
pub fn warm_up_kzg() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        alloy::eips::eip4844::env_settings::EnvKzgSettings::Default.get();
    });
}

/// A blob that holds one small number.
pub fn blob(byte: u8) -> Blob {
    let mut blob = Blob::ZERO;
    blob[31] = byte;
    blob
}

pub fn key(name: &str) -> IntentKey {
    IntentKey::new(name).unwrap()
}

/// An intent without calldata that may land at any time.
pub fn intent(name: &str, to: Address) -> Intent {
    Intent {
        key: key(name),
        to,
        calldata: Bytes::new(),
        value: U256::ZERO,
        blobs: None,
        not_before: L1Slot::new(0),
        expires_at: L1Slot::new(1_000),
        max_total_fee: U256::from(10).pow(U256::from(18)),
        at_stake: U256::ZERO,
        gas_limit: None,
        when_reverting: WhenReverting::GiveUp,
    }
}

#[track_caller]
pub fn assert_mined(manager: &TxManager, name: &str) -> fernet_l1::TxOutcome {
    match manager.status(&key(name)) {
        Some(TxStatus::Mined(outcome)) => outcome,
        other => panic!("expected {name} to be mined, it is {other:?}"),
    }
}

#[track_caller]
pub fn assert_sent(manager: &TxManager, name: &str) -> (B256, u64, usize) {
    match manager.status(&key(name)) {
        Some(TxStatus::Pending(fernet_l1::PendingStage::Sent { hash, nonce, attempts })) => {
            (hash, nonce, attempts)
        }
        other => panic!("expected {name} to be sent, it is {other:?}"),
    }
}

/// Runs every listed test on both L1s.
#[macro_export]
macro_rules! on_both_l1s {
    ($($test:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test($crate::common::TestL1::start($crate::common::Kind::Embedded).await).await;
            })*
        }
        mod anvil {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test($crate::common::TestL1::start($crate::common::Kind::Anvil).await).await;
            })*
        }
    };
}
