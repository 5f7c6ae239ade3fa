//! The phase of a slot: a pure function of the slot's timeline and the current L1 slot.
//!
//! Phases are half-open: a phase that ends at `end` lasts through `end - 1`. L1 stores no phase, and no
//! transaction moves a slot from one phase to the next.

use serde::{Deserialize, Serialize};

use crate::{L1Slot, MAX_CANDIDATES, Parameters, Rank, Slot, seed_at};

/// Phase of a slot, numbered as Solidity's `Phase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Phase {
    /// The slot hasn't started.
    Waiting,
    /// Sequencers propose.
    Proposal,
    /// The candidate in turn needs a prover's commitment.
    Commitment,
    /// The candidate in turn has a commitment and must publish its data.
    Reveal,
    /// The block is published; only the committed prover is paid for a proof.
    ExclusiveProving,
    /// The block is published; anyone is paid for a proof.
    OpenProving,
    /// No block can be finalized.
    Halt,
    /// Anyone may finalize a block of their own.
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

/// Commitment and reveal of one candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct CandidateFacts {
    /// L1 slot of the prover's commitment.
    pub committed_at: Option<L1Slot>,
    /// L1 slot of the completed reveal, in which the last blob was published.
    pub revealed_at: Option<L1Slot>,
}

/// Everything that determines the phases of one slot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Timeline {
    /// Number of the slot.
    pub slot: Slot,
    /// First L1 slot of the slot.
    pub start: L1Slot,
    /// Start of the previous slot. Sequencers that were active then may propose, and the seed depends on it.
    pub previous_start: L1Slot,
    /// Candidates, best first. Those after the first [`MAX_CANDIDATES`] are ignored.
    pub candidates: Vec<CandidateFacts>,
}

impl Timeline {
    /// The timeline of a slot without proposals.
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

/// Status of a slot in one L1 slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SlotStatus {
    /// Phase of the slot; `Backup` for a slot that is over.
    pub phase: Phase,
    /// Rank of the candidate in turn or of the revealed one; the number of candidates if all have failed.
    pub rank: Rank,
    /// Start of the turn of the candidate at `rank`; `None` if there is none, before the first turn and if
    /// all have failed.
    pub turn_start: Option<L1Slot>,
    /// Whether the candidate at `rank` is revealed.
    pub revealed: bool,
    /// Whether the slot is over.
    pub over: bool,
    /// First L1 slot after the phase, if nothing else happens in it; if the slot is over, the first L1 slot
    /// after it.
    pub end: L1Slot,
}

/// Status of a slot in the L1 slot `now`. The function is total: it accepts every timeline.
///
/// After a commitment in the L1 slot `c`, the reveal phase is `c + 1 ..= c + revealPhase`; a reveal in `c` is
/// valid, too. After a reveal that is completed in `v`, the proving phases last through `v + provingPhase`.
#[must_use]
pub fn status_at(timeline: &Timeline, parameters: &Parameters, now: L1Slot) -> SlotStatus {
    let p = parameters;
    let mut cursor = PhaseCursor { now, rank: 0, turn_start: None, revealed: false, end: timeline.start };
    if now < cursor.end {
        return cursor.status(Phase::Waiting);
    }
    if cursor.lasts(u64::from(p.proposal_phase)) {
        return cursor.status(Phase::Proposal);
    }
    let count = timeline.candidates.len().min(MAX_CANDIDATES);
    for (rank, candidate) in timeline.candidates.iter().take(count).enumerate() {
        cursor.rank = rank;
        cursor.turn_start = Some(cursor.end);
        let Some(committed_at) = candidate.committed_at else {
            if cursor.lasts(u64::from(p.commitment_phase)) {
                return cursor.status(Phase::Commitment);
            }
            continue;
        };
        let Some(revealed_at) = candidate.revealed_at else {
            cursor.end = committed_at.plus(1);
            if cursor.lasts(u64::from(p.reveal_phase)) {
                return cursor.status(Phase::Reveal);
            }
            continue;
        };
        cursor.revealed = true;
        cursor.end = revealed_at.plus(1);
        if cursor.lasts(u64::from(p.exclusive_proving)) {
            return cursor.status(Phase::ExclusiveProving);
        }
        cursor.end = revealed_at.plus(1);
        if cursor.lasts(u64::from(p.proving_phase)) {
            return cursor.status(Phase::OpenProving);
        }
        break;
    }
    if !cursor.revealed {
        cursor.rank = count;
        cursor.turn_start = None;
    }
    if cursor.lasts(u64::from(p.halt_phase)) {
        return cursor.status(Phase::Halt);
    }
    let over = !cursor.lasts(u64::from(p.backup_phase));
    SlotStatus { over, ..cursor.status(Phase::Backup) }
}

/// The phase that is considered: its end, and the candidate in turn.
struct PhaseCursor {
    now: L1Slot,
    rank: usize,
    turn_start: Option<L1Slot>,
    revealed: bool,
    end: L1Slot,
}

impl PhaseCursor {
    /// Moves the end to that of the next phase, and returns whether that phase isn't over.
    fn lasts(&mut self, length: u64) -> bool {
        self.end = self.end.plus(length);
        self.now < self.end
    }

    fn status(&self, phase: Phase) -> SlotStatus {
        SlotStatus {
            phase,
            rank: Rank::from_index(self.rank),
            turn_start: self.turn_start,
            revealed: self.revealed,
            over: false,
            end: self.end,
        }
    }
}
