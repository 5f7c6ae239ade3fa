//! Operations that the mempool accepts, and their order.
#![allow(missing_docs)]

mod common;
use common::*;
use fernet_ledger::{
    mempool::{Checked, EntryError, Limits},
    *,
};

fn pool(per_account: usize, total: usize) -> Mempool {
    Mempool::new(domain(), Limits { per_account, total, gapped: total, ..Limits::default() })
}

/// Takes an operation all the way into the pool, at time 0.
fn insert(
    pool: &mut Mempool,
    store: &impl Store,
    signed: SignedOperation,
) -> Result<Option<SignedOperation>, EntryError> {
    let verified = pool.check(store, &signed)?.verify()?;
    pool.insert(store, verified, 0)
}

#[test]
fn candidates_come_dearest_first_in_the_order_of_nonces() {
    let state = funded(3, 100);
    let mut pool = pool(8, 8);
    let (cheap, dear) = (transfer(1, 2, 1, 1, 0), transfer(1, 2, 1, 9, 1));
    let (middle, same) = (transfer(2, 1, 1, 5, 0), transfer(3, 1, 1, 5, 0));
    let gap = transfer(2, 1, 1, 9, 2);
    for signed in [dear, gap, same, cheap, middle] {
        assert_eq!(insert(&mut pool, &state, signed), Ok(None));
    }
    assert_eq!(pool.candidates(&state, 10), [middle, same, cheap, dear]);
    assert_eq!(pool.candidates(&state, 2), [middle, same]);
    let mut later = state.clone();
    later.apply(domain(), &cheap).unwrap();
    // The order is that of the last update, but what is executed already is left out.
    assert_eq!(pool.candidates(&later, 10), [middle, same, dear]);
    pool.update(&later, 1);
    assert_eq!(pool.candidates(&later, 1), [dear]);
    assert_eq!(pool.len(), 4);
    assert_eq!(pool.iter().count(), 4);
}

#[test]
fn a_replacement_pays_a_tenth_more() {
    let state = funded(2, 100);
    let mut pool = pool(8, 8);
    let first = transfer(1, 2, 1, 15, 0);
    insert(&mut pool, &state, first).unwrap();
    let error = EntryError::Underpriced { account: index(1), nonce: 0, required: 17, fee: 16 };
    assert_eq!(insert(&mut pool, &state, transfer(1, 2, 2, 16, 0)), Err(error));
    assert_eq!(insert(&mut pool, &state, transfer(1, 2, 2, 17, 0)), Ok(Some(first)));
    assert_eq!(pool.len(), 1);
    let mut free = self::pool(8, 8);
    insert(&mut free, &state, transfer(1, 2, 1, 0, 0)).unwrap();
    assert!(matches!(
        insert(&mut free, &state, transfer(1, 2, 2, 0, 0)),
        Err(EntryError::Underpriced { required: 1, .. })
    ));
}

#[test]
fn the_pool_is_bounded() {
    let state = funded(4, 100);
    let mut pool = pool(2, 3);
    insert(&mut pool, &state, transfer(1, 2, 1, 4, 0)).unwrap();
    insert(&mut pool, &state, transfer(1, 2, 1, 3, 1)).unwrap();
    let error = EntryError::AccountFull { account: index(1), max: 2 };
    assert_eq!(insert(&mut pool, &state, transfer(1, 2, 1, 9, 2)), Err(error));
    insert(&mut pool, &state, transfer(2, 1, 1, 5, 0)).unwrap();
    let error = EntryError::PoolFull { max: 3, lowest: 3, fee: 3 };
    assert_eq!(insert(&mut pool, &state, transfer(3, 1, 1, 3, 0)), Err(error));
    // An operation with an invalid signature evicts none.
    let mut forged = transfer(3, 1, 1, 9, 0);
    forged.signature = transfer(2, 1, 1, 9, 0).signature;
    assert_eq!(insert(&mut pool, &state, forged), Err(OperationError::InvalidSignature(index(3)).into()));
    assert_eq!(pool.len(), 3);
    insert(&mut pool, &state, transfer(3, 1, 1, 9, 0)).unwrap();
    assert_eq!(
        pool.candidates(&state, 9),
        [transfer(3, 1, 1, 9, 0), transfer(2, 1, 1, 5, 0), transfer(1, 2, 1, 4, 0)]
    );
}

