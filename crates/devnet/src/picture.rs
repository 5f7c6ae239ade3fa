//! Draws the rollup's state into a [`DevnetView`].

use alloy::primitives::U256;
use fernet_follower::{CandidateView, RollupView, SlotView};
use fernet_protocol::{L1Slot, Parameters, Phase, SequencerId};

use crate::{
    fault::FaultPlan,
    history::LostTurns,
    record::GasUsed,
    view::{BlockContents, DevnetView, Progress, ProverStatus, Ranked, SlotPanel, TipStatus},
};

/// Name of a phase on the screen.
#[must_use]
pub const fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Waiting => "waiting",
        Phase::Proposal => "proposal",
        Phase::Commitment => "commitment",
        Phase::Reveal => "reveal",
        Phase::ExclusiveProving => "exclusive proving",
        Phase::OpenProving => "open proving",
        Phase::Halt => "halt",
        Phase::Backup => "backup",
    }
}

/// L1 slots that a phase lasts as a whole. For proving, open proving is what follows the exclusive part.
fn length(phase: Phase, parameters: &Parameters) -> u64 {
    let p = parameters;
    u64::from(match phase {
        Phase::Waiting => p.seed_delay.saturating_add(p.seed_grid),
        Phase::Proposal => p.proposal_phase,
        Phase::Commitment => p.commitment_phase,
        Phase::Reveal => p.reveal_phase,
        Phase::ExclusiveProving => p.exclusive_proving,
        Phase::OpenProving => p.proving_phase.saturating_sub(p.exclusive_proving),
        Phase::Halt => p.halt_phase,
        Phase::Backup => p.backup_phase,
    })
}

/// What the picture shows besides the rollup's own state.
#[derive(Debug)]
pub(crate) struct Extras<'a> {
    pub(crate) faults: &'a FaultPlan,
    pub(crate) lost: LostTurns,
    /// Contents of the block in turn, if its maker told.
    pub(crate) block: Option<BlockContents>,
    /// Gas of that block's transactions so far.
    pub(crate) gas: GasUsed,
    pub(crate) pending: u64,
}

/// Brings the picture up to date with what is known at L1 slot `now`.
pub(crate) fn update(picture: &mut DevnetView, view: &RollupView, now: L1Slot, extras: Extras<'_>) {
    let slot = view.slot(now);
    picture.slot = status(&slot, view.parameters(), now, extras.faults);
    picture.ranking = ranking(view, &slot, &extras.lost);
    picture.prover =
        slot.in_turn().and_then(|candidate| candidate.commitment.as_ref()).map(|commitment| ProverStatus {
            prover: commitment.prover,
            bond: U256::from(commitment.bond.get()),
            price: U256::from(commitment.price.get()),
        });
    picture.block = extras.block;
    picture.gas = extras.gas;
    picture.pending = extras.pending;
    picture.tip = TipStatus { height: view.tip().height, root: view.tip().state_root };
    picture.l1.slot = now.get();
    if let Some(head) = view.head() {
        picture.l1.block = head.number;
    }
}

fn status(slot: &SlotView, parameters: &Parameters, now: L1Slot, faults: &FaultPlan) -> SlotPanel {
    SlotPanel {
        number: slot.slot.get(),
        phase: phase_name(slot.phase),
        turn: u8::try_from(slot.turn.index()).unwrap_or(u8::MAX),
        left: slot.phase_end.get().saturating_sub(now.get()),
        length: length(slot.phase, parameters),
        faults: faults.at(slot.slot.get()).map(|kind| kind.name()).collect(),
    }
}

fn ranking(view: &RollupView, slot: &SlotView, lost: &LostTurns) -> Vec<Ranked> {
    let Some(ranking) = view.ranking(slot.slot, slot.previous_start) else {
        // Where scores are drawn, proposals show them.
        let shown = |candidate: &CandidateView| Ranked {
            sequencer: candidate.sequencer.get(),
            score: top_bits(candidate.score),
            progress: progress(slot, lost, candidate.sequencer),
        };
        return slot.candidates.iter().map(shown).collect();
    };
    let rank = |ranked: &fernet_protocol::Ranked| Ranked {
        sequencer: ranked.ticket.sequencer.get(),
        score: top_bits(ranked.score),
        progress: progress(slot, lost, ranked.ticket.sequencer),
    };
    ranking.iter().map(rank).collect()
}

/// The upper 64 of a score's 192 bits.
fn top_bits(score: fernet_protocol::Score) -> u64 {
    let [_, _, top] = *score.get().as_limbs();
    top
}

fn progress(slot: &SlotView, lost: &LostTurns, sequencer: SequencerId) -> Progress {
    let place = slot.candidates.iter().position(|candidate| candidate.sequencer == sequencer);
    let Some((place, candidate)) = place.and_then(|place| Some((place, slot.candidates.get(place)?))) else {
        return Progress::Eligible;
    };
    let passed = place < slot.turn.index();
    match (candidate.revealed_at, candidate.commitment.as_ref()) {
        (Some(_), _) => Progress::Revealed,
        (None, Some(_)) if passed || lost.withheld.contains(&sequencer) => Progress::Withheld,
        (None, Some(_)) => Progress::Committed,
        (None, None) if passed || lost.abandoned.contains(&sequencer) => Progress::Abandoned,
        (None, None) => Progress::Proposed,
    }
}
