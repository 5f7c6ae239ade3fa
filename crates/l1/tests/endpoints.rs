//! The transaction manager, the feed and the pool behind endpoints that refuse, lie, stall, break and lag.

mod common;

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use alloy::{
    consensus::{Transaction as _, TxEnvelope},
    eips::{BlockNumberOrTag, Decodable2718 as _},
    primitives::{Address, B256, Bytes, TxKind, U256},
    providers::Provider,
    transports::BoxTransport,
};
use common::{
    CHAIN_ID, Kind, TestL1, assert_mined, blob, code, contracts, expired, intent, key, signer, warm_up_kzg,
};
use fernet_hooks::{Failure, Hook, Hooked, Hooks, Rates, Request, Seeded};
use fernet_l1::{
    Accounts, BeaconBlobs, BlobLocation, BlobSource, BlockIds, Feed, FeedError, FeedUpdate, Intent, L1Block,
    L1Provider, Pool, TxConfig, TxManager, TxStatus, TxStore, connect_pool, connect_transport, connect_url,
    versioned_hash,
};
use fernet_protocol::L1Slot;
use serde_json::{Value, json};

const SOMEBODY: Address = Address::repeat_byte(0x5b);

async fn embedded() -> TestL1 {
    TestL1::start(Kind::Embedded).await
}

fn transport(l1: &TestL1, hooks: impl Hooks + 'static) -> BoxTransport {
    let inner = BoxTransport::new(l1.provider.client().transport().clone());
    BoxTransport::new(Hooked::new(inner, Arc::new(hooks)))
}

fn hooked(l1: &TestL1, hooks: impl Hooks + 'static) -> L1Provider {
    connect_transport(transport(l1, hooks))
}

fn manager(l1: &TestL1, provider: L1Provider) -> TxManager {
    let config = TxConfig::new(CHAIN_ID, l1.clock);
    TxManager::open(provider, Accounts::new(signer(0)), TxStore::in_memory().unwrap(), config).unwrap()
}

/// Ticks until no request fails, some times.
async fn tick(l1: &TestL1, manager: &mut TxManager) {
    tick_at(manager, &l1.head().await).await;
}

async fn tick_at(manager: &mut TxManager, head: &L1Block) {
    for _ in 0..10 {
        if manager.tick(head).await.is_ok_and(|report| report.troubled.is_empty()) {
            return;
        }
    }
}

// ---- transactions -------------------------------------------------------------------------------------

/// Whatever the endpoint says and whenever, and with reorgs between: each intent is mined once, and nothing
/// else is.
#[tokio::test(flavor = "multi_thread")]
async fn each_intent_is_mined_once_behind_any_endpoint() {
    for seed in 0..8 {
        println!("seed {seed}");
        let mut l1 = embedded().await;
        let hooks = Arc::new(Seeded::new(seed, Rates::HEAVY));
        let seen = Arc::clone(&hooks);
        let mut manager = manager(&l1, hooked(&l1, move |request: &Request| seen.hook(request)));
        tick(&l1, &mut manager).await;
        let before = l1.provider.get_balance(SOMEBODY).await.unwrap();
        let names: Vec<String> = (0..12).map(|number| format!("intent {number}")).collect();
        for (number, name) in names.iter().enumerate() {
            // A failure says that it may be tried again, and then the same intent is submitted.
            let pay = Intent { value: U256::from(1) << number, ..intent(name, SOMEBODY) };
            while manager.submit(pay.clone()).await.is_err() {}
            if number % 3 == 2 {
                l1.mine().await;
                tick(&l1, &mut manager).await;
            }
            if number % 5 == 4 {
                let head = l1.reorg(1).await;
                tick_at(&mut manager, &head).await;
            }
        }
        for _ in 0..40 {
            l1.mine().await;
            tick(&l1, &mut manager).await;
        }
        let hashes: BTreeSet<B256> = names.iter().map(|name| assert_mined(&manager, name).hash).collect();
        assert_eq!(hashes.len(), names.len(), "seed {seed}");
        let paid = l1.provider.get_balance(SOMEBODY).await.unwrap() - before;
        assert_eq!(paid, U256::from((1 << names.len()) - 1), "seed {seed}: each once");
        assert!(hooks.faults() > 50, "seed {seed}: {} faults", hooks.faults());
    }
}

