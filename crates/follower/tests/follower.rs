//! The follower on a real chain with real blobs, whose "contracts" log what they are told to: what becomes of
//! data that is late, wrong, or undone by a reorg.

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
use fernet_embedded::{ChainConfig, Clock, Node, NodeConfig, Reorg};
use fernet_follower::{
    Follower, FollowerError, Ledger, LedgerStatus, ReplayFailure, RollupView, ViewConfig, queued_operation,
};
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
    ChainId, Deposit, Exit, Header, L1Clock, L1Operation, L1Slot, Lane, Parameters, Phase, RollupId, Slot,
    samples,
};

const GENESIS: u64 = 1_767_225_600;
const CHAIN_ID: u64 = 31337;
const ROLLUP: Address = address!("0x00000000000000000000000000000000000f0001");
const BRIDGE: Address = address!("0x00000000000000000000000000000000000f0002");
const KEYS: [&str; 3] = [
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
];

/// Logs the data after the first four words of calldata under those words as topics; three if the fourth is
/// zero.
const LOGGER: &[u8] = &[
    0x60, 0x80, 0x36, 0x03, 0x80, 0x60, 0x80, 0x5f, 0x37, // copy what follows the topics
    0x60, 0x60, 0x35, 0x80, 0x60, 0x1d, 0x57, // fourth topic?
    0x50, 0x60, 0x40, 0x35, 0x60, 0x20, 0x35, 0x5f, 0x35, 0x83, 0x5f, 0xa3, 0x00, // LOG3
    0x5b, 0x60, 0x40, 0x35, 0x60, 0x20, 0x35, 0x5f, 0x35, 0x84, 0x5f, 0xa4, 0x00, // LOG4
];

fn emitting(event: &impl SolEvent) -> Bytes {
    let log = event.encode_log_data();
    let mut calldata: Vec<u8> = log.topics().iter().flat_map(|topic| topic.0).collect();
    calldata.resize(128, 0);
    calldata.extend_from_slice(&log.data);
    calldata.into()
}

fn parameters() -> Parameters {
    Parameters { proving_phase: 6, exclusive_proving: 4, max_deposits: 4, ..samples::parameters() }
}

fn ledger() -> Ledger {
    let domain = Domain::from(RollupId::new(ChainId::new(CHAIN_ID), ROLLUP));
    let burn = FeeBurn::new(5_000).unwrap();
    Ledger::new(domain, Layout::new(8, 8, 512).unwrap(), burn, Levels::PRODUCTION)
}

