//! The devnet's report as plain lines, for a pipe or a log.

use fernet_devnet::record::{SlotOutcome, SlotRecord, Summary};

use crate::format::{count, gas, hash, seconds, short, tokens};

/// One line for a finished slot.
pub(crate) fn slot(record: &SlotRecord) -> String {
    let mut parts = vec![format!("slot {:<4} {:<9}", record.slot, record.outcome.name())];
    match (record.sequencer, record.rank) {
        (Some(sequencer), Some(rank)) => parts.push(format!("sequencer {sequencer} (rank {rank})")),
        (Some(sequencer), None) => parts.push(format!("sequencer {sequencer}")),
        _ => {}
    }
    if let Some(prover) = record.prover {
        parts.push(format!("prover {}", short(prover)));
    }
    if record.outcome != SlotOutcome::Empty {
        let mut contents = vec![count(record.transfers, "transfer")];
        if record.deposits > 0 {
            contents.push(count(record.deposits, "deposit"));
        }
        if record.withdrawals > 0 {
            contents.push(count(record.withdrawals, "withdrawal"));
        }
        contents.push(count(u64::from(record.chunks), "chunk"));
        parts.push(contents.join(", "));
        parts.push(format!(
            "gas {} {} {} {}",
            gas(record.gas.propose),
            gas(record.gas.commit),
            gas(record.gas.reveal),
            gas(record.gas.finalize)
        ));
        parts.push(format!("proof {}", seconds(record.proving_ms)));
    }
    parts.push(format!("{}, block {}", count(record.l1_slots, "L1 slot"), record.l1_block));
    parts.push(format!("root {}", hash(&record.state_root)));
    parts.join(" · ")
}

/// The end of a run.
pub(crate) fn summary(summary: &Summary) -> String {
    let outcomes = summary.outcomes;
    let mut lines = vec![
        String::new(),
        format!(
            "{}: {} finalized, {} rescued, {} in backup, {} empty",
            count(summary.slots, "slot"),
            outcomes.finalized,
            outcomes.rescued,
            outcomes.backup,
            outcomes.empty
        ),
        format!(
            "{}, {}, {} in {} and {}",
            count(summary.transfers, "transfer"),
            count(summary.deposits, "deposit"),
            count(summary.withdrawals, "withdrawal"),
            count(summary.chunks, "chunk"),
            count(summary.l1_slots, "L1 slot"),
        ),
        format!("proving  {} in all", seconds(summary.proving_ms)),
        format!(
            "paid     {} credited, {} claimed, {} withdrawn from L2",
            tokens(summary.paid.credited.0),
            tokens(summary.paid.claimed.0),
            tokens(summary.paid.withdrawn.0)
        ),
        format!(
            "slashed  {} of stakes, {} of bonds ({} of it to rescuers, {} burned)",
            tokens(summary.slashed.stakes.0),
            tokens(summary.slashed.bonds.0),
            tokens(summary.slashed.bond_shares.0),
            tokens(summary.slashed.burned.0)
        ),
    ];
    if let Some(withdrawal) = &summary.withdrawal {
        lines.push(format!(
            "claimed  {} on L1 for {}, from the block of slot {}",
            tokens(withdrawal.amount.0),
            short(withdrawal.to),
            withdrawal.slot
        ));
    }
    lines.extend(summary.missing.iter().map(|missing| format!("missing  {missing}")));
    lines.push(format!("root     {}", summary.state_root));
    if summary.conservation.holds {
        lines.push(format!("tokens   all {} accounted for", tokens(summary.conservation.supply.0)));
    } else {
        lines.push("tokens   NOT all accounted for:".to_owned());
        lines.extend(summary.conservation.violations.iter().map(|violation| format!("         {violation}")));
    }
    lines.join("\n")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use alloy_primitives::{Address, B256};
    use fernet_devnet::record::GasUsed;

    pub(crate) fn record() -> SlotRecord {
        SlotRecord {
            slot: 3,
            outcome: SlotOutcome::Rescued,
            sequencer: Some(2),
            rank: Some(1),
            prover: Some(Address::repeat_byte(0x11)),
            transfers: 6,
            deposits: 1,
            withdrawals: 0,
            chunks: 1,
            gas: GasUsed {
                propose: Some(85_000),
                commit: Some(101_000),
                reveal: None,
                finalize: Some(470_500),
            },
            proving_ms: 4_100,
            l1_slots: 12,
            state_root: B256::repeat_byte(0xab),
            l1_block: 99,
        }
    }

    #[test]
    fn a_slot_is_one_line_with_what_matters() {
        let line = slot(&record());
        assert_eq!(line.lines().count(), 1);
        for part in [
            "slot 3",
            "rescued",
            "sequencer 2 (rank 1)",
            "prover 0x11111111",
            "6 transfers, 1 deposit, 1 chunk",
            "85.0k 101.0k – 470.5k",
            "proof 4.1 s",
            "12 L1 slots, block 99",
            "root 0xabababab…",
        ] {
            assert!(line.contains(part), "{part:?} isn't in {line:?}");
        }
    }

    #[test]
    fn an_empty_slot_has_no_block() {
        let line = slot(&SlotRecord {
            outcome: SlotOutcome::Empty,
            sequencer: None,
            rank: None,
            prover: None,
            ..record()
        });
        assert!(!line.contains("transfer") && !line.contains("gas"), "{line}");
    }
}
