//! The view: state from events, which can be rolled back, and its consequences at any L1 slot.

mod apply;
mod mixes;
mod records;
mod state;
mod stored;
#[cfg(test)]
mod tests;
mod written;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use alloy::primitives::{Address, B256, U256};
use fernet_l1::{EventError, REORG_LIMIT, Scoring};
use fernet_protocol::{
    Cursor, EligibleSequencer, Header, L1Slot, Lane, Parameters, QueueRange, Ranked, Rates, RollupId, Scorer,
    SequencerId, Slot, rank, seed, seed_at,
};
use imbl::OrdMap;

use mixes::Mixes;
pub(crate) use records::QueueLengths;
use records::Queues;
pub use records::{
    CandidateView, EscrowAccount, FinalizedBlock, L1Head, NextSlot, QueueRanges, QueueRecord, Rotating,
    SequencerRecord, SlotView, Tip, Totals, ViewConfig, WithdrawalClaim,
};
pub(crate) use state::{InFlight, NamedSigner, Shown, ViewState};
pub(crate) use written::Restored;
use written::Written;

/// Why a block can't be applied or undone. The view is unchanged then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// The block isn't the next one.
    #[error("expected L1 block {expected}, got {actual}")]
    NotNext { expected: u64, actual: u64 },
    /// The block is of another branch.
    #[error("the parent of L1 block {number} is {actual}, expected {expected}")]
    WrongParent { number: u64, expected: B256, actual: B256 },
    /// An event contradicts the view: client and contracts disagree about the rules, or events are missing.
    #[error("event {event} of L1 block {block} contradicts the view: expected {expected}, got {actual}")]
    Contradiction { block: u64, event: &'static str, expected: String, actual: String },
    /// The rollback goes further back than the remembered blocks.
    #[error("can't roll back to L1 block {to}: the oldest that is remembered is {oldest}")]
    TooDeep { to: u64, oldest: u64 },
    /// An event can't be read.
    #[error(transparent)]
    Event(#[from] EventError),
}

impl ViewError {
    /// Never: the same block results in the same error.
    pub fn is_retryable(&self) -> bool {
        false
    }
}

/// The rollup as of an L1 block.
#[derive(Clone, Debug)]
pub struct RollupView {
    setup: ViewConfig,
    state: Arc<ViewState>,
    /// Number of each remembered block, oldest first, with the state before it.
    before: VecDeque<(u64, Arc<ViewState>)>,
    mixes: Mixes,
    queue: Queues,
    finalized: Vec<FinalizedBlock>,
    /// Index in `finalized` by header hash.
    by_hash: BTreeMap<B256, usize>,
    claims: Vec<WithdrawalClaim>,
    /// How much of all this is on disk.
    written: Written,
}

impl RollupView {
    /// The rollup before its first event.
    pub fn new(setup: ViewConfig) -> Self {
        let state = ViewState {
            cursor: Cursor::genesis(setup.genesis_slot, &setup.parameters),
            in_flight: None,
            backup: None,
            tip: Tip {
                header_hash: setup.rollup.genesis_hash(),
                state_root: setup.genesis_root,
                deposits_end: 0,
                exits_end: 0,
                height: 0,
                slot: Slot::NONE,
            },
            sequencers: OrdMap::new(),
            escrow: OrdMap::new(),
            owed: OrdMap::new(),
            rates: OrdMap::new(),
            proven: OrdMap::new(),
            totals: Totals::default(),
            signers: OrdMap::new(),
            queue: Default::default(),
            finalized: 0,
            claims: 0,
        };
        Self {
            setup,
            state: Arc::new(state),
            before: VecDeque::new(),
            mixes: Mixes::default(),
            queue: Queues::default(),
            finalized: Vec::new(),
            by_hash: BTreeMap::new(),
            claims: Vec::new(),
            written: Written::default(),
        }
    }

    /// Undoes every block above `to`.
    ///
    /// # Errors
    ///
    /// If a block isn't remembered any more. The view is unchanged then.
    pub fn rollback(&mut self, to: u64) -> Result<(), ViewError> {
        let Some(head) = self.mixes.head() else { return Ok(()) };
        if head.number <= to {
            return Ok(());
        }
        let Some(at) = self.before.iter().position(|(number, _)| *number == to.saturating_add(1)) else {
            let oldest = self.before.front().map_or(head.number, |(number, _)| number.saturating_sub(1));
            return Err(ViewError::TooDeep { to, oldest });
        };
        if let Some((_, state)) = self.before.get(at) {
            self.state = state.clone();
        }
        self.before.truncate(at);
        self.mixes.truncate(to);
        self.forget_undone();
        self.written.roll_back(to, &self.state);
        Ok(())
    }

    /// Shortens the append-only lists to the lengths of the state.
    fn forget_undone(&mut self) {
        self.queue.truncate(self.state.queue);
        self.claims.truncate(self.state.claims);
        for block in self.finalized.drain(self.state.finalized.min(self.finalized.len())..) {
            self.by_hash.remove(&block.header_hash);
        }
    }

    fn remember(&mut self, number: u64) {
        self.before.push_back((number, self.state.clone()));
        if self.before.len() > REORG_LIMIT {
            self.before.pop_front();
        }
    }

    /// The newest L1 block of the view.
    pub fn head(&self) -> Option<L1Head> {
        self.mixes.head()
    }

    /// One of the newest L1 blocks; `None` if it is older than a header proof reaches.
    pub fn l1_block(&self, number: u64) -> Option<L1Head> {
        self.mixes.header(number)
    }

    /// The candidates of the slot that is over at `now` and that L1 hasn't settled yet, in the order of
    /// ranks.
    pub fn unsettled_candidates(&self, now: L1Slot) -> Option<(Slot, &[CandidateView])> {
        let expired = self.state.locate(&self.setup.parameters, now).expired?.timeline.slot;
        let in_flight = self.state.in_flight.as_ref().filter(|in_flight| in_flight.slot == expired)?;
        Some((expired, in_flight.candidates.as_slice()))
    }

    /// Identity of the rollup.
    pub fn rollup(&self) -> RollupId {
        self.setup.rollup
    }

    /// Parameters of the rollup.
    pub fn parameters(&self) -> &Parameters {
        &self.setup.parameters
    }

    /// The current slot at L1 slot `now`, if nothing happens until then: the result of
    /// `IReader.currentSlot()`.
    pub fn slot(&self, now: L1Slot) -> SlotView {
        let location = self.state.locate(&self.setup.parameters, now);
        let paid_l1_slots = location.paid_l1_slots(&self.setup.parameters);
        let timeline = location.current.timeline;
        let status = location.current.status;
        let mut candidates = match &self.state.in_flight {
            Some(slot) if slot.slot == timeline.slot => slot.candidates.as_slice().to_vec(),
            _ => Vec::new(),
        };
        // As on L1, only the candidate that committed last keeps its bits.
        let last = candidates.iter().rposition(|candidate| candidate.commitment.is_some());
        for (rank, candidate) in candidates.iter_mut().enumerate() {
            if Some(rank) != last {
                candidate.blobs_seen = 0;
            }
        }
        SlotView {
            slot: timeline.slot,
            phase: status.phase,
            start: timeline.start,
            previous_start: timeline.previous_start,
            seed_at: timeline.seed_at(&self.setup.parameters),
            phase_end: status.end,
            turn: status.rank,
            turn_start: status.turn_start,
            paid_l1_slots,
            revealed: status.revealed,
            candidates,
            unsettled: location.expired.map(|slot| slot.timeline.slot),
        }
    }

    /// The slot after the current one at `now`. Its seed may be known before it starts.
    pub fn next_slot(&self, now: L1Slot) -> NextSlot {
        let current = self.slot(now);
        NextSlot {
            slot: current.slot.plus(1),
            previous_start: current.start,
            seed_at: seed_at(current.start, &self.setup.parameters),
        }
    }

    /// The last finalized block.
    pub fn tip(&self) -> &Tip {
        &self.state.tip
    }

    /// The RANDAO mix as of the end of L1 slot `target`; `None` until there is a block after it.
    pub fn mix(&self, target: L1Slot) -> Option<B256> {
        self.state.proven.get(&target).copied().or_else(|| Some(self.mixes.at(target)?.mix))
    }

    /// Whether L1 knows a slot's seed, which follows from the mix as of `target`. Then `propose` needs no
    /// proof of it. The slot's first proposal proves it, or `Randomness.prove` does.
    pub fn is_seed_known(&self, slot: Slot, target: L1Slot) -> bool {
        let proposed = |slot_in_flight: &Arc<state::InFlight>| {
            slot_in_flight.slot == slot && !slot_in_flight.candidates.as_slice().is_empty()
        };
        self.state.proven.contains_key(&target) || self.state.in_flight.as_ref().is_some_and(proposed)
    }

    /// Rates of a block of `slot`, as far as they are known. Those of the current slot and of earlier ones
    /// never change. `None` before the deployment.
    pub fn rates(&self, slot: Slot) -> Option<Rates> {
        self.state.rates.range(..=slot).next_back().map(|(_, rates)| *rates)
    }

    /// End of the pause at `now`, or of the time before slot 0: the first L1 slot after it.
    pub fn paused_until(&self, now: L1Slot) -> Option<L1Slot> {
        let until = self.state.cursor.previous_start;
        (until > now).then_some(until)
    }

    /// Number of the first L1 block after `target`. Its header has the mix.
    pub fn mix_block(&self, target: L1Slot) -> Option<u64> {
        Some(self.mixes.at(target)?.child)
    }

    /// Seed of a slot whose predecessor started at `previous_start`; `None` until its mix is known.
    pub fn seed(&self, slot: Slot, previous_start: L1Slot) -> Option<B256> {
        Some(seed(self.mix(seed_at(previous_start, &self.setup.parameters))?, slot))
    }

    /// The sequencers that may propose in a slot whose predecessor started at `previous_start`, in no
    /// particular order.
    pub fn eligible_sequencers(&self, previous_start: L1Slot) -> Vec<EligibleSequencer> {
        let now = self.head().map_or(previous_start, |head| head.l1_slot);
        let eligible =
            self.state.sequencers.iter().filter(|(_, record)| record.is_eligible(previous_start, now));
        eligible
            .map(|(id, record)| EligibleSequencer {
                sequencer: *id,
                attester: record.attester.at(previous_start),
            })
            .collect()
    }

    /// The sequencers that may propose in that slot, in the order of ranks. `None` until the seed is known,
    /// and under VRF scoring, where scores are hidden.
    pub fn ranking(&self, slot: Slot, previous_start: L1Slot) -> Option<Vec<Ranked>> {
        if self.setup.scoring == Scoring::Vrf {
            return None;
        }
        let scorer = Scorer::new(self.setup.rollup, slot, self.seed(slot, previous_start)?);
        Some(rank(&scorer, &self.eligible_sequencers(previous_start)))
    }

    /// A registration.
    pub fn sequencer(&self, id: SequencerId) -> Option<&SequencerRecord> {
        self.state.sequencers.get(&id)
    }

    /// All registrations by id.
    pub fn sequencers(&self) -> impl Iterator<Item = (SequencerId, &SequencerRecord)> {
        self.state.sequencers.iter().map(|(id, record)| (*id, record))
    }

    /// Whether a sequencer may propose at `now` in a slot whose predecessor started at `active_by`.
    pub fn is_eligible(&self, id: SequencerId, active_by: L1Slot) -> bool {
        let now = self.head().map_or(active_by, |head| head.l1_slot);
        self.sequencer(id).is_some_and(|record| record.is_eligible(active_by, now))
    }

    /// A queue of the Bridge since genesis, by number.
    pub fn queue(&self, lane: Lane) -> &[QueueRecord] {
        self.queue.of(lane)
    }

    /// A range of a queue; `None` if the queue is shorter.
    pub fn queue_in(&self, lane: Lane, range: QueueRange) -> Option<&[QueueRecord]> {
        self.queue(lane).get(usize::try_from(range.from).ok()?..usize::try_from(range.to).ok()?)
    }

    /// Rolling hash of the first `count` operations of a lane; `None` if there are fewer.
    pub fn queue_chain(&self, lane: Lane, count: u64) -> Option<B256> {
        match count.checked_sub(1) {
            None => Some(B256::ZERO),
            Some(last) => Some(self.queue(lane).get(usize::try_from(last).ok()?)?.chain),
        }
    }

    /// The smallest part of a queue that a block on the tip may consume in a slot whose predecessor started
    /// at `cutoff`.
    pub fn queue_required(&self, lane: Lane, cutoff: L1Slot) -> QueueRange {
        let most = self.queue_available(lane);
        let due = self.queue_in(lane, most).unwrap_or_default();
        let due = due.partition_point(|record| record.l1_slot < cutoff) as u64;
        QueueRange { from: most.from, to: most.from.saturating_add(due) }
    }

    /// The largest part of a queue that a block on the tip may consume.
    pub fn queue_available(&self, lane: Lane) -> QueueRange {
        let max = self.setup.parameters.max_operations(lane);
        QueueRange::largest(self.state.tip.consumed(lane), max, self.queue(lane).len() as u64)
    }

    /// The key that an account named in the escrow, if it binds the account's quotes in all L1 slots from
    /// `first` to `last`. A change that isn't announced yet has the delay of a withdrawal, which is longer
    /// than any slot.
    pub fn named_signer(&self, account: Address, first: L1Slot, last: L1Slot) -> Option<Address> {
        let named = self.state.signers.get(&account)?;
        let signer = named.at(first);
        (!signer.is_zero() && signer == named.at(last)).then_some(signer)
    }

    /// The accounts whose free escrow covers a bond, and the keys that they named for quotes in L1 slot `at`.
    pub fn bonded_provers(&self, at: L1Slot) -> impl Iterator<Item = (Address, Option<Address>)> + '_ {
        let least = self.setup.parameters.min_bond;
        let bonded = self.state.escrow.iter().filter(move |(_, escrow)| escrow.free >= least);
        bonded.map(move |(account, _)| (*account, self.named_signer(*account, at, at)))
    }

    /// A prover's escrow account.
    pub fn escrow(&self, account: Address) -> EscrowAccount {
        self.state.escrow.get(&account).copied().unwrap_or_default()
    }

    /// Credited and unpaid rewards of an account, in token units.
    pub fn owed(&self, account: Address) -> U256 {
        self.state.owed.get(&account).copied().unwrap_or_default()
    }

    /// A header of the slot in flight or of a finalized block, by its hash.
    pub fn header(&self, hash: B256) -> Option<&Header> {
        let in_flight = self.state.in_flight.as_ref().and_then(|slot| slot.shown.get(&hash));
        in_flight.map(|shown| &shown.header).or_else(|| Some(&self.finalized_by_hash(hash)?.header))
    }

    /// Every finalized block, oldest first.
    pub fn finalized_blocks(&self) -> &[FinalizedBlock] {
        &self.finalized
    }

    /// The block finalized in a slot.
    pub fn finalized(&self, slot: Slot) -> Option<&FinalizedBlock> {
        let at = self.finalized.binary_search_by_key(&slot, |block| block.header.slot).ok()?;
        self.finalized.get(at)
    }

    /// A finalized block by its header's hash.
    pub fn finalized_by_hash(&self, hash: B256) -> Option<&FinalizedBlock> {
        self.finalized.get(*self.by_hash.get(&hash)?)
    }

    /// Withdrawals paid, oldest first.
    pub fn claims(&self) -> &[WithdrawalClaim] {
        &self.claims
    }

    /// Sums since genesis.
    pub fn totals(&self) -> &Totals {
        &self.state.totals
    }
}