/// A node that takes a transaction and says otherwise, in any words and with any code.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_not_forgotten_whatever_the_node_says() {
    let words = [
        "Internal error",
        "request timed out",
        "existing tx with same hash",
        "nonce too low",
        "header not found",
        "insufficient funds for gas * price + value",
        "ReplacementNotAllowed",
        "exceeds block gas limit",
        "",
    ];
    for (number, words) in words.into_iter().enumerate() {
        let mut l1 = embedded().await;
        let code = -32_000 - number as i64;
        let sent = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&sent);
        let mut manager = manager(
            &l1,
            hooked(&l1, move |request: &Request| {
                if request.method != "eth_sendRawTransaction" || counted.fetch_add(1, Ordering::SeqCst) > 0 {
                    return Hook::Deliver;
                }
                Hook::DeliverThenFail(Failure::Error { code, message: words.to_owned() })
            }),
        );
        tick(&l1, &mut manager).await;
        manager.submit(Intent { value: U256::from(3), ..intent("pay", SOMEBODY) }).await.unwrap();
        for _ in 0..6 {
            l1.mine().await;
            tick(&l1, &mut manager).await;
        }
        assert_mined(&manager, "pay");
        assert_eq!(l1.provider.get_balance(SOMEBODY).await.unwrap(), U256::from(3), "{words}");
        assert_eq!(l1.provider.get_transaction_count(signer(0).address()).await.unwrap(), 1, "{words}");
    }
}

/// Receipts that come late don't make a nonce foreign.
#[tokio::test(flavor = "multi_thread")]
async fn late_receipts_are_waited_for() {
    let mut l1 = embedded().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let mut manager = manager(
        &l1,
        hooked(&l1, move |request: &Request| {
            let is_late =
                request.method == "eth_getTransactionReceipt" && counted.fetch_add(1, Ordering::SeqCst) < 9;
            if is_late { Hook::Answer(Value::Null) } else { Hook::Deliver }
        }),
    );
    tick(&l1, &mut manager).await;
    manager.submit(Intent { value: U256::from(3), ..intent("pay", SOMEBODY) }).await.unwrap();
    for _ in 0..12 {
        l1.mine().await;
        tick(&l1, &mut manager).await;
    }
    assert_mined(&manager, "pay");
    assert_eq!(l1.provider.get_balance(SOMEBODY).await.unwrap(), U256::from(3));
}

/// "transaction indexing is in progress" for one hash concerns its intent only.
#[tokio::test(flavor = "multi_thread")]
async fn one_intents_trouble_stops_no_other() {
    let mut l1 = embedded().await;
    let first: Arc<Mutex<Option<Value>>> = Arc::default();
    let troubled = Arc::clone(&first);
    let mut manager = manager(
        &l1,
        hooked(&l1, move |request: &Request| {
            if request.method != "eth_getTransactionReceipt" {
                return Hook::Deliver;
            }
            let hash = request.params[0].clone();
            let mut first = troubled.lock().unwrap();
            if *first.get_or_insert(hash.clone()) != hash {
                return Hook::Deliver;
            }
            let message = "transaction indexing is in progress".to_owned();
            Hook::Fail(Failure::Error { code: -32_000, message })
        }),
    );
    tick(&l1, &mut manager).await;
    for name in ["one", "two", "three"] {
        manager.submit(intent(name, SOMEBODY)).await.unwrap();
    }
    let head = l1.mine().await;
    let report = manager.tick(&head).await.unwrap();
    assert_eq!(report.mined.len(), 2);
    assert_eq!(report.troubled.len(), 1);
    assert!(report.troubled[0].1.contains("indexing is in progress"), "{:?}", report.troubled);
    assert!(matches!(manager.status(&key("one")), Some(TxStatus::Pending(_))));
    manager.submit(intent("four", SOMEBODY)).await.unwrap();
    let head = l1.mine().await;
    manager.tick(&head).await.unwrap();
    assert_mined(&manager, "four");
}

