//! Where a slot is: a pure function of what happened in it and of the current L1 slot.
//!
//! Windows are half-open: a phase that ends at `end` lasts through `end - 1`. There is no stored phase, and no
//! transaction moves a slot from one phase to the next.

use crate::{L1Slot, MAX_CANDIDATES, Parameters, Rank, Slot, seed_at};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Where a slot is, in the numbering of Solidity's `Phase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Phase {
    /// the slot's start lies ahead
    Waiting,
    /// sequencers propose
    Proposal,
    /// the candidate in turn needs a prover's commitment
    Commitment,
    /// the candidate in turn has a commitment and must publish its data
    Reveal,
    /// the block is published; only its committed prover is paid for the proof
    ExclusiveProving,
    /// the block is published; anyone's proof is paid
    OpenProving,
    /// nobody may finalize
    Halt,
    /// anyone may finalize a block of their own
    Backup,
}

impl Phase {
    /// Every phase, in Solidity's order.
    pub const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Proposal,
        Self::Commitment,
        Self::Reveal,
        Self::ExclusiveProving,
        Self::OpenProving,
        Self::Halt,
        Self::Backup,
    ];

    /// Number of the phase in Solidity.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// What became of one ranked proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct CandidateFacts {
    /// L1 slot of the prover's commitment
    pub committed_at: Option<L1Slot>,
    /// L1 slot in which the last blob was seen
    pub revealed_at: Option<L1Slot>,
}

/// When everything happened in one slot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Timeline {
    /// which slot
    pub slot: Slot,
    /// first L1 slot of the slot
    pub start: L1Slot,
    /// start of the slot before: sequencers active then may propose, and the seed follows from it
    pub previous_start: L1Slot,
    /// best first, at most [`MAX_CANDIDATES`]: later ones are ignored
    pub candidates: Vec<CandidateFacts>,
}

impl Timeline {
    /// A slot in which nothing happened yet.
    #[must_use]
    pub const fn open(slot: Slot, start: L1Slot, previous_start: L1Slot) -> Self {
        Self { slot, start, previous_start, candidates: Vec::new() }
    }

    /// L1 slot whose RANDAO mix makes the slot's seed.
    #[must_use]
    pub fn seed_at(&self, parameters: &Parameters) -> L1Slot {
        seed_at(self.previous_start, parameters)
    }
}

/// Where a slot is at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    /// the phase; `Backup` for a slot that is over
    pub phase: Phase,
    /// rank in turn; once a block is revealed, its rank; the number of candidates where nobody is left
    pub turn: Rank,
    /// whether the candidate at `turn` is revealed
    pub revealed: bool,
    /// whether the slot is over
    pub over: bool,
    /// first L1 slot after the phase, if nothing happens; of a slot that is over, the first one after the slot
    pub end: L1Slot,
}

/// Order of two positions of one slot in time: phases only move forward, whatever happens.
pub trait PhaseOrder {
    /// Compares the step of the slot's course that the positions stand at.
    fn compare_course(&self, other: &Self) -> Ordering;
}

impl PhaseOrder for Position {
    fn compare_course(&self, other: &Self) -> Ordering {
        let key = |p: &Self| {
            let turns = matches!(p.phase, Phase::Commitment | Phase::Reveal);
            let stage = match p.phase {
                Phase::Waiting => 0_u8,
                Phase::Proposal => 1,
                Phase::Commitment | Phase::Reveal => 2,
                Phase::ExclusiveProving => 3,
                Phase::OpenProving => 4,
                Phase::Halt => 5,
                Phase::Backup => 6,
            };
            (stage, if turns { p.turn.get() } else { 0 }, p.phase.number(), p.over)
        };
        key(self).cmp(&key(other))
    }
}

/// The phase of a slot at the L1 slot `now`. Total: takes any facts.
///
/// A commitment at `c` gives the reveal window `c + 1 ..= c + revealPhase` (a reveal in `c` itself counts as well), a
/// completed reveal at `v` the proving window through `v + provingPhase`.
#[must_use]
pub fn phase_at(timeline: &Timeline, parameters: &Parameters, now: L1Slot) -> Position {
    let p = parameters;
    let mut course = Course { now, turn: 0, revealed: false, end: timeline.start };
    if now < course.end {
        return course.at(Phase::Waiting);
    }
    if course.lasts(u64::from(p.proposal_phase)) {
        return course.at(Phase::Proposal);
    }
    let count = timeline.candidates.len().min(MAX_CANDIDATES);
    for (rank, candidate) in timeline.candidates.iter().take(count).enumerate() {
        course.turn = rank;
        let Some(committed_at) = candidate.committed_at else {
            if course.lasts(u64::from(p.commitment_phase)) {
                return course.at(Phase::Commitment);
            }
            continue;
        };
        let Some(revealed_at) = candidate.revealed_at else {
            course.end = committed_at.plus(1);
            if course.lasts(u64::from(p.reveal_phase)) {
                return course.at(Phase::Reveal);
            }
            continue;
        };
        course.revealed = true;
        course.end = revealed_at.plus(1);
        if course.lasts(u64::from(p.exclusive_proving)) {
            return course.at(Phase::ExclusiveProving);
        }
        course.end = revealed_at.plus(1);
        if course.lasts(u64::from(p.proving_phase)) {
            return course.at(Phase::OpenProving);
        }
        break;
    }
    if !course.revealed {
        course.turn = count;
    }
    if course.lasts(u64::from(p.halt_phase)) {
        return course.at(Phase::Halt);
    }
    let over = !course.lasts(u64::from(p.backup_phase));
    Position { over, ..course.at(Phase::Backup) }
}

/// How far the phases have been followed.
struct Course {
    now: L1Slot,
    turn: usize,
    revealed: bool,
    end: L1Slot,
}

impl Course {
    /// Moves the end on by a phase, and says whether that phase lasts still.
    fn lasts(&mut self, length: u64) -> bool {
        self.end = self.end.plus(length);
        self.now < self.end
    }

    fn at(&self, phase: Phase) -> Position {
        Position {
            phase,
            turn: Rank::from_index(self.turn),
            revealed: self.revealed,
            over: false,
            end: self.end,
        }
    }
}
