//! A real chain with real blobs, whose "contracts" log what they are told to, and a follower of it.
#![allow(dead_code)] // each test file uses a part

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::{eip2718::Encodable2718, eip4844::Blob},
    network::TxSignerSync,
    primitives::{Address, B256, Bytes, TxKind, U256, address},
    providers::Provider,
    signers::local::PrivateKeySigner,
    sol_types::SolEvent,
    transports::BoxTransport,
};
use fernet_bindings::{IBridge, IRollup};
use fernet_embedded::{ChainConfig, Clock, Node, NodeConfig};
use fernet_follower::{Follower, Ledger, LedgerStatus, RollupView, ViewConfig, queued_operation};
use fernet_l1::{
    Accounts, BlobError, BlobFuture, BlobLocation, BlobSidecar, BlobSource, Contracts, Feed, Intent,
    IntentKey, L1Block, L1Provider, Scoring, SidecarFormat, TxConfig, TxManager, TxStore, WhenReverting,
    arrange, connect_transport,
};
use fernet_ledger::{
    AccountIndex, Domain, FeeBurn, Lanes, Layout, Levels, Operation, SecretKey, SignedOperation, Transfer,
    block::build,
};
use fernet_protocol::{
    ChainId, Deposit, Exit, Header, L1Clock, L1Operation, L1Slot, Lane, Parameters, Phase, RollupId, samples,
};

pub(crate) const GENESIS: u64 = 1_767_225_600;
pub(crate) const CHAIN_ID: u64 = 31337;
pub(crate) const ROLLUP: Address = address!("0x00000000000000000000000000000000000f0001");
pub(crate) const BRIDGE: Address = address!("0x00000000000000000000000000000000000f0002");
pub(crate) const KEYS: [&str; 3] = [
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
];

/// Logs the data after the first four words of calldata under those words as topics; three if the fourth is
/// zero.
pub(crate) const LOGGER: &[u8] = &[
    0x60, 0x80, 0x36, 0x03, 0x80, 0x60, 0x80, 0x5f, 0x37, // copy what follows the topics
    0x60, 0x60, 0x35, 0x80, 0x60, 0x1d, 0x57, // fourth topic?
    0x50, 0x60, 0x40, 0x35, 0x60, 0x20, 0x35, 0x5f, 0x35, 0x83, 0x5f, 0xa3, 0x00, // LOG3
    0x5b, 0x60, 0x40, 0x35, 0x60, 0x20, 0x35, 0x5f, 0x35, 0x84, 0x5f, 0xa4, 0x00, // LOG4
];

pub(crate) fn emitting(event: &impl SolEvent) -> Bytes {
    let log = event.encode_log_data();
    let mut calldata: Vec<u8> = log.topics().iter().flat_map(|topic| topic.0).collect();
    calldata.resize(128, 0);
    calldata.extend_from_slice(&log.data);
    calldata.into()
}

pub(crate) fn parameters() -> Parameters {
    Parameters { proving_phase: 6, exclusive_proving: 4, max_deposits: 4, ..samples::parameters() }
}

pub(crate) fn ledger() -> Ledger {
    let domain = Domain::from(RollupId::new(ChainId::new(CHAIN_ID), ROLLUP));
    let burn = FeeBurn::new(5_000).unwrap();
    Ledger::new(domain, Layout::new(8, 8, 512).unwrap(), burn, Levels::PRODUCTION)
}

/// The chain's own blobs, when it feels like it.
pub(crate) struct Blobs {
    pub(crate) node: Node,
    pub(crate) away: AtomicBool,
}

impl BlobSource for Blobs {
    fn blobs<'a>(&'a self, at: BlobLocation, hashes: &'a [B256]) -> BlobFuture<'a> {
        Box::pin(async move {
            if self.away.load(Ordering::SeqCst) {
                return Err(BlobError::Unreachable("away".to_owned()));
            }
            let given = hashes.iter().filter_map(|hash| {
                self.node.read(|chain| chain.blob(*hash).and_then(|stored| stored.blob().copied()))
            });
            arrange(given.collect(), at, hashes)
        })
    }
}

/// A follower from the first block on.
pub(crate) fn new_follower(provider: &L1Provider, clock: L1Clock, blobs: Arc<Blobs>) -> Follower {
    follower_from(provider, clock, blobs, ledger().root())
}

/// A follower of a deployment that starts from another state root.
pub(crate) fn follower_of(world: &World, genesis_root: B256) -> Follower {
    follower_from(&world.provider, world.clock, Arc::clone(&world.blobs), genesis_root)
}

