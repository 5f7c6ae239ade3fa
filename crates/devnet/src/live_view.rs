//! Brings a [`DevnetView`] up to date with the rollup's state.

use alloy::primitives::U256;
use fernet_follower::{CandidateView, RollupView, SlotView};
use fernet_protocol::{L1Slot, Parameters, Phase, SequencerId};

use crate::{
    fault::FaultPlan,
    history::LostTurns,
    record::GasUsed,
    view::{AgreedProver, BlockContents, CandidateProgress, CurrentSlot, DevnetView, RankedSequencer, Tip},
};

/// Name of a phase, as the protocol's documents have it.
pub(crate) const fn phase_name(phase: Phase) -> &'static str {
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
    u64::from(match phase {
        Phase::Waiting => parameters.seed_delay.saturating_add(parameters.seed_grid),
        Phase::Proposal => parameters.proposal_phase,
        Phase::Commitment => parameters.commitment_phase,
        Phase::Reveal => parameters.reveal_phase,
        Phase::ExclusiveProving => parameters.exclusive_proving,
        Phase::OpenProving => parameters.proving_phase.saturating_sub(parameters.exclusive_proving),
        Phase::Halt => parameters.halt_phase,
        Phase::Backup => parameters.backup_phase,
    })
}

/// What the view shows of the current slot besides the rollup's own state.
#[derive(Debug)]
pub(crate) struct SlotDetails<'a> {
    pub(crate) faults: &'a FaultPlan,
    pub(crate) lost_turns: LostTurns,
    /// Contents of the block of the candidate in turn, if it was built here.
    pub(crate) block: Option<BlockContents>,
    /// Gas of that block's transactions so far.
    pub(crate) gas: GasUsed,
    pub(crate) mempool: u64,
}

/// Brings `live` up to date with what is known at L1 slot `now`.
pub(crate) fn update(live: &mut DevnetView, view: &RollupView, now: L1Slot, details: SlotDetails<'_>) {
    let slot = view.slot(now);
    live.slot = current_slot(&slot, view.parameters(), now, details.faults);
    live.ranking = ranking(view, &slot, &details.lost_turns);
    live.prover =
        slot.in_turn().and_then(|candidate| candidate.commitment.as_ref()).map(|commitment| AgreedProver {
            prover: commitment.prover,
            bond: U256::from(commitment.bond.get()),
            price: commitment.price,
        });
    live.block = details.block;
    live.gas = details.gas;
    live.mempool = details.mempool;
    live.tip = Tip { height: view.tip().height, root: view.tip().state_root };
    live.l1.slot = now.get();
    if let Some(head) = view.head() {
        live.l1.block = head.number;
    }
}

fn current_slot(slot: &SlotView, parameters: &Parameters, now: L1Slot, faults: &FaultPlan) -> CurrentSlot {
    CurrentSlot {
        number: slot.slot.get(),
        phase: phase_name(slot.phase),
        turn: u8::try_from(slot.turn.index()).unwrap_or(u8::MAX),
        l1_slots_left: slot.phase_end.get().saturating_sub(now.get()),
        phase_length: length(slot.phase, parameters),
        faults: faults.at(slot.slot.get()).map(|kind| kind.name()).collect(),
    }
}

fn ranking(view: &RollupView, slot: &SlotView, lost: &LostTurns) -> Vec<RankedSequencer> {
    let Some(ranking) = view.ranking(slot.slot, slot.previous_start) else {
        // Under VRF scoring a score is known once its sequencer has proposed.
        let shown = |candidate: &CandidateView| RankedSequencer {
            sequencer: candidate.sequencer.get(),
            score: top_bits(candidate.score),
            progress: progress(slot, lost, candidate.sequencer),
        };
        return slot.candidates.iter().map(shown).collect();
    };
    let rank = |ranked: &fernet_protocol::Ranked| RankedSequencer {
        sequencer: ranked.sequencer.get(),
        score: top_bits(ranked.score),
        progress: progress(slot, lost, ranked.sequencer),
    };
    ranking.iter().map(rank).collect()
}

/// The upper 64 of a score's 192 bits.
fn top_bits(score: fernet_protocol::Score) -> u64 {
    let [_, _, top] = *score.get().as_limbs();
    top
}

fn progress(slot: &SlotView, lost: &LostTurns, sequencer: SequencerId) -> CandidateProgress {
    let index = slot.candidates.iter().position(|candidate| candidate.sequencer == sequencer);
    let Some((index, candidate)) = index.and_then(|index| Some((index, slot.candidates.get(index)?))) else {
        return CandidateProgress::Eligible;
    };
    let passed = index < slot.turn.index();
    match (candidate.revealed_at, candidate.commitment.as_ref()) {
        (Some(_), _) => CandidateProgress::Revealed,
        (None, Some(_)) if passed || lost.withheld.contains(&sequencer) => CandidateProgress::Withheld,
        (None, Some(_)) => CandidateProgress::Committed,
        (None, None) if passed || lost.abandoned.contains(&sequencer) => CandidateProgress::Abandoned,
        (None, None) => CandidateProgress::Proposed,
    }
}
