//! What a devnet reports: one record a slot and a summary at the end, in the JSON form that `docs/devnet.md`
//! describes.
//!
//! Token amounts are decimal strings of token units (10^-18 of a token): JSON numbers would lose digits.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256};
use serde::{Serialize, Serializer};

/// How a slot ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SlotOutcome {
    /// Its committed prover proved it in time.
    Finalized,
    /// Somebody proved it after exclusive proving.
    Rescued,
    /// A block of the backup phase.
    Backup,
    /// No block.
    Empty,
}

impl From<fernet_l1::Outcome> for SlotOutcome {
    fn from(outcome: fernet_l1::Outcome) -> Self {
        match outcome {
            fernet_l1::Outcome::Finalized => Self::Finalized,
            fernet_l1::Outcome::Rescued => Self::Rescued,
            fernet_l1::Outcome::Backup => Self::Backup,
        }
    }
}

impl SlotOutcome {
    /// The name in the JSON and in the view.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Finalized => "finalized",
            Self::Rescued => "rescued",
            Self::Backup => "backup",
            Self::Empty => "empty",
        }
    }
}

/// Gas of the transactions that made a block; none where there was no such transaction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct GasUsed {
    /// The winner's proposal, with the seed proof where it carried it.
    pub propose: Option<u64>,
    /// The commitment to the winner's header.
    pub commit: Option<u64>,
    /// All transactions that revealed the winner's blobs.
    pub reveal: Option<u64>,
    /// Finalization, by proof or in backup.
    pub finalize: Option<u64>,
}

/// One slot, once it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlotRecord {
    /// Number of the slot.
    pub slot: u64,
    /// How it ended.
    pub outcome: SlotOutcome,
    /// Sequencer of the block; none in an empty slot and in a backup block that no sequencer proposed.
    pub sequencer: Option<u32>,
    /// Rank of that sequencer's proposal, 0 the best.
    pub rank: Option<u8>,
    /// Account that the proof paid: its payee. None in an empty slot.
    pub prover: Option<Address>,
    /// Transfers in the block.
    pub transfers: u64,
    /// Deposits in the block.
    pub deposits: u64,
    /// Withdrawals in the block.
    pub withdrawals: u64,
    /// Chunks, each with its own proof.
    pub chunks: u32,
    /// Gas of each step.
    pub gas: GasUsed,
    /// Wall-clock time of the block's proof in milliseconds; 0 without one, and where it came from the proof
    /// cache.
    pub proving_ms: u64,
    /// L1 slots from the slot's start to its end.
    pub l1_slots: u64,
    /// L2 state root after the slot.
    pub state_root: B256,
    /// L1 block that finalized the slot, or the first one after its end.
    pub l1_block: u64,
}

/// A token amount, written as a decimal string.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub U256);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl From<U256> for Amount {
    fn from(amount: U256) -> Self {
        Self(amount)
    }
}

/// How many slots ended in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct OutcomeCounts {
    /// Finalized in time.
    pub finalized: u64,
    /// Rescued.
    pub rescued: u64,
    /// Finalized in backup.
    pub backup: u64,
    /// Without a block.
    pub empty: u64,
}

impl OutcomeCounts {
    /// Counts one more slot.
    pub fn count(&mut self, outcome: SlotOutcome) {
        let counter = match outcome {
            SlotOutcome::Finalized => &mut self.finalized,
            SlotOutcome::Rescued => &mut self.rescued,
            SlotOutcome::Backup => &mut self.backup,
            SlotOutcome::Empty => &mut self.empty,
        };
        *counter = counter.saturating_add(1);
    }

    /// Slots with a block in them.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.finalized.saturating_add(self.rescued).saturating_add(self.backup)
    }
}

/// Penalties, in token units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Slashed {
    /// From stakes, for candidates without a commitment or a reveal.
    pub stakes: Amount,
    /// Bonds of provers that didn't deliver.
    pub bonds: Amount,
    /// The part of those bonds that went to rescuers.
    pub bond_shares: Amount,
    /// The part of stakes and bonds that was burned.
    pub burned: Amount,
}

/// What was paid, in token units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Paid {
    /// Credited to sequencers' owners and provers for blocks.
    pub credited: Amount,
    /// Claimed of it by the end of the run.
    pub claimed: Amount,
    /// Withdrawals paid out by the bridge.
    pub withdrawn: Amount,
}

/// The withdrawal that a run ends with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Withdrawal {
    /// Slot whose block carries it.
    pub slot: u64,
    /// L1 account that got it.
    pub to: Address,
    /// Token units paid.
    pub amount: Amount,
    /// L1 transaction that claimed it.
    pub transaction: B256,
}