#[test]
fn hopeless_operations_are_refused() {
    let mut state = funded(2, 100);
    state.apply(domain(), &transfer(1, 2, 1, 0, 0)).unwrap();
    let mut pool = pool(8, 8);
    let refused = |pool: &mut Mempool, signed| match insert(pool, &state, signed) {
        Err(EntryError::Invalid(error)) => error,
        other => panic!("expected a broken rule, got {other:?}"),
    };
    assert_eq!(refused(&mut pool, transfer(9, 1, 1, 0, 0)), OperationError::UnknownSender(index(9)));
    let used = OperationError::NonceMismatch { account: index(1), expected: 1, actual: 0 };
    assert_eq!(refused(&mut pool, transfer(1, 2, 1, 0, 0)), used);
    assert_eq!(refused(&mut pool, transfer(1, 2, 1, 0, u32::MAX)), OperationError::NonceExhausted(index(1)));
    let poor = OperationError::InsufficientBalance { account: index(1), available: 99, required: 100 };
    assert_eq!(refused(&mut pool, transfer(1, 2, 99, 1, 1)), poor);
    assert!(pool.is_empty());
}

/// Whoever applies the changes has what the pool has, whatever happened to it.
#[test]
fn changes_tell_everything_that_happened() {
    use std::collections::BTreeMap;
    let mut state = funded(4, 1_000);
    let mut pool = pool(4, 7);
    let mut stored = BTreeMap::new();
    // A generator whose numbers only have to vary.
    let mut random = 12_345_u64;
    let mut next = |bound: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % bound
    };
    let (mut evicted, mut removed) = (0, 0);
    for _ in 0..400 {
        let account = next(4) as u32 + 1;
        let nonce = state.account(index(account)).unwrap().nonce + next(5) as u32;
        let signed = transfer(account, account % 4 + 1, 1, next(40) as u32, nonce);
        let before = pool.len();
        let inserted = insert(&mut pool, &state, signed);
        evicted += usize::from(inserted == Ok(None) && pool.len() == before);
        if next(8) == 0 {
            // A block takes the dearest ones.
            for signed in pool.candidates(&state, 3) {
                let _ = state.apply(domain(), &signed);
            }
            pool.update(&state, 0);
        }
        for (key, now) in pool.take_changes() {
            match now {
                Some(operation) => stored.insert(key, operation),
                None => {
                    removed += 1;
                    stored.remove(&key)
                }
            };
        }
        let all = pool.iter().map(|signed| ((signed.operation.sender(), signed.operation.nonce()), *signed));
        assert_eq!(stored, all.collect());
    }
    assert!(evicted > 3 && removed > 20, "{evicted} evicted, {removed} removed");
    assert_eq!(pool.take_changes(), []);
}

/// Accounts 1 to 9 with 1,000 each, and a pool for 6 operations, 2 of them gapped, 2 an account.
fn small_pool() -> (State<MemoryStore>, Mempool) {
    let limits = Limits { per_account: 4, total: 6, gapped_per_account: 2, gapped: 2, lifetime: 10 };
    (funded(9, 1_000), Mempool::new(domain(), limits))
}

#[test]
fn an_account_has_no_more_in_the_pool_than_it_can_pay() {
    let (state, mut pool) = small_pool();
    insert(&mut pool, &state, transfer(1, 2, 600, 0, 0)).unwrap();
    let unpaid = |required| EntryError::Unpaid { account: index(1), available: 1_000, required };
    assert_eq!(insert(&mut pool, &state, transfer(1, 2, 400, 1, 1)), Err(unpaid(1_001)));
    // The sum counts after a gap too.
    assert_eq!(insert(&mut pool, &state, transfer(1, 2, 401, 0, 3)), Err(unpaid(1_001)));
    insert(&mut pool, &state, transfer(1, 2, 300, 0, 3)).unwrap();
    // Gapped operations give way to what comes before them.
    insert(&mut pool, &state, transfer(1, 2, 400, 0, 1)).unwrap();
    assert_eq!((pool.len(), pool.gapped()), (2, 0));
    // A replacement can't make those after it unpayable.
    assert_eq!(insert(&mut pool, &state, transfer(1, 2, 600, 1, 0)), Err(unpaid(1_001)));
    insert(&mut pool, &state, transfer(1, 2, 599, 1, 0)).unwrap();
    // When the balance falls, the last ones leave.
    let mut poorer = state.clone();
    let mut account = poorer.account(index(1)).unwrap();
    account.balance = 999;
    poorer.insert(index(1), account).unwrap();
    pool.update(&poorer, 0);
    assert_eq!(pool.candidates(&poorer, 9), [transfer(1, 2, 599, 1, 0)]);
    // An account that an L1 reorg undoes takes everything with it.
    pool.update(&funded(0, 0), 0);
    assert!(pool.is_empty());
}

