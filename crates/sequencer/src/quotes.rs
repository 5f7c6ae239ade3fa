//! Which of the provers' quotes a sequencer takes.

use std::cmp::Reverse;

use alloy::primitives::{Address, B256};
use fernet_network::SignedQuote;
use fernet_protocol::{
    L1Slot, Parameters, Price, QuoteRefused, Rates, RollupId, SequencerId, SignatureError, Slot, TokenAmount,
    verify_signature,
};

/// A quote that a prover sent, unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedQuote {
    /// The quote.
    pub signed: SignedQuote,
    /// The prover's free escrow on L1.
    pub free_escrow: TokenAmount,
    /// The key that the prover named in the escrow, if it binds quotes in every L1 slot in which the
    /// commitment can land.
    pub named_signer: Option<Address>,
}

/// What a quote must satisfy.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The slot in turn.
    pub slot: Slot,
    /// Hash of the block's header.
    pub header_hash: B256,
    /// The sequencer that asked.
    pub sequencer: SequencerId,
    /// First L1 slot in which the commitment can land.
    pub next_l1_slot: L1Slot,
    /// The highest price that the sequencer pays.
    pub max_price: Price,
    /// The rollup's parameters.
    pub parameters: &'a Parameters,
    /// Rates of the slot's block.
    pub rates: &'a Rates,
    /// L1 slots that the slot's block is paid for.
    pub paid_l1_slots: u32,
    /// The rollup that signatures are bound to.
    pub rollup: RollupId,
}

/// Why a quote is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// L1 would refuse the quote.
    #[error(transparent)]
    Refused(#[from] QuoteRefused),
    /// The price is above the sequencer's limit.
    #[error("expected a price of at most {maximum}, got {actual}")]
    PriceTooHigh { maximum: Price, actual: Price },
    /// The prover's free escrow doesn't cover the bond.
    #[error("expected {bond} of free escrow of prover {prover}, got {free}")]
    NotCovered { prover: Address, bond: TokenAmount, free: TokenAmount },
    /// The signature is neither the prover's nor that of the key that it named in the escrow. What a contract
    /// says about signatures (EIP-1271) it can take back before the commitment, so the sequencer doesn't ask.
    /// Such a prover can name a key, or send the commitment itself.
    #[error("prover {prover}: {error}")]
    BadSignature { prover: Address, error: SignatureError },
}

/// The result of a choice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The quote to take, if one satisfies the terms.
    pub best: Option<SignedQuote>,
    /// The provers whose quotes were refused, and why.
    pub refused: Vec<(Address, QuoteError)>,
}

/// Chooses the cheapest quote that satisfies the terms. Of equally cheap quotes it chooses the one with the
/// highest bond, and of those the first.
pub fn choose<'a>(quotes: impl IntoIterator<Item = &'a ReceivedQuote>, terms: &Terms<'_>) -> Choice {
    let mut best: Option<&SignedQuote> = None;
    let mut refused = Vec::new();
    for received in quotes {
        let signed = &received.signed;
        if let Err(error) = check(received, terms) {
            refused.push((signed.quote.prover, error));
            continue;
        }
        let is_better = best.is_none_or(|best| {
            let (new, old) = (&signed.quote, &best.quote);
            (new.price, Reverse(new.bond)) < (old.price, Reverse(old.bond))
        });
        if is_better {
            best = Some(signed);
        }
    }
    Choice { best: best.cloned(), refused }
}

/// Checks a quote.
///
/// # Errors
/// With the first term that the quote doesn't satisfy.
pub fn check(received: &ReceivedQuote, terms: &Terms<'_>) -> Result<(), QuoteError> {
    let ReceivedQuote { signed, free_escrow, named_signer } = received;
    let quote = &signed.quote;
    let (prover, bond, free) = (quote.prover, quote.bond, *free_escrow);
    quote.check_subject(terms.slot, terms.header_hash, terms.sequencer)?;
    quote.check_terms(terms.parameters, terms.rates, terms.paid_l1_slots, terms.next_l1_slot)?;
    if quote.price > terms.max_price {
        return Err(QuoteError::PriceTooHigh { maximum: terms.max_price, actual: quote.price });
    }
    if free < bond {
        return Err(QuoteError::NotCovered { prover, bond, free });
    }
    // The signature is checked last, as it costs most.
    let digest = quote.digest(&terms.rollup);
    let verify = |signer| verify_signature(digest, &signed.prover_signature, signer);
    verify(prover)
        .or_else(|error| named_signer.map_or(Err(error), verify))
        .map_err(|error| QuoteError::BadSignature { prover, error })
}
