//! The first signatures that a process verifies: its process must have verified none before.
#![allow(missing_docs)]

mod common;
use std::sync::mpsc;
use std::time::Duration;

use common::*;
use fernet_ledger::mempool::{Checked, Limits};
use fernet_ledger::*;

/// The table of multiples is made by the first verification. When all of rayon's threads wait for it, whoever
/// makes it must not wait for one of them.
#[test]
fn all_threads_may_verify_their_first_signature_at_once() {
    let state = funded(40, 100);
    let pool = Mempool::new(domain(), Limits::default());
    let batch: Vec<_> = (1..=40).map(|account| transfer(account, 1, 1, 1, 0)).collect();
    let checked: Vec<_> = pool.check_all(&state, &batch).into_iter().map(Result::unwrap).collect();
    let (done, verified) = mpsc::channel();
    std::thread::spawn(move || {
        done.send(Checked::verify_all(checked).into_iter().filter(Result::is_ok).count())
    });
    assert_eq!(verified.recv_timeout(Duration::from_secs(60)), Ok(40), "a thread waits for itself");
}
