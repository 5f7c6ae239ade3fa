//! The state that a live view shows, as plain data. The devnet keeps it current; a front end only draws it.

use std::collections::VecDeque;

use alloy::primitives::{Address, B256, U256};
use fernet_protocol::Price;

use crate::record::{GasUsed, OutcomeCounts, SlotRecord};

/// Slot records that a view keeps.
const KEPT_RECORDS: usize = 64;

/// Where a run is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RunState {
    /// Being set up.
    #[default]
    Starting,
    /// Slots are produced.
    Running,
    /// The last blocks carry the final withdrawal.
    Closing,
    /// Over.
    Done,
}

/// The L1 under the devnet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct L1Status {
    /// What it is: "embedded", "anvil", or an address.
    pub backend: String,
    /// Where its RPC answers.
    pub rpc: Option<String>,
    /// Its chain id.
    pub chain_id: u64,
    /// Number of its last block.
    pub block: u64,
    /// L1 slot of that block.
    pub slot: u64,
    /// Length of an L1 slot in seconds.
    pub slot_seconds: u64,
    /// Whether it makes its next block only when the devnet asks for it.
    pub is_stepwise: bool,
}

/// The current slot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CurrentSlot {
    /// Its number.
    pub number: u64,
    /// Name of its phase.
    pub phase: &'static str,
    /// Rank of the candidate in turn.
    pub turn: u8,
    /// L1 slots left in the phase if nothing happens.
    pub l1_slots_left: u64,
    /// L1 slots that the whole phase lasts.
    pub phase_length: u64,
    /// Names of the faults planned for it.
    pub faults: Vec<&'static str>,
}

/// How far a sequencer got in the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CandidateProgress {
    /// May propose.
    #[default]
    Eligible,
    /// Proposed, and on the list.
    Proposed,
    /// Has a prover's commitment.
    Committed,
    /// Published the data.
    Revealed,
    /// Lost its turn: no prover committed to its block.
    Abandoned,
    /// Lost its turn: it revealed no data.
    Withheld,
}

impl CandidateProgress {
    /// The word for it in a live view.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eligible => "eligible",
            Self::Proposed => "proposed",
            Self::Committed => "committed",
            Self::Revealed => "revealed",
            Self::Abandoned => "abandoned",
            Self::Withheld => "withheld",
        }
    }
}

/// A sequencer in the slot's ranking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankedSequencer {
    /// Its id.
    pub sequencer: u32,
    /// Upper 64 bits of its 192-bit score: enough to tell scores apart on a screen.
    pub score: u64,
    /// How far it got.
    pub progress: CandidateProgress,
}

/// The prover that the candidate in turn agreed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreedProver {
    /// Its L1 account.
    pub prover: Address,
    /// Bond in token units.
    pub bond: U256,
    /// Price that the sequencer pays; negative if the prover pays.
    pub price: Price,
}

/// What a block contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockContents {
    /// Transfers.
    pub transfers: u64,
    /// Deposits.
    pub deposits: u64,
    /// Withdrawals.
    pub withdrawals: u64,
    /// Chunks.
    pub chunks: u32,
}

/// Proofs being made, all together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProofProgress {
    /// Chunks proven.
    pub done: u32,
    /// Chunks in all.
    pub total: u32,
    /// Milliseconds since the proof began.
    pub elapsed_ms: u64,
}

/// The last finalized block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tip {
    /// Blocks since genesis.
    pub height: u64,
    /// State root.
    pub root: B256,
}

/// Everything that a live view shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DevnetView {
    /// Where the run is.
    pub state: RunState,
    /// What it does right now, in a few words.
    pub activity: String,
    /// The L1.
    pub l1: L1Status,
    /// The current slot.
    pub slot: CurrentSlot,
    /// Its ranking, best first; empty until the slot's seed is known.
    pub ranking: Vec<RankedSequencer>,
    /// The committed prover of the candidate in turn.
    pub prover: Option<AgreedProver>,
    /// The block of the candidate in turn, once known.
    pub block: Option<BlockContents>,
    /// The proofs being made, if any.
    pub proof: Option<ProofProgress>,
    /// Gas of the slot's transactions so far.
    pub gas: GasUsed,
    /// L2 transactions in the mempool.
    pub mempool: u64,
    /// The last finalized block.
    pub tip: Tip,
    /// How the slots so far ended.
    pub outcomes: OutcomeCounts,
    /// Transfers finalized so far.
    pub transfers: u64,
    /// The last slots, oldest first.
    pub history: VecDeque<SlotRecord>,
}

impl DevnetView {
    /// Adds a finished slot to the history and the totals.
    pub fn record(&mut self, record: &SlotRecord) {
        self.outcomes.count(record.outcome);
        self.transfers = self.transfers.saturating_add(record.transfers);
        if self.history.len() == KEPT_RECORDS {
            self.history.pop_front();
        }
        self.history.push_back(record.clone());
    }
}