/// An endpoint that takes transactions and tells nobody: the fees of what it gets stay below their ceilings.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_never_mined_costs_more_and_more() {
    warm_up_kzg();
    let mut l1 = embedded().await;
    let costs: Arc<Mutex<BTreeSet<u128>>> = Arc::default();
    let seen = Arc::clone(&costs);
    let mut manager = manager(
        &l1,
        hooked(&l1, move |request: &Request| {
            if request.method != "eth_sendRawTransaction" {
                return Hook::Deliver;
            }
            let raw: Bytes = serde_json::from_value(request.params[0].clone()).unwrap();
            let sent = TxEnvelope::decode_2718(&mut raw.as_ref()).unwrap();
            seen.lock().unwrap().insert(u128::from(sent.gas_limit()) * sent.max_fee_per_gas());
            Hook::Answer(json!(B256::ZERO))
        }),
    );
    tick(&l1, &mut manager).await;
    let expires_at = l1.head().await.l1_slot.plus(3);
    manager.submit(Intent { expires_at, ..intent("pay", SOMEBODY) }).await.unwrap();
    for _ in 0..40 {
        l1.mine().await;
        tick(&l1, &mut manager).await;
    }
    let highest = U256::from(*costs.lock().unwrap().last().expect("an offer"));
    assert!(matches!(manager.status(&key("pay")), Some(TxStatus::Pending(_))));
    assert!(highest <= TxConfig::new(CHAIN_ID, l1.clock).max_no_op_fee, "{highest}");
}

/// Missing, empty, null and zero parts of a fee history never make an offer that can't be included.
#[tokio::test(flavor = "multi_thread")]
async fn fee_histories_with_holes_make_no_foolish_offers() {
    warm_up_kzg();
    let holes = [
        json!(null),
        json!({}),
        json!({"baseFeePerGas": null, "reward": null, "baseFeePerBlobGas": null}),
        json!({"baseFeePerGas": [], "reward": [], "baseFeePerBlobGas": []}),
        json!({"baseFeePerGas": ["0x0", "0x0"], "reward": [["0x0"]], "baseFeePerBlobGas": ["0x0"]}),
        json!({"baseFeePerGas": [null], "reward": [null, [], [null]], "baseFeePerBlobGas": [null]}),
    ];
    for history in holes {
        let mut l1 = embedded().await;
        let gate = l1.deploy(code::BLOB_GATE).await;
        let answer = history.clone();
        let provider = hooked(&l1, move |request: &Request| {
            if request.method == "eth_feeHistory" { Hook::Answer(answer.clone()) } else { Hook::Deliver }
        });
        let accounts = Accounts::new(signer(0)).with_blob_account(signer(1));
        let config = TxConfig::new(CHAIN_ID, l1.clock);
        let mut manager = TxManager::open(provider, accounts, TxStore::in_memory().unwrap(), config).unwrap();
        tick(&l1, &mut manager).await;
        let sidecar = fernet_l1::BlobSidecar::build(vec![blob(1)], Default::default()).unwrap();
        let calldata = Bytes::from(sidecar.versioned_hashes()[0].0);
        let reveal = Intent { blobs: Some(sidecar), calldata, ..intent("reveal", gate) };
        manager.submit(reveal).await.unwrap();
        manager.submit(intent("plain", SOMEBODY)).await.unwrap();
        l1.mine().await;
        tick(&l1, &mut manager).await;
        assert_mined(&manager, "reveal");
        let outcome = assert_mined(&manager, "plain");
        let sent = l1.provider.get_transaction_by_hash(outcome.hash).await.unwrap().unwrap();
        let base_fee = l1.head().await.header.base_fee_per_gas.unwrap();
        assert!(sent.max_fee_per_gas() > u128::from(base_fee), "{history}");
    }
}

