//! Slots as L1's view showed them last, and how they ended.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use fernet_follower::{CandidateView, RollupView};
use fernet_l1::Outcome;
use fernet_protocol::{L1Slot, Phase, Slot};

/// L1 slots after the end of a slot until its outcome is told. Reorgs that are longer are rare, and change
/// none that was told.
pub const SETTLED_AFTER: u64 = 12;

/// A slot as the view showed it last.
#[derive(Debug, Clone)]
struct Seen {
    /// In the order of ranks.
    candidates: Vec<CandidateView>,
    /// Latest phase in which it was seen; `None` if its time passed unseen.
    phase: Option<Phase>,
    /// First L1 slot in which the slot was found to be over; `None` while it is in turn.
    over_at: Option<L1Slot>,
    /// The guardian's pause ended it.
    voided: bool,
}

/// How a slot ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SlotEnd {
    /// With a block.
    Block { header_hash: B256, outcome: Outcome, payee: Address, at: L1Slot },
    /// Without one.
    Expired,
    /// By the guardian's pause, as if it had never begun.
    Voided,
}

/// A slot that is over for good.
#[derive(Debug, Clone)]
pub(super) struct EndedSlot {
    pub(super) slot: Slot,
    /// In the order of ranks.
    pub(super) candidates: Vec<CandidateView>,
    /// Index of the revealed candidate.
    pub(super) revealed: Option<usize>,
    /// Whether the slot was seen after its proposal phase, so that it is known who didn't propose.
    pub(super) is_complete: bool,
    pub(super) end: SlotEnd,
}

/// The slots that aren't told yet.
#[derive(Debug, Clone, Default)]
pub(super) struct SlotHistory {
    slots: BTreeMap<Slot, Seen>,
    /// The first slot that may still be told.
    first: Option<Slot>,
    /// Slots whose time passed unseen and without a block.
    unobserved: u64,
}

impl SlotHistory {
    /// Takes note of the view at its newest L1 block. Returns the slots that are over for good since, each
    /// once, in order.
    pub(super) fn observe(&mut self, view: &RollupView) -> Vec<EndedSlot> {
        let Some(head) = view.head() else { return Vec::new() };
        let next = head.l1_slot.plus(1);
        let current = view.slot(next);
        let first = *self.first.get_or_insert_with(|| first_to_tell(view, current.slot, next));
        // After a reorg, what comes later is seen anew.
        self.slots.split_off(&current.slot.plus(1));
        self.fill_gap(view, first, current.slot);
        if let Some((slot, candidates)) = view.unsettled_candidates(next)
            && let Some(seen) = self.slots.get_mut(&slot)
        {
            // Its last blocks may not have been seen one by one.
            candidates.clone_into(&mut seen.candidates);
            seen.phase = Some(Phase::Backup);
        }
        let is_paused = view.paused_until(next).is_some();
        for (slot, seen) in self.slots.range_mut(..current.slot) {
            if seen.over_at.is_none() {
                seen.over_at = Some(next);
                seen.voided = is_paused && slot.plus(1) == current.slot;
            }
        }
        if current.slot >= first {
            let seen = Seen {
                candidates: current.candidates,
                phase: Some(current.phase),
                over_at: None,
                voided: false,
            };
            self.slots.insert(current.slot, seen);
        }
        self.take_ended(view, next)
    }

    /// Slots whose time passed unseen and without a block.
    pub(super) const fn unobserved(&self) -> u64 {
        self.unobserved
    }

    /// Adds the slots between the newest one and the one in turn: those with a block.
    fn fill_gap(&mut self, view: &RollupView, first: Slot, current: Slot) {
        let from = self.slots.last_key_value().map_or(first, |(slot, _)| slot.plus(1)).max(first);
        let blocks = view.finalized_blocks();
        let at = blocks.partition_point(|block| block.header.slot < from);
        let unseen = || Seen { candidates: Vec::new(), phase: None, over_at: None, voided: false };
        let mut filled = 0_u64;
        for block in blocks.iter().skip(at).take_while(|block| block.header.slot < current) {
            self.slots.entry(block.header.slot).or_insert_with(unseen);
            filled = filled.saturating_add(1);
        }
        if let Some((slot, _)) = view.head().and_then(|head| view.unsettled_candidates(head.l1_slot.plus(1)))
            && slot >= from
            && slot < current
        {
            self.slots.entry(slot).or_insert_with(unseen);
            filled = filled.saturating_add(1);
        }
        let passed = current.get().saturating_sub(from.get());
        self.unobserved = self.unobserved.saturating_add(passed.saturating_sub(filled));
    }

    fn take_ended(&mut self, view: &RollupView, next: L1Slot) -> Vec<EndedSlot> {
        let mut ended = Vec::new();
        while let Some(entry) = self.slots.first_entry() {
            let slot = *entry.key();
            if entry.get().over_at.is_none_or(|over_at| over_at.plus(SETTLED_AFTER) > next) {
                break;
            }
            ended.push(end_of(view, slot, entry.remove()));
            self.first = Some(slot.plus(1));
        }
        ended
    }
}

/// The first slot that a tracker tells which sees the view for the first time: none that a tracker before it
/// has told.
fn first_to_tell(view: &RollupView, current: Slot, next: L1Slot) -> Slot {
    let blocks = view.finalized_blocks();
    // A slot with a block is over in the L1 slot after that of the finalization.
    let recent = blocks.partition_point(|block| block.l1_slot.plus(1 + SETTLED_AFTER) <= next);
    let unsettled = view.unsettled_candidates(next).map(|(slot, _)| slot);
    let recent = blocks.get(recent).map(|block| block.header.slot);
    [recent, unsettled].into_iter().flatten().fold(current, Slot::min)
}

fn end_of(view: &RollupView, slot: Slot, seen: Seen) -> EndedSlot {
    let Seen { mut candidates, phase, voided, .. } = seen;
    let block = view.finalized(slot);
    // What came in the last L1 block is known of the block's own candidate only.
    if let Some((candidate, rank)) = block.and_then(|block| block.candidate.as_ref().zip(block.rank)) {
        let is_own = |other: &CandidateView| other.sequencer == candidate.sequencer;
        match candidates.iter_mut().find(|other| is_own(other)) {
            Some(known) => *known = candidate.clone(),
            None => candidates.insert(rank.index().min(candidates.len()), candidate.clone()),
        }
    }
    let end = match block {
        Some(block) => SlotEnd::Block {
            header_hash: block.header_hash,
            outcome: block.outcome,
            payee: block.payee,
            at: block.l1_slot,
        },
        None if voided => SlotEnd::Voided,
        None => SlotEnd::Expired,
    };
    EndedSlot {
        slot,
        revealed: candidates.iter().position(|candidate| candidate.revealed_at.is_some()),
        is_complete: phase.is_some_and(|phase| !matches!(phase, Phase::Waiting | Phase::Proposal)),
        candidates,
        end,
    }
}
