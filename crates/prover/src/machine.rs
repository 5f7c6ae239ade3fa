//! What a prover does at each L1 block. Pure: facts in, effects out.
//!
//! The machine is level-triggered: at every L1 block it emits again whatever still applies, and whoever carries the
//! effects out recognises what is under way (L1 transactions by their idempotency keys, proofs by their statements). So
//! nothing is lost when a transaction, a peer or the process is, and an effect held back by the operator's policy comes
//! again at the next block.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256};
use fernet_follower::{CandidateView, SlotView, Tip};
use fernet_network::AcceptedQuote;
use fernet_protocol::{L1Slot, Parameters, Phase, Quote, Rates, Slot, TokenAmount};
pub use fernet_roles::ParentState;

use crate::offers::{Ask, Offers, PriceList, Refusal};

/// Slots whose work is remembered, so that an L1 reorg across a slot's end finds it again.
const REMEMBERED_SLOTS: u64 = 4;

/// Times that a proof on which this prover's bond depends is tried. A second run helps against what passes: memory
/// that was short, a worker that was stopped.
const OWN_PROOF_ATTEMPTS: u8 = 2;

/// How this prover acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strategy {
    /// Whose escrow its bonds come from; sends its transactions and signs its quotes.
    pub prover: Address,
    /// Whom rewards, prices and shares of slashed bonds are credited to.
    pub payee: Address,
    /// What it asks for.
    pub prices: PriceList,
    /// L1 slots that an offer stays open.
    pub offer_validity: u64,
    /// L1 slots before the end of another prover's exclusive proving at which it starts on a rescue proof. The time it
    /// takes to prove a block, or a little less.
    pub rescue_lead: u64,
    /// L2 account that gets the fees of its backup blocks, 0 burns them.
    pub fee_recipient: u32,
    /// Rewards that are worth a claim, in token units. `None` leaves claiming to the payee.
    pub claim_from: Option<U256>,
}

/// What the machine knows at an L1 block.
#[derive(Debug, Clone)]
pub struct Facts {
    /// L1 slot of the newest block.
    pub now: L1Slot,
    /// The slot in turn in the L1 slot after `now`, the first in which a transaction can land.
    pub next: SlotView,
    /// What a block of that slot pays.
    pub rates: Rates,
    /// The last finalized block.
    pub tip: Tip,
    /// Whether the state after the tip is there to build on.
    pub state: ParentState,
    /// This prover's free escrow.
    pub escrow: TokenAmount,
    /// Rewards that can be claimed, in token units.
    pub owed: U256,
}

impl Facts {
    /// The first L1 slot in which a transaction can land.
    #[must_use]
    pub fn next_l1_slot(&self) -> L1Slot {
        self.now.plus(1)
    }
}

/// What happens to a prover.
#[derive(Debug, Clone)]
pub enum Input {
    /// A new L1 block, or another head after a reorg.
    Block(Box<Facts>),
    /// A body that was checked: executing it gives its header.
    Body {
        /// The header's slot.
        slot: Slot,
        /// The header's hash.
        header_hash: B256,
    },
    /// Nobody has the body, or what came isn't it.
    BodyMissing {
        /// The header's slot.
        slot: Slot,
        /// The header's hash.
        header_hash: B256,
    },
    /// The backup block that was asked for with [`Effect::BuildBackup`].
    BackupBuilt {
        /// Its slot.
        slot: Slot,
        /// Hash of its parent's header.
        parent: B256,
        /// Its header's hash.
        header_hash: B256,
    },
    /// A worker took the block on.
    ProofStarted {
        /// The block's header.
        header_hash: B256,
    },
    /// A proof is ready.
    Proven {
        /// Of the block with this header.
        header_hash: B256,
    },
    /// A proof failed.
    ProofFailed {
        /// Of the block with this header.
        header_hash: B256,
        /// What happened.
        reason: String,
    },
    /// L1 would revert, or did revert, this prover's finalization.
    FinalizeRefused {
        /// The block's header.
        header_hash: B256,
        /// L1's reason.
        reason: String,
    },
    /// A sequencer signed one of this prover's quotes and leaves the commitment to it.
    Accepted(Box<AcceptedQuote>),
}