/// A node that refuses block overrides and simulates transactions without their blobs, as hardhat does.
#[tokio::test(flavor = "multi_thread")]
async fn blobs_are_sent_to_nodes_that_can_not_simulate_them() {
    warm_up_kzg();
    for ignores_blobs in [true, false] {
        let mut l1 = embedded().await;
        let gate = l1.deploy(code::BLOB_GATE).await;
        let blocks: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let seen = Arc::clone(&blocks);
        let provider = hooked(&l1, move |request: &Request| {
            if !["eth_call", "eth_estimateGas"].contains(&request.method.as_str()) {
                return Hook::Deliver;
            }
            let params = request.params.as_array().unwrap();
            let refuse =
                |code, message: &str| Hook::Fail(Failure::Error { code, message: message.to_owned() });
            if params.len() > 2 {
                return refuse(-32_602, "trailing characters");
            }
            assert!(params[0].get("data").is_none(), "{params:?}");
            seen.lock().unwrap().insert(params[1].as_str().unwrap().to_owned());
            match params[0].get("to") {
                Some(_) => refuse(3, "execution reverted"),
                None if ignores_blobs => Hook::Answer(json!(B256::ZERO)),
                None => refuse(-32_000, "blob transaction of type create"),
            }
        });
        let accounts = Accounts::new(signer(0)).with_blob_account(signer(1));
        let config = TxConfig::new(CHAIN_ID, l1.clock);
        let mut manager = TxManager::open(provider, accounts, TxStore::in_memory().unwrap(), config).unwrap();
        tick(&l1, &mut manager).await;
        for number in 1..3 {
            let sidecar = fernet_l1::BlobSidecar::build(vec![blob(number)], Default::default()).unwrap();
            let calldata = Bytes::from(sidecar.versioned_hashes()[0].0);
            let name = format!("reveal {number}");
            let reveal = Intent { blobs: Some(sidecar), calldata, ..intent(&name, gate) };
            manager.submit(reveal).await.unwrap();
            tick(&l1, &mut manager).await;
            l1.mine().await;
            tick(&l1, &mut manager).await;
            if ignores_blobs {
                assert_mined(&manager, &name);
            } else {
                // A node that knows blobs is believed.
                assert!(!matches!(manager.status(&key(&name)), Some(TxStatus::Mined(_))));
            }
        }
        assert_eq!(*blocks.lock().unwrap(), BTreeSet::from(["latest".to_owned(), "pending".to_owned()]));
    }
}

// ---- the feed -----------------------------------------------------------------------------------------

/// The chain that a feed's updates make.
fn follow(chain: &mut Vec<(u64, B256, usize)>, updates: Vec<FeedUpdate>) {
    for update in updates {
        match update {
            FeedUpdate::Settled(block) | FeedUpdate::Block(block) => {
                chain.push((block.number, block.hash, block.events.len()))
            }
            FeedUpdate::Rollback { to } => chain.retain(|(number, ..)| *number <= to),
        }
    }
}

/// Whatever the endpoint does, the feed gives the blocks and events of the chain, through reorgs.
#[tokio::test(flavor = "multi_thread")]
async fn a_feed_gives_the_chain_behind_any_endpoint() {
    for seed in 0..6 {
        println!("seed {seed}");
        let mut l1 = embedded().await;
        let rollup = l1.deploy(code::LOG_TWO).await;
        let first = l1.head().await.number + 1;
        let hooks = Arc::new(Seeded::new(seed, Rates::HEAVY));
        let seen = Arc::clone(&hooks);
        let provider = hooked(&l1, move |request: &Request| seen.hook(request));
        let mut feed = Feed::from_block(provider, l1.clock, &contracts(rollup), first);
        let mut direct = Feed::from_block(l1.provider.clone(), l1.clock, &contracts(rollup), first);
        let (mut chain, mut expected) = (Vec::new(), Vec::new());
        for round in 0..12 {
            l1.send(0, TxKind::Call(rollup), expired(round)).await;
            l1.mine().await;
            if round % 4 == 3 {
                l1.reorg(1 + round % 3).await;
                l1.mine().await;
            }
            follow(&mut expected, direct.poll(100).await.unwrap());
            for _ in 0..200 {
                match feed.poll(100).await {
                    Ok(updates) => follow(&mut chain, updates),
                    Err(error) => assert!(error.is_retryable(), "seed {seed}: {error}"),
                }
                if chain.len() == expected.len() && chain.last() == expected.last() {
                    break;
                }
            }
            assert_eq!(chain, expected, "seed {seed}, round {round}");
        }
        assert!(hooks.faults() > 15, "seed {seed}: {} faults", hooks.faults());
    }
}

