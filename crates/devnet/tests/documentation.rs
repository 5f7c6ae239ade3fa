//! `docs/devnet.md` lists the fields that the JSON has.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256};
use fernet_devnet::record::{
    Amount, Conservation, GasUsed, LastLine, OutcomeCounts, Paid, Slashed, SlotOutcome, SlotRecord, Summary,
    Withdrawal,
};
use serde_json::Value;

const PAGE: &str = include_str!("../../../docs/devnet.md");

/// The fields of an object and of the objects in it. Those of `open` objects are the reader's to see.
fn fields(value: &Value, prefix: &str, open: &[&str]) -> BTreeSet<String> {
    let Value::Object(object) = value else { return BTreeSet::new() };
    let mut found = BTreeSet::new();
    for (name, value) in object {
        let path = format!("{prefix}{name}");
        if value.is_object() && !open.contains(&path.as_str()) {
            found.extend(fields(value, &format!("{path}."), open));
        } else {
            found.insert(path);
        }
    }
    found
}

/// The fields in the first column of the tables of a section.
fn documented(page: &str, section: &str) -> BTreeSet<String> {
    let section = page.split(&format!("\n{section}\n")).nth(1).expect("the section");
    let section = section.split("\n#").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).map(str::to_owned).collect()
}

fn record() -> SlotRecord {
    SlotRecord {
        slot: 0,
        outcome: SlotOutcome::Finalized,
        sequencer: Some(1),
        rank: Some(0),
        prover: Some(Address::ZERO),
        transfers: 0,
        deposits: 0,
        withdrawals: 0,
        chunks: 1,
        gas: GasUsed::default(),
        proving_ms: 0,
        l1_slots: 1,
        state_root: B256::ZERO,
        l1_block: 1,
    }
}

fn summary() -> Summary {
    Summary {
        seed: 1,
        stopped: false,
        slots: 1,
        outcomes: OutcomeCounts::default(),
        height: 1,
        transfers: 0,
        deposits: 0,
        withdrawals: 1,
        chunks: 1,
        proving_ms: 0,
        l1_slots: 1,
        l1_block: 1,
        l1_block_hash: B256::ZERO,
        state_root: B256::ZERO,
        slashed: Slashed::default(),
        paid: Paid::default(),
        withdrawal: Some(Withdrawal {
            slot: 0,
            to: Address::ZERO,
            amount: Amount::default(),
            transaction: B256::ZERO,
        }),
        missing: Vec::new(),
        conservation: Conservation {
            holds: true,
            supply: Amount::default(),
            held: BTreeMap::new(),
            violations: Vec::new(),
        },
    }
}

#[test]
fn the_fields_of_a_slot_are_those_of_the_page() {
    let record = serde_json::to_value(record()).expect("JSON");
    assert_eq!(fields(&record, "", &[]), documented(PAGE, "### A slot"));
}

#[test]
fn the_fields_of_the_last_line_are_those_of_the_page() {
    let summary = summary();
    let mut emitted = fields(
        &serde_json::to_value(LastLine::Summary(&summary)).expect("JSON"),
        "",
        &["summary.conservation.held"],
    );
    let stopped = LastLine::Stopped { during: "starting L1" };
    emitted.extend(fields(&serde_json::to_value(stopped).expect("JSON"), "", &[]));
    // It has a row of its own, as it may be null.
    emitted.insert("summary.withdrawal".to_owned());
    assert_eq!(emitted, documented(PAGE, "### The last line"));
}
