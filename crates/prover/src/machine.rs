//! The prover's decisions, without IO.
//!
//! The machine is level-triggered: at every L1 block it emits all effects that still apply. The driver
//! recognises what is already under way: L1 transactions by their idempotency keys, proofs by their
//! statements. So nothing is lost when a transaction or a message is lost or the process restarts, and an
//! effect that the policy held comes again at the next L1 block. Offers are the exception: a sequencer that
//! gets no quote asks again.

use std::collections::BTreeMap;

use alloy::primitives::B256;
use fernet_follower::{CandidateView, SlotView};
use fernet_network::AcceptedQuote;
use fernet_protocol::{L1Slot, Parameters, Phase, Quote, Slot};
use fernet_roles::{Outstanding, ParentState};

use crate::interface::{
    BackupBlobs, CommittedProver, Effect, Facts, Input, ProofPurpose, ProvingWindow, RequestedBlock,
};
use crate::quotes::{DeclineReason, Offers};
use crate::strategy::Strategy;

/// Slots whose work is kept, so that it is known after an L1 reorg across the end of a slot.
const KEPT_SLOTS: u64 = 4;

/// Attempts at a proof of a block with this prover's bond. A second attempt helps after a temporary failure,
/// such as too little memory or a worker that was stopped.
const OWN_PROOF_ATTEMPTS: u8 = 2;

/// A prover's progress with one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofStage {
    /// No peer had the body.
    BodyMissing {
        /// L1 slot in which peers were asked last.
        asked_at: L1Slot,
    },
    /// The body is known.
    BodyKnown,
    /// The worker has the block.
    Proving,
    /// The proof is ready.
    Proven,
    /// The last attempt failed.
    Failed,
}

/// A block that may have to be proven.
#[derive(Debug, Clone, Copy)]
struct ProofTask {
    slot: Slot,
    stage: ProofStage,
    failures: u8,
}

/// This prover's own block for a slot.
#[derive(Debug, Clone, Copy)]
struct BackupBlock {
    parent: B256,
    header_hash: B256,
}

/// Whether the prover takes new work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It does.
    Available,
    /// It doesn't until its operator says so, also after a restart, because another bond might be lost too.
    /// It goes on with the blocks that have its bond already.
    Suspended {
        /// What failed.
        reason: String,
    },
}

/// A prover's state machine.
#[derive(Debug, Clone)]
pub struct Prover {
    strategy: Strategy,
    parameters: Parameters,
    offers: Offers,
    /// Quotes that their sequencers have signed too, by header hash. A slot can have one for each candidate.
    accepted: BTreeMap<B256, Box<AcceptedQuote>>,
    /// By header hash.
    tasks: BTreeMap<B256, ProofTask>,
    backups: BTreeMap<Slot, BackupBlock>,
    availability: Availability,
    /// The process is to end.
    is_finishing: bool,
    facts: Option<Box<Facts>>,
}

impl Prover {
    /// A machine that has seen no L1 block yet.
    #[must_use]
    pub fn new(strategy: Strategy, parameters: Parameters) -> Self {
        Self {
            strategy,
            parameters,
            offers: Offers::default(),
            accepted: BTreeMap::new(),
            tasks: BTreeMap::new(),
            backups: BTreeMap::new(),
            availability: Availability::Available,
            is_finishing: false,
            facts: None,
        }
    }

    /// The prover's strategy.
    #[must_use]
    pub const fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// Whether the prover takes new work.
    #[must_use]
    pub const fn availability(&self) -> &Availability {
        &self.availability
    }

    /// The bonds that are locked for blocks which can still be finalized, and the offers that can still be
    /// committed.
    #[must_use]
    pub fn outstanding(&self) -> Vec<Outstanding> {
        let Some(facts) = &self.facts else {
            return Vec::new();
        };
        let view = &facts.snapshot.next;
        let is_in_time = !matches!(view.phase, Phase::Halt | Phase::Backup);
        let committed = view.in_turn().filter(|candidate| is_in_time && self.is_own(candidate));
        let bonds = committed
            .map(|candidate| Outstanding::Bond { slot: view.slot, header_hash: candidate.header_hash });
        // Once a block is revealed, the slot has no more commitments.
        let may_commit = matches!(view.phase, Phase::Proposal | Phase::Commitment | Phase::Reveal);
        let open = self.offers.iter().filter(|quote| may_commit || quote.slot > view.slot);
        let offers = open.map(|quote| Outstanding::Offer {
            slot: quote.slot,
            header_hash: quote.header_hash,
            valid_until: quote.valid_until,
        });
        bonds.into_iter().chain(offers).collect()
    }

