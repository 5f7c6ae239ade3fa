//! Faults as policies of the roles: which effects a plan holds back.

use std::sync::Arc;

use fernet_prover as prover;
use fernet_sequencer as sequencer;

use crate::fault::{FaultKind, FaultPlan};

/// A sequencer's policy under a plan.
#[must_use]
pub fn of_sequencer(plan: &Arc<FaultPlan>) -> sequencer::Policy {
    let plan = Arc::clone(plan);
    Box::new(move |effect, context| {
        let best = context.next.candidates.first().map(|candidate| candidate.sequencer);
        let rank = if best == Some(context.sequencer) { ProposerRank::Best } else { ProposerRank::Other };
        if sequencer_holds(&plan, effect, rank) {
            sequencer::Decision::Hold
        } else {
            sequencer::Decision::Allow
        }
    })
}

/// A prover's policy under a plan.
#[must_use]
pub fn of_prover(plan: &Arc<FaultPlan>) -> prover::Policy {
    let plan = Arc::clone(plan);
    Box::new(
        move |effect, _| {
            if prover_holds(&plan, effect) { prover::Decision::Hold } else { prover::Decision::Allow }
        },
    )
}

/// Where a sequencer's proposal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProposerRank {
    Best,
    Other,
}

fn sequencer_holds(plan: &FaultPlan, effect: &sequencer::Effect, rank: ProposerRank) -> bool {
    use sequencer::Effect;
    let Some(slot) = effect.slot().map(|slot| slot.get()) else { return false };
    plan.at(slot).any(|kind| match kind {
        FaultKind::NoProposal => matches!(effect, Effect::Propose { .. }),
        FaultKind::NoCommitment => matches!(effect, Effect::Commit { .. } | Effect::HandOver { .. }),
        FaultKind::NoReveal => matches!(effect, Effect::Reveal { .. }),
        // It has proposed; from then on nothing leaves it.
        FaultKind::FirstCandidateDead => {
            rank == ProposerRank::Best && !matches!(effect, Effect::Propose { .. })
        }
        FaultKind::LateProof | FaultKind::NoProof | FaultKind::NoProofNoRescue | FaultKind::NoBackup => false,
    })
}

fn prover_holds(plan: &FaultPlan, effect: &prover::Effect) -> bool {
    use prover::{Commitment, Effect, Purpose, Window};
    let Some(slot) = effect.slot().map(|slot| slot.get()) else { return false };
    plan.at(slot).any(|kind| match kind {
        FaultKind::NoCommitment => matches!(effect, Effect::Commit { .. }),
        FaultKind::LateProof => matches!(effect, Effect::Finalize { window: Window::Exclusive, .. }),
        FaultKind::NoProof => matches!(
            effect,
            Effect::Prove { purpose: Purpose::Commitment, .. }
                | Effect::Finalize { commitment: Commitment::Own, .. }
        ),
        FaultKind::NoProofNoRescue => matches!(
            effect,
            Effect::Prove { purpose: Purpose::Commitment | Purpose::Rescue, .. } | Effect::Finalize { .. }
        ),
        FaultKind::NoBackup => matches!(
            effect,
            Effect::BuildBackup { .. }
                | Effect::Prove { purpose: Purpose::Backup, .. }
                | Effect::FinalizeBackup { .. }
        ),
        FaultKind::NoProposal | FaultKind::NoReveal | FaultKind::FirstCandidateDead => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::B256;
    use fernet_protocol::{L1Slot, Slot};

    fn slot() -> Slot {
        Slot::new(3)
    }

    fn plan(text: &str) -> FaultPlan {
        text.parse().unwrap()
    }

    fn finalize(window: prover::Window, commitment: prover::Commitment) -> prover::Effect {
        prover::Effect::Finalize {
            slot: slot(),
            header_hash: B256::ZERO,
            window,
            commitment,
            until: L1Slot::new(9),
        }
    }

    fn prove(purpose: prover::Purpose) -> prover::Effect {
        prover::Effect::Prove { slot: slot(), header_hash: B256::ZERO, purpose }
    }

    #[test]
    fn a_fault_is_played_in_its_slot_only() {
        let propose = sequencer::Effect::Propose {
            slot: slot(),
            header_hash: B256::ZERO,
            rank: 0,
            seed_at: L1Slot::new(1),
            until: L1Slot::new(9),
        };
        assert!(sequencer_holds(&plan("no-proposal@3"), &propose, ProposerRank::Best));
        assert!(!sequencer_holds(&plan("no-proposal@2,no-reveal@3"), &propose, ProposerRank::Best));
    }

    #[test]
    fn a_dead_first_candidate_still_proposes_and_others_go_on() {
        let plan = plan("first-candidate-dead@3");
        let ask = sequencer::Effect::RequestQuotes { slot: slot(), header_hash: B256::ZERO };
        assert!(sequencer_holds(&plan, &ask, ProposerRank::Best));
        assert!(!sequencer_holds(&plan, &ask, ProposerRank::Other));
    }

    #[test]
    fn a_late_proof_waits_for_open_proving() {
        use prover::{Commitment::Own, Window};
        let plan = plan("late-proof@3");
        assert!(prover_holds(&plan, &finalize(Window::Exclusive, Own)));
        assert!(!prover_holds(&plan, &finalize(Window::Open, Own)));
    }

    #[test]
    fn without_a_proof_only_a_rescue_is_left_and_without_rescue_only_backup() {
        use prover::{Commitment, Purpose, Window};
        let rescue = finalize(Window::Open, Commitment::Other);
        assert!(!prover_holds(&plan("no-proof@3"), &rescue));
        assert!(prover_holds(&plan("no-proof@3"), &finalize(Window::Open, Commitment::Own)));
        assert!(prover_holds(&plan("no-proof-no-rescue@3"), &rescue));
        assert!(!prover_holds(&plan("no-proof-no-rescue@3"), &prove(Purpose::Backup)));
        assert!(prover_holds(&plan("no-backup@3"), &prove(Purpose::Backup)));
    }
}
