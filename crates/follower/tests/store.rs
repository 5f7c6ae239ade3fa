//! A follower that is stopped at any write, and goes on from its file: as if it had never stopped.

mod common;
#[path = "../../l1/tests/common/disk.rs"]
mod disk;

use alloy::primitives::B256;
use common::*;
use disk::{Disk, Failure};
use fernet_embedded::Reorg;
use fernet_follower::{Follower, FollowerError, FollowerStore, StoreError};
use fernet_ledger::SecretKey;
use fernet_protocol::{L1Slot, Lane};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Everything that a follower tells.
fn everything(follower: &Follower) -> String {
    let view = follower.view();
    let now = view.head().map_or(L1Slot::new(0), |head| head.l1_slot);
    let mut accounts: Vec<_> = follower.ledger().accounts().collect();
    accounts.sort_by_key(|(index, _)| **index);
    format!(
        "{:?}",
        (
            (
                view.head(),
                view.tip(),
                view.slot(now.plus(1)),
                view.totals(),
                view.mix(L1Slot::new(now.get().saturating_sub(3)))
            ),
            (view.finalized_blocks(), view.claims()),
            Lane::ALL.map(|lane| view.queue(lane)),
            (follower.state_root(), follower.ledger().height(), accounts),
            follower.head_block().map(|block| block.hash),
        )
    )
}

fn open(world: &World, disk: &Disk) -> Result<Follower, FollowerError> {
    let store = FollowerStore::on(disk.clone())?;
    world.another_follower().with_store(store)
}

/// Follows to the head; says whether the disk held.
async fn follow(world: &World, disk: &Disk) -> Result<Follower, FollowerError> {
    let mut follower = open(world, disk)?;
    follower.catch_up().await?;
    Ok(follower)
}

/// Lets a disk fail at its writes while a follower catches up, and compares what the next one, on what is
/// left, knows at the head. Returns the number of failures.
async fn fail_at_every_write(
    world: &World,
    before: &[u8],
    expected: &str,
    every: usize,
    random: &mut StdRng,
) -> usize {
    let whole = Disk::of(before);
    follow(world, &whole).await.expect("a disk that holds");
    let operations = whole.operations();
    let mut failures = 0;
    for failure in Failure::ALL {
        for at in (random.random_range(0..every)..operations).step_by(every) {
            let disk = Disk::of(before);
            disk.fail(at, failure);
            match follow(world, &disk).await {
                Ok(_) => {}
                Err(FollowerError::Store(StoreError::Database(_))) => failures += 1,
                Err(other) => panic!("{failure:?} at {at}: {other}"),
            }
            let disk = Disk::of(&disk.remains(random));
            let follower = follow(world, &disk).await;
            let follower = follower.unwrap_or_else(|error| panic!("{failure:?} at {at}: {error}"));
            assert_eq!(everything(&follower), expected, "{failure:?} at {at} of {operations}");
        }
    }
    failures
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_fails_at_any_write_goes_on_as_if_it_had_not() {
    let is_long = std::env::var_os("FERNET_LONG").is_some();
    let seed: u64 = 11;
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut world = World::new().await;
    let keys = [SecretKey::from_seed(b"alice"), SecretKey::from_seed(b"bob")];
    world.deposit(&keys[0], 1, 10_000).await;
    world.deposit(&keys[1], 2, 5_000).await;
    let mut nonce = 0;
    let mut failures = 0;
    // What `FollowerStore::open` gives a name.
    let empty = Disk::default();
    drop(FollowerStore::on(empty.clone()).unwrap());
    let empty = empty.remains(&mut random);
    let mut before = empty.clone();
    for round in 0..if is_long { 24 } else { 9 } {
        match round % 6 {
            0 => drop(world.finalize(&[], |_| {}).await),
            1 | 4 => {
                let transfers = [transfer(&keys[0], 1, 2, 30, nonce)];
                nonce += 1;
                world.finalize(&transfers, |_| {}).await;
            }
            2 => world.force_exit(2, alloy::primitives::Address::repeat_byte(7)).await,
            3 => {
                // The newest block goes, with what it finalized if it finalized something.
                let depth = random.random_range(1..4);
                world.node.reorg(Reorg { depth, drop_transactions: false, refill: true }).unwrap();
                world.node.mine_slot();
            }
            _ => world.deposit(&keys[0], 1, 7).await,
        }
        world.follower.catch_up().await.unwrap();
        let expected = everything(&world.follower);
        let every = if is_long { 1 } else { 3 };
        failures += fail_at_every_write(&world, &before, &expected, every, &mut random).await;
        // The next round starts from this round's file, or now and then from nothing.
        let disk = Disk::of(&before);
        drop(follow(&world, &disk).await.unwrap());
        before = if round == 5 { empty.clone() } else { disk.remains(&mut random) };
    }
    println!("{failures} failures");
    assert!(failures > 100, "{failures} failures");

    // A reorg while the process is down takes back what the file has.
    let height = world.follower.ledger().height();
    let depth =
        world.node.head().number - world.follower.view().finalized_blocks().last().unwrap().l1_block + 2;
    world.node.reorg(Reorg { depth, drop_transactions: true, refill: true }).unwrap();
    world.node.mine_slot();
    world.follower.catch_up().await.unwrap();
    assert!(world.follower.ledger().height() < height);
    let follower = follow(&world, &Disk::of(&before)).await.unwrap();
    assert_eq!(everything(&follower), everything(&world.follower));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_failed_is_made_good_by_the_next_one() {
    let mut world = World::new().await;
    world.deposit(&SecretKey::from_seed(b"alice"), 1, 100).await;
    let disk = Disk::default();
    let mut follower = follow(&world, &disk).await.unwrap();
    world.finalize(&[], |_| {}).await;
    disk.fail(disk.operations(), Failure::Full);
    let error = follower.catch_up().await.unwrap_err();
    assert!(error.to_string().starts_with("follower store: "), "{error}");
    // Whoever runs it makes room, and starts it again.
    drop(follower);
    let remains = disk.remains(&mut StdRng::seed_from_u64(1));
    let follower = follow(&world, &Disk::of(&remains)).await.unwrap();
    world.follower.catch_up().await.unwrap();
    assert_eq!(everything(&follower), everything(&world.follower));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_of_one_deployment_and_of_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("follower.redb");
    let mut world = World::new().await;
    world.deposit(&SecretKey::from_seed(b"alice"), 1, 100).await;
    let store = FollowerStore::open(&path).unwrap();
    let mut follower = world.another_follower().with_store(store).unwrap();
    follower.catch_up().await.unwrap();
    let error = FollowerStore::open(&path).unwrap_err();
    assert_eq!(error.to_string(), format!("{} is in use by another process", path.display()));
    drop(follower);

    let store = FollowerStore::open(&path).unwrap();
    let other = follower_of(&world, B256::repeat_byte(3));
    let error = other.with_store(store).unwrap_err();
    assert!(
        error.to_string().starts_with("the follower store is of another deployment: expected 0x"),
        "{error}"
    );
}
