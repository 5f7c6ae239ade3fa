//! Which of the provers' quotes is worth a commitment.

use alloy::primitives::{Address, B256};
use fernet_network::SignedQuote;
use fernet_protocol::{
    L1Slot, Parameters, QuoteRefused, Rates, RollupId, SequencerId, SignatureError, Slot, TokenAmount,
    verify_signature,
};

/// What a quote must be for a sequencer to take it.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The slot in turn.
    pub slot: Slot,
    /// Hash of the block's header.
    pub header_hash: B256,
    /// Who asked.
    pub sequencer: SequencerId,
    /// L1 slot in which the commitment can land at the earliest.
    pub landing: L1Slot,
    /// Highest price.
    pub max_price: TokenAmount,
    /// What L1 accepts.
    pub parameters: &'a Parameters,
    /// What a block of the slot pays.
    pub rates: &'a Rates,
    /// The rollup that signatures are bound to.
    pub rollup: RollupId,
}

/// Why a quote isn't taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// L1 would refuse it.
    #[error(transparent)]
    Refused(#[from] QuoteRefused),
    /// The price is above this sequencer's limit.
    #[error("expected a price of at most {maximum}, got {actual}")]
    PriceTooHigh {
        /// This sequencer's limit.
        maximum: TokenAmount,
        /// The quote's.
        actual: TokenAmount,
    },
    /// The prover's escrow doesn't cover the bond.
    #[error("expected {bond} of free escrow of prover {prover}, found {free}")]
    NotCovered {
        /// The prover.
        prover: Address,
        /// The quote's bond.
        bond: TokenAmount,
        /// Its free escrow.
        free: TokenAmount,
    },
    /// The signature isn't the prover's. A prover whose account is a contract (EIP-1271) isn't understood here: it can
    /// send the commitment itself.
    #[error("prover {prover}: {error}")]
    BadSignature {
        /// The prover.
        prover: Address,
        /// What is wrong.
        error: SignatureError,
    },
}

/// The outcome of a round of quotes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The one to take, if any will do.
    pub best: Option<SignedQuote>,
    /// Those that won't do.
    pub refused: Vec<(Address, QuoteError)>,
}

/// Takes the cheapest quote that holds, of equals the one with the highest bond, of equals the first.
///
/// `headroom` is a prover's free escrow on L1.
pub fn choose<'a>(
    quotes: impl IntoIterator<Item = &'a SignedQuote>,
    terms: &Terms<'_>,
    headroom: impl Fn(Address) -> TokenAmount,
) -> Choice {
    let mut best: Option<&SignedQuote> = None;
    let mut refused = Vec::new();
    for signed in quotes {
        if let Err(error) = check(signed, terms, &headroom) {
            refused.push((signed.quote.prover, error));
            continue;
        }
        let better = best.is_none_or(|best| {
            let (new, old) = (&signed.quote, &best.quote);
            (new.price, std::cmp::Reverse(new.bond)) < (old.price, std::cmp::Reverse(old.bond))
        });
        if better {
            best = Some(signed);
        }
    }
    Choice { best: best.cloned(), refused }
}

/// Checks one quote.
///
/// # Errors
/// With the first term that it doesn't meet.
pub fn check(
    signed: &SignedQuote,
    terms: &Terms<'_>,
    headroom: impl Fn(Address) -> TokenAmount,
) -> Result<(), QuoteError> {
    let quote = &signed.quote;
    let (prover, bond) = (quote.prover, quote.bond);
    quote.check_subject(terms.slot, terms.header_hash, terms.sequencer)?;
    quote.check_terms(terms.parameters, terms.rates, terms.landing)?;
    if quote.price > terms.max_price {
        return Err(QuoteError::PriceTooHigh { maximum: terms.max_price, actual: quote.price });
    }
    let free = headroom(prover);
    if free < bond {
        return Err(QuoteError::NotCovered { prover, bond, free });
    }
    // The costly check comes last.
    verify_signature(quote.digest(&terms.rollup), &signed.prover_signature, prover)
        .map_err(|error| QuoteError::BadSignature { prover, error })
}