/// A node that is behind shows no reorg, at any distance, and costs few requests.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_behind_shows_no_reorg() {
    let mut l1 = embedded().await;
    let first = l1.mine().await.number;
    let (behind, asked) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (by, counted) = (Arc::clone(&behind), Arc::clone(&asked));
    let provider = hooked(&l1, move |_: &Request| {
        counted.fetch_add(1, Ordering::SeqCst);
        match by.load(Ordering::SeqCst) as u64 {
            0 => Hook::Deliver,
            blocks => Hook::Behind(blocks),
        }
    });
    let mut feed = Feed::from_block(provider, l1.clock, &contracts(SOMEBODY), first);
    for _ in 0..30 {
        l1.mine().await;
    }
    assert_eq!(feed.poll(100).await.unwrap().len(), 31);
    for blocks in [1, 2, 7, 29, 60] {
        behind.store(blocks, Ordering::SeqCst);
        asked.store(0, Ordering::SeqCst);
        assert_eq!(feed.poll(100).await.unwrap(), [], "{blocks} blocks behind");
        assert!(asked.load(Ordering::SeqCst) <= 4);
    }
    behind.store(0, Ordering::SeqCst);
    // The fork point of a deep reorg is found in a few steps.
    l1.reorg(25).await;
    asked.store(0, Ordering::SeqCst);
    let updates = feed.poll(1).await.unwrap();
    assert!(matches!(updates[..], [FeedUpdate::Rollback { .. }]), "{updates:?}");
    assert!(asked.load(Ordering::SeqCst) <= 8, "{asked:?}");
}

/// `[]` for a block with events, and garbled events, are compared with the receipts.
#[tokio::test(flavor = "multi_thread")]
async fn missing_and_garbled_events_are_taken_from_the_receipts() {
    let garble = |name: &'static str, value: Value| {
        Hook::Change(Arc::new(move |mut logs: Value| {
            logs[0][name] = value.clone();
            logs
        }))
    };
    for hook in
        [Hook::Answer(json!([])), garble("data", json!("0x1234")), garble("topics", json!([B256::ZERO]))]
    {
        let mut l1 = embedded().await;
        let rollup = l1.deploy(code::LOG_TWO).await;
        let first = l1.head().await.number + 1;
        l1.send(0, TxKind::Call(rollup), expired(5)).await;
        let lying = hook.clone();
        let provider =
            hooked(
                &l1,
                move |request: &Request| {
                    if request.method == "eth_getLogs" { lying.clone() } else { Hook::Deliver }
                },
            );
        let mut feed = Feed::from_block(provider, l1.clock, &contracts(rollup), first);
        let mut chain = Vec::new();
        follow(&mut chain, feed.poll(10).await.unwrap());
        assert_eq!(chain.iter().map(|(.., events)| *events).sum::<usize>(), 1, "{hook:?}");
        // Receipts that are those of another block are noticed.
        let provider = hooked(&l1, move |request: &Request| match request.method.as_str() {
            "eth_getLogs" => Hook::Answer(json!([])),
            "eth_getBlockReceipts" => Hook::Answer(json!([])),
            _ => Hook::Deliver,
        });
        let error =
            Feed::from_block(provider, l1.clock, &contracts(rollup), first).poll(10).await.unwrap_err();
        assert!(matches!(error, FeedError::WrongReceipts { .. }) && error.is_retryable(), "{error}");
    }
}

/// What can't be right is taken back, and comes again.
#[tokio::test(flavor = "multi_thread")]
async fn events_that_a_client_doubts_are_given_out_again() {
    let mut l1 = embedded().await;
    let rollup = l1.deploy(code::LOG_TWO).await;
    let first = l1.head().await.number + 1;
    let mut feed = Feed::from_block(l1.provider.clone(), l1.clock, &contracts(rollup), first);
    for slot in 0..4 {
        l1.send(0, TxKind::Call(rollup), expired(slot)).await;
    }
    let mut chain = Vec::new();
    follow(&mut chain, feed.poll(3).await.unwrap());
    let before = chain.clone();
    assert!(feed.doubt(first + 1));
    follow(&mut chain, feed.poll(1).await.unwrap());
    assert_eq!(chain, before[..1]);
    follow(&mut chain, feed.poll(10).await.unwrap());
    assert_eq!((chain.len(), &chain[..3]), (4, &before[..]));
    assert!(!feed.doubt(first + 1), "its events were compared already");
}

