//! The mempool beside a reference pool that computes everything anew from a list.
#![allow(missing_docs)]

mod common;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use common::*;
use fernet_ledger::{
    mempool::{EntryError, Limits},
    *,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

const ACCOUNTS: u32 = 7;
const SEEDS: u64 = 40;
const STEPS: u32 = 250;

/// Everything that the pool has, and for each account the nonce and balance that it saw last.
#[derive(Clone)]
struct Reference {
    limits: Limits,
    operations: BTreeMap<(u32, u32), (SignedOperation, u64)>,
    seen: BTreeMap<u32, (u32, u64)>,
}

impl Reference {
    fn of(&self, account: u32) -> Vec<SignedOperation> {
        let range = (account, 0)..=(account, u32::MAX);
        self.operations.range(range).map(|(_, (signed, _))| *signed).collect()
    }

    /// The contiguous and the gapped operations of an account.
    fn parts(&self, account: u32) -> (Vec<SignedOperation>, Vec<SignedOperation>) {
        let mut next = self.seen.get(&account).map_or(0, |(nonce, _)| *nonce);
        self.of(account).into_iter().partition(|signed| {
            let is_next = signed.operation.nonce() == next;
            next += u32::from(is_next);
            is_next
        })
    }

    fn gapped(&self) -> Vec<SignedOperation> {
        (1..=ACCOUNTS).flat_map(|account| self.parts(account).1).collect()
    }

    fn see(&mut self, store: &impl Store, account: u32) {
        let Some(state) = store.account(index(account)) else {
            self.operations.retain(|(owner, _), _| *owner != account);
            self.seen.remove(&account);
            return;
        };
        self.seen.insert(account, (state.nonce, state.balance));
        self.operations.retain(|(owner, nonce), _| *owner != account || *nonce >= state.nonce);
        while cost(&self.of(account)) > u128::from(state.balance)
            || self.parts(account).1.len() > self.limits.gapped_per_account
        {
            let last = self.of(account).last().unwrap().operation.nonce();
            self.operations.remove(&(account, last));
        }
    }

    fn update(&mut self, store: &impl Store, now: u64) {
        self.operations.retain(|_, (_, expires_at)| *expires_at > now);
        for account in 1..=ACCOUNTS {
            self.see(store, account);
        }
        self.trim();
    }

    fn trim(&mut self) {
        while self.gapped().len() > self.limits.gapped {
            let (_, account, nonce) = self.gapped().iter().map(key).min().unwrap();
            self.operations.remove(&(account, nonce));
        }
    }

    fn insert(&mut self, store: &impl Store, signed: SignedOperation, now: u64) -> Result<(), EntryError> {
        let operation = signed.operation;
        let (account, nonce, fee) = (operation.sender(), operation.nonce(), operation.fee());
        let owner = account.get();
        let state = store.account(account).ok_or(OperationError::UnknownSender(account))?;
        if nonce < state.nonce {
            let error = OperationError::NonceMismatch { account, expected: state.nonce, actual: nonce };
            return Err(error.into());
        }
        if u128::from(state.balance) < operation.required() {
            let (available, required) = (state.balance, operation.required());
            return Err(OperationError::InsufficientBalance { account, available, required }.into());
        }
        self.operations.retain(|(other, _), (_, expires_at)| *other != owner || *expires_at > now);
        self.see(store, owner);
        self.trim();
        let (contiguous, gapped) = self.parts(owner);
        let next = state.nonce + contiguous.len() as u32;
        let replaced = self.operations.get(&(owner, nonce)).map(|(signed, _)| *signed);
        if let Some(replaced) = replaced {
            if replaced == signed {
                return Err(EntryError::Known { account, nonce });
            }
            let old = u64::from(replaced.operation.fee());
            let required = old + (old * 10).div_ceil(100).max(1);
            if u64::from(fee) < required {
                return Err(EntryError::Underpriced { account, nonce, required, fee });
            }
        }
        let mut with = if nonce <= next { contiguous.clone() } else { self.of(owner) };
        with.retain(|other| other.operation.nonce() != nonce);
        with.push(signed);
        if cost(&with) > u128::from(state.balance) {
            return Err(EntryError::Unpaid { account, available: state.balance, required: cost(&with) });
        }
        if replaced.is_none() {
            let Limits { per_account, total, gapped_per_account, gapped: max_gapped, .. } = self.limits;
            let all = self.gapped();
            let lowest = all.iter().map(key).min();
            let is_full = self.operations.len() >= total;
            let mut victim = None;
            if nonce > next && gapped.len() >= gapped_per_account {
                return Err(EntryError::AccountGapped {
                    account,
                    expected: next,
                    nonce,
                    max: gapped_per_account,
                });
            } else if self.of(owner).len() >= per_account {
                match gapped.last() {
                    Some(last) if nonce == next => victim = Some(key(last)),
                    _ => return Err(EntryError::AccountFull { account, max: per_account }),
                }
            } else if nonce > next && (is_full || all.len() >= max_gapped) {
                victim = lowest.filter(|(lowest, ..)| *lowest < fee);
                if victim.is_none() {
                    let lowest = lowest.map_or(u32::MAX, |(lowest, ..)| lowest);
                    return Err(EntryError::GappedFull { max: max_gapped.min(all.len()), lowest, fee });
                }
            } else if nonce == next && is_full {
                victim = lowest;
                if victim.is_none() {
                    let others = (1..=ACCOUNTS).filter(|other| *other != owner);
                    let worst = others
                        .filter_map(|other| {
                            let part = self.parts(other).0;
                            let floor = part.iter().map(|signed| signed.operation.fee()).min()?;
                            Some((floor, other, part.last()?.operation.nonce()))
                        })
                        .min();
                    let mine = contiguous.iter().map(|signed| signed.operation.fee()).fold(fee, u32::min);
                    victim = worst.filter(|(floor, ..)| *floor < mine);
                    if victim.is_none() {
                        let lowest = worst.map_or(u32::MAX, |(floor, ..)| floor);
                        return Err(EntryError::PoolFull { max: total, lowest, fee: mine });
                    }
                }
            }
            if let Some((_, account, nonce)) = victim {
                self.operations.remove(&(account, nonce));
            }
        }
        self.operations.insert((owner, nonce), (signed, now + self.limits.lifetime));
        self.see(store, owner);
        Ok(())
    }

    fn candidates(&self, max: usize) -> Vec<SignedOperation> {
        let mut queues: Vec<_> = (1..=ACCOUNTS).map(|account| self.parts(account).0).collect();
        let mut ordered = Vec::new();
        while ordered.len() < max {
            let heads = queues.iter_mut().filter(|queue| !queue.is_empty());
            let dearest = heads.max_by_key(|queue| {
                let head = queue[0].operation;
                (head.fee(), Reverse(head.sender()))
            });
            let Some(dearest) = dearest else { break };
            ordered.push(dearest.remove(0));
        }
        ordered
    }
}

fn key(signed: &SignedOperation) -> (u32, u32, u32) {
    let operation = &signed.operation;
    (operation.fee(), operation.sender().get(), operation.nonce())
}

fn cost(operations: &[SignedOperation]) -> u128 {
    operations.iter().map(|signed| signed.operation.required()).sum()
}

/// Names of the errors that a run met, with how often.
type Met = BTreeMap<&'static str, u32>;

fn name(error: &EntryError) -> &'static str {
    match error {
        EntryError::Invalid(OperationError::InsufficientBalance { .. }) => "poor",
        EntryError::Invalid(_) => "invalid",
        EntryError::Known { .. } => "known",
        EntryError::Unpaid { .. } => "unpaid",
        EntryError::AccountFull { .. } => "account full",
        EntryError::AccountGapped { .. } => "account gapped",
        EntryError::PoolFull { .. } => "pool full",
        EntryError::GappedFull { .. } => "gapped full",
        EntryError::Underpriced { .. } => "underpriced",
    }
}

