//! The devnet on anvil: the same client, another L1.

mod common;

use common::{compare_views, options, run};
use fernet_devnet::{
    options::{DevnetOptions, L1Choice, ProofSource},
    record::SlotOutcome,
};

#[tokio::test(flavor = "multi_thread")]
async fn slots_with_and_without_a_fault() {
    // anvil's RANDAO is random, so no proof of an earlier run fits, and none is kept.
    let options = DevnetOptions {
        proofs: ProofSource::Made,
        ..options(L1Choice::Anvil, 31_501, 2, "first-candidate-dead@0")
    };
    let (records, summary) = run(options).await;
    assert_eq!(records.iter().map(|record| record.outcome).collect::<Vec<_>>(), [SlotOutcome::Finalized; 2]);
    assert_eq!(records.iter().map(|record| record.rank).collect::<Vec<_>>(), [Some(1), Some(0)]);
    assert!(summary.conservation.holds, "{:?}", summary.conservation.violations);
    assert!(summary.withdrawal.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_view_is_the_contracts_at_every_l1_slot() {
    let plan = "no-commitment@0,no-backup@0,no-proposal@1,no-backup@1";
    let seen = compare_views(options(L1Choice::Anvil, 31_502, 2, plan), 2).await;
    assert!(seen.iter().any(|view| view.turn.index() == 2), "every candidate has its turn");
}
