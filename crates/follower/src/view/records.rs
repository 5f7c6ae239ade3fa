//! The records of the view.

use alloy::primitives::{Address, B256, TxHash, U256};
use fernet_l1::{BlobLocation, Deployment, Outcome, Scoring};
use fernet_protocol::{
    Candidate, Commitment, Header, L1Operation, L1Slot, Lane, Parameters, Phase, QueueRange, Rank, RollupId,
    Score, SequencerId, Slot, TokenAmount, rank_among,
};
use serde::{Deserialize, Serialize};

/// Constants of a deployment that a view needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ViewConfig {
    /// Identity of the rollup.
    pub rollup: RollupId,
    /// Its parameters.
    pub parameters: Parameters,
    /// How sequencers are scored.
    pub scoring: Scoring,
    /// L1 slot of its deployment.
    pub genesis_slot: L1Slot,
    /// State root of the empty ledger.
    pub genesis_root: B256,
    /// L1 slots from the request of an escrow withdrawal until it can be paid.
    pub escrow_withdrawal_delay: u64,
}

impl ViewConfig {
    /// The constants of a deployment.
    pub fn of(deployment: &Deployment) -> Self {
        Self {
            rollup: deployment.rollup_id(),
            parameters: *deployment.parameters(),
            scoring: deployment.scoring(),
            genesis_slot: deployment.genesis_slot(),
            genesis_root: deployment.circuit().genesis_root,
            escrow_withdrawal_delay: deployment.escrow_withdrawal_delay(),
        }
    }
}

/// The newest L1 block of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct L1Head {
    /// Number.
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// L1 slot.
    pub l1_slot: L1Slot,
}

/// The current slot at an L1 slot: the result of `IReader.currentSlot()` then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotView {
    /// Number of the slot.
    pub slot: Slot,
    /// Its phase.
    pub phase: Phase,
    /// First L1 slot of the slot.
    pub start: L1Slot,
    /// Start of the previous slot. Sequencers that were active then may propose.
    pub previous_start: L1Slot,
    /// L1 slot of the RANDAO mix that gives the seed.
    pub seed_at: L1Slot,
    /// First L1 slot after the phase, if nothing happens before.
    pub phase_end: L1Slot,
    /// Rank in turn, or the rank of the revealed block. The number of candidates if none is left.
    pub turn: Rank,
    /// Start of the turn of the candidate in turn, or of the revealed one; `None` if there is none.
    pub turn_start: Option<L1Slot>,
    /// L1 slots that a block of this slot is paid for.
    pub paid_l1_slots: u32,
    /// Whether the candidate in turn is revealed.
    pub revealed: bool,
    /// In the order of ranks.
    pub candidates: Vec<CandidateView>,
    /// An earlier slot that is over and not settled on L1.
    pub unsettled: Option<Slot>,
}

impl SlotView {
    /// The candidate in turn, or the revealed one.
    pub fn in_turn(&self) -> Option<&CandidateView> {
        self.candidates.get(self.turn.index())
    }

    /// The rank that a proposal of this sequencer with this score would get; `None` if L1 would refuse it.
    pub fn would_rank(&self, sequencer: SequencerId, score: Score, max_candidates: u8) -> Option<Rank> {
        rank_among(&self.candidates, max_candidates, sequencer, score).ok()
    }
}

/// A candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateView {
    /// The sequencer that proposed it.
    pub sequencer: SequencerId,
    /// Its score.
    pub score: Score,
    /// Hash of the proposed header.
    pub header_hash: B256,
    /// The prover's commitment.
    pub commitment: Option<Commitment>,
    /// L1 slot of the completed reveal.
    pub revealed_at: Option<L1Slot>,
    /// Bit i: L1 has seen blob i of the header. Zero for all but the candidate that committed last.
    pub blobs_seen: u16,
}

impl Candidate for CandidateView {
    fn sequencer(&self) -> SequencerId {
        self.sequencer
    }

    fn score(&self) -> Score {
        self.score
    }
}

