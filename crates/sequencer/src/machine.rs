//! What a sequencer does at each L1 block. Pure: facts in, effects out.
//!
//! The machine is level-triggered: at every L1 block it emits again whatever still applies, and whoever carries the
//! effects out recognises what is under way (L1 transactions by their idempotency keys). So nothing is lost when a
//! transaction, a peer or the process is, and an effect held back by the operator's policy comes again at the next block.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256};
use fernet_follower::{CandidateView, SlotView, Tip};
use fernet_network::SignedQuote;
use fernet_protocol::{
    Header, L1Slot, Parameters, Phase, Quote, Rates, RollupId, Score, SequencerId, Slot, TokenAmount,
};
pub use fernet_roles::ParentState;

use crate::quotes::{self, Choice, Terms};

/// Slots whose stages are remembered, so that an L1 reorg across a slot's end finds them again.
const REMEMBERED_SLOTS: usize = 4;

/// How this sequencer acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strategy {
    /// Which registration.
    pub sequencer: SequencerId,
    /// L2 account that gets its blocks' fees, 0 burns them.
    pub fee_recipient: u32,
    /// Most it pays a prover.
    pub max_price: TokenAmount,
    /// L1 slots before the end of the proposal phase at which it proposes although others, who haven't proposed yet,
    /// would outrank it.
    pub patience: u64,
    /// Rewards that are worth a claim, in token units. `None` leaves claiming to the owner.
    pub claim_from: Option<U256>,
    /// Who sends the commitment.
    pub commitment: CommitmentBy,
}

/// Who sends the commitment once both parties agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CommitmentBy {
    /// The sequencer, with the prover's signature: nobody else can hold it back.
    #[default]
    Sequencer,
    /// The prover, with the sequencer's signature: the prover pays the gas.
    Prover,
}

/// This sequencer's rank in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnRank {
    /// From 0, the best, among all eligible sequencers; where others' scores are hidden, the expected one.
    pub rank: usize,
    /// Its score.
    pub score: Score,
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
    /// Whether L1 knows the seed of the slot in turn.
    pub seed: Seed,
    /// OwnRank in the slot in turn. `None`: not eligible, or the seed isn't readable yet.
    pub own_rank: Option<OwnRank>,
    /// Rewards that can be claimed, in token units.
    pub owed: U256,
}

/// Whether L1 knows a slot's seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// A proposal needs no proof of it.
    Proven,
    /// The first proposal must prove it.
    Unproven,
}

/// A block that is ready to be proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The header.
    pub header: Header,
    /// Its hash.
    pub header_hash: B256,
}

/// What happens to a sequencer.
#[derive(Debug, Clone)]
pub enum Input {
    /// A new L1 block, or another head after a reorg.
    Block(Box<Facts>),
    /// The block that was asked for with [`Effect::Build`].
    Built(Prepared),
    /// What was written down before a restart, asked for with [`Effect::Recall`].
    Recalled {
        /// The block.
        block: Prepared,
        /// The quote that was chosen for it, if one was.
        quote: Option<Box<SignedQuote>>,
    },
    /// The best answer to [`Effect::RequestQuotes`], as [`Sequencer::choose`] picked it.
    Chosen {
        /// For which slot.
        slot: Slot,
        /// The quote.
        quote: Box<SignedQuote>,
    },
    /// The commitment can't land any more: L1 would revert it, or its window passed.
    CommitFailed {
        /// For which slot.
        slot: Slot,
        /// The quote that failed.
        quote: Box<SignedQuote>,
    },
    /// The body went out.
    Announced {
        /// Of which slot's block.
        slot: Slot,
    },
}

/// What a sequencer wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Build a block on the tip; answer with [`Input::Built`].
    Build {
        /// For which slot.
        slot: Slot,
        /// Hash of the tip's header.
        parent: B256,
        /// Deposits queued before this L1 slot must be consumed.
        cutoff: L1Slot,
    },
    /// Look for a block of this sequencer that L1 knows and this process doesn't; answer with [`Input::Recalled`].
    Recall {
        /// Its slot.
        slot: Slot,
        /// Hash of its header.
        header_hash: B256,
    },
    /// Don't propose the block any more: a reorg took its parent away.
    CancelProposal {
        /// Its slot.
        slot: Slot,
        /// Hash of its header.
        header_hash: B256,
    },
    /// Propose the block on L1.
    Propose {
        /// For which slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
        /// This sequencer's rank among all eligible ones.
        rank: usize,
        /// L1 slot whose RANDAO mix makes the seed; L1 may need a proof of it.
        seed_at: L1Slot,
        /// First L1 slot that is too late.
        until: L1Slot,
    },
    /// Ask provers for quotes; answer with [`Input::Chosen`] if one will do.
    RequestQuotes {
        /// For which slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
    },
    /// Commit on L1 with the prover's signature.
    Commit {
        /// For which slot.
        slot: Slot,
        /// The quote chosen.
        quote: Box<SignedQuote>,
        /// First L1 slot that is too late.
        until: L1Slot,
    },
    /// Sign the quote and let its prover commit.
    HandOver {
        /// For which slot.
        slot: Slot,
        /// The quote chosen.
        quote: Box<SignedQuote>,
    },
    /// Publish the block's blobs on L1.
    Reveal {
        /// For which slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
        /// Bit i: L1 has seen blob i already.
        seen: u16,
        /// First L1 slot that is too late.
        until: L1Slot,
    },
    /// Tell everyone what the revealed block was made of: blobs hold no signatures, and a rescuer needs them. Answer with
    /// [`Input::Announced`].
    AnnounceBody {
        /// For which slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
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
            Self::Build { slot, .. }
            | Self::Recall { slot, .. }
            | Self::CancelProposal { slot, .. }
            | Self::Propose { slot, .. }
            | Self::RequestQuotes { slot, .. }
            | Self::Commit { slot, .. }
            | Self::HandOver { slot, .. }
            | Self::Reveal { slot, .. }
            | Self::AnnounceBody { slot, .. } => Some(*slot),
            Self::ClaimRewards { .. } => None,
        }
    }
}

