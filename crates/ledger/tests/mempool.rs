//! Operations that the mempool accepts, and their order.
#![allow(missing_docs)]

mod common;
use common::*;
use fernet_ledger::{
    mempool::{EntryError, Limits},
    *,
};

fn pool(per_account: usize, total: usize) -> Mempool {
    Mempool::new(domain(), Limits { per_account, total })
}

#[test]
fn candidates_come_dearest_first_in_the_order_of_nonces() {
    let state = funded(3, 100);
    let mut pool = pool(8, 8);
    let (cheap, dear) = (transfer(1, 2, 1, 1, 0), transfer(1, 2, 1, 9, 1));
    let (middle, same) = (transfer(2, 1, 1, 5, 0), transfer(3, 1, 1, 5, 0));
    let gap = transfer(2, 1, 1, 9, 2);
    for signed in [dear, gap, same, cheap, middle] {
        assert_eq!(pool.insert(&state, signed), Ok(None));
    }
    assert_eq!(pool.candidates(&state, 10), [middle, same, cheap, dear]);
    assert_eq!(pool.candidates(&state, 2), [middle, same]);
    let mut later = state.clone();
    later.apply(domain(), &cheap).unwrap();
    assert_eq!(pool.candidates(&later, 1), [dear]);
    pool.prune(&later);
    assert_eq!(pool.len(), 4);
    assert_eq!(pool.iter().count(), 4);
}

#[test]
fn a_replacement_pays_a_tenth_more() {
    let state = funded(2, 100);
    let mut pool = pool(8, 8);
    let first = transfer(1, 2, 1, 15, 0);
    pool.insert(&state, first).unwrap();
    let error = EntryError::Underpriced { account: index(1), nonce: 0, required: 17, fee: 16 };
    assert_eq!(pool.insert(&state, transfer(1, 2, 2, 16, 0)), Err(error));
    assert_eq!(pool.insert(&state, transfer(1, 2, 2, 17, 0)), Ok(Some(first)));
    assert_eq!(pool.len(), 1);
    let mut free = self::pool(8, 8);
    free.insert(&state, transfer(1, 2, 1, 0, 0)).unwrap();
    assert!(matches!(
        free.insert(&state, transfer(1, 2, 2, 0, 0)),
        Err(EntryError::Underpriced { required: 1, .. })
    ));
}

#[test]
fn the_pool_is_bounded() {
    let state = funded(4, 100);
    let mut pool = pool(2, 3);
    pool.insert(&state, transfer(1, 2, 1, 4, 0)).unwrap();
    pool.insert(&state, transfer(1, 2, 1, 3, 1)).unwrap();
    let error = EntryError::AccountFull { account: index(1), max: 2 };
    assert_eq!(pool.insert(&state, transfer(1, 2, 1, 9, 2)), Err(error));
    pool.insert(&state, transfer(2, 1, 1, 5, 0)).unwrap();
    let error = EntryError::PoolFull { max: 3, lowest: 3, fee: 3 };
    assert_eq!(pool.insert(&state, transfer(3, 1, 1, 3, 0)), Err(error));
    // An operation with an invalid signature evicts none.
    let mut forged = transfer(3, 1, 1, 9, 0);
    forged.signature = transfer(2, 1, 1, 9, 0).signature;
    assert_eq!(pool.insert(&state, forged), Err(OperationError::InvalidSignature(index(3)).into()));
    assert_eq!(pool.len(), 3);
    pool.insert(&state, transfer(3, 1, 1, 9, 0)).unwrap();
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
    let refused = |pool: &mut Mempool, signed| match pool.insert(&state, signed) {
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
        let inserted = pool.insert(&state, signed);
        evicted += usize::from(inserted == Ok(None) && pool.len() == before);
        if next(8) == 0 {
            // A block takes the dearest ones.
            for signed in pool.candidates(&state, 3) {
                let _ = state.apply(domain(), &signed);
            }
            pool.prune(&state);
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
