//! The duties of a sequencer.

use std::collections::BTreeMap;

use fernet_follower::RollupView;
use fernet_l1::Outcome;
use fernet_protocol::{Score, SequencerId, Slot, rank_among};

use super::history::{EndedSlot, SlotEnd, SlotHistory};

/// Slots for which causes and ranks are kept: those that aren't told yet.
const KEPT: usize = 64;

/// A duty that a sequencer can miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DutyStage {
    /// To propose a block, with a rank that gives a place among the candidates.
    Propose,
    /// To get a prover's commitment, in its turn.
    Commit,
    /// To publish the block's data, after the commitment.
    Reveal,
    /// To have the published block finalized, which is its prover's duty.
    Finalize,
}

/// What a role knows about why a duty wasn't met. If there are several causes, the last of this order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Nothing was tried: the process didn't run, or saw the slot too late.
    NotTried,
    /// No prover offered a quote that could be taken.
    NoQuote,
    /// An effect failed.
    Failed,
    /// An endpoint of the L1 failed.
    L1,
    /// The block's parent wasn't executed.
    NotSynced,
    /// The transaction was not included in its window.
    NotIncluded,
    /// L1 refused the transaction.
    Refused,
    /// The operator's policy held it.
    Held,
    /// The prover that committed didn't deliver.
    Prover,
}

/// What became of a sequencer's duties in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SequencerOutcome {
    /// Its block is final.
    Finalized {
        /// How.
        outcome: Outcome,
    },
    /// Its turn came, and it didn't do its part; or it proposed nothing.
    Missed {
        /// The first duty that it didn't meet.
        stage: DutyStage,
        /// Why, as far as its own process knows.
        cause: Cause,
    },
    /// It was a candidate, and the block of a better one was published.
    StandBy,
    /// The guardian's pause ended the slot.
    Voided,
}

/// What a sequencer did in a slot, and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SequencerDuty {
    /// The slot.
    pub slot: Slot,
    /// Its place among the candidates, from 0; `None` if it wasn't one.
    pub place: Option<usize>,
    /// Its turn came.
    pub in_turn: bool,
    /// A prover committed to its block.
    pub committed: bool,
    /// Its block is published.
    pub revealed: bool,
    /// What became of it.
    pub outcome: SequencerOutcome,
}

/// Tells what becomes of a sequencer's duties.
#[derive(Debug, Clone)]
pub struct SequencerDuties {
    sequencer: SequencerId,
    max_candidates: u8,
    history: SlotHistory,
    /// Its rank among all eligible sequencers and its score.
    ranks: BTreeMap<Slot, (usize, Score)>,
    causes: BTreeMap<(Slot, DutyStage), Cause>,
}

impl SequencerDuties {
    /// The duties of `sequencer`, of which nothing is known yet.
    #[must_use]
    pub fn new(sequencer: SequencerId) -> Self {
        Self {
            sequencer,
            max_candidates: 0,
            history: SlotHistory::default(),
            ranks: BTreeMap::new(),
            causes: BTreeMap::new(),
        }
    }

    /// Takes note of the sequencer's rank among all eligible ones, and its score, in `slot`.
    pub fn note_rank(&mut self, slot: Slot, rank: usize, score: Score) {
        self.ranks.insert(slot, (rank, score));
        while self.ranks.len() > KEPT {
            self.ranks.pop_first();
        }
    }

    /// Takes note of why a duty isn't met yet.
    pub fn note_cause(&mut self, slot: Slot, stage: DutyStage, cause: Cause) {
        let known = self.causes.entry((slot, stage)).or_insert(cause);
        *known = cause.max(*known);
        while self.causes.len() > KEPT {
            self.causes.pop_first();
        }
    }

    /// Takes note of the view at its newest L1 block. Returns what became of the duties of slots that are
    /// over for good since, each slot once. Slots without a duty aren't told.
    pub fn observe(&mut self, view: &RollupView) -> Vec<SequencerDuty> {
        self.max_candidates = view.parameters().max_candidates;
        let ended = self.history.observe(view);
        let told = ended.iter().filter_map(|ended| self.judge(ended)).collect();
        if let Some(last) = ended.last().map(|ended| ended.slot) {
            self.ranks.retain(|slot, _| *slot > last);
            self.causes.retain(|(slot, _), _| *slot > last);
        }
        told
    }

    /// Slots whose time passed unseen and without a block. Nothing is known of them.
    #[must_use]
    pub const fn unobserved(&self) -> u64 {
        self.history.unobserved()
    }

    fn judge(&self, ended: &EndedSlot) -> Option<SequencerDuty> {
        let slot = ended.slot;
        let own = ended.candidates.iter().position(|candidate| candidate.sequencer == self.sequencer);
        let Some((place, candidate)) = own.and_then(|place| Some((place, ended.candidates.get(place)?)))
        else {
            return self.judge_absence(ended);
        };
        let in_turn = ended.revealed.is_none_or(|revealed| place <= revealed);
        let (committed, revealed) = (candidate.commitment.is_some(), candidate.revealed_at.is_some());
        let missed = |stage| SequencerOutcome::Missed { stage, cause: self.cause(slot, stage) };
        let outcome = match ended.end {
            SlotEnd::Voided => SequencerOutcome::Voided,
            SlotEnd::Block { header_hash, outcome, .. }
                if revealed && header_hash == candidate.header_hash =>
            {
                SequencerOutcome::Finalized { outcome }
            }
            _ if !in_turn => SequencerOutcome::StandBy,
            _ if !committed => missed(DutyStage::Commit),
            _ if !revealed => missed(DutyStage::Reveal),
            _ => missed(DutyStage::Finalize),
        };
        // A pause may come before the turn, which the slot as it was last seen doesn't tell.
        let in_turn = in_turn && outcome != SequencerOutcome::Voided;
        Some(SequencerDuty { slot, place: Some(place), in_turn, committed, revealed, outcome })
    }

    /// The sequencer was no candidate. That is a missed duty if rank and score would have made it one.
    fn judge_absence(&self, ended: &EndedSlot) -> Option<SequencerDuty> {
        let (rank, score) = *self.ranks.get(&ended.slot)?;
        let would_rank = rank_among(&ended.candidates, self.max_candidates, self.sequencer, score).is_ok();
        let is_duty = rank < usize::from(self.max_candidates) && would_rank && ended.is_complete;
        if !is_duty || ended.end == SlotEnd::Voided {
            return None;
        }
        let stage = DutyStage::Propose;
        let cause = self.cause(ended.slot, stage);
        Some(SequencerDuty {
            slot: ended.slot,
            place: None,
            in_turn: false,
            committed: false,
            revealed: false,
            outcome: SequencerOutcome::Missed { stage, cause },
        })
    }

    fn cause(&self, slot: Slot, stage: DutyStage) -> Cause {
        match stage {
            DutyStage::Finalize => Cause::Prover,
            _ => self.causes.get(&(slot, stage)).copied().unwrap_or(Cause::NotTried),
        }
    }
}