/// How far this sequencer is in one slot. What L1 has seen of it stands in [`Facts`], not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Nothing prepared.
    Watching,
    /// The block is ready, and perhaps proposed.
    Prepared(Prepared),
    /// A prover's quote was chosen, and perhaps committed.
    Agreed {
        /// The block.
        block: Prepared,
        /// The quote.
        quote: Box<SignedQuote>,
    },
    /// The block is revealed and everyone was told.
    Announced(Prepared),
}

impl Stage {
    /// The block of this stage.
    #[must_use]
    pub const fn block(&self) -> Option<&Prepared> {
        match self {
            Self::Watching => None,
            Self::Prepared(block) | Self::Agreed { block, .. } | Self::Announced(block) => Some(block),
        }
    }
}

/// A sequencer's decisions.
#[derive(Debug, Clone)]
pub struct Sequencer {
    strategy: Strategy,
    parameters: Parameters,
    rollup: RollupId,
    stages: BTreeMap<Slot, Stage>,
    /// Provers whose commitments failed, by slot: they aren't asked to fail again.
    failed: BTreeMap<Slot, Vec<Address>>,
    facts: Option<Box<Facts>>,
}

impl Sequencer {
    /// A sequencer that has done nothing yet.
    #[must_use]
    pub const fn new(strategy: Strategy, parameters: Parameters, rollup: RollupId) -> Self {
        Self { strategy, parameters, rollup, stages: BTreeMap::new(), failed: BTreeMap::new(), facts: None }
    }

    /// How far it is in `slot`.
    #[must_use]
    pub fn stage(&self, slot: Slot) -> &Stage {
        self.stages.get(&slot).unwrap_or(&Stage::Watching)
    }

    /// What the parties of a quote sign.
    #[must_use]
    pub fn digest(&self, quote: &Quote) -> B256 {
        quote.digest(&self.rollup)
    }

