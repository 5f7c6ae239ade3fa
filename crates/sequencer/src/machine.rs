//! The sequencer's decisions, without IO.
//!
//! The machine is level-triggered: at every L1 block it emits all effects that still apply. The driver
//! recognises what is already under way; L1 transactions have idempotency keys. So nothing is lost when a
//! transaction or a message is lost or the process restarts, and an effect that the policy held comes again
//! at the next L1 block.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use fernet_follower::{CandidateView, SlotView};
use fernet_network::SignedQuote;
use fernet_protocol::{Parameters, Phase, Quote, QuoteRequest, RollupId, SigningPreimage, Slot};
use fernet_roles::{Outstanding, ParentState};

use crate::interface::{Availability, Effect, Facts, Input, OwnRank, PreparedBlock, SeedStatus};
use crate::quotes::{self, Choice, ReceivedQuote, Terms};
use crate::standby::Standby;
use crate::strategy::{CommitmentBy, Strategy};

/// Slots whose stages are kept, so that they are known after an L1 reorg across the end of a slot.
const KEPT_STAGES: usize = 4;

/// A sequencer's progress in one slot. What L1 has seen of it is in [`Facts`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// There is no block yet.
    Watching,
    /// The block is built, and perhaps proposed.
    Prepared(PreparedBlock),
    /// A quote is chosen, and perhaps committed.
    Agreed {
        /// The block.
        block: PreparedBlock,
        /// The chosen quote.
        quote: Box<SignedQuote>,
    },
    /// The block is revealed, and its body is announced.
    Announced(PreparedBlock),
}

impl Stage {
    /// The block of this stage.
    #[must_use]
    pub const fn block(&self) -> Option<&PreparedBlock> {
        match self {
            Self::Watching => None,
            Self::Prepared(block) | Self::Agreed { block, .. } | Self::Announced(block) => Some(block),
        }
    }
}

/// A sequencer's state machine.
#[derive(Debug, Clone)]
pub struct Sequencer {
    strategy: Strategy,
    parameters: Parameters,
    rollup: RollupId,
    stages: BTreeMap<Slot, Stage>,
    /// Provers whose commitments failed. Their quotes aren't taken again in the same slot.
    failed: BTreeMap<Slot, Vec<Address>>,
    standby: Standby,
    /// The process is to end.
    is_finishing: bool,
    facts: Option<Box<Facts>>,
}

impl Sequencer {
    /// A machine that has seen no L1 block yet.
    #[must_use]
    pub fn new(strategy: Strategy, parameters: Parameters, rollup: RollupId) -> Self {
        Self {
            strategy,
            parameters,
            rollup,
            stages: BTreeMap::new(),
            failed: BTreeMap::new(),
            standby: Standby::default(),
            is_finishing: false,
            facts: None,
        }
    }

    /// Whether the sequencer takes new work.
    #[must_use]
    pub fn availability(&self) -> Availability {
        match self.standby.foreign() {
            _ if self.is_finishing => Availability::Finishing,
            Some(foreign) => Availability::Standby { foreign },
            None => Availability::Available,
        }
    }

    /// This sequencer's candidate that isn't revealed and announced yet, if its turn may still come.
    #[must_use]
    pub fn outstanding(&self) -> Option<Outstanding> {
        let facts = self.facts.as_ref()?;
        let view = &facts.snapshot.next;
        let (rank, candidate) = self.own_candidate(view)?;
        let CandidateView { header_hash, revealed_at, .. } = candidate;
        let is_own = facts.foreign.is_none_or(|foreign| foreign.header_hash != *header_hash);
        let is_open = match revealed_at {
            Some(_) => !matches!(self.stage(view.slot), Stage::Announced(_)),
            None => {
                matches!(view.phase, Phase::Proposal | Phase::Commitment | Phase::Reveal)
                    && rank >= view.turn.index()
            }
        };
        let (slot, header_hash) = (view.slot, *header_hash);
        (is_own && is_open).then_some(Outstanding::Candidate { slot, header_hash })
    }

    /// The sequencer's progress in `slot`.
    #[must_use]
    pub fn stage(&self, slot: Slot) -> &Stage {
        self.stages.get(&slot).unwrap_or(&Stage::Watching)
    }

    /// What both parties of a quote sign, before it is hashed.
    #[must_use]
    pub fn signing_preimage(&self, quote: &Quote) -> SigningPreimage {
        quote.signing_preimage(&self.rollup)
    }

    /// What the attester signs of a request for quotes, before it is hashed.
    #[must_use]
    pub fn request_preimage(&self, request: &QuoteRequest) -> SigningPreimage {
        request.signing_preimage(&self.rollup)
    }

