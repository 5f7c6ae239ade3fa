//! What the view knows, piece by piece.

use alloy::primitives::{Address, B256, TxHash, U256};
use fernet_l1::{BlobLocation, Deployment, Outcome, Scoring};
use fernet_protocol::{
    Candidate, Commitment, Header, L1Operation, L1Slot, Parameters, Phase, QueueRange, Rank, RollupId, Score,
    SequencerId, Slot, TokenAmount, rank_among,
};

/// What a view must know beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewConfig {
    /// Which rollup.
    pub rollup: RollupId,
    /// Its rules.
    pub parameters: Parameters,
    /// How sequencers rank.
    pub scoring: Scoring,
    /// L1 slot of its deployment.
    pub genesis_slot: L1Slot,
    /// State root of the empty ledger.
    pub genesis_root: B256,
    /// L1 slots from asking an escrow back to its payment.
    pub escrow_withdrawal_delay: u64,
}

impl ViewConfig {
    /// What a deployment says.
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

/// The newest L1 block that a view has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct L1Head {
    /// Number.
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// L1 slot.
    pub l1_slot: L1Slot,
}

/// Everything about the slot in turn at one L1 slot: what `IReader.currentSlot()` says then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotView {
    /// Which slot.
    pub slot: Slot,
    /// Its phase.
    pub phase: Phase,
    /// First L1 slot of the slot.
    pub start: L1Slot,
    /// Start of the slot before: sequencers active then may propose.
    pub previous_start: L1Slot,
    /// L1 slot whose RANDAO mix makes the seed.
    pub seed_at: L1Slot,
    /// First L1 slot after the phase, if nothing happens.
    pub phase_end: L1Slot,
    /// Rank in turn; once a block is revealed, its rank; the number of candidates where nobody is left.
    pub turn: Rank,
    /// Whether the candidate in turn is revealed.
    pub revealed: bool,
    /// Best first.
    pub candidates: Vec<CandidateView>,
    /// An earlier slot that is over and not settled on L1: `settle` would settle it.
    pub unsettled: Option<Slot>,
}

impl SlotView {
    /// The candidate in turn, or the revealed one.
    pub fn in_turn(&self) -> Option<&CandidateView> {
        self.candidates.get(self.turn.index())
    }

    /// Rank that a proposal of this sequencer and score would get; none if L1 would refuse it.
    pub fn would_rank(&self, sequencer: SequencerId, score: Score, max_candidates: u8) -> Option<Rank> {
        rank_among(&self.candidates, max_candidates, sequencer, score).ok()
    }
}

/// A ranked proposal and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateView {
    /// Who proposed.
    pub sequencer: SequencerId,
    /// Its score.
    pub score: Score,
    /// What it proposed.
    pub header_hash: B256,
    /// The prover's commitment.
    pub commitment: Option<Commitment>,
    /// L1 slot of the completed reveal.
    pub revealed_at: Option<L1Slot>,
    /// Bit i: blob i of the header was seen; zero for all but the candidate that committed last.
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

/// The slot after the one in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NextSlot {
    /// Which slot.
    pub slot: Slot,
    /// Start of the slot before it: sequencers active then may propose.
    pub previous_start: L1Slot,
    /// L1 slot whose RANDAO mix makes its seed.
    pub seed_at: L1Slot,
}

/// The last finalized block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tip {
    /// Hash of its header.
    pub header_hash: B256,
    /// State root after it.
    pub state_root: B256,
    /// Operations of the Bridge's queue consumed since genesis.
    pub deposits_end: u64,
    /// Finalized blocks since genesis.
    pub height: u64,
    /// Its slot; [`Slot::NONE`] before the first block.
    pub slot: Slot,
}

