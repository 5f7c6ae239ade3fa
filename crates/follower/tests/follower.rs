//! The follower on a real chain: what becomes of data that is late, wrong, or undone by a reorg.

mod common;

use std::sync::atomic::Ordering;

use alloy::primitives::{Address, B256};
use common::*;
use fernet_embedded::Reorg;
use fernet_follower::{FollowerError, LedgerStatus, ReplayFailure};
use fernet_ledger::{AccountIndex, SecretKey};
use fernet_protocol::{Header, L1Slot, Slot};

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