// ---- the pool -----------------------------------------------------------------------------------------

fn pool(endpoints: Vec<BoxTransport>) -> Pool {
    let named = endpoints.into_iter().enumerate().map(|(number, one)| (format!("endpoint {number}"), one));
    Pool::new(named.collect()).unwrap()
}

/// A dead or silent endpoint beside a good one costs at most a tenth of a second, and then nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_endpoint_beside_a_good_one_costs_little() {
    let l1 = embedded().await;
    let refuse = || Failure::Error { code: -32_603, message: "Internal error".to_owned() };
    for bad in [Hook::Silence, Hook::Fail(Failure::Broken), Hook::Fail(refuse())] {
        let hook = bad.clone();
        let endpoints = vec![
            transport(&l1, move |_: &Request| hook.clone()),
            transport(&l1, |_: &Request| Hook::Deliver),
        ];
        let pool = pool(endpoints);
        let provider = connect_pool(&pool);
        let mut took = Vec::new();
        for _ in 0..5 {
            let began = Instant::now();
            provider.get_block_number().await.unwrap();
            took.push(began.elapsed());
        }
        println!("{bad:?}: {took:?}");
        // The bound is 100 ms; a busy machine may take longer. What matters is that nothing waits for it.
        assert!(took.iter().all(|time| *time < Duration::from_secs(1)), "{bad:?}: {took:?}");
        let health = pool.health();
        assert!(health[0].failures > 0 || health[0].last_error.is_some(), "{health:?}");
        assert_eq!(health[1].failures, 0);
    }
}

/// A transaction goes to every endpoint, and one that takes it is enough.
#[tokio::test(flavor = "multi_thread")]
async fn transactions_go_to_every_endpoint() {
    let mut l1 = embedded().await;
    let counts: Vec<Arc<AtomicUsize>> = (0..3).map(|_| Arc::default()).collect();
    let endpoints = counts.iter().enumerate().map(|(number, count)| {
        let count = Arc::clone(count);
        transport(&l1, move |request: &Request| {
            if request.method != "eth_sendRawTransaction" {
                return Hook::Deliver;
            }
            count.fetch_add(1, Ordering::SeqCst);
            match number {
                0 => Hook::Silence,
                1 => Hook::Fail(Failure::Error { code: -32_000, message: "nonce too low".to_owned() }),
                _ => Hook::Deliver,
            }
        })
    });
    let mut manager = manager(&l1, connect_pool(&pool(endpoints.collect())));
    tick(&l1, &mut manager).await;
    manager.submit(intent("pay", SOMEBODY)).await.unwrap();
    l1.mine().await;
    tick(&l1, &mut manager).await;
    assert_mined(&manager, "pay");
    assert!(counts.iter().all(|count| count.load(Ordering::SeqCst) == 1), "{counts:?}");
}

/// `null` from an endpoint that is behind another one is no answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_behind_is_passed_over() {
    let mut l1 = embedded().await;
    let first = l1.mine().await.number;
    let endpoints =
        vec![transport(&l1, |_: &Request| Hook::Deliver), transport(&l1, |_: &Request| Hook::Behind(2))];
    let pool = pool(endpoints);
    let mut feed = Feed::from_block(connect_pool(&pool), l1.clock, &contracts(SOMEBODY), first);
    for _ in 0..5 {
        l1.mine().await;
    }
    assert_eq!(feed.poll(100).await.unwrap().len(), 6);
    let head = l1.head().await.number;
    let behind = transport(&l1, |_: &Request| Hook::Behind(2));
    let good = transport(&l1, |_: &Request| Hook::Deliver);
    let provider = connect_pool(&self::pool(vec![behind.clone(), good.clone()]));
    let other = connect_pool(&self::pool(vec![behind, good]));
    // Once another endpoint has shown a higher block, the one behind isn't believed.
    let newest = |provider: L1Provider, number: u64| async move {
        provider.get_block_by_number(number.into()).await.unwrap().is_some()
    };
    tokio::time::sleep(Duration::from_millis(3_100)).await;
    assert!(newest(provider.clone(), head).await, "the other one is asked after some seconds");
    for _ in 0..5 {
        assert!(newest(provider.clone(), head).await);
        let latest = other.get_block_by_number(BlockNumberOrTag::Latest).await.unwrap().unwrap();
        assert_eq!(latest.header.number, head, "the same for the newest block");
    }
}