#[test]
fn gapped_operations_are_few_and_leave_first() {
    let (state, mut pool) = small_pool();
    insert(&mut pool, &state, transfer(1, 2, 1, 9, 2)).unwrap();
    insert(&mut pool, &state, transfer(1, 2, 1, 7, 4)).unwrap();
    let gapped = EntryError::AccountGapped { account: index(1), expected: 0, nonce: 6, max: 2 };
    assert_eq!(insert(&mut pool, &state, transfer(1, 2, 1, 99, 6)), Err(gapped));
    let full = EntryError::GappedFull { max: 2, lowest: 7, fee: 7 };
    assert_eq!(insert(&mut pool, &state, transfer(2, 1, 1, 7, 1)), Err(full));
    insert(&mut pool, &state, transfer(2, 1, 1, 8, 1)).unwrap();
    assert_eq!((pool.len(), pool.gapped()), (2, 2));
    // What fills a gap takes the operations behind it along.
    insert(&mut pool, &state, transfer(2, 1, 1, 0, 0)).unwrap();
    assert_eq!((pool.len(), pool.gapped()), (3, 1));
    // A full pool keeps whatever can be executed, however little it pays.
    for account in 3..=5 {
        insert(&mut pool, &state, transfer(account, 1, 1, 0, 0)).unwrap();
    }
    assert_eq!((pool.len(), pool.gapped()), (6, 1));
    insert(&mut pool, &state, transfer(6, 1, 1, 0, 0)).unwrap();
    assert_eq!((pool.len(), pool.gapped()), (6, 0));
    let full = EntryError::PoolFull { max: 6, lowest: 0, fee: 0 };
    assert_eq!(insert(&mut pool, &state, transfer(7, 1, 1, 0, 0)), Err(full));
    // And no gapped one comes in.
    let full = EntryError::GappedFull { max: 0, lowest: u32::MAX, fee: 99 };
    assert_eq!(insert(&mut pool, &state, transfer(7, 1, 1, 99, 1)), Err(full));
}

#[test]
fn an_account_at_its_limit_gives_up_what_is_gapped() {
    let (state, mut pool) = small_pool();
    for nonce in [0, 1, 5, 6] {
        insert(&mut pool, &state, transfer(1, 2, 1, 1, nonce)).unwrap();
    }
    insert(&mut pool, &state, transfer(1, 2, 1, 1, 2)).unwrap();
    insert(&mut pool, &state, transfer(1, 2, 1, 1, 3)).unwrap();
    assert_eq!((pool.len(), pool.gapped()), (4, 0));
    let full = EntryError::AccountFull { account: index(1), max: 4 };
    assert_eq!(insert(&mut pool, &state, transfer(1, 2, 1, 1, 4)), Err(full));
}

/// Otherwise a chain that pays nothing would keep its places by a last operation that pays much and that is
/// never executed.
#[test]
fn an_account_pays_as_little_as_its_lowest_fee() {
    let (state, mut pool) = small_pool();
    for (nonce, fee) in [(0, 1), (1, 1), (2, 99)] {
        insert(&mut pool, &state, transfer(1, 2, 1, fee, nonce)).unwrap();
    }
    for account in 3..=5 {
        insert(&mut pool, &state, transfer(account, 1, 1, 5, 0)).unwrap();
    }
    insert(&mut pool, &state, transfer(6, 1, 1, 2, 0)).unwrap();
    assert!(pool.iter().all(|signed| signed.operation.fee() != 99));
    // Nor does it get a place by one.
    let full = EntryError::PoolFull { max: 6, lowest: 2, fee: 1 };
    assert_eq!(insert(&mut pool, &state, transfer(1, 2, 1, 99, 2)), Err(full));
}

#[test]
fn operations_leave_when_their_time_is_over() {
    let (state, mut pool) = small_pool();
    for (nonce, now) in [(0, 5), (1, 7), (2, 7)] {
        let verified = pool.check(&state, &transfer(1, 2, 1, 1, nonce)).unwrap().verify().unwrap();
        pool.insert(&state, verified, now).unwrap();
    }
    pool.update(&state, 14);
    assert_eq!(pool.len(), 3);
    pool.take_changes();
    // Those behind the first one are gapped then.
    pool.update(&state, 15);
    assert_eq!((pool.len(), pool.gapped()), (2, 2));
    assert_eq!(pool.take_changes(), [((index(1), 0), None)]);
    pool.update(&state, 17);
    assert!(pool.is_empty());
}

