//! Roles whose endpoints of the L1 refuse, lie, stall, break and lag. `FERNET_LONG=1` runs more seeds and
//! slots.

mod common;

use std::collections::BTreeSet;

use alloy::{
    consensus::Transaction as _,
    network::TransactionResponse as _,
    primitives::{Address, B256, Bytes},
    providers::Provider as _,
    rpc::types::Filter,
    sol_types::SolEvent as _,
};
use common::{options, run_slots};
use fernet_bindings::IRollup;
use fernet_devnet::{
    devnet::Devnet,
    options::{DevnetOptions, L1Choice},
    record::{SlotOutcome, SlotRecord},
};

fn is_long() -> bool {
    std::env::var_os("FERNET_LONG").is_some()
}

/// No role ended, every slot's block is final, no bond is lost, and no transaction was sent twice.
async fn check(faults: &str, devnet: &Devnet, records: &[SlotRecord]) {
    let outcomes: Vec<_> = records.iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, vec![SlotOutcome::Finalized; records.len()], "endpoint faults {faults}");
    let follower = devnet.follower().lock().await;
    assert_eq!(
        follower.ledger_at_tip().map(|ledger| ledger.root()),
        Some(follower.view().tip().state_root),
        "endpoint faults {faults}"
    );
    drop(follower);

    let provider = devnet.backend().provider();
    let rollup = devnet.deployment().contracts().rollup;
    let head = provider.get_block_number().await.expect("a head");
    let mut sent = BTreeSet::new();
    for number in devnet.deployment().file().block..=head {
        let block =
            provider.get_block_by_number(number.into()).full().await.expect("an answer").expect("a block");
        for transaction in block.transactions.into_transactions() {
            if transaction.to() != Some(rollup) {
                continue;
            }
            let (from, input): (Address, Bytes) = (transaction.from(), transaction.input().clone());
            let blobs: Vec<B256> = transaction.blob_versioned_hashes().unwrap_or_default().to_vec();
            let one = (from, input, blobs);
            assert!(
                sent.insert(one),
                "endpoint faults {faults}: sent twice in block {number}: {transaction:?}"
            );
        }
    }
    let slashed =
        Filter::new().address(rollup).event_signature(IRollup::BondSlashed::SIGNATURE_HASH).from_block(0);
    let lost = provider.get_logs(&slashed).await.expect("logs");
    assert!(lost.is_empty(), "endpoint faults {faults}: bonds are lost: {lost:?}");
}

async fn run(faults: &str, chain_id: u64, slots: u64) {
    println!("endpoint faults {faults}, {slots} slots");
    let options = DevnetOptions {
        endpoint_faults: Some(faults.parse().expect("endpoint faults")),
        ..options(L1Choice::Embedded, chain_id, slots, "")
    };
    let (devnet, records) = run_slots(options, slots).await;
    assert_eq!(records.len() as u64, slots);
    let happened = devnet.endpoints().happened();
    println!("{happened} faults");
    assert!(happened > 5 * slots, "endpoint faults {faults}: only {happened} happened");
    check(faults, &devnet, &records).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_slot_is_final_behind_one_faulty_endpoint() {
    let (seeds, slots) = if is_long() { (1..=10, 20) } else { (1..=2, 4) };
    for seed in seeds {
        run(&seed.to_string(), 31_408, slots).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_slot_is_final_behind_two_endpoints_of_which_one_is_good() {
    let (seeds, slots) = if is_long() { (1..=10, 20) } else { (1..=1, 4) };
    for seed in seeds {
        run(&format!("{seed}/2"), 31_409, slots).await;
    }
}
