//! The ledger and the circuit agree on thousands of random operations, valid and invalid ones.
#![allow(missing_docs)]

mod common;

use alloy_primitives::Address;
use common::*;
use fernet_ledger::*;
use fernet_protocol::{ChainId, RollupId};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// Number of chunks, each with up to four operations.
const CHUNKS: u64 = 1_200;

/// A number that is mostly valid and sometimes at a boundary.
fn amount(rng: &mut ChaCha20Rng) -> u64 {
    match rng.random_range(0..40) {
        0 => u64::MAX,
        1 => u64::MAX - 1_000,
        2 => 1_000,
        3 => 1_001,
        4 => 0,
        _ => rng.random_range(0..250),
    }
}

fn account(rng: &mut ChaCha20Rng) -> u32 {
    match rng.random_range(0..40) {
        0 => rng.random_range(0..64),
        1 => u32::MAX,
        2 => 0,
        3 => 4,
        _ => rng.random_range(1..4),
    }
}

fn signed(rng: &mut ChaCha20Rng, mut raw: Raw) -> Raw {
    match rng.random_range(0..60) {
        0 => raw.signer = rng.random_range(0..5),
        1 => raw.nonce = Some(rng.random_range(0..3)),
        2 => raw.domain = Domain::from(RollupId::new(ChainId::new(rng.random()), Address::ZERO)),
        3 => raw.target = Some(Fr::from(rng.random::<u64>())),
        _ => {}
    }
    raw
}

/// A random operation, one slot or two, valid more often than not.
fn operation(rng: &mut ChaCha20Rng, queue: &mut Vec<QueuedOperation>) -> Vec<Raw> {
    match rng.random_range(0..14) {
        0..6 => {
            let raw = transfer(account(rng), account(rng), amount(rng), rng.random_range(0..9));
            vec![signed(rng, raw)]
        }
        6..9 => {
            let raw = withdrawal(account(rng), amount(rng), rng.random_range(0..9));
            let raw = signed(rng, raw);
            match rng.random_range(0..20) {
                0 => vec![raw],
                1 => vec![target()],
                2 => vec![raw, Raw { body: Fr::from(0u64), ..target() }],
                _ => vec![raw, target()],
            }
        }
        9..11 => {
            let number = account(rng);
            let slot = paid(number, amount(rng));
            let amount = match Slot::unpack(slot.body + Fr::from(3u64) * power(160)) {
                Ok(Slot::Deposit { amount, .. }) => amount,
                _ => 1,
            };
            match rng.random_range(0..30) {
                0 => {}
                1 => queue.push(deposit(number, amount ^ 1).into()),
                2 => queue.push(Deposit { key: secret(99).public_key(), ..deposit(number, amount) }.into()),
                _ => queue.push(deposit(number, amount).into()),
            }
            vec![slot]
        }
        11..13 => {
            let number = account(rng);
            // The balance of an account that no operation changed.
            let usual = if (1..4).contains(&number) { 1_000 } else { 0 };
            let amount = if rng.random_bool(0.1) { amount(rng) } else { usual };
            let mut raw = left(number, amount);
            match rng.random_range(0..30) {
                0 => raw.forced = false,
                1 => raw.body += power(128),
                _ => {}
            }
            match rng.random_range(0..30) {
                0 => {}
                1 => queue.push(exit(number ^ 1)),
                2 => queue.push(Exit { from: index(number), target: Address::repeat_byte(1) }.into()),
                3 => queue.push(deposit(number, amount).into()),
                _ => queue.push(exit(number)),
            }
            if rng.random_bool(0.05) { vec![raw] } else { vec![raw, target()] }
        }
        _ => match rng.random_range(0..10) {
            0 => vec![Raw { body: power(rng.random_range(0..200)), ..padding() }],
            1 => vec![Raw { kind: rng.random_range(0..8), ..padding() }],
            _ => vec![padding()],
        },
    }
}

fn attempt(seed: u64) -> (Attempt, usize) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let (mut slots, mut queue, mut operations) = (Vec::new(), Vec::new(), 0);
    while slots.len() < PARAMS.operations {
        slots.extend(operation(&mut rng, &mut queue));
        operations += 1;
    }
    slots.truncate(PARAMS.operations);
    let nonce =
        if rng.random_bool(0.05) { u32::MAX - rng.random_range(0..2) } else { rng.random_range(0..3) };
    let mut accounts = vec![(deposit(1, 1_000), nonce), (deposit(2, 1_000), 0), (deposit(3, 1_000), 7)];
    if rng.random_bool(0.05) {
        accounts[1].0.amount = u64::MAX - rng.random_range(0..500);
    }
    let recipient = account(&mut rng);
    let attempt = Attempt::new(slots).accounts(accounts).queue(queue).fee_recipient(recipient);
    let burn = [0, 1, 5_000, 9_999, 10_000, rng.random_range(0..=10_000)];
    (attempt.fee_burn(burn[rng.random_range(0..burn.len())]), operations)
}

// rule: J15
#[test]
fn the_ledger_and_the_circuit_agree_on_random_chunks() {
    let (mut accepted, mut refused, mut operations) = (0, 0, 0);
    for seed in 0..CHUNKS {
        let (attempt, count) = attempt(seed);
        operations += count;
        let verdict =
            std::panic::catch_unwind(|| attempt.verdict()).unwrap_or_else(|_| panic!("seed {seed}"));
        if verdict { accepted += 1 } else { refused += 1 }
    }
    println!("seeds 0..{CHUNKS}: {operations} operations, {accepted} chunks accepted, {refused} refused");
    assert!(accepted > CHUNKS / 10 && refused > CHUNKS / 10, "{accepted} accepted, {refused} refused");
    assert!(operations > 3_000);
}