    /// How it acts.
    #[must_use]
    pub const fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// Takes note of `input` and says what to do now.
    pub fn apply(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Block(facts) => {
                self.facts = Some(facts);
                let mut effects = self.decide();
                effects.extend(self.claim());
                return effects;
            }
            Input::Built(block) => self.note_built(block),
            Input::Recalled { block, quote } => self.note_recalled(block, quote),
            Input::Chosen { slot, quote } => self.agree(slot, quote),
            Input::CommitFailed { slot, quote } => {
                // Others are asked at the next block.
                self.commit_failed(slot, &quote);
                return Vec::new();
            }
            Input::Announced { slot } => {
                if let Some(block) = self.stage(slot).block().cloned() {
                    self.enter(slot, Stage::Announced(block));
                }
            }
        }
        self.decide()
    }

    /// Which of `quotes` to take for the block of `slot`; `headroom` is a prover's free escrow on L1. Nothing is taken for
    /// a slot that doesn't look for a prover.
    #[must_use]
    pub fn choose(
        &self,
        slot: Slot,
        quotes: &[SignedQuote],
        headroom: impl Fn(Address) -> TokenAmount,
    ) -> Choice {
        let (Stage::Prepared(block), Some(facts)) = (self.stage(slot), &self.facts) else {
            return Choice::default();
        };
        let failed = self.failed.get(&slot).map_or(&[][..], Vec::as_slice);
        let terms = Terms {
            slot,
            header_hash: block.header_hash,
            sequencer: self.strategy.sequencer,
            landing: facts.next_l1_slot(),
            max_price: self.strategy.max_price,
            parameters: &self.parameters,
            rates: &facts.rates,
            rollup: self.rollup,
        };
        let candidates = quotes.iter().filter(|quote| !failed.contains(&quote.quote.prover));
        quotes::choose(candidates, &terms, headroom)
    }

    fn note_built(&mut self, block: Prepared) {
        let slot = block.header.slot;
        if matches!(self.stage(slot), Stage::Watching | Stage::Prepared(_)) {
            self.enter(slot, Stage::Prepared(block));
        }
    }

    fn note_recalled(&mut self, block: Prepared, quote: Option<Box<SignedQuote>>) {
        let slot = block.header.slot;
        self.enter(
            slot,
            match quote {
                Some(quote) => Stage::Agreed { block, quote },
                None => Stage::Prepared(block),
            },
        );
    }

    fn enter(&mut self, slot: Slot, stage: Stage) {
        self.stages.insert(slot, stage);
        while self.stages.len() > REMEMBERED_SLOTS {
            self.stages.pop_first();
        }
        while self.failed.len() > REMEMBERED_SLOTS {
            self.failed.pop_first();
        }
    }

    fn agree(&mut self, slot: Slot, quote: Box<SignedQuote>) {
        if let Stage::Prepared(block) = self.stage(slot).clone() {
            self.enter(slot, Stage::Agreed { block, quote });
        }
    }

    /// Another prover may be asked only while no signature of this sequencer is out: a quote handed over stays the only
    /// one.
    fn commit_failed(&mut self, slot: Slot, failed: &SignedQuote) {
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
        let due = facts.owed >= from && !facts.owed.is_zero();
        due.then_some(Effect::ClaimRewards { owed: facts.owed })
    }

    /// What applies in the slot in turn.
    fn decide(&self) -> Vec<Effect> {
        let Some(facts) = &self.facts else {
            return Vec::new();
        };
        let view = &facts.next;
        let is_own = |candidate: &CandidateView| candidate.sequencer == self.strategy.sequencer;
        match view.candidates.iter().enumerate().find(|(_, candidate)| is_own(candidate)) {
            Some((rank, candidate)) => self.pursue(view, rank, candidate),
            None if view.phase == Phase::Proposal => self.propose(facts),
            None => Vec::new(),
        }
    }

    /// Not among the candidates yet: builds and proposes, if that leads anywhere.
    fn propose(&self, facts: &Facts) -> Vec<Effect> {
        let view = &facts.next;
        let slot = view.slot;
        let parent = facts.tip.header_hash;
        let build = Effect::Build { slot, parent, cutoff: view.previous_start };
        let Some(own_rank) = facts.own_rank else {
            return Vec::new();
        };
        if facts.state == ParentState::Missing || !self.is_worthwhile(facts, own_rank) {
            return Vec::new();
        }
        match self.stage(slot) {
            Stage::Watching => vec![build],
            Stage::Prepared(block) if block.header.parent != parent => {
                vec![Effect::CancelProposal { slot, header_hash: block.header_hash }, build]
            }
            Stage::Prepared(block) => vec![Effect::Propose {
                slot,
                header_hash: block.header_hash,
                rank: own_rank.rank,
                seed_at: view.seed_at,
                until: view.phase_end,
            }],
            // Proposed, agreed upon, and then vanished in a reorg: the transactions come back by themselves.
            Stage::Agreed { .. } | Stage::Announced(_) => Vec::new(),
        }
    }

    /// Whether a proposal would make the list: now, and unless it is high time, also after those that outrank it.
    fn is_worthwhile(&self, facts: &Facts, own_rank: OwnRank) -> bool {
        let view = &facts.next;
        let places = self.parameters.max_candidates;
        let high_time = facts.next_l1_slot().plus(self.strategy.patience) >= view.phase_end;
        // One proof of the seed is enough, so lower ranks leave it to the best, an L1 slot for each rank.
        let rank = u64::try_from(own_rank.rank).unwrap_or(u64::MAX);
        let waits = facts.seed == Seed::Unproven && facts.next_l1_slot() < view.start.plus(rank);
        view.would_rank(self.strategy.sequencer, own_rank.score, places).is_some()
            && ((own_rank.rank < usize::from(places) && !waits) || high_time)
    }

    /// Among the candidates: does what its turn asks for.
    fn pursue(&self, view: &SlotView, rank: usize, candidate: &CandidateView) -> Vec<Effect> {
        let slot = view.slot;
        let header_hash = candidate.header_hash;
        let stage = self.stage(slot);
        if stage.block().is_none_or(|block| block.header_hash != header_hash) {
            return vec![Effect::Recall { slot, header_hash }];
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
        let until = view.phase_end;
        match (view.phase, stage) {
            (Phase::Commitment, Stage::Prepared(_)) => vec![Effect::RequestQuotes { slot, header_hash }],
            (Phase::Commitment, Stage::Agreed { quote, .. }) => match self.strategy.commitment {
                CommitmentBy::Sequencer => vec![Effect::Commit { slot, quote: quote.clone(), until }],
                CommitmentBy::Prover => vec![Effect::HandOver { slot, quote: quote.clone() }],
            },
            (Phase::Reveal, _) => {
                vec![Effect::Reveal { slot, header_hash, seen: candidate.blobs_seen, until }]
            }
            _ => Vec::new(),
        }
    }
}

impl Facts {
    /// The first L1 slot in which a transaction can land.
    #[must_use]
    pub fn next_l1_slot(&self) -> L1Slot {
        self.now.plus(1)
    }
}