    /// The sequencer's strategy.
    #[must_use]
    pub const fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// Takes an input, and returns the effects that apply now.
    pub fn apply(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Block(facts) => {
                self.standby.observe(&facts, self.strategy.sequencer, self.parameters.max_candidates);
                self.facts = Some(facts);
                let mut effects = self.decide();
                effects.extend(self.claim());
                return effects;
            }
            Input::BlockBuilt(block) => self.note_built(block),
            Input::BlockLoaded { block, quote } => self.note_loaded(block, quote),
            Input::ProposalCancelled { slot, header_hash } => self.note_cancelled(slot, header_hash),
            Input::QuotesReceived { slot, quotes } => {
                if !self.agree(slot, &quotes) {
                    // Provers are asked again at the next L1 block.
                    return Vec::new();
                }
            }
            Input::CommitFailed { slot, quote } => {
                // Other provers are asked at the next L1 block.
                self.note_commit_failed(slot, &quote);
                return Vec::new();
            }
            Input::Finish => self.is_finishing = true,
            Input::BodyAnnounced { slot } => {
                if let Some(block) = self.stage(slot).block().cloned() {
                    self.enter(slot, Stage::Announced(block));
                }
            }
        }
        self.decide()
    }

    /// Which of `quotes` the machine takes for its block of `slot`. It takes none if the slot doesn't need a
    /// prover.
    #[must_use]
    pub fn choose(&self, slot: Slot, quotes: &[ReceivedQuote]) -> Choice {
        let (Stage::Prepared(block), Some(facts)) = (self.stage(slot), &self.facts) else {
            return Choice::default();
        };
        let failed = self.failed.get(&slot).map_or(&[][..], Vec::as_slice);
        let terms = Terms {
            slot,
            header_hash: block.header_hash,
            sequencer: self.strategy.sequencer,
            next_l1_slot: facts.snapshot.next_l1_slot(),
            max_price: self.strategy.max_price,
            parameters: &self.parameters,
            rates: &facts.snapshot.rates,
            paid_l1_slots: facts.snapshot.next.paid_l1_slots,
            rollup: self.rollup,
        };
        let candidates = quotes.iter().filter(|received| !failed.contains(&received.signed.quote.prover));
        quotes::choose(candidates, &terms)
    }

    fn note_built(&mut self, block: PreparedBlock) {
        let slot = block.header.slot;
        if matches!(self.stage(slot), Stage::Watching | Stage::Prepared(_)) {
            self.enter(slot, Stage::Prepared(block));
        }
    }

    fn note_loaded(&mut self, block: PreparedBlock, quote: Option<Box<SignedQuote>>) {
        let slot = block.header.slot;
        let stage = match quote {
            Some(quote) => Stage::Agreed { block, quote },
            None => Stage::Prepared(block),
        };
        self.enter(slot, stage);
    }

    fn note_cancelled(&mut self, slot: Slot, header_hash: B256) {
        if self.stage(slot).block().is_some_and(|block| block.header_hash == header_hash) {
            self.enter(slot, Stage::Watching);
        }
    }

    fn enter(&mut self, slot: Slot, stage: Stage) {
        self.stages.insert(slot, stage);
        while self.stages.len() > KEPT_STAGES {
            self.stages.pop_first();
        }
        while self.failed.len() > KEPT_STAGES {
            self.failed.pop_first();
        }
    }

    /// Chooses one of the quotes, and returns whether there was one to choose.
    fn agree(&mut self, slot: Slot, quotes: &[ReceivedQuote]) -> bool {
        let Choice { best, refused } = self.choose(slot, quotes);
        for (prover, error) in refused {
            tracing::warn!(code = "SEQ-002", %slot, %prover, %error, "quote refused");
        }
        match (best, self.stage(slot).clone()) {
            (Some(quote), Stage::Prepared(block)) => {
                self.enter(slot, Stage::Agreed { block, quote: Box::new(quote) });
                true
            }
            _ => {
                tracing::warn!(code = "SEQ-003", %slot, received = quotes.len(), "no quote was chosen");
                false
            }
        }
    }

    /// Another quote may be chosen only while this sequencer has signed none. A quote that was handed over is
    /// signed.
    fn note_commit_failed(&mut self, slot: Slot, failed: &SignedQuote) {
        if self.strategy.commitment == CommitmentBy::Prover {
            return;
        }
        if let Stage::Agreed { block, quote } = self.stage(slot).clone()
            && *quote == *failed
        {
            self.failed.entry(slot).or_default().push(quote.quote.prover);
            self.enter(slot, Stage::Prepared(block));
        }
    }

    fn claim(&self) -> Option<Effect> {
        let (facts, from) = (self.facts.as_ref()?, self.strategy.claim_from?);
        let is_worthwhile = facts.owed >= from && !facts.owed.is_zero();
        let is_available = self.availability() == Availability::Available;
        (is_worthwhile && is_available).then_some(Effect::ClaimRewards { owed: facts.owed })
    }

    /// The effects that apply in the slot in turn.
    fn decide(&self) -> Vec<Effect> {
        let Some(facts) = &self.facts else {
            return Vec::new();
        };
        let view = &facts.snapshot.next;
        match self.own_candidate(view) {
            Some((_, candidate))
                if facts.foreign.is_some_and(|it| it.header_hash == candidate.header_hash) =>
            {
                self.withdraw(view.slot)
            }
            Some((rank, candidate)) => self.act_as_candidate(view, rank, candidate),
            None if view.phase != Phase::Proposal => Vec::new(),
            None if self.availability() != Availability::Available => self.withdraw(view.slot),
            None => self.propose(facts),
        }
    }

    /// This sequencer's candidate, and its rank among the candidates.
    fn own_candidate<'a>(&self, view: &'a SlotView) -> Option<(usize, &'a CandidateView)> {
        let is_own = |candidate: &CandidateView| candidate.sequencer == self.strategy.sequencer;
        view.candidates.iter().enumerate().find(|(_, candidate)| is_own(candidate))
    }

    /// Withdraws the proposal that isn't on L1, if there is one.
    fn withdraw(&self, slot: Slot) -> Vec<Effect> {
        match self.stage(slot) {
            Stage::Prepared(PreparedBlock { header_hash, .. }) => {
                vec![Effect::CancelProposal { slot, header_hash: *header_hash }]
            }
            _ => Vec::new(),
        }
    }

    /// The sequencer is no candidate yet: it builds and proposes a block, if the proposal would succeed.
    fn propose(&self, facts: &Facts) -> Vec<Effect> {
        let view = &facts.snapshot.next;
        let slot = view.slot;
        let parent = facts.snapshot.tip.header_hash;
        let Some(own_rank) = facts.own_rank else {
            return Vec::new();
        };
        if facts.snapshot.parent_state == ParentState::Missing || !self.is_worthwhile(facts, own_rank) {
            return Vec::new();
        }
        match self.stage(slot) {
            Stage::Watching => vec![Effect::Build { slot, parent, cutoff: view.previous_start }],
            // A second proposal for the slot must not compete with the first, so the new block is built
            // afterwards. A block that a prover has agreed to prove can't be finalized on another parent
            // either.
            Stage::Prepared(block) | Stage::Agreed { block, .. } | Stage::Announced(block)
                if block.header.parent != parent =>
            {
                vec![Effect::CancelProposal { slot, header_hash: block.header_hash }]
            }
            Stage::Prepared(block) => vec![Effect::Propose {
                slot,
                header_hash: block.header_hash,
                rank: own_rank.rank,
                seed_at: view.seed_at,
                expires_at: view.phase_end,
            }],
            // A reorg undid the proposal. The transaction manager sends the transactions again.
            Stage::Agreed { .. } | Stage::Announced(_) => Vec::new(),
        }
    }

    /// Whether a proposal would make this sequencer a candidate, even after the proposals of those that
    /// outrank it. Shortly before the end of the phase it no longer waits for them.
    fn is_worthwhile(&self, facts: &Facts, own_rank: OwnRank) -> bool {
        let view = &facts.snapshot.next;
        let next_l1_slot = facts.snapshot.next_l1_slot();
        let places = self.parameters.max_candidates;
        let is_late = next_l1_slot.plus(self.strategy.patience) >= view.phase_end;
        // One proof of the seed is enough. Each rank waits one L1 slot longer for a better-ranked sequencer
        // to send it.
        let rank = u64::try_from(own_rank.rank).unwrap_or(u64::MAX);
        let waits = facts.seed == SeedStatus::Unproven && next_l1_slot < view.start.plus(rank);
        view.would_rank(self.strategy.sequencer, own_rank.score, places).is_some()
            && ((own_rank.rank < usize::from(places) && !waits) || is_late)
    }

    /// The sequencer is a candidate: it acts when its turn comes.
    fn act_as_candidate(&self, view: &SlotView, rank: usize, candidate: &CandidateView) -> Vec<Effect> {
        let slot = view.slot;
        let header_hash = candidate.header_hash;
        let stage = self.stage(slot);
        if stage.block().is_none_or(|block| block.header_hash != header_hash) {
            return vec![Effect::LoadBlock { slot, header_hash }];
        }
        if candidate.revealed_at.is_some() {
            return match stage {
                Stage::Announced(_) => Vec::new(),
                _ => vec![Effect::AnnounceBody { slot, header_hash }],
            };
        }
        if view.turn.index() != rank {
            return Vec::new();
        }
        let expires_at = view.phase_end;
        match (view.phase, stage) {
            (Phase::Commitment, Stage::Prepared(_)) => vec![Effect::RequestQuotes { slot, header_hash }],
            (Phase::Commitment, Stage::Agreed { quote, .. }) => match self.strategy.commitment {
                CommitmentBy::Sequencer => vec![Effect::Commit { slot, quote: quote.clone(), expires_at }],
                CommitmentBy::Prover => vec![Effect::HandOver { slot, quote: quote.clone() }],
            },
            (Phase::Reveal, _) => {
                vec![Effect::Reveal { slot, header_hash, seen: candidate.blobs_seen, expires_at }]
            }
            _ => Vec::new(),
        }
    }
}