/// What a prover wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Commit on L1 with the sequencer's signature.
    Commit {
        /// For which slot.
        slot: Slot,
        /// The quote with both signatures.
        accepted: Box<AcceptedQuote>,
        /// First L1 slot that is too late.
        until: L1Slot,
    },
    /// Ask peers for a block's body and check it; answer with [`Input::Body`] or [`Input::BodyMissing`].
    FetchBody {
        /// The block's slot.
        slot: Slot,
        /// The block's header.
        header_hash: B256,
    },
    /// Build a block of this prover's own; answer with [`Input::BackupBuilt`].
    BuildBackup {
        /// For which slot.
        slot: Slot,
        /// Hash of the tip's header.
        parent: B256,
        /// Deposits queued before this L1 slot must be consumed.
        cutoff: L1Slot,
    },
    /// Start proving; answer with [`Input::ProofStarted`], and [`Input::Proven`] or [`Input::ProofFailed`] in the end.
    Prove {
        /// The block's slot.
        slot: Slot,
        /// The block's header.
        header_hash: B256,
        /// Why it is proven.
        purpose: Purpose,
    },
    /// Finalize the revealed block on L1.
    Finalize {
        /// The block's slot.
        slot: Slot,
        /// The block's header.
        header_hash: B256,
        /// Who gets paid for it.
        window: Window,
        /// Whose commitment it is.
        commitment: Commitment,
        /// First L1 slot that is too late.
        until: L1Slot,
    },
    /// Finalize a block on L1 in the backup phase.
    FinalizeBackup {
        /// The block's slot.
        slot: Slot,
        /// The block's header.
        header_hash: B256,
        /// Whether its blobs go with it.
        data: Data,
        /// First L1 slot that is too late.
        until: L1Slot,
    },
    /// Claim the rewards on L1.
    ClaimRewards {
        /// What is owed, in token units.
        owed: U256,
    },
}

impl Effect {
    /// The slot that the effect is about.
    #[must_use]
    pub const fn slot(&self) -> Option<Slot> {
        match self {
            Self::Commit { slot, .. }
            | Self::FetchBody { slot, .. }
            | Self::BuildBackup { slot, .. }
            | Self::Prove { slot, .. }
            | Self::Finalize { slot, .. }
            | Self::FinalizeBackup { slot, .. } => Some(*slot),
            Self::ClaimRewards { .. } => None,
        }
    }
}

/// Why a block is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// This prover's bond is on it.
    Commitment,
    /// Another prover is about to miss its window.
    Rescue,
    /// The backup phase is open, or about to be.
    Backup,
}

/// The part of the proving phase in which a transaction is meant to land.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// Only the committed prover is paid.
    Exclusive,
    /// Whoever proves is paid.
    Open,
}

/// Whose bond a block depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Commitment {
    /// This prover's.
    Own,
    /// Another prover's.
    Other,
}

/// Where a backup block's data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Data {
    /// L1 has seen it in the reveal.
    Revealed,
    /// It goes with the transaction.
    Attached,
}

/// How far the proof of one block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Nobody had the body at this L1 slot.
    Missing {
        /// When peers were asked last.
        asked: L1Slot,
    },
    /// The body is there.
    Known,
    /// Being proven.
    Proving,
    /// The proof is ready.
    Proven,
    /// The last attempt failed.
    Failed,
}

/// The proof of one block.
#[derive(Debug, Clone, Copy)]
struct Job {
    slot: Slot,
    work: Work,
    failures: u8,
}

/// This prover's own block for a slot.
#[derive(Debug, Clone, Copy)]
struct Backup {
    parent: B256,
    header_hash: B256,
}

/// Whether the prover takes new work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It does.
    Open,
    /// It doesn't, until its operator restarts it: something failed that would cost the next bond too. It goes on with
    /// what has a bond on it already.
    Closed {
        /// What failed.
        reason: String,
    },
}

/// A prover's decisions.
#[derive(Debug, Clone)]
pub struct Prover {
    strategy: Strategy,
    parameters: Parameters,
    offers: Offers,
    accepted: BTreeMap<Slot, Box<AcceptedQuote>>,
    jobs: BTreeMap<B256, Job>,
    backups: BTreeMap<Slot, Backup>,
    availability: Availability,
    facts: Option<Box<Facts>>,
}

impl Prover {
    /// A prover that has done nothing yet.
    #[must_use]
    pub fn new(strategy: Strategy, parameters: Parameters) -> Self {
        Self {
            strategy,
            parameters,
            offers: Offers::default(),
            accepted: BTreeMap::new(),
            jobs: BTreeMap::new(),
            backups: BTreeMap::new(),
            availability: Availability::Open,
            facts: None,
        }
    }

    /// How it acts.
    #[must_use]
    pub const fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// Whether it takes new work.
    #[must_use]
    pub const fn availability(&self) -> &Availability {
        &self.availability
    }

    /// How far the proof of a block is; `None` if nobody asked for its body yet.
    #[must_use]
    pub fn work(&self, header_hash: &B256) -> Option<Work> {
        self.jobs.get(header_hash).map(|job| job.work)
    }

