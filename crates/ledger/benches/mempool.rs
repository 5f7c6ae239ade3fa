//! The mempool at its limits: what a refusal costs, the candidates of a block, an update, memory.
#![allow(missing_docs)] // criterion's macros make public items without any

use std::hint::black_box;

use alloy_primitives::Address;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use fernet_ledger::mempool::{Checked, EntryError, Limits};
use fernet_ledger::{
    Account, AccountIndex, Domain, Levels, MemoryStore, Mempool, Operation, SecretKey, SignedOperation,
    State, Transfer,
};
use fernet_protocol::{ChainId, RollupId};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const OPERATIONS: u32 = 65_536;

fn domain() -> Domain {
    Domain::from(RollupId::new(ChainId::new(31_337), Address::repeat_byte(0x11)))
}

fn secret() -> SecretKey {
    SecretKey::from_seed(b"bench")
}

/// Accounts 1 to `count`, which share a key, so that one signature after another can be made quickly.
fn state(count: u32) -> State<MemoryStore> {
    let mut state = State::without_openings(MemoryStore::default(), Levels::PRODUCTION);
    let account = Account { key: secret().public_key(), balance: 1_000_000, nonce: 0 };
    for index in 1..=count {
        state.insert(AccountIndex::new(index), account).unwrap();
    }
    state
}

fn operation(from: u32, fee: u32, nonce: u32) -> SignedOperation {
    let (from, to) = (AccountIndex::new(from), AccountIndex::new(1));
    Operation::from(Transfer { from, to, amount: 1, fee, nonce }).sign(domain(), &secret())
}

/// A full pool: `each` operations of as many accounts as that takes, with fees from 10 to 1,009.
fn full(state: &State<MemoryStore>, each: u32) -> Mempool {
    let mut pool = Mempool::new(domain(), Limits::default());
    let all = (0..OPERATIONS).map(|number| {
        operation(number / each + 1, 10 + number.wrapping_mul(2_654_435_761) % 1_000, number % each)
    });
    let all: Vec<_> = all.collect();
    for batch in all.chunks(4_096) {
        let checked: Vec<_> = pool.check_all(state, batch).into_iter().map(Result::unwrap).collect();
        for verified in Checked::verify_all(checked) {
            pool.insert(state, verified.unwrap(), 0).unwrap();
        }
    }
    assert_eq!(pool.len(), OPERATIONS as usize);
    pool
}

fn mempool(c: &mut Criterion) {
    let (good, cheap) = (operation(1, 10_000, 0), operation(OPERATIONS + 1, 1, 0));
    let message = good.operation.message();
    let key = secret().public_key();
    c.bench_function("verify a signature", |b| {
        b.iter(|| assert!(key.verify(domain(), black_box(&message), &good.signature)));
    });
    for each in [1, 64] {
        let state = state(OPERATIONS + 1);
        let before = PeakAlloc.current_usage();
        let pool = full(&state, each);
        let bytes = PeakAlloc.current_usage().saturating_sub(before) / pool.len();
        println!("{each} operations each: {bytes} B an operation");
        c.bench_function(&format!("{each} each: refuse by a full pool"), |b| {
            b.iter(|| {
                let refused = pool.check(&state, black_box(&cheap)).unwrap_err();
                assert!(matches!(refused, EntryError::PoolFull { .. }));
            });
        });
        c.bench_function(&format!("{each} each: candidates(4096)"), |b| {
            b.iter(|| assert_eq!(pool.candidates(&state, 4_096).len(), 4_096));
        });
        let dear = operation(OPERATIONS + 1, 10_000, 0);
        let verified = pool.check(&state, &dear).unwrap().verify().unwrap();
        let mut changing = pool.clone();
        let (first, second) = (operation(OPERATIONS + 1, 12_000, 0), operation(OPERATIONS + 1, 14_000, 0));
        changing.insert(&state, verified, 0).unwrap();
        let replacements =
            [first, second].map(|signed| pool.check(&state, &signed).unwrap().verify().unwrap());
        c.bench_function(&format!("{each} each: evict, and replace twice"), |b| {
            b.iter_batched_ref(
                || pool.clone(),
                |pool| {
                    pool.insert(&state, verified, 0).unwrap();
                    replacements.map(|verified| pool.insert(&state, verified, 0).unwrap())
                },
                BatchSize::LargeInput,
            );
        });
        c.bench_function(&format!("{each} each: update that finds nothing"), |b| {
            b.iter(|| changing.update(&state, 1));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = mempool
}
criterion_main!(benches);