/// The slot after the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NextSlot {
    /// Number of the slot.
    pub slot: Slot,
    /// Start of the slot before it. Sequencers that were active then may propose.
    pub previous_start: L1Slot,
    /// L1 slot of the RANDAO mix that gives its seed.
    pub seed_at: L1Slot,
}

/// The last finalized block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tip {
    /// Hash of its header.
    pub header_hash: B256,
    /// State root after it.
    pub state_root: B256,
    /// Deposits consumed since genesis.
    pub deposits_end: u64,
    /// Forced exits consumed since genesis.
    pub exits_end: u64,
    /// Finalized blocks since genesis.
    pub height: u64,
    /// Its slot; [`Slot::NONE`] before the first block.
    pub slot: Slot,
}

impl Tip {
    /// Entries of a lane of the Bridge's queues that were consumed since genesis.
    pub fn consumed(&self, lane: Lane) -> u64 {
        match lane {
            Lane::Deposits => self.deposits_end,
            Lane::Exits => self.exits_end,
        }
    }
}

/// A registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequencerRecord {
    /// Key that sends proposals and signs quotes.
    pub attester: Rotating<Address>,
    /// Account that receives the rewards.
    pub owner: Address,
    /// Account that receives the stake.
    pub withdrawer: Address,
    /// Hash of its BLS key.
    pub bls_key_hash: Rotating<B256>,
    /// L2 account that receives the fees of its blocks.
    pub fee_recipient: u32,
    /// The rest of its stake.
    pub stake: TokenAmount,
    /// First L1 slot in which it is active.
    pub active_from: L1Slot,
    /// L1 slot in which its exit started.
    pub exit_at: Option<L1Slot>,
    /// First L1 slot in which its stake can be withdrawn.
    pub withdrawable_from: Option<L1Slot>,
}

impl SequencerRecord {
    /// Whether it may propose at `now` in a slot whose predecessor started at `active_by`. It must have been
    /// active then, with its current BLS key, and must not be exiting.
    pub fn is_eligible(&self, active_by: L1Slot, now: L1Slot) -> bool {
        self.active_from <= active_by
            && self.exit_at.is_none()
            && self.bls_key_hash.at(active_by) == self.bls_key_hash.at(now)
    }
}

/// A key with an announced replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotating<T> {
    first: T,
    next: Option<(L1Slot, T)>,
}

impl<T: Copy> Rotating<T> {
    /// A key without a replacement.
    pub fn new(first: T) -> Self {
        Self { first, next: None }
    }

    /// The key at `moment`. It is right for every L1 slot that a slot in flight refers to, and for later
    /// ones.
    pub fn at(&self, moment: L1Slot) -> T {
        match self.next {
            Some((from, next)) if from <= moment => next,
            _ => self.first,
        }
    }

    /// Replaces the key from `from` on. The previous replacement counts for everything before.
    pub fn rotate(&mut self, next: T, from: L1Slot) {
        if let Some((_, last)) = self.next {
            self.first = last;
        }
        self.next = Some((from, next));
    }
}

/// A prover's escrow account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EscrowAccount {
    /// Amount that can be locked as bonds.
    pub free: TokenAmount,
    /// Locked bonds.
    pub locked: TokenAmount,
    /// Amount of the requested withdrawal.
    pub withdrawing: TokenAmount,
    /// First L1 slot in which `withdrawing` can be paid.
    pub withdrawable_from: L1Slot,
}

/// An entry of one of the Bridge's queues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueRecord {
    /// Index in its lane, from 0.
    pub number: u64,
    /// The operation.
    pub operation: L1Operation,
    /// L1 owner of the account.
    pub owner: Address,
    /// Account that paid the deposit or ordered the exit.
    pub from: Address,
    /// Rolling hash of its lane, this operation included.
    pub chain: B256,
    /// L1 slot in which it was queued.
    pub l1_slot: L1Slot,
}

/// The Bridge's queues since genesis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queues {
    deposits: Vec<QueueRecord>,
    exits: Vec<QueueRecord>,
}

