//! Which quotes a prover offers, and how many bonds it can have in open offers.

use alloy::primitives::B256;
use fernet_protocol::{L1Slot, Parameters, Phase, Price, Quote, SequencerId, Slot, TokenAmount};
use fernet_roles::ParentState;

use crate::interface::{Facts, RequestedBlock};
use crate::strategy::Strategy;

/// Why a prover declines a quote request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeclineReason {
    /// The prover takes no new work.
    #[error("the prover is suspended: {reason}")]
    Suspended { reason: String },
    /// The prover's process is to end.
    #[error("the prover is about to end")]
    Finishing,
    /// The block is for another slot.
    #[error("expected a block of slot {expected}, got one of slot {actual}")]
    WrongSlot { expected: Slot, actual: Slot },
    /// Nothing can be committed in this phase.
    #[error("expected the proposal or the commitment phase, got {0:?}")]
    WrongPhase(Phase),
    /// The block's parent isn't the tip.
    #[error("expected the parent {expected}, got {actual}")]
    WrongParent { expected: B256, actual: B256 },
    /// The state after the parent isn't known yet.
    #[error("the state after {0} is not known yet")]
    StateMissing(B256),
    /// The block is no candidate of the sequencer, or can't be committed any more.
    #[error("{header_hash} is no candidate of sequencer {sequencer} that can still be committed")]
    NotACandidate { header_hash: B256, sequencer: SequencerId },
    /// The sequencer's share of the reward doesn't cover the least price.
    #[error("the sequencer's share is {share}, the least price is {least}")]
    ShareTooLow { share: Price, least: Price },
    /// L1 refuses the signature.
    #[error("the signing key is neither the prover's own nor the one that it named in the escrow")]
    KeyNotNamed,
    /// The free escrow doesn't cover another bond.
    #[error("a bond of {bond} is not covered: {free} of escrow are free, {offered} are in open offers")]
    NotCovered { bond: TokenAmount, free: TokenAmount, offered: TokenAmount },
}

/// Offers that can still be committed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Offers(Vec<Quote>);

impl Offers {
    /// The quote to offer for a block: the one that was offered before, if it has the same terms and is valid
    /// until the phase ends. A sequencer that signed it can still hand it over.
    ///
    /// # Errors
    /// With the reason to decline.
    pub(crate) fn consider(
        &self,
        block: &RequestedBlock,
        strategy: &Strategy,
        parameters: &Parameters,
        facts: &Facts,
    ) -> Result<Quote, DeclineReason> {
        let snapshot = &facts.snapshot;
        let view = &snapshot.next;
        let &RequestedBlock { slot, header_hash, parent, chunks, sequencer } = block;
        if slot != view.slot {
            return Err(DeclineReason::WrongSlot { expected: view.slot, actual: slot });
        }
        if !matches!(view.phase, Phase::Proposal | Phase::Commitment) {
            return Err(DeclineReason::WrongPhase(view.phase));
        }
        let tip = snapshot.tip.header_hash;
        if parent != tip {
            return Err(DeclineReason::WrongParent { expected: tip, actual: parent });
        }
        if snapshot.parent_state == ParentState::Missing {
            return Err(DeclineReason::StateMissing(tip));
        }
        let can_be_committed = view.candidates.iter().skip(view.turn.index()).any(|candidate| {
            candidate.header_hash == header_hash
                && candidate.sequencer == sequencer
                && candidate.commitment.is_none()
        });
        if !can_be_committed {
            return Err(DeclineReason::NotACandidate { header_hash, sequencer });
        }
        if !facts.may_sign {
            return Err(DeclineReason::KeyNotNamed);
        }
        // L1 refuses a price that its payer isn't sure to have.
        let range = snapshot.rates.price_range(view.paid_l1_slots);
        let asked = strategy.prices.price(chunks);
        let (price, least) = (range.clamp(asked), strategy.prices.least.min(asked));
        if price < least {
            return Err(DeclineReason::ShareTooLow { share: range.highest, least });
        }
        let bond = strategy.prices.bond.max(parameters.min_bond);
        let (free, offered) = (facts.free_escrow, self.bonds_except(header_hash));
        if free < offered.saturating_add(bond) {
            return Err(DeclineReason::NotCovered { bond, free, offered });
        }
        let quote = Quote {
            slot,
            header_hash,
            sequencer,
            prover: strategy.prover,
            payee: strategy.payee,
            bond,
            price,
            valid_until: snapshot.now.plus(strategy.offer_validity),
        };
        let before = self.0.iter().find(|offer| {
            Quote { valid_until: offer.valid_until, ..quote } == **offer
                && offer.valid_until >= view.phase_end
        });
        Ok(before.copied().unwrap_or(quote))
    }

    /// Adds an offer, in place of an earlier one for the same block.
    pub(crate) fn insert(&mut self, quote: Quote) {
        self.0.retain(|other| other.header_hash != quote.header_hash);
        self.0.push(quote);
    }

    /// The open offers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Quote> {
        self.0.iter()
    }

    pub(crate) fn contains(&self, quote: &Quote) -> bool {
        self.0.contains(quote)
    }

    /// Bonds of the open offers for other blocks than `header_hash`. Only one offer for a block can be
    /// committed, so a new offer for the same block needs no second bond.
    fn bonds_except(&self, header_hash: B256) -> TokenAmount {
        self.0
            .iter()
            .filter(|quote| quote.header_hash != header_hash)
            .fold(TokenAmount::ZERO, |sum, quote| sum.saturating_add(quote.bond))
    }

    /// Removes the offers that can't be committed any more: expired ones, those of earlier slots, and those
    /// of a block that is committed. L1 has locked the bond of a commitment already.
    pub(crate) fn prune(&mut self, facts: &Facts) {
        let next_l1_slot: L1Slot = facts.snapshot.next_l1_slot();
        let view = &facts.snapshot.next;
        self.0.retain(|quote| {
            let is_committed = view.candidates.iter().any(|candidate| {
                candidate.header_hash == quote.header_hash && candidate.commitment.is_some()
            });
            quote.valid_until >= next_l1_slot && quote.slot >= view.slot && !is_committed
        });
    }
}
