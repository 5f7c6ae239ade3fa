//! The operator's policy has the last word on everything that a role signs or sends.

#[allow(dead_code, reason = "this test runs no whole devnet")]
#[path = "../common/mod.rs"]
mod common;
mod harness;
mod record;

use std::collections::BTreeSet;

use fernet_protocol::Phase;
use fernet_prover::EffectKind as P;
use fernet_sequencer::{CommitmentBy, EffectKind as S};
use harness::{Failure, Harness, Kind};
use record::{Output, Role};

fn is_sequencer(kind: &Kind) -> bool {
    matches!(kind, Kind::Sequencer(_))
}

/// The policies of one pass over an L1 block.
#[derive(Debug, Clone, Copy)]
enum Pass {
    HoldAll,
    HoldProvers,
    HoldSequencers,
    Allow,
}

impl Pass {
    const ALL: [Self; 4] = [Self::HoldAll, Self::HoldProvers, Self::HoldSequencers, Self::Allow];

    fn held(self) -> Vec<Kind> {
        let is_held = |kind: &Kind| match self {
            Self::HoldAll => true,
            Self::HoldProvers => !is_sequencer(kind),
            Self::HoldSequencers => is_sequencer(kind),
            Self::Allow => false,
        };
        Kind::all().filter(is_held).collect()
    }

    fn forbids(self, role: Role) -> bool {
        match self {
            Self::HoldAll => true,
            Self::HoldProvers => matches!(role, Role::Prover(_)),
            Self::HoldSequencers => matches!(role, Role::Sequencer(_)),
            Self::Allow => false,
        }
    }
}

/// L1 blocks after which all roles are made anew, beside every change of the phase. Restarted provers have
/// lost the bodies that were announced, and must ask for them.
const RESTART_EVERY: u32 = 8;

/// When the roles of a slot are made anew.
#[derive(Debug, Default)]
struct Restarts {
    phase: Option<Phase>,
    blocks: u32,
}

impl Restarts {
    /// Whether the roles are made anew at this L1 block.
    fn is_due(&mut self, phase: Phase) -> bool {
        let is_due = self.phase != Some(phase) || self.blocks.is_multiple_of(RESTART_EVERY);
        (self.phase, self.blocks) = (Some(phase), self.blocks + 1);
        is_due
    }
}

/// At every L1 block of five slots, with restarts and reorgs: first everything is held, then everything of
/// the provers, then everything of the sequencers. A role whose effects are all held signs nothing and sends
/// nothing. Then everything is allowed, so that the slot goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_whose_effects_are_all_held_signs_and_sends_nothing() {
    let mut harness = Harness::start(31_408).await;
    let slots = [
        (CommitmentBy::Sequencer, Failure::None),
        (CommitmentBy::Prover, Failure::None),
        (CommitmentBy::Sequencer, Failure::NoProof),
        (CommitmentBy::Sequencer, Failure::NoProposal),
        (CommitmentBy::Sequencer, Failure::None),
    ];
    let mut outputs = BTreeSet::new();
    for (index, (commitment, failure)) in slots.into_iter().enumerate() {
        let first = harness.slot().await;
        let (mut restarts, mut reorganized) = (Restarts::default(), Vec::new());
        while harness.slot().await.slot == first.slot {
            let view = harness.slot().await;
            if restarts.is_due(view.phase) {
                harness.restart(commitment);
            }
            // The last slot: each phase loses an L1 block once, but never the block that began the slot.
            if index + 1 == slots.len() && restarts.blocks > 1 && !reorganized.contains(&view.phase) {
                reorganized.push(view.phase);
                harness.reorg().await;
            }
            for pass in Pass::ALL {
                // The sequencer of a revealed block has announced its body: a rescuer that restarts now must
                // ask for it.
                if failure == Failure::NoProof && matches!(pass, Pass::Allow) {
                    harness.restart_provers();
                }
                harness.hold(pass.held(), failure);
                let left = harness.act().await;
                let forbidden: Vec<_> = left.iter().filter(|(role, _)| pass.forbids(*role)).collect();
                assert!(
                    forbidden.is_empty(),
                    "{pass:?}, {:?} of slot {}: {forbidden:?}",
                    view.phase,
                    view.slot
                );
                outputs.extend(left.into_iter().map(|(_, output)| output));
            }
            harness.advance().await;
        }
        assert!(harness.is_finalized(first.slot).await, "{failure:?}");
    }
    // Once allowed, the slots led to everything that roles sign and send. The test below reaches each kind of
    // effect.
    for output in [
        Output::Propose,
        Output::Commit,
        Output::Reveal,
        Output::Finalize,
        Output::FinalizeBackup,
        Output::Claim,
        Output::QuoteSignature,
        Output::RequestSignature,
        Output::Broadcast,
        Output::QuoteRequest,
        Output::Offer,
        Output::AcceptedQuote,
        Output::Body,
        Output::KeptBody,
        Output::BodyRequest,
        Output::ProofJob,
    ] {
        assert!(outputs.contains(&output), "{output:?} never left a role");
    }
}

/// A slot in which one kind of effect is held.
struct Case {
    commitment: CommitmentBy,
    failure: Failure,
    /// What must not leave the sequencers.
    sequencers: &'static [Output],
    /// What must not leave the provers.
    provers: &'static [Output],
}

/// All that follows when no block gets a prover.
const UNCOMMITTED: Case = Case {
    commitment: CommitmentBy::Sequencer,
    failure: Failure::None,
    sequencers: &[Output::Commit, Output::AcceptedQuote, Output::Reveal, Output::Body],
    provers: &[Output::Commit, Output::Finalize],
};