#[test]
fn a_recipient_must_be_able_to_receive() {
    let (mut state, pool) = small_pool();
    let unknown = OperationError::UnknownRecipient(index(40));
    assert_eq!(pool.check(&state, &transfer(1, 40, 1, 0, 0)).unwrap_err(), unknown.into());
    let account = Account { balance: u64::MAX, ..state.account(index(2)).unwrap() };
    state.insert(index(2), account).unwrap();
    let overflow = OperationError::BalanceOverflow { account: index(2), balance: u64::MAX, amount: 1 };
    assert_eq!(pool.check(&state, &transfer(1, 2, 1, 0, 0)).unwrap_err(), overflow.into());
    let nowhere =
        Withdrawal { from: index(1), target: alloy_primitives::Address::ZERO, amount: 1, fee: 0, nonce: 0 };
    let nowhere = Operation::from(nowhere).sign(domain(), &secret(1));
    let error = pool.check(&state, &nowhere).unwrap_err();
    assert_eq!(error, OperationError::ZeroAddress.into());
    assert!(error.is_permanent());
    assert!(!EntryError::from(unknown).is_permanent());
}

#[test]
fn what_changed_since_the_check_is_checked_again() {
    let (state, mut pool) = small_pool();
    let (first, second) = (transfer(1, 2, 1, 5, 0), transfer(1, 2, 2, 5, 0));
    let verify = |pool: &Mempool, signed| pool.check(&state, &signed).unwrap().verify().unwrap();
    let (kept, same, other) = (verify(&pool, first), verify(&pool, first), verify(&pool, second));
    pool.insert(&state, kept, 0).unwrap();
    let known = EntryError::Known { account: index(1), nonce: 0 };
    assert_eq!(pool.insert(&state, same, 0), Err(known));
    let cheap = EntryError::Underpriced { account: index(1), nonce: 0, required: 6, fee: 5 };
    assert_eq!(pool.insert(&state, other, 0), Err(cheap));
    // A block took the first one.
    let mut later = state.clone();
    later.apply(domain(), &first).unwrap();
    let used = OperationError::NonceMismatch { account: index(1), expected: 1, actual: 0 };
    assert_eq!(pool.insert(&later, other, 0), Err(used.into()));
    // L1 gave the number to somebody else.
    let third = verify(&pool, transfer(3, 2, 1, 5, 0));
    let mut forked = state.clone();
    let account = Account { key: secret(7).public_key(), ..state.account(index(3)).unwrap() };
    forked.insert(index(3), account).unwrap();
    let invalid = OperationError::InvalidSignature(index(3));
    assert_eq!(pool.insert(&forked, third, 0), Err(invalid.into()));
    // A pool of another rollup believes nothing.
    let elsewhere = Domain::from_element(Fr::from(1u64));
    let mut elsewhere = Mempool::new(elsewhere, Limits::default());
    assert_eq!(elsewhere.insert(&state, third, 0), Err(invalid.into()));
}

/// An account's operations may come in one message, and a stranger may forge some of them.
#[test]
fn a_batch_is_checked_as_a_whole_and_forgeries_in_it_harm_nobody() {
    let state = funded(3, 1_000);
    let mut pool = Mempool::new(domain(), Limits::default());
    let honest: Vec<_> = (0..32).map(|nonce| transfer(1, 2, 1, 1, nonce)).collect();
    let mut forged = transfer(1, 2, 900, 99, 0);
    forged.signature = honest[0].signature;
    let batch: Vec<_> = std::iter::once(forged).chain(honest.iter().rev().copied()).collect();
    let checked: Vec<_> = pool.check_all(&state, &batch).into_iter().map(Result::unwrap).collect();
    let mut verified: Vec<_> = Checked::verify_all(checked).into_iter().filter_map(Result::ok).collect();
    assert_eq!(verified.len(), 32);
    verified.sort_by_key(|verified| verified.signed().operation.nonce());
    for verified in verified {
        pool.insert(&state, verified, 0).unwrap();
    }
    assert_eq!(pool.candidates(&state, 99), honest);
    // Alone, most of them would be too far from the account's nonce.
    let mut empty = Mempool::new(domain(), Limits::default());
    for signed in honest.iter().skip(1).take(16) {
        insert(&mut empty, &state, *signed).unwrap();
    }
    let gapped = EntryError::AccountGapped { account: index(1), expected: 0, nonce: 20, max: 16 };
    assert_eq!(empty.check(&state, &honest[20]).unwrap_err(), gapped);
}

/// The pool could be filled for nothing by accounts that send all that they have again and again.
#[test]
fn money_that_is_spent_once_fills_one_place() {
    let state = funded(60, 1_000);
    let mut pool = Mempool::new(domain(), Limits { total: 3_840, ..Limits::default() });
    for account in 1..=60 {
        for nonce in 0..3 {
            let _ = insert(&mut pool, &state, transfer(account, 1, 1_000, 0, nonce));
        }
    }
    assert_eq!(pool.len(), 60);
}
