//! What a prover asks for a block, and how many bonds it can have out at once.

use alloy::primitives::B256;
use fernet_protocol::{L1Slot, Parameters, Phase, Quote, SequencerId, Slot, TokenAmount};

use crate::machine::{Facts, ParentState, Strategy};

/// What a prover asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceList {
    /// For any block.
    pub base: TokenAmount,
    /// For each chunk on top.
    pub per_chunk: TokenAmount,
    /// Its bond; raised to the deployment's minimum where that is more.
    pub bond: TokenAmount,
}

impl PriceList {
    /// The price of a block.
    #[must_use]
    pub fn price(&self, chunks: u32) -> TokenAmount {
        let chunks = self.per_chunk.get().saturating_mul(u128::from(chunks));
        self.base.saturating_add(TokenAmount::new(chunks))
    }
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// For which slot.
    pub slot: Slot,
    /// Hash of the block's header.
    pub header_hash: B256,
    /// Hash of its parent's header.
    pub parent: B256,
    /// Chunks of the block.
    pub chunks: u32,
    /// Who asks.
    pub sequencer: SequencerId,
}

/// Why a prover declines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It takes no work.
    #[error("takes no work: {reason}")]
    Closed {
        /// What failed.
        reason: String,
    },
    /// The block is for another slot.
    #[error("expected a block of slot {expected}, got one of slot {actual}")]
    WrongSlot {
        /// The slot in turn.
        expected: Slot,
        /// The block's.
        actual: Slot,
    },
    /// Nothing can be committed now.
    #[error("expected the proposal or the commitment phase, got {0:?}")]
    WrongPhase(Phase),
    /// The block builds on something else than the last finalized block.
    #[error("expected the parent {expected}, got {actual}")]
    WrongParent {
        /// The tip.
        expected: B256,
        /// The block's.
        actual: B256,
    },
    /// The parent's state isn't known yet.
    #[error("the state after {0} is not known yet")]
    StateMissing(B256),
    /// The block isn't a candidate of this sequencer, or its turn has passed.
    #[error("{header_hash} is no candidate of sequencer {sequencer} that can still be committed")]
    NotACandidate {
        /// The block's header.
        header_hash: B256,
        /// Who asked.
        sequencer: SequencerId,
    },
    /// The block costs more than a sequencer may pay.
    #[error("expected a price of at most {maximum}, would ask {price}")]
    PriceAboveLimit {
        /// The sequencer's share of a block's reward.
        maximum: TokenAmount,
        /// What this prover asks.
        price: TokenAmount,
    },
    /// Too many bonds are out.
    #[error("expected {bond} of free escrow, {free} is there, of which {offered} is offered")]
    NoHeadroom {
        /// The bond of one more block.
        bond: TokenAmount,
        /// Free escrow on L1.
        free: TokenAmount,
        /// Bonds of open offers.
        offered: TokenAmount,
    },
}

/// Offers that may still be committed. Their bonds are spoken for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Offers(Vec<Quote>);

impl Offers {
    pub(crate) fn consider(
        &self,
        ask: &Ask,
        strategy: &Strategy,
        parameters: &Parameters,
        facts: &Facts,
    ) -> Result<Quote, Refusal> {
        let view = &facts.next;
        let &Ask { slot, header_hash, parent, chunks, sequencer } = ask;
        if slot != view.slot {
            return Err(Refusal::WrongSlot { expected: view.slot, actual: slot });
        }
        if !matches!(view.phase, Phase::Proposal | Phase::Commitment) {
            return Err(Refusal::WrongPhase(view.phase));
        }
        let tip = facts.tip.header_hash;
        if parent != tip {
            return Err(Refusal::WrongParent { expected: tip, actual: parent });
        }
        if facts.state == ParentState::Missing {
            return Err(Refusal::StateMissing(tip));
        }
        let open = view.candidates.iter().skip(view.turn.index()).find(|candidate| {
            candidate.header_hash == header_hash
                && candidate.sequencer == sequencer
                && candidate.commitment.is_none()
        });
        if open.is_none() {
            return Err(Refusal::NotACandidate { header_hash, sequencer });
        }
        let (price, maximum) = (strategy.prices.price(chunks), facts.rates.max_price());
        if price > maximum {
            return Err(Refusal::PriceAboveLimit { maximum, price });
        }
        let bond = strategy.prices.bond.max(parameters.min_bond);
        let offered = self.at_risk(header_hash);
        if facts.escrow < offered.saturating_add(bond) {
            return Err(Refusal::NoHeadroom { bond, free: facts.escrow, offered });
        }
        Ok(Quote {
            slot,
            header_hash,
            sequencer,
            prover: strategy.prover,
            payee: strategy.payee,
            bond,
            price,
            valid_until: facts.now.plus(strategy.offer_validity),
        })
    }

    pub(crate) fn insert(&mut self, quote: Quote) {
        self.0.retain(|other| other.header_hash != quote.header_hash);
        self.0.push(quote);
    }

    pub(crate) fn contains(&self, quote: &Quote) -> bool {
        self.0.contains(quote)
    }

    /// Bonds of open offers but those for `header_hash`: a new offer for the same block takes the old one's place, as
    /// only one of them can be committed.
    fn at_risk(&self, header_hash: B256) -> TokenAmount {
        self.0
            .iter()
            .filter(|quote| quote.header_hash != header_hash)
            .fold(TokenAmount::ZERO, |sum, quote| sum.saturating_add(quote.bond))
    }

    /// Drops what can't be committed any more: expired, of another slot, or committed already, when L1 holds the bond.
    pub(crate) fn forget(&mut self, facts: &Facts) {
        let landing: L1Slot = facts.next_l1_slot();
        let view = &facts.next;
        self.0.retain(|quote| {
            let committed = view.candidates.iter().any(|candidate| {
                candidate.header_hash == quote.header_hash && candidate.commitment.is_some()
            });
            quote.valid_until >= landing && quote.slot >= view.slot && !committed
        });
    }
}
