//! Faults as policies of the roles: which effects a plan holds back.

use std::{fmt, sync::Arc};

use fernet_prover as prover;
use fernet_sequencer as sequencer;

use crate::fault::{FaultKind, FaultPlan};

/// Makes the policy of each role.
pub trait RolePolicies: fmt::Debug + Send + Sync {
    /// The policy of sequencer `number`, from 0.
    fn sequencer(&self, number: usize) -> sequencer::Policy;

    /// The policy of prover `number`, from 0.
    fn prover(&self, number: usize) -> prover::Policy;
}

/// The policies of a plan of faults.
#[derive(Debug, Clone)]
pub struct FaultPolicies(Arc<FaultPlan>);

impl FaultPolicies {
    /// The policies of `plan`.
    #[must_use]
    pub fn new(plan: FaultPlan) -> Self {
        Self(Arc::new(plan))
    }
}

impl RolePolicies for FaultPolicies {
    fn sequencer(&self, _number: usize) -> sequencer::Policy {
        let plan = Arc::clone(&self.0);
        Box::new(move |effect, context| {
            let best = context.snapshot.next.candidates.first().map(|candidate| candidate.sequencer);
            let rank = if best == Some(context.identity) { ProposerRank::Best } else { ProposerRank::Other };
            if sequencer_holds(&plan, effect, rank) {
                sequencer::Decision::Hold
            } else {
                sequencer::Decision::Allow
            }
        })
    }

    fn prover(&self, _number: usize) -> prover::Policy {
        let plan = Arc::clone(&self.0);
        Box::new(
            move |effect, _| {
                if prover_holds(&plan, effect) { prover::Decision::Hold } else { prover::Decision::Allow }
            },
        )
    }
}

/// Rank of a sequencer's proposal.
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
    use prover::{CommittedProver, Effect, ProofPurpose, ProvingWindow};
    let Some(slot) = effect.slot().map(|slot| slot.get()) else { return false };
    plan.at(slot).any(|kind| match kind {
        FaultKind::NoCommitment => matches!(effect, Effect::Commit { .. }),
        FaultKind::LateProof => matches!(effect, Effect::Finalize { window: ProvingWindow::Exclusive, .. }),
        FaultKind::NoProof => matches!(
            effect,
            Effect::Prove { purpose: ProofPurpose::Commitment, .. }
                | Effect::Finalize { committed: CommittedProver::Own, .. }
        ),
        FaultKind::NoProofNoRescue => matches!(
            effect,
            Effect::Prove { purpose: ProofPurpose::Commitment | ProofPurpose::Rescue, .. }
                | Effect::Finalize { .. }
        ),
        FaultKind::NoBackup => matches!(
            effect,
            Effect::BuildBackup { .. }
                | Effect::Prove { purpose: ProofPurpose::Backup, .. }
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

    fn finalize(window: prover::ProvingWindow, committed: prover::CommittedProver) -> prover::Effect {
        prover::Effect::Finalize {
            slot: slot(),
            header_hash: B256::ZERO,
            window,
            committed,
            expires_at: L1Slot::new(9),
        }
    }

    fn prove(purpose: prover::ProofPurpose) -> prover::Effect {
        prover::Effect::Prove { slot: slot(), header_hash: B256::ZERO, purpose }
    }

    #[test]
    fn a_fault_is_played_in_its_slot_only() {
        let propose = sequencer::Effect::Propose {
            slot: slot(),
            header_hash: B256::ZERO,
            rank: 0,
            seed_at: L1Slot::new(1),
            expires_at: L1Slot::new(9),
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
        use prover::{CommittedProver::Own, ProvingWindow};
        let plan = plan("late-proof@3");
        assert!(prover_holds(&plan, &finalize(ProvingWindow::Exclusive, Own)));
        assert!(!prover_holds(&plan, &finalize(ProvingWindow::Open, Own)));
    }

    #[test]
    fn without_a_proof_only_a_rescue_is_left_and_without_rescue_only_backup() {
        use prover::{CommittedProver, ProofPurpose, ProvingWindow};
        let rescue = finalize(ProvingWindow::Open, CommittedProver::Other);
        assert!(!prover_holds(&plan("no-proof@3"), &rescue));
        assert!(prover_holds(&plan("no-proof@3"), &finalize(ProvingWindow::Open, CommittedProver::Own)));
        assert!(prover_holds(&plan("no-proof-no-rescue@3"), &rescue));
        assert!(!prover_holds(&plan("no-proof-no-rescue@3"), &prove(ProofPurpose::Backup)));
        assert!(prover_holds(&plan("no-proposal@3,no-backup@3"), &prove(ProofPurpose::Backup)));
    }
}