/// The chain's own blobs, when it feels like it.
struct Blobs {
    node: Node,
    away: AtomicBool,
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

struct World {
    node: Node,
    provider: L1Provider,
    blobs: Arc<Blobs>,
    clock: L1Clock,
    reveals: TxManager,
    follower: Follower,
}

impl World {
    async fn new() -> Self {
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
            genesis_root: ledger().root(),
            escrow_withdrawal_delay: 4,
        });
        let follower = Follower::from_parts(provider.clone(), clock, feed, view, ledger(), blobs.clone());
        let follower = follower.keeping_replayed();
        Self { node, provider, blobs, clock, reveals, follower }
    }

    fn now(&self) -> u64 {
        self.node.head().slot
    }

    /// Makes a contract say something in the next block.
    async fn say(&mut self, contract: Address, event: &impl SolEvent) {
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

    fn head(&self) -> L1Block {
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

    async fn deposit(&mut self, key: &SecretKey, index: u32, amount: u64) {
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

    async fn force_exit(&mut self, index: u32, to: Address) {
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
    async fn finalize(
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

fn transfer(secret: &SecretKey, from: u32, to: u32, amount: u64, nonce: u32) -> SignedOperation {
    // half of the fee is burned
    let transfer =
        Transfer { from: AccountIndex::new(from), to: AccountIndex::new(to), amount, fee: 2, nonce };
    Operation::from(transfer).sign(ledger().domain(), secret)
}

fn balances(follower: &Follower) -> Vec<u64> {
    let state = follower.ledger().state();
    (1..=2)
        .map(|index| {
            fernet_ledger::Store::account(&state, AccountIndex::new(index))
                .map_or(0, |account| account.balance)
        })
        .collect()
}

fn is_at_tip(follower: &mut Follower) -> bool {
    matches!(follower.ledger_status(), LedgerStatus::AtTip)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finalized_blocks_become_l2_state_and_reorgs_undo_them() {
    let mut world = World::new().await;
    let (alice, bob) = (SecretKey::from_seed(b"alice"), SecretKey::from_seed(b"bob"));
    world.deposit(&alice, 1, 100).await;
    world.deposit(&bob, 2, 50).await;
    assert_eq!(balances(&world.follower), [0, 0]);
    let first = world.finalize(&[], |_| {}).await;
    assert!(!world.follower.poll().await.unwrap().is_empty());
    assert_eq!(balances(&world.follower), [100, 50]);
    assert_eq!(world.follower.state_root(), first.state_root);
    assert_eq!(world.follower.take_replayed().len(), 1);
    assert!(is_at_tip(&mut world.follower));
    assert_eq!(world.follower.head_block().unwrap().number, world.node.head().number);

    let stands = world.node.head().number;
    let second = world.finalize(&[transfer(&alice, 1, 2, 30, 0)], |_| {}).await;
    world.follower.poll().await.unwrap();
    // half of the fee went to the fee recipient, who is the sender
    assert_eq!(balances(&world.follower), [69, 80]);
    assert_eq!(world.follower.view().tip().state_root, second.state_root);
    assert_eq!(world.follower.take_replayed()[0].block.transfers(), 1);

    // the block that finalized it vanishes, and another one comes
    let depth = world.node.head().number - stands;
    world.node.reorg(Reorg { depth, drop_transactions: true, refill: true }).unwrap();
    world.follower.poll().await.unwrap();
    assert_eq!(balances(&world.follower), [100, 50]);
    assert_eq!(world.follower.view().tip().state_root, first.state_root);
    let other = world.finalize(&[transfer(&bob, 2, 1, 20, 0)], |_| {}).await;
    world.follower.poll().await.unwrap();
    assert_eq!(world.follower.state_root(), other.state_root);
    // half of bob's fee went to alice, the fee recipient
    assert_eq!(balances(&world.follower), [121, 28]);
    assert_eq!(world.follower.view().finalized_blocks().len(), 2);

    // a mix that the view knows is proven from the same headers
    let target = L1Slot::new(world.now() - 3);
    let proof = world.follower.seed_proof(target).await.unwrap();
    assert_eq!(Some(proof.mix), world.follower.view().mix(target));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forced_exit_empties_the_account_in_the_next_block() {
    let mut world = World::new().await;
    let (alice, bob) = (SecretKey::from_seed(b"alice"), SecretKey::from_seed(b"bob"));
    world.deposit(&alice, 1, 100).await;
    world.deposit(&bob, 2, 50).await;
    world.finalize(&[], |_| {}).await;
    world.follower.poll().await.unwrap();
    let to = Address::repeat_byte(0x77);
    world.force_exit(1, to).await;
    assert_eq!(balances(&world.follower), [100, 50]);
    let exited = world.finalize(&[transfer(&bob, 2, 1, 20, 0)], |_| {}).await;
    world.follower.poll().await.unwrap();
    // what came after the exit stays
    assert_eq!(balances(&world.follower), [21, 28]);
    assert_eq!(
        (world.follower.state_root(), exited.deposits_end, exited.exits_end),
        (exited.state_root, 2, 1)
    );
    let replayed = world.follower.take_replayed();
    let withdrawals = replayed.last().unwrap().block.withdrawals();
    let [exit] = withdrawals[..] else { panic!("expected one exit, got {withdrawals:?}") };
    assert_eq!((exit.from, exit.amount, exit.target), (AccountIndex::new(1), 100, to));
    assert_eq!(replayed.last().unwrap().block.exits().count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blobs_that_are_late_hold_up_the_ledger_and_not_the_view() {
    let mut world = World::new().await;
    world.deposit(&SecretKey::from_seed(b"alice"), 1, 100).await;
    world.blobs.away.store(true, Ordering::SeqCst);
    let first = world.finalize(&[], |_| {}).await;
    world.follower.poll().await.unwrap();
    assert_eq!(world.follower.view().tip().header_hash, first.hash());
    assert!(world.follower.ledger_at_tip().is_none());
    let LedgerStatus::Behind { height: 0, tip: 1, failure: Some(failure) } = world.follower.ledger_status()
    else {
        panic!("expected the ledger to be behind");
    };
    assert_eq!(
        failure.to_string(),
        format!("blobs of slot {}: the blob source is unreachable: away", first.slot)
    );
    assert!(failure.is_retryable());
    world.blobs.away.store(false, Ordering::SeqCst);
    assert_eq!(world.follower.poll().await.unwrap(), []);
    assert!(is_at_tip(&mut world.follower));
    assert_eq!(world.follower.state_root(), first.state_root);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_that_gives_another_state_is_an_error_at_every_poll() {
    let mut world = World::new().await;
    world.deposit(&SecretKey::from_seed(b"alice"), 1, 100).await;
    let wrong = B256::repeat_byte(5);
    let header = world.finalize(&[], |header| header.state_root = wrong).await;
    for _ in 0..2 {
        let error = world.follower.poll().await.unwrap_err();
        assert!(!error.is_retryable());
        let FollowerError::Replay(ReplayFailure::StateRoot { slot, expected, actual }) = error else {
            panic!("expected another state root, got {error}");
        };
        assert_eq!((slot, expected), (header.slot, wrong));
        assert_ne!(actual, wrong);
    }
    // an L1 reorg may yet undo it
    world.node.reorg(Reorg { depth: 1, drop_transactions: true, refill: true }).unwrap();
    world.follower.poll().await.unwrap();
    assert!(is_at_tip(&mut world.follower));
    assert_eq!(world.follower.view().tip().slot, Slot::NONE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_that_isnt_a_block_is_an_error() {
    let mut world = World::new().await;
    world.deposit(&SecretKey::from_seed(b"alice"), 1, 100).await;
    // the header consumes no deposit, the data does
    let nothing = |header: &mut Header| (header.deposits_end, header.deposits_chain) = (0, B256::ZERO);
    let header = world.finalize(&[], nothing).await;
    let error = world.follower.poll().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "block of slot {}: chunk 0, slot 0: \
             expected no more deposits, got a deposit of 100 to #1",
            header.slot
        )
    );
}