fn run(seed: u64, met: &mut Met) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let limits = Limits { per_account: 4, total: 11, gapped_per_account: 3, gapped: 4, lifetime: 40 };
    let mut state = funded(ACCOUNTS, 150);
    let mut pool = Mempool::new(domain(), limits);
    let mut reference = Reference { limits, operations: BTreeMap::new(), seen: BTreeMap::new() };
    let mut stored = BTreeMap::new();
    let mut earlier = state.clone();
    // Some operations are verified long before they are inserted.
    let mut late = Vec::new();
    let mut recent = Vec::new();
    for step in 0..STEPS {
        let now = u64::from(step) / 3;
        let context = format!("seed {seed}, step {step}");
        match rng.random_range(0..20) {
            0 => {
                let candidates = pool.candidates(&state, rng.random_range(1..6));
                for signed in candidates {
                    let _ = state.apply(domain(), &signed);
                }
                if rng.random() {
                    pool.update(&state, now);
                    reference.update(&state, now);
                }
            }
            1 | 2 => {
                pool.update(&state, now);
                reference.update(&state, now);
                assert_eq!(pool.candidates(&state, 99), reference.candidates(99), "{context}");
                assert_eq!(pool.candidates(&state, 3), reference.candidates(3), "{context}");
                // Whatever is a candidate can be executed.
                let mut executed = state.clone();
                for signed in pool.candidates(&state, 99) {
                    executed.apply(domain(), &signed).unwrap_or_else(|error| panic!("{context}: {error}"));
                }
            }
            3 => {
                // A deposit, or an exit of everything.
                let account = rng.random_range(1..=ACCOUNTS);
                if rng.random_range(0..6) > 0 {
                    state.apply_deposit(&deposit(account, 50)).unwrap();
                } else {
                    state.apply_exit(&exit(account)).unwrap();
                }
            }
            // An L1 reorg.
            4 if rng.random_range(0..3) == 0 => std::mem::swap(&mut state, &mut earlier),
            4 => earlier = state.clone(),
            5 if !late.is_empty() => {
                let verified = late.swap_remove(rng.random_range(0..late.len()));
                let expected =
                    reference.insert(&state, *fernet_ledger::mempool::Verified::signed(&verified), now);
                assert_eq!(pool.insert(&state, verified, now).map(|_| ()), expected, "{context}");
            }
            kind => {
                let from = rng.random_range(1..=ACCOUNTS);
                let nonce = state.account(index(from)).unwrap().nonce;
                let gap = if rng.random() { 0 } else { rng.random_range(0..8) };
                let behind = pool.iter().filter(|signed| signed.operation.sender() == index(from)).count();
                let nonce =
                    if rng.random() { nonce + behind as u32 } else { (nonce + gap).saturating_sub(1) };
                let amount = if rng.random() { 1 } else { rng.random_range(0..40) };
                let mut signed = transfer(from, from % ACCOUNTS + 1, amount, rng.random_range(0..20), nonce);
                if kind == 6 && !recent.is_empty() {
                    signed = recent[rng.random_range(0..recent.len())];
                }
                recent.push(signed);
                if recent.len() > 8 {
                    recent.remove(0);
                }
                match pool.check(&state, &signed) {
                    Ok(checked) => {
                        let verified = checked.verify().unwrap();
                        if kind == 7 {
                            late.push(verified);
                        } else {
                            let expected = reference.insert(&state, signed, now);
                            if let Err(error) = &expected {
                                *met.entry(name(error)).or_default() += 1;
                            }
                            let inserted = pool.insert(&state, verified, now).map(|_| ());
                            assert_eq!(inserted, expected, "{context}");
                            *met.entry("inserted").or_default() += u32::from(inserted.is_ok());
                        }
                    }
                    Err(error) => {
                        *met.entry(name(&error)).or_default() += 1;
                        // On another state than that of the last update a check may refuse what an insertion
                        // would find room for.
                        let expected = reference.clone().insert(&state, signed, 0);
                        let owner = signed.operation.sender();
                        let account = state.account(owner).unwrap();
                        let is_current =
                            reference.seen.get(&owner.get()) == Some(&(account.nonce, account.balance));
                        if is_current {
                            assert_eq!(expected, Err(error), "{context}");
                        }
                    }
                }
            }
        }
        let actual =
            pool.iter().map(|signed| ((signed.operation.sender().get(), signed.operation.nonce()), *signed));
        let expected = reference.operations.iter().map(|(key, (signed, _))| (*key, *signed));
        let (actual, expected): (BTreeMap<_, _>, BTreeMap<_, _>) = (actual.collect(), expected.collect());
        assert_eq!(actual, expected, "{context}");
        assert_eq!((pool.len(), pool.gapped()), (expected.len(), reference.gapped().len()), "{context}");
        assert!(pool.len() <= limits.total && pool.gapped() <= limits.gapped, "{context}");
        for ((account, nonce), change) in pool.take_changes() {
            match change {
                Some(signed) => stored.insert((account.get(), nonce), signed),
                None => stored.remove(&(account.get(), nonce)),
            };
        }
        assert_eq!(stored, actual, "{context}");
    }
}

#[test]
fn the_pool_is_what_a_reference_pool_is_after_any_calls() {
    let mut met = Met::new();
    for seed in 0..SEEDS {
        run(seed, &mut met);
    }
    println!("{met:?}");
    let rules = [
        "inserted",
        "poor",
        "invalid",
        "known",
        "unpaid",
        "account full",
        "account gapped",
        "pool full",
        "gapped full",
        "underpriced",
    ];
    for rule in rules {
        assert!(met.get(rule).is_some_and(|count| *count >= 5), "{rule} was met too rarely: {met:?}");
    }
}