/// A head that is older than a known one is no answer. If nobody has a newer one, it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_older_than_a_known_one_is_passed_over() {
    let mut l1 = embedded().await;
    for _ in 0..4 {
        l1.mine().await;
    }
    let head = l1.head().await.number;
    let (behind, asked) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let endpoint = |is_first: bool| {
        let (by, counted) = (Arc::clone(&behind), Arc::clone(&asked));
        transport(&l1, move |_: &Request| {
            counted.fetch_add(1, Ordering::SeqCst);
            match by.load(Ordering::SeqCst) as u64 {
                blocks if blocks > 0 && is_first => Hook::Behind(blocks),
                // Both are behind.
                3 => Hook::Behind(2),
                _ => Hook::Deliver,
            }
        })
    };
    let provider = connect_pool(&pool(vec![endpoint(true), endpoint(false)]));
    let latest = async || {
        let block = provider.get_block_by_number(BlockNumberOrTag::Latest).await.unwrap().unwrap();
        (block.header.number, asked.swap(0, Ordering::SeqCst))
    };
    assert_eq!(latest().await, (head, 1));
    behind.store(2, Ordering::SeqCst);
    assert_eq!(latest().await, (head, 2), "the other one is asked as well");
    assert_eq!(latest().await, (head, 1), "and then it alone");
    behind.store(3, Ordering::SeqCst);
    assert_eq!(latest().await, (head - 2, 2), "the newer of two old ones");
}

/// What a client asks an L1 on which nothing happens to it: one request a look, and a few for each new block.
#[tokio::test(flavor = "multi_thread")]
async fn an_idle_client_asks_little() {
    let mut l1 = embedded().await;
    let first = l1.mine().await.number;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let provider = hooked(&l1, move |_: &Request| {
        counted.fetch_add(1, Ordering::SeqCst);
        Hook::Deliver
    });
    let mut feed = Feed::from_block(provider.clone(), l1.clock, &contracts(SOMEBODY), first);
    let accounts = Accounts::new(signer(0)).with_blob_account(signer(1));
    let config = TxConfig::new(CHAIN_ID, l1.clock);
    let mut manager = TxManager::open(provider, accounts, TxStore::in_memory().unwrap(), config).unwrap();
    while !feed.poll(100).await.unwrap().is_empty() {}
    manager.tick(&l1.head().await).await.unwrap();
    for _ in 0..5 {
        asked.store(0, Ordering::SeqCst);
        for _ in 0..12 {
            assert_eq!(feed.poll(100).await.unwrap(), []);
        }
        assert_eq!(asked.swap(0, Ordering::SeqCst), 12, "one for each look");
        l1.mine().await;
        // As a role does it: everything that is new, a look that finds no more, and a step.
        let mut updates = feed.poll(100).await.unwrap();
        assert_eq!(feed.poll(100).await.unwrap(), []);
        let Some(FeedUpdate::Block(block)) = updates.pop() else { panic!("{updates:?}") };
        manager.tick(&block).await.unwrap();
        let count = asked.load(Ordering::SeqCst);
        println!("{count} requests for a new block");
        assert!(count <= 6, "{count} requests for a new block");
    }
}

// ---- HTTP ---------------------------------------------------------------------------------------------

/// Answers each HTTP request with the next of these (status line and headers, body), and returns the
/// requests.
fn serve(answers: Vec<(String, String)>) -> (url::Url, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for (head, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut chunk) = (Vec::new(), [0; 4096]);
            loop {
                let read = stream.read(&mut chunk).unwrap();
                request.extend_from_slice(&chunk[..read]);
                let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
                let length = text
                    .split("content-length: ")
                    .nth(1)
                    .and_then(|rest| rest.lines().next()?.trim().parse().ok());
                let body_at = text.find("\r\n\r\n").map(|at| at + 4);
                if read == 0 || body_at.is_some_and(|at| request.len() >= at + length.unwrap_or(0)) {
                    break;
                }
            }
            requests.push(String::from_utf8_lossy(&request).into_owned());
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).unwrap();
        }
        requests
    });
    (
        format!("http://user:secret-word@127.0.0.1:{port}/v3/0123456789abcdef?key=qwertzuiop")
            .parse()
            .unwrap(),
        thread,
    )
}