    /// The offer that this prover would make, if the block is what the request says.
    ///
    /// # Errors
    /// With the reason for declining.
    pub fn consider(&self, ask: &Ask, facts: &Facts) -> Result<Quote, Refusal> {
        if let Availability::Closed { reason } = &self.availability {
            return Err(Refusal::Closed { reason: reason.clone() });
        }
        self.offers.consider(ask, &self.strategy, &self.parameters, facts)
    }

    /// Takes note that an offer went out: its bond is spoken for until it expires, and the block's body is known.
    pub fn offered(&mut self, quote: Quote) {
        self.note_body(quote.slot, quote.header_hash);
        self.offers.insert(quote);
    }

    /// Takes note of `input` and says what to do now.
    pub fn apply(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Block(facts) => {
                self.forget(&facts);
                self.facts = Some(facts);
                let mut effects = self.decide();
                effects.extend(self.claim());
                return effects;
            }
            Input::Body { slot, header_hash } => self.note_body(slot, header_hash),
            Input::BodyMissing { slot, header_hash } => self.note_missing(slot, header_hash),
            Input::BackupBuilt { slot, parent, header_hash } => {
                self.backups.insert(slot, Backup { parent, header_hash });
                self.note_body(slot, header_hash);
            }
            Input::ProofStarted { header_hash } => self.note_work(&header_hash, Work::Proving),
            Input::Proven { header_hash } => self.note_work(&header_hash, Work::Proven),
            Input::ProofFailed { header_hash, reason } => {
                self.note_work(&header_hash, Work::Failed);
                if let Some(job) = self.jobs.get_mut(&header_hash) {
                    job.failures = job.failures.saturating_add(1);
                }
                self.close(format!("proof of {header_hash} failed: {reason}"));
            }
            Input::FinalizeRefused { header_hash, reason } => {
                if self.is_due(&header_hash) {
                    self.close(format!("l1 refuses the proof of {header_hash}: {reason}"));
                }
                return Vec::new();
            }
            Input::Accepted(accepted) => {
                if self.offers.contains(&accepted.quote) {
                    self.accepted.entry(accepted.quote.slot).or_insert(accepted);
                }
            }
        }
        self.decide()
    }

    /// What applies in the slot in turn.
    fn decide(&self) -> Vec<Effect> {
        let Some(facts) = &self.facts else {
            return Vec::new();
        };
        let view = &facts.next;
        let slot = view.slot;
        let turn = view.in_turn();
        match (view.phase, turn) {
            (Phase::Commitment, Some(candidate)) => self.commit(view, candidate),
            (Phase::Reveal, Some(candidate)) if self.is_own(candidate) => {
                self.prove(facts, slot, candidate.header_hash, Purpose::Commitment)
            }
            (Phase::ExclusiveProving, Some(candidate)) if self.is_own(candidate) => {
                self.finalize(facts, candidate, Window::Exclusive)
            }
            (Phase::ExclusiveProving, Some(candidate))
                if facts.next_l1_slot().plus(self.strategy.rescue_lead) >= view.phase_end =>
            {
                self.prove(facts, slot, candidate.header_hash, Purpose::Rescue)
            }
            (Phase::OpenProving, Some(candidate)) => self.finalize(facts, candidate, Window::Open),
            (Phase::Halt | Phase::Backup, _) => self.back_up(facts),
            _ => Vec::new(),
        }
    }

    fn commit(&self, view: &SlotView, candidate: &CandidateView) -> Vec<Effect> {
        match self.accepted.get(&view.slot) {
            Some(accepted) if accepted.quote.header_hash == candidate.header_hash => {
                vec![Effect::Commit { slot: view.slot, accepted: accepted.clone(), until: view.phase_end }]
            }
            _ => Vec::new(),
        }
    }

    /// The step towards the proof of a block that is due; nothing if the proof is ready or beyond hope.
    fn prove(&self, facts: &Facts, slot: Slot, header_hash: B256, purpose: Purpose) -> Vec<Effect> {
        let fetch = vec![Effect::FetchBody { slot, header_hash }];
        let prove = vec![Effect::Prove { slot, header_hash, purpose }];
        match self.jobs.get(&header_hash) {
            None => fetch,
            Some(Job { work: Work::Missing { asked }, .. }) if *asked != facts.now => fetch,
            Some(Job { work: Work::Known, .. }) => prove,
            Some(Job { work: Work::Failed, failures, .. })
                if purpose == Purpose::Commitment && *failures < OWN_PROOF_ATTEMPTS =>
            {
                prove
            }
            Some(_) => Vec::new(),
        }
    }

    fn finalize(&self, facts: &Facts, candidate: &CandidateView, window: Window) -> Vec<Effect> {
        let slot = facts.next.slot;
        let header_hash = candidate.header_hash;
        let (commitment, purpose) = if self.is_own(candidate) {
            (Commitment::Own, Purpose::Commitment)
        } else {
            (Commitment::Other, Purpose::Rescue)
        };
        if self.work(&header_hash) != Some(Work::Proven) {
            return self.prove(facts, slot, header_hash, purpose);
        }
        // The same in both windows, so that it is one intent.
        let until = candidate
            .revealed_at
            .map_or(facts.next.phase_end, |at| at.plus(1).plus(self.parameters.proving_phase.into()));
        vec![Effect::Finalize { slot, header_hash, window, commitment, until }]
    }

    /// Halt or backup: the revealed block if there is one whose body is known, or else a block of this prover's own.
    fn back_up(&self, facts: &Facts) -> Vec<Effect> {
        let view = &facts.next;
        let slot = view.slot;
        let revealed = view.candidates.iter().find(|candidate| candidate.revealed_at.is_some());
        if let Some(CandidateView { header_hash, .. }) = revealed
            && !matches!(self.work(header_hash), Some(Work::Missing { .. } | Work::Failed))
        {
            return self.finalize_backup(facts, *header_hash, Data::Revealed);
        }
        match self.backups.get(&slot) {
            Some(Backup { parent, header_hash }) if *parent == facts.tip.header_hash => {
                self.finalize_backup(facts, *header_hash, Data::Attached)
            }
            _ if facts.state == ParentState::Missing => Vec::new(),
            _ => {
                vec![Effect::BuildBackup { slot, parent: facts.tip.header_hash, cutoff: view.previous_start }]
            }
        }
    }

    fn finalize_backup(&self, facts: &Facts, header_hash: B256, data: Data) -> Vec<Effect> {
        let view = &facts.next;
        let slot = view.slot;
        match (self.work(&header_hash), view.phase) {
            (Some(Work::Proven), Phase::Backup) => {
                vec![Effect::FinalizeBackup { slot, header_hash, data, until: view.phase_end }]
            }
            _ => self.prove(facts, slot, header_hash, Purpose::Backup),
        }
    }

    fn claim(&self) -> Option<Effect> {
        let (facts, from) = (self.facts.as_ref()?, self.strategy.claim_from?);
        let due = facts.owed >= from && !facts.owed.is_zero();
        due.then_some(Effect::ClaimRewards { owed: facts.owed })
    }

    /// Whether L1 should take this prover's proof of its own commitment now, so that a refusal means a bad proof and not a
    /// race lost.
    fn is_due(&self, header_hash: &B256) -> bool {
        let view = self.facts.as_ref().map(|facts| &facts.next);
        view.filter(|view| view.phase == Phase::ExclusiveProving)
            .and_then(|view| view.in_turn())
            .is_some_and(|candidate| candidate.header_hash == *header_hash && self.is_own(candidate))
    }

    fn is_own(&self, candidate: &CandidateView) -> bool {
        candidate.commitment.is_some_and(|commitment| commitment.prover == self.strategy.prover)
    }

    fn note_body(&mut self, slot: Slot, header_hash: B256) {
        let job = self.jobs.entry(header_hash).or_insert(Job { slot, work: Work::Known, failures: 0 });
        if let Work::Missing { .. } = job.work {
            job.work = Work::Known;
        }
    }

    fn note_missing(&mut self, slot: Slot, header_hash: B256) {
        let Some(facts) = &self.facts else {
            return;
        };
        let missing = Work::Missing { asked: facts.now };
        let job = self.jobs.entry(header_hash).or_insert(Job { slot, work: missing, failures: 0 });
        if let Work::Missing { .. } = job.work {
            job.work = missing;
        }
    }

    fn note_work(&mut self, header_hash: &B256, work: Work) {
        if let Some(job) = self.jobs.get_mut(header_hash) {
            job.work = work;
        }
    }

    /// The first reason stands: what follows is often its consequence.
    fn close(&mut self, reason: String) {
        if self.availability == Availability::Open {
            self.availability = Availability::Closed { reason };
        }
    }

    fn forget(&mut self, facts: &Facts) {
        let current = facts.next.slot;
        let stays = |slot: &Slot| slot.get().saturating_add(REMEMBERED_SLOTS) >= current.get();
        self.jobs.retain(|_, job| stays(&job.slot));
        self.backups.retain(|slot, _| stays(slot));
        self.accepted.retain(|slot, _| stays(slot));
        self.offers.forget(facts);
    }
}