/// A registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequencerRecord {
    /// Sends proposals, signs quotes.
    pub attester: Rotating<Address>,
    /// Gets the rewards.
    pub owner: Address,
    /// Gets the stake back.
    pub withdrawer: Address,
    /// Hash of its BLS key.
    pub bls_key_hash: Rotating<B256>,
    /// L2 account that its blocks pay fees to.
    pub fee_recipient: u32,
    /// What is left of its stake.
    pub stake: TokenAmount,
    /// First L1 slot of activity.
    pub active_from: L1Slot,
    /// L1 slot in which its exit was signalled.
    pub exit_at: Option<L1Slot>,
    /// L1 slot from which an exiting one's stake is paid.
    pub withdrawable_from: Option<L1Slot>,
}

impl SequencerRecord {
    /// Whether it may propose at `now` in a slot whose predecessor started at `active_by`: active then, not exiting, and with
    /// the BLS key that it had then.
    pub fn is_eligible(&self, active_by: L1Slot, now: L1Slot) -> bool {
        self.active_from <= active_by
            && self.exit_at.is_none()
            && self.bls_key_hash.at(active_by) == self.bls_key_hash.at(now)
    }
}

/// A key that another one may replace from an L1 slot on, which was announced before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotating<T> {
    first: T,
    next: Option<(L1Slot, T)>,
}

impl<T: Copy> Rotating<T> {
    /// A key that nothing replaces yet.
    pub fn new(first: T) -> Self {
        Self { first, next: None }
    }

    /// The key at `moment`; right for any L1 slot that a slot in flight counts from, and for later ones.
    pub fn at(&self, moment: L1Slot) -> T {
        match self.next {
            Some((from, next)) if from <= moment => next,
            _ => self.first,
        }
    }

    /// Replaces the key from `from` on. What the last replacement brought counts for everything before.
    pub fn rotate(&mut self, next: T, from: L1Slot) {
        if let Some((_, last)) = self.next {
            self.first = last;
        }
        self.next = Some((from, next));
    }
}

/// A prover's money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EscrowAccount {
    /// Can be locked as a bond.
    pub free: TokenAmount,
    /// Bonds of slots that aren't over.
    pub locked: TokenAmount,
    /// Asked back.
    pub withdrawing: TokenAmount,
    /// First L1 slot in which `withdrawing` can be taken.
    pub withdrawable_from: L1Slot,
}

/// An entry of the Bridge's queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueRecord {
    /// Place in the queue, from 0.
    pub number: u64,
    /// What it asks for.
    pub operation: L1Operation,
    /// L1 owner of the account.
    pub owner: Address,
    /// Who paid the deposit, or ordered the exit.
    pub from: Address,
    /// Rolling hash of the queue up to and with it.
    pub chain: B256,
    /// L1 slot in which it was queued.
    pub l1_slot: L1Slot,
}

/// A finalized block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalizedBlock {
    /// Blocks before it.
    pub number: u64,
    /// Its header.
    pub header: Header,
    /// Hash of the header.
    pub header_hash: B256,
    /// How it became final.
    pub outcome: Outcome,
    /// Who got the prover's reward.
    pub payee: Address,
    /// The candidate whose block it is; none for another block finalized in backup.
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
    /// Part of the Bridge's queue that it consumed.
    pub queue: QueueRange,
    /// Where each of its blobs was published.
    pub blobs: Vec<BlobLocation>,
}

/// A withdrawal or a forced exit that was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WithdrawalClaim {
    /// Slot of the block that holds it.
    pub slot: Slot,
    /// Blob of the block.
    pub blob: u64,
    /// Element of the blob.
    pub element: u64,
    /// Who was paid.
    pub to: Address,
    /// L2 units.
    pub amount: u64,
}

/// Sums since genesis, token units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Totals {
    /// Burned from stakes.
    pub stake_slashed: U256,
    /// Taken from bonds, shares of others included.
    pub bonds_slashed: U256,
    /// Of that, what went to others.
    pub bond_shares: U256,
    /// Put into the reward pot.
    pub funded: U256,
    /// Credited from it.
    pub credited: U256,
    /// Paid out of it.
    pub claimed: U256,
}