/// Proxies answer with any status, with JSON-RPC in the body or without. Nothing of the URL's secrets is
/// repeated.
#[tokio::test(flavor = "multi_thread")]
async fn errors_over_http_are_read_and_have_no_secrets() {
    let refusal =
        json!({"jsonrpc": "2.0", "id": 0, "error": {"code": -32603, "message": "for 0123456789abcdef: no"}});
    let cases = [
        ("502 Bad Gateway", refusal.to_string(), "the L1 node refused: for [hidden]: no (code -32603)"),
        ("429 Too Many Requests\r\nretry-after: 0", "slow down, qwertzuiop".to_owned(), "HTTP error 429"),
        ("401 Unauthorized", "secret-word is wrong".to_owned(), "HTTP error 401"),
        ("500 Internal Server Error", String::new(), "HTTP error 500"),
        ("200 OK", "<html>http://127.0.0.1/v3/0123456789abcdef</html>".to_owned(), "not JSON-RPC"),
    ];
    for (head, body, expected) in cases {
        let (url, server) = serve(vec![(head.to_owned(), body)]);
        let provider = connect_url(&url).unwrap();
        let error: fernet_l1::RpcFailure = provider.get_block_number().await.unwrap_err().into();
        let text = error.to_string();
        assert!(text.contains(expected), "{head}: {text}");
        for secret in ["0123456789abcdef", "qwertzuiop", "secret-word"] {
            assert!(!text.contains(secret), "{head}: {text}");
        }
        assert!(error.class().is_retryable());
        server.join().unwrap();
    }
    // Nobody listens.
    let (url, server) = serve(Vec::new());
    server.join().unwrap();
    let provider = connect_url(&url).unwrap();
    let text = provider.get_block_number().await.unwrap_err().to_string();
    assert!(!text.contains("0123456789abcdef") && !text.contains("secret-word"), "{text}");
}

/// A beacon client that refuses the hashes is asked for all blobs of the block.
#[tokio::test(flavor = "multi_thread")]
async fn blobs_are_found_at_beacon_clients_that_differ() {
    warm_up_kzg();
    let (one, two) = (blob(1), blob(2));
    let hashes = [versioned_hash(&two).unwrap()];
    let hex = |blob: &alloy::eips::eip4844::Blob| alloy::primitives::hex::encode_prefixed(blob.as_slice());
    let all = json!({"data": [hex(&one), hex(&two)]}).to_string();
    let at = BlobLocation { number: 5, hash: B256::ZERO, l1_slot: L1Slot::new(9) };
    let (url, server) =
        serve(vec![("400 Bad Request".into(), "versioned_hashes".into()), ("200 OK".into(), all)]);
    let source = BeaconBlobs::new(url, BlockIds::BeaconSlot).unwrap();
    assert_eq!(source.blobs(at, &hashes).await.unwrap(), [two]);
    let requests = server.join().unwrap();
    assert!(
        requests[0]
            .contains(&format!("/eth/v1/beacon/blobs/9?key=qwertzuiop&versioned_hashes={}", hashes[0])),
        "{requests:?}"
    );
    assert!(!requests[1].contains("versioned_hashes"), "{requests:?}");
    for status in
        ["401 Unauthorized", "404 Not Found", "500 Internal Server Error", "503 Service Unavailable"]
    {
        let (url, server) = serve(vec![(status.into(), "0123456789abcdef".into())]);
        let error =
            BeaconBlobs::new(url, BlockIds::BeaconSlot).unwrap().blobs(at, &hashes).await.unwrap_err();
        assert!(error.is_retryable() && !error.to_string().contains("0123456789abcdef"), "{error}");
        server.join().unwrap();
    }
}