    /// The prover's progress with a block; `None` if its body was never needed.
    #[must_use]
    pub fn proof_stage(&self, header_hash: &B256) -> Option<ProofStage> {
        self.tasks.get(header_hash).map(|task| task.stage)
    }

    /// The quote that [`Input::QuoteRequested`] would offer.
    ///
    /// # Errors
    /// With the reason to decline.
    pub fn consider(&self, block: &RequestedBlock, facts: &Facts) -> Result<Quote, DeclineReason> {
        if self.is_finishing {
            return Err(DeclineReason::Finishing);
        }
        if let Availability::Suspended { reason } = &self.availability {
            return Err(DeclineReason::Suspended { reason: reason.clone() });
        }
        self.offers.consider(block, &self.strategy, &self.parameters, facts)
    }

    /// Takes an input, and returns the effects that apply now.
    pub fn apply(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Block(facts) => {
                self.prune(&facts);
                self.facts = Some(facts);
                let mut effects = self.decide();
                effects.extend(self.claim());
                return effects;
            }
            Input::QuoteRequested { block, facts } => return self.answer(&block, &facts),
            Input::Offered { quote } => {
                self.note_body(quote.slot, quote.header_hash);
                self.offers.insert(quote);
                return Vec::new();
            }
            Input::Accepted(accepted) => {
                if self.offers.contains(&accepted.quote) {
                    self.accepted.entry(accepted.quote.header_hash).or_insert(accepted);
                }
            }
            Input::BodyFetched { slot, header_hash } => self.note_body(slot, header_hash),
            Input::BodyMissing { slot, header_hash } => self.note_body_missing(slot, header_hash),
            Input::BackupBuilt { slot, parent, header_hash } => {
                self.backups.insert(slot, BackupBlock { parent, header_hash });
                self.note_body(slot, header_hash);
            }
            Input::Suspended { reason } => {
                self.suspend(reason);
                return Vec::new();
            }
            Input::Finish => {
                self.is_finishing = true;
                return Vec::new();
            }
            Input::Resumed => {
                self.availability = Availability::Available;
                return Vec::new();
            }
            Input::ProofStarted { header_hash } => self.note_stage(&header_hash, ProofStage::Proving),
            Input::Proven { header_hash } => self.note_stage(&header_hash, ProofStage::Proven),
            Input::ProofFailed { header_hash, reason } => {
                self.note_stage(&header_hash, ProofStage::Failed);
                if let Some(task) = self.tasks.get_mut(&header_hash) {
                    task.failures = task.failures.saturating_add(1);
                }
                self.suspend(format!("proof of {header_hash} failed: {reason}"));
            }
            Input::FinalizeRefused { header_hash, reason } => {
                if self.is_due(&header_hash) {
                    self.suspend(format!("l1 refuses the proof of {header_hash}: {reason}"));
                }
                return Vec::new();
            }
        }
        self.decide()
    }

    fn answer(&self, block: &RequestedBlock, facts: &Facts) -> Vec<Effect> {
        match self.consider(block, facts) {
            Ok(quote) => vec![Effect::Offer { quote }],
            Err(reason) => {
                let RequestedBlock { slot, sequencer, .. } = block;
                tracing::info!(%slot, %sequencer, %reason, "quote declined");
                Vec::new()
            }
        }
    }

    /// The effects that apply in the slot in turn.
    fn decide(&self) -> Vec<Effect> {
        let Some(facts) = &self.facts else {
            return Vec::new();
        };
        let view = &facts.snapshot.next;
        match (view.phase, view.in_turn()) {
            (Phase::Commitment, Some(candidate)) => self.commit(view, candidate),
            (Phase::Reveal, Some(candidate)) if self.is_own(candidate) => {
                self.prove(facts, candidate.header_hash, ProofPurpose::Commitment)
            }
            (Phase::ExclusiveProving, Some(candidate)) if self.is_own(candidate) => {
                self.finalize(facts, candidate, ProvingWindow::Exclusive)
            }
            // The rest is new work.
            _ if self.is_finishing && !view.in_turn().is_some_and(|candidate| self.is_own(candidate)) => {
                Vec::new()
            }
            (Phase::ExclusiveProving, Some(candidate))
                if facts.snapshot.next_l1_slot().plus(self.strategy.rescue_lead) >= view.phase_end =>
            {
                self.prove(facts, candidate.header_hash, ProofPurpose::Rescue)
            }
            (Phase::ExclusiveProving, Some(candidate)) => self.fetch(facts, candidate.header_hash),
            (Phase::OpenProving, Some(candidate)) => self.finalize(facts, candidate, ProvingWindow::Open),
            (Phase::Halt | Phase::Backup, _) => self.back_up(facts),
            _ => Vec::new(),
        }
    }

    fn commit(&self, view: &SlotView, candidate: &CandidateView) -> Vec<Effect> {
        let (slot, expires_at) = (view.slot, view.phase_end);
        let accepted = self.accepted.get(&candidate.header_hash);
        accepted
            .map(|accepted| Effect::Commit { slot, accepted: accepted.clone(), expires_at })
            .into_iter()
            .collect()
    }

    /// The body of a block that this prover may have to rescue: early, as long as those who have it are
    /// there.
    fn fetch(&self, facts: &Facts, header_hash: B256) -> Vec<Effect> {
        let is_due = self.tasks.get(&header_hash).is_none_or(|task| match task.stage {
            ProofStage::BodyMissing { asked_at } => asked_at != facts.snapshot.now,
            _ => false,
        });
        let fetch = Effect::FetchBody { slot: facts.snapshot.next.slot, header_hash };
        is_due.then_some(fetch).into_iter().collect()
    }

    /// The next step towards a proof; none if the proof is under way, ready, or given up.
    fn prove(&self, facts: &Facts, header_hash: B256, purpose: ProofPurpose) -> Vec<Effect> {
        let slot = facts.snapshot.next.slot;
        let fetch = vec![Effect::FetchBody { slot, header_hash }];
        let prove = vec![Effect::Prove { slot, header_hash, purpose }];
        let Some(task) = self.tasks.get(&header_hash) else {
            return fetch;
        };
        match task.stage {
            ProofStage::BodyMissing { asked_at } if asked_at != facts.snapshot.now => fetch,
            ProofStage::BodyKnown => prove,
            ProofStage::Failed
                if purpose == ProofPurpose::Commitment && task.failures < OWN_PROOF_ATTEMPTS =>
            {
                prove
            }
            _ => Vec::new(),
        }
    }

    fn finalize(&self, facts: &Facts, candidate: &CandidateView, window: ProvingWindow) -> Vec<Effect> {
        let view = &facts.snapshot.next;
        let header_hash = candidate.header_hash;
        let (committed, purpose) = if self.is_own(candidate) {
            (CommittedProver::Own, ProofPurpose::Commitment)
        } else {
            (CommittedProver::Other, ProofPurpose::Rescue)
        };
        if self.proof_stage(&header_hash) != Some(ProofStage::Proven) {
            return self.prove(facts, header_hash, purpose);
        }
        // The end of the whole proving phase: the same in both windows, so that one transaction serves both.
        let expires_at = candidate
            .revealed_at
            .map_or(view.phase_end, |at| at.plus(1).plus(self.parameters.proving_phase.into()));
        vec![Effect::Finalize { slot: view.slot, header_hash, window, committed, expires_at }]
    }

    /// Finalizes the revealed block if there is one and its body can be had, or else a block of this prover's
    /// own.
    fn back_up(&self, facts: &Facts) -> Vec<Effect> {
        let view = &facts.snapshot.next;
        let (slot, parent) = (view.slot, facts.snapshot.tip.header_hash);
        let revealed = view.candidates.iter().find(|candidate| candidate.revealed_at.is_some());
        if let Some(CandidateView { header_hash, .. }) = revealed
            && !matches!(
                self.proof_stage(header_hash),
                Some(ProofStage::BodyMissing { .. } | ProofStage::Failed)
            )
        {
            return self.finalize_backup(facts, *header_hash, BackupBlobs::Revealed);
        }
        match self.backups.get(&slot) {
            Some(backup) if backup.parent == parent => {
                self.finalize_backup(facts, backup.header_hash, BackupBlobs::Attached)
            }
            _ if facts.snapshot.parent_state == ParentState::Missing => Vec::new(),
            _ => vec![Effect::BuildBackup { slot, parent, cutoff: view.previous_start }],
        }
    }

    fn finalize_backup(&self, facts: &Facts, header_hash: B256, blobs: BackupBlobs) -> Vec<Effect> {
        let view = &facts.snapshot.next;
        match (self.proof_stage(&header_hash), view.phase) {
            (Some(ProofStage::Proven), Phase::Backup) => {
                let expires_at = view.phase_end;
                vec![Effect::FinalizeBackup { slot: view.slot, header_hash, blobs, expires_at }]
            }
            _ => self.prove(facts, header_hash, ProofPurpose::Backup),
        }
    }

    fn claim(&self) -> Option<Effect> {
        let (facts, from) = (self.facts.as_ref()?, self.strategy.claim_from?);
        let is_worthwhile = facts.owed >= from && !facts.owed.is_zero();
        (is_worthwhile && !self.is_finishing).then_some(Effect::ClaimRewards { owed: facts.owed })
    }

    /// Whether L1 should accept this prover's proof of its own commitment now. Then a refusal means that the
    /// proof is bad, not that another prover was faster.
    fn is_due(&self, header_hash: &B256) -> bool {
        let view = self.facts.as_ref().map(|facts| &facts.snapshot.next);
        view.filter(|view| view.phase == Phase::ExclusiveProving)
            .and_then(|view| view.in_turn())
            .is_some_and(|candidate| candidate.header_hash == *header_hash && self.is_own(candidate))
    }

    /// Whether this prover is committed to the block.
    fn is_own(&self, candidate: &CandidateView) -> bool {
        candidate.commitment.is_some_and(|commitment| commitment.prover == self.strategy.prover)
    }

    fn note_body(&mut self, slot: Slot, header_hash: B256) {
        let known = ProofTask { slot, stage: ProofStage::BodyKnown, failures: 0 };
        let task = self.tasks.entry(header_hash).or_insert(known);
        if let ProofStage::BodyMissing { .. } = task.stage {
            task.stage = ProofStage::BodyKnown;
        }
    }

    fn note_body_missing(&mut self, slot: Slot, header_hash: B256) {
        let Some(facts) = &self.facts else {
            return;
        };
        let missing = ProofStage::BodyMissing { asked_at: facts.snapshot.now };
        let task = self.tasks.entry(header_hash).or_insert(ProofTask { slot, stage: missing, failures: 0 });
        if let ProofStage::BodyMissing { .. } = task.stage {
            task.stage = missing;
        }
    }

    fn note_stage(&mut self, header_hash: &B256, stage: ProofStage) {
        if let Some(task) = self.tasks.get_mut(header_hash) {
            task.stage = stage;
        }
    }

    /// Keeps the first reason, as later failures often follow from it.
    fn suspend(&mut self, reason: String) {
        if self.availability == Availability::Available {
            self.availability = Availability::Suspended { reason };
        }
    }

    /// Removes the work of old slots.
    fn prune(&mut self, facts: &Facts) {
        let current = facts.snapshot.next.slot;
        let is_kept = |slot: &Slot| slot.get().saturating_add(KEPT_SLOTS) >= current.get();
        self.tasks.retain(|_, task| is_kept(&task.slot));
        self.backups.retain(|slot, _| is_kept(slot));
        self.accepted.retain(|_, accepted| is_kept(&accepted.quote.slot));
        self.offers.prune(facts);
    }
}