/// Whether every token is accounted for, to the last unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conservation {
    /// Whether every check passed.
    pub holds: bool,
    /// Tokens that exist.
    pub supply: Amount,
    /// Where they are: each contract, the burn address, all users together.
    pub held: BTreeMap<String, Amount>,
    /// The checks that failed, each with what was expected and found.
    pub violations: Vec<String>,
}

/// Totals of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Seed of the run.
    pub seed: u64,
    /// Whether the user asked for the end.
    pub stopped: bool,
    /// Slots that ended.
    pub slots: u64,
    /// How they ended.
    pub outcomes: OutcomeCounts,
    /// Blocks finalized.
    pub height: u64,
    /// Transfers finalized.
    pub transfers: u64,
    /// Deposits finalized.
    pub deposits: u64,
    /// Withdrawals finalized.
    pub withdrawals: u64,
    /// Chunks proven.
    pub chunks: u64,
    /// Wall-clock time of all proofs in milliseconds.
    pub proving_ms: u64,
    /// L1 slots from the start of the first slot to the end of the last.
    pub l1_slots: u64,
    /// Last L1 block seen.
    pub l1_block: u64,
    /// Hash of that block: the same seed gives the same one on the embedded L1.
    pub l1_block_hash: B256,
    /// Last finalized state root.
    pub state_root: B256,
    /// What was taken.
    pub slashed: Slashed,
    /// What was paid.
    pub paid: Paid,
    /// The withdrawal that was claimed.
    pub withdrawal: Option<Withdrawal>,
    /// What the run was to do and didn't, each with the reason.
    pub missing: Vec<String>,
    /// Result of the token-conservation check.
    pub conservation: Conservation,
}

/// The last line of the JSON output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LastLine<'a> {
    /// How the run went.
    Summary(&'a Summary),
    /// The user asked for the end before there was anything to sum up.
    Stopped {
        /// What the devnet was doing.
        during: &'a str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_slot_record_has_exactly_the_documented_fields_in_order() {
        let record = SlotRecord {
            slot: 3,
            outcome: SlotOutcome::Rescued,
            sequencer: Some(2),
            rank: Some(1),
            prover: Some(Address::repeat_byte(0x11)),
            transfers: 6,
            deposits: 1,
            withdrawals: 0,
            chunks: 1,
            gas: GasUsed { propose: Some(1), commit: Some(2), reveal: Some(3), finalize: Some(4) },
            proving_ms: 4000,
            l1_slots: 12,
            state_root: B256::repeat_byte(0x22),
            l1_block: 99,
        };
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"slot":3,"outcome":"rescued","sequencer":2,"rank":1,"#,
                r#""prover":"0x1111111111111111111111111111111111111111","transfers":6,"deposits":1,"#,
                r#""withdrawals":0,"chunks":1,"gas":{"propose":1,"commit":2,"reveal":3,"finalize":4},"#,
                r#""proving_ms":4000,"l1_slots":12,"#,
                r#""state_root":"0x2222222222222222222222222222222222222222222222222222222222222222","l1_block":99}"#
            )
        );
    }

    #[test]
    fn an_empty_slot_keeps_every_field() {
        let record = SlotRecord {
            slot: 0,
            outcome: SlotOutcome::Empty,
            sequencer: None,
            rank: None,
            prover: None,
            transfers: 0,
            deposits: 0,
            withdrawals: 0,
            chunks: 0,
            gas: GasUsed::default(),
            proving_ms: 0,
            l1_slots: 13,
            state_root: B256::ZERO,
            l1_block: 1,
        };
        let value = serde_json::to_value(&record).unwrap();
        assert_eq!(value["gas"], json!({"propose": null, "commit": null, "reveal": null, "finalize": null}));
        assert_eq!(value["sequencer"], Value::Null);
        assert_eq!(value.as_object().unwrap().len(), 14);
    }

    #[test]
    fn amounts_keep_their_digits() {
        let amount = Amount(U256::from(10).pow(U256::from(30)));
        assert_eq!(serde_json::to_string(&amount).unwrap(), "\"1000000000000000000000000000000\"");
    }

    #[test]
    fn outcomes_count_blocks_and_empty_slots_apart() {
        let mut counts = OutcomeCounts::default();
        for outcome in [SlotOutcome::Finalized, SlotOutcome::Rescued, SlotOutcome::Backup, SlotOutcome::Empty]
        {
            counts.count(outcome);
        }
        assert_eq!(counts, OutcomeCounts { finalized: 1, rescued: 1, backup: 1, empty: 1 });
        assert_eq!(counts.blocks(), 3);
    }
}