fn follower_from(provider: &L1Provider, clock: L1Clock, blobs: Arc<Blobs>, genesis_root: B256) -> Follower {
    let other = Address::repeat_byte;
    let contracts = Contracts {
        token: other(1),
        rollup: ROLLUP,
        staking: other(2),
        randomness: other(3),
        escrow: other(4),
        rewards: other(5),
        bridge: BRIDGE,
        verifier: other(6),
        scoring: other(7),
        reader: other(8),
        votes: other(9),
        timelock: other(10),
        guardian: other(11),
        registry: other(12),
    };
    let feed = Feed::from_block(provider.clone(), clock, &contracts, 1);
    let view = RollupView::new(ViewConfig {
        rollup: RollupId::new(ChainId::new(CHAIN_ID), ROLLUP),
        parameters: parameters(),
        scoring: Scoring::Public,
        genesis_slot: L1Slot::new(0),
        genesis_root,
        escrow_withdrawal_delay: 4,
    });
    Follower::from_parts(provider.clone(), clock, feed, view, ledger(), blobs)
}

pub(crate) struct World {
    pub(crate) node: Node,
    pub(crate) provider: L1Provider,
    pub(crate) blobs: Arc<Blobs>,
    pub(crate) clock: L1Clock,
    pub(crate) reveals: TxManager,
    pub(crate) follower: Follower,
}

impl World {
    /// Another follower of the same chain.
    pub(crate) fn another_follower(&self) -> Follower {
        new_follower(&self.provider, self.clock, Arc::clone(&self.blobs))
    }

    pub(crate) async fn new() -> Self {
        let contracts = vec![(ROLLUP, LOGGER.into()), (BRIDGE, LOGGER.into())];
        let chain = ChainConfig { genesis_timestamp: GENESIS, contracts, ..ChainConfig::dev() };
        let node = Node::start(NodeConfig { chain, clock: Clock::Manual, ..NodeConfig::default() }).unwrap();
        let provider = connect_transport(BoxTransport::new(node.transport()));
        let clock = L1Clock::new(GENESIS, 12).unwrap();
        let blobs = Arc::new(Blobs { node: node.clone(), away: AtomicBool::new(false) });
        let config = TxConfig { least_tip: 2_000_000_000, ..TxConfig::new(CHAIN_ID, clock) };
        let accounts = Accounts::new(KEYS[1].parse::<PrivateKeySigner>().unwrap());
        let store = TxStore::in_memory().unwrap();
        let reveals = TxManager::open(provider.clone(), accounts, store, config).unwrap();
        let follower = new_follower(&provider, clock, blobs.clone()).keeping_replayed();
        Self { node, provider, blobs, clock, reveals, follower }
    }

    pub(crate) fn now(&self) -> u64 {
        self.node.head().slot
    }