/// What depends on an effect.
fn case(held: Kind) -> Case {
    use Output::{
        AcceptedQuote, Body, BodyRequest, Broadcast, Claim, Commit, Finalize, FinalizeBackup, KeptBody,
        Offer, ProofJob, Propose, QuoteSignature, RequestSignature, Reveal,
    };
    let plain = Case { sequencers: &[], provers: &[], ..UNCOMMITTED };
    match held {
        Kind::Sequencer(kind) => match kind {
            S::Build | S::Propose => Case {
                sequencers: &[
                    Propose,
                    RequestSignature,
                    KeptBody,
                    Output::QuoteRequest,
                    Commit,
                    AcceptedQuote,
                    Reveal,
                    Body,
                ],
                provers: &[BodyRequest, QuoteSignature, Offer, Commit, Finalize],
                ..plain
            },
            S::LoadBlock | S::RequestQuotes => Case {
                sequencers: &[
                    RequestSignature,
                    KeptBody,
                    Output::QuoteRequest,
                    Commit,
                    AcceptedQuote,
                    Reveal,
                    Body,
                ],
                provers: &[BodyRequest, QuoteSignature, Offer, Commit, Finalize],
                ..plain
            },
            // No reorg undoes a proposal here: see the machine's own tests.
            S::CancelProposal => plain,
            S::Commit => UNCOMMITTED,
            S::HandOver => Case {
                commitment: CommitmentBy::Prover,
                sequencers: &[QuoteSignature, AcceptedQuote, Commit, Reveal, Body],
                ..UNCOMMITTED
            },
            S::Reveal => Case { sequencers: &[Reveal, Body], provers: &[Finalize], ..plain },
            S::AnnounceBody => Case { sequencers: &[Body], ..plain },
            S::ManageTransactions => Case {
                sequencers: &[Propose, Commit, Reveal, Claim, Output::OtherTransaction, Broadcast],
                provers: &[Commit, Finalize],
                ..plain
            },
            S::ClaimRewards => Case { sequencers: &[Claim], ..plain },
        },
        Kind::Prover(kind) => match kind {
            P::Offer => {
                Case { provers: &[BodyRequest, QuoteSignature, Offer, Commit, Finalize], ..UNCOMMITTED }
            }
            // Nobody in this process needs to be told where a prover is: see the tests of `fernet-p2p`.
            P::Advertise => Case { provers: &[Output::Contact], ..plain },
            P::Commit => {
                Case { commitment: CommitmentBy::Prover, sequencers: &[Commit, Reveal, Body], ..UNCOMMITTED }
            }
            P::FetchBody => Case { failure: Failure::NoProof, provers: &[Finalize], ..plain },
            P::BuildBackup => {
                Case { failure: Failure::NoProposal, provers: &[ProofJob, FinalizeBackup, Finalize], ..plain }
            }
            P::Prove => Case { provers: &[ProofJob, Finalize, FinalizeBackup], ..plain },
            P::Finalize => Case { provers: &[Finalize], ..plain },
            P::FinalizeBackup => Case { failure: Failure::NoProposal, provers: &[FinalizeBackup], ..plain },
            P::ManageTransactions => Case {
                provers: &[Commit, Finalize, FinalizeBackup, Claim, Output::OtherTransaction, Broadcast],
                ..plain
            },
            P::ClaimRewards => Case { provers: &[Claim], ..plain },
        },
    }
}

/// Plays the slot in turn to its end, with restarts. Returns what was signed and sent.
async fn play(harness: &mut Harness, held: Option<Kind>, case: &Case) -> BTreeSet<(Role, Output)> {
    harness.hold(held, case.failure);
    let slot = harness.slot().await.slot;
    let (mut restarts, mut outputs) = (Restarts::default(), BTreeSet::new());
    loop {
        let view = harness.slot().await;
        if view.slot != slot {
            return outputs;
        }
        if restarts.is_due(view.phase) {
            harness.restart(case.commitment);
        }
        outputs.extend(harness.act().await);
        harness.advance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_depends_on_an_effect_does_not_go_out_while_the_effect_is_held() {
    let mut harness = Harness::start(31_409).await;
    let allowed = Case { sequencers: &[], provers: &[], ..UNCOMMITTED };
    for held in Kind::all() {
        // A slot without restraints: its reward is there to claim, and no transaction of the case before is
        // pending.
        if matches!(held, Kind::Sequencer(S::Build | S::ClaimRewards) | Kind::Prover(P::ClaimRewards)) {
            play(&mut harness, None, &allowed).await;
        }
        harness.take_seen();
        let case = case(held);
        let outputs = play(&mut harness, Some(held), &case).await;
        for (role, output) in &outputs {
            let forbidden = match role {
                Role::Sequencer(_) => case.sequencers,
                // It offers nothing, so it asks for the body only as a rescuer.
                Role::Prover(1) if held == Kind::Prover(P::FetchBody) => {
                    &[Output::BodyRequest, Output::Finalize]
                }
                Role::Prover(_) => case.provers,
            };
            assert!(!forbidden.contains(output), "{role:?} sent {output:?} while {held:?} was held");
        }
        let is_seen = harness.take_seen().contains(&held);
        let is_elsewhere = matches!(held, Kind::Sequencer(S::CancelProposal) | Kind::Prover(P::Advertise));
        assert!(is_seen || is_elsewhere, "the slot never came to {held:?}");
    }
}
