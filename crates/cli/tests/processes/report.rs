//! What happened in a run.

use std::collections::BTreeMap;

use fernet_devnet::record::SlotRecord;
use fernet_protocol::Phase;

use crate::faults::Fault;

/// A fault that happened.
#[derive(Debug)]
pub(crate) struct Happened {
    pub(crate) fault: Fault,
    pub(crate) slot: u64,
    pub(crate) phase: Phase,
    /// Number of the L1 block.
    pub(crate) l1_block: u64,
    /// L1 blocks from its end until its process was at the head again.
    pub(crate) recovered_after: Option<u64>,
}

/// All faults of a run.
#[derive(Debug, Default)]
pub(crate) struct Report(pub(crate) Vec<Happened>);

impl Report {
    /// A line for each fault, with what became of its slot.
    pub(crate) fn print(&self, slots: &BTreeMap<u64, SlotRecord>) {
        println!(
            "{:>8} {:>5} {:<17} {:<34} {:<10} L1 blocks to recover",
            "L1 block", "slot", "phase", "fault", "slot's end"
        );
        for Happened { fault, slot, phase, l1_block, recovered_after } in &self.0 {
            let outcome =
                slots.get(slot).map_or_else(|| "–".to_owned(), |record| format!("{:?}", record.outcome));
            let recovered = recovered_after.map_or_else(|| "–".to_owned(), |blocks| blocks.to_string());
            let (phase, fault) = (format!("{phase:?}"), format!("{fault:?}"));
            println!("{l1_block:>8} {slot:>5} {phase:<17} {fault:<34} {outcome:<10} {recovered}");
        }
    }
}
