//! A transaction manager whose disk fails at any write, and the one that goes on from what is left: nothing
//! is sent twice, and nothing is forgotten.

mod common;
#[path = "common/disk.rs"]
mod disk;

use alloy::{
    primitives::{Address, U256},
    providers::Provider as _,
};
use common::{CHAIN_ID, Kind, TestL1, intent, key, signer};
use disk::{Disk, Failure};
use fernet_l1::{Accounts, Intent, TxConfig, TxManager, TxStatus, TxStore};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const SOMEBODY: Address = Address::repeat_byte(0x5b);
/// Payments of one run.
const PAYMENTS: u64 = 3;

fn manager(l1: &TestL1, disk: &Disk) -> Fallible<TxManager> {
    let config = TxConfig { least_tip: 1_000_000_000, ..TxConfig::new(CHAIN_ID, l1.clock) };
    let store = TxStore::on(disk.clone())?;
    Ok(TxManager::open(l1.provider.clone(), Accounts::new(signer(1)), store, config)?)
}

/// Submits all payments, as a role does at each block, until they are mined.
async fn pay(l1: &mut TestL1, disk: &Disk) -> Fallible<()> {
    let mut manager = manager(l1, disk)?;
    manager.tick(&l1.head().await).await?;
    for _ in 0..10 {
        for number in 0..PAYMENTS {
            let name = format!("pay {number}");
            manager.submit(Intent { value: U256::from(10 + number), ..intent(&name, SOMEBODY) }).await?;
        }
        let head = l1.mine().await;
        manager.tick(&head).await?;
        let is_mined = |number| {
            let status = manager.status(&key(&format!("pay {number}")));
            matches!(status, Some(TxStatus::Mined(_)))
        };
        if (0..PAYMENTS).all(is_mined) {
            return Ok(());
        }
    }
    Err("not all payments are mined".into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_store_that_fails_at_any_write_sends_nothing_twice() {
    let every = if std::env::var_os("FERNET_LONG").is_some() { 1 } else { 4 };
    let seed = 12;
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let empty = Disk::default();
    drop(TxStore::on(empty.clone()).unwrap());
    let empty = empty.remains(&mut random);
    let whole = Disk::of(&empty);
    pay(&mut TestL1::start(Kind::Embedded).await, &whole).await.unwrap();
    let (operations, mut failures) = (whole.operations(), 0);
    for failure in Failure::ALL {
        for at in (random.random_range(0..every)..operations).step_by(every) {
            let mut l1 = TestL1::start(Kind::Embedded).await;
            let disk = Disk::of(&empty);
            disk.fail(at, failure);
            failures += usize::from(pay(&mut l1, &disk).await.is_err());
            let disk = Disk::of(&disk.remains(&mut random));
            pay(&mut l1, &disk).await.unwrap_or_else(|error| panic!("{failure:?} at {at}: {error}"));
            let sent = l1.provider.get_transaction_count(signer(1).address()).await.unwrap();
            let paid = l1.provider.get_balance(SOMEBODY).await.unwrap();
            let expected = (0..PAYMENTS).map(|number| 10 + number).sum::<u64>();
            assert_eq!((sent, paid), (PAYMENTS, U256::from(expected)), "{failure:?} at {at}");
        }
    }
    println!("{failures} failures at {operations} operations");
    assert!(failures > 10, "{failures} failures");
}