    /// Makes a contract say something in the next block.
    pub(crate) async fn say(&mut self, contract: Address, event: &impl SolEvent) {
        let signer: PrivateKeySigner = KEYS[0].parse().unwrap();
        let nonce = self.provider.get_transaction_count(signer.address()).await.unwrap();
        let mut tx = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce,
            gas_limit: 200_000,
            max_fee_per_gas: 100_000_000_000,
            // after the transactions of `reveals`
            max_priority_fee_per_gas: 1_000_000_000,
            to: TxKind::Call(contract),
            value: U256::ZERO,
            access_list: Default::default(),
            input: emitting(event),
        };
        let signature = signer.sign_transaction_sync(&mut tx).unwrap();
        let raw = TxEnvelope::from(tx.into_signed(signature)).encoded_2718();
        let _pending = self.provider.send_raw_transaction(&raw).await.unwrap();
    }

    pub(crate) fn head(&self) -> L1Block {
        self.node.read(|chain| {
            let block = chain.head();
            L1Block {
                number: block.header.number,
                hash: block.hash,
                l1_slot: self.clock.slot_at(block.header.timestamp).unwrap(),
                header: block.header.clone(),
                events: Vec::new(),
            }
        })
    }

    pub(crate) async fn deposit(&mut self, key: &SecretKey, index: u32, amount: u64) {
        self.node.mine_slot();
        self.follower.poll().await.unwrap();
        let coordinate = |bytes: &[u8]| U256::from_be_slice(bytes);
        let bytes = key.public_key().to_bytes();
        let (key_x, key_y) = (coordinate(&bytes[..32]), coordinate(&bytes[32..]));
        let number = self.follower.view().queue(Lane::Deposits).len() as u64;
        let before = self.follower.view().queue_chain(Lane::Deposits, number).unwrap();
        let event = IBridge::Deposited {
            number,
            index,
            owner: Address::repeat_byte(8),
            from: Address::repeat_byte(9),
            keyX: key_x,
            keyY: key_y,
            amount,
            chain: L1Operation::Deposit(Deposit { index, amount, key_x, key_y }).chain(before),
            l1Slot: self.now() + 1,
        };
        self.say(BRIDGE, &event).await;
        self.node.mine_slot();
        self.follower.poll().await.unwrap();
    }

    pub(crate) async fn force_exit(&mut self, index: u32, to: Address) {
        let number = self.follower.view().queue(Lane::Exits).len() as u64;
        let before = self.follower.view().queue_chain(Lane::Exits, number).unwrap();
        let event = IBridge::ExitForced {
            number,
            index,
            owner: Address::repeat_byte(8),
            to,
            chain: L1Operation::Exit(Exit { index, to }).chain(before),
            l1Slot: self.now() + 1,
        };
        self.say(BRIDGE, &event).await;
        self.node.mine_slot();
        self.follower.poll().await.unwrap();
    }

    /// Finalizes a block in backup with these operations; its header may be falsified.
    pub(crate) async fn finalize(
        &mut self,
        operations: &[SignedOperation],
        falsify: impl FnOnce(&mut Header),
    ) -> Header {
        while self.follower.view().slot(L1Slot::new(self.now() + 1)).phase != Phase::Backup {
            self.node.mine_slot();
        }
        self.follower.poll().await.unwrap();
        let view = self.follower.view();
        let records = |lane| view.queue_in(lane, view.queue_available(lane)).unwrap();
        let lanes: Lanes =
            Lane::ALL.into_iter().flat_map(records).map(|record| queued_operation(record).unwrap()).collect();
        let chain = |lane| match view.queue_available(lane) {
            range if range.count() == 0 => B256::ZERO,
            range => view.queue_chain(lane, range.to).unwrap(),
        };
        let slot = view.slot(L1Slot::new(self.now() + 1)).slot;
        let mut header = Header {
            parent: view.tip().header_hash,
            deposits_end: view.queue_available(Lane::Deposits).to,
            deposits_chain: chain(Lane::Deposits),
            exits_end: view.queue_available(Lane::Exits).to,
            exits_chain: chain(Lane::Exits),
            fee_recipient: 1,
            ..samples::header(slot)
        };
        let ledger = self.follower.ledger_at_tip().unwrap();
        let mut state = ledger.state();
        let built = build(&mut state, ledger.rules(&header), 4, &lanes, operations).unwrap();
        assert_eq!(built.skipped, []);
        let block = built.block;
        header.chunks = block.chunks.len() as u32;
        header.state_root = B256::new(fernet_ledger::field::to_bytes(&block.state_root()));
        let blobs = block.blobs().iter().map(|blob| Blob::from(*blob.as_bytes())).collect();
        let blobs = BlobSidecar::build(blobs, SidecarFormat::Eip7594).unwrap();
        header.blob_hashes = blobs.versioned_hashes();
        falsify(&mut header);
        let hash = header.hash();
        let shown =
            IRollup::BackupBlock { slot: slot.get(), headerHash: hash, header: header.clone().into() };
        self.reveals.tick(&self.head()).await.unwrap();
        self.reveals
            .submit(Intent {
                key: IntentKey::new(format!("{hash}")).unwrap(),
                to: ROLLUP,
                calldata: emitting(&shown),
                value: U256::ZERO,
                blobs: Some(blobs),
                not_before: L1Slot::new(0),
                expires_at: L1Slot::new(1_000),
                max_total_fee: U256::MAX,
                at_stake: U256::ZERO,
                gas_limit: None,
                when_reverting: WhenReverting::GiveUp,
            })
            .await
            .unwrap();
        let finalized = IRollup::Finalized {
            slot: slot.get(),
            headerHash: hash,
            payee: Address::repeat_byte(9),
            outcome: fernet_bindings::Outcome::Backup,
            stateRoot: header.state_root,
            depositsEnd: header.deposits_end,
            l1Slot: self.now() + 1,
        };
        self.say(ROLLUP, &finalized).await;
        self.node.mine_slot();
        header
    }
}

pub(crate) fn transfer(secret: &SecretKey, from: u32, to: u32, amount: u64, nonce: u32) -> SignedOperation {
    // half of the fee is burned
    let transfer =
        Transfer { from: AccountIndex::new(from), to: AccountIndex::new(to), amount, fee: 2, nonce };
    Operation::from(transfer).sign(ledger().domain(), secret)
}

pub(crate) fn balances(follower: &Follower) -> Vec<u64> {
    let state = follower.ledger().state();
    (1..=2)
        .map(|index| {
            fernet_ledger::Store::account(&state, AccountIndex::new(index))
                .map_or(0, |account| account.balance)
        })
        .collect()
}

pub(crate) fn is_at_tip(follower: &mut Follower) -> bool {
    matches!(follower.ledger_status(), LedgerStatus::AtTip)
}