impl Queues {
    pub(crate) fn of(&self, lane: Lane) -> &Vec<QueueRecord> {
        match lane {
            Lane::Deposits => &self.deposits,
            Lane::Exits => &self.exits,
        }
    }

    pub(crate) fn of_mut(&mut self, lane: Lane) -> &mut Vec<QueueRecord> {
        match lane {
            Lane::Deposits => &mut self.deposits,
            Lane::Exits => &mut self.exits,
        }
    }

    pub(crate) fn restored(deposits: Vec<QueueRecord>, exits: Vec<QueueRecord>) -> Self {
        Self { deposits, exits }
    }

    pub(crate) fn lengths(&self) -> QueueLengths {
        QueueLengths { deposits: self.deposits.len(), exits: self.exits.len() }
    }

    pub(crate) fn truncate(&mut self, lengths: QueueLengths) {
        self.deposits.truncate(lengths.deposits);
        self.exits.truncate(lengths.exits);
    }
}

/// Lengths of the Bridge's queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueueLengths {
    deposits: usize,
    exits: usize,
}

impl QueueLengths {
    /// The length of a lane's queue.
    pub(crate) const fn of(self, lane: Lane) -> usize {
        match lane {
            Lane::Deposits => self.deposits,
            Lane::Exits => self.exits,
        }
    }

    /// The shorter length of each queue.
    pub(crate) fn min(self, other: Self) -> Self {
        Self { deposits: self.deposits.min(other.deposits), exits: self.exits.min(other.exits) }
    }
}

/// The parts of the Bridge's queues that a block consumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QueueRanges {
    /// The part of the deposits.
    pub deposits: QueueRange,
    /// The part of the forced exits.
    pub exits: QueueRange,
}

impl QueueRanges {
    /// The parts that `range` gives for each lane.
    pub fn by_lane(range: impl Fn(Lane) -> QueueRange) -> Self {
        Self { deposits: range(Lane::Deposits), exits: range(Lane::Exits) }
    }

    /// The part of a lane.
    pub fn of(&self, lane: Lane) -> QueueRange {
        match lane {
            Lane::Deposits => self.deposits,
            Lane::Exits => self.exits,
        }
    }
}

/// A finalized block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalizedBlock {
    /// Number of blocks before it.
    pub number: u64,
    /// Its header.
    pub header: Header,
    /// Hash of the header.
    pub header_hash: B256,
    /// How it was finalized.
    pub outcome: Outcome,
    /// Account that received the prover's reward.
    pub payee: Address,
    /// Sequencer of the block; `None` for a backup block of no candidate.
    pub candidate: Option<CandidateView>,
    /// The candidate's rank.
    pub rank: Option<Rank>,
    /// First L1 slot of its slot.
    pub start: L1Slot,
    /// L1 slot of the finalization.
    pub l1_slot: L1Slot,
    /// L1 block of the finalization.
    pub l1_block: u64,
    /// Transaction of the finalization.
    pub tx: TxHash,
    /// The parts of the Bridge's queues that it consumed.
    pub queue: QueueRanges,
    /// Location of each of its blobs.
    pub blobs: Vec<BlobLocation>,
}

/// A withdrawal or forced exit that was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WithdrawalClaim {
    /// Slot of its block.
    pub slot: Slot,
    /// Blob of the block.
    pub blob: u64,
    /// Element of the blob.
    pub element: u64,
    /// Account that was paid.
    pub to: Address,
    /// Amount, in L2 units.
    pub amount: u64,
}

/// Sums since genesis, in token units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Totals {
    /// Burned from stakes.
    pub stake_slashed: U256,
    /// Slashed from bonds, including the shares of beneficiaries.
    pub bonds_slashed: U256,
    /// The beneficiaries' part of it.
    pub bond_shares: U256,
    /// Paid into the reward pot.
    pub funded: U256,
    /// Credited from the reward pot.
    pub credited: U256,
    /// Paid out of credits.
    pub claimed: U256,
}
