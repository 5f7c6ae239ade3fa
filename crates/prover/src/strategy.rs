//! How a prover decides: the parameters of its machine.

use alloy::primitives::{Address, U256};
use fernet_protocol::{Price, TokenAmount};
use fernet_roles::DEFAULT_CLAIM_FROM;

/// Default of [`Strategy::offer_validity`]: longer than a commitment phase.
pub const DEFAULT_OFFER_VALIDITY: u64 = 24;

/// Default of [`Strategy::rescue_lead`].
pub const DEFAULT_RESCUE_LEAD: u64 = 3;

/// A hundredth of a token, in token units.
const CENT: u128 = 10_000_000_000_000_000;

/// The prices of a prover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceList {
    /// Price of any block. A negative one is paid to the sequencer.
    pub base: Price,
    /// Price of each chunk on top of it.
    pub per_chunk: TokenAmount,
    /// Lowest price that is offered if the sequencer's share of the reward doesn't cover the price.
    pub least: Price,
    /// Bond of each offer. The deployment's minimum applies where it is higher.
    pub bond: TokenAmount,
}

impl PriceList {
    /// Default prices: 0.02 token for a block and 0.01 for each chunk, and nothing if the sequencer's share
    /// doesn't cover them; with the deployment's minimum bond.
    pub const DEFAULT: Self = Self {
        base: Price::new(20_000_000_000_000_000),
        per_chunk: TokenAmount::new(CENT),
        least: Price::ZERO,
        bond: TokenAmount::ZERO,
    };

    /// The price to ask for a block; negative if the prover pays the sequencer.
    #[must_use]
    pub fn price(&self, chunks: u32) -> Price {
        let chunks = self.per_chunk.get().saturating_mul(u128::from(chunks));
        let chunks = i128::try_from(chunks).unwrap_or(i128::MAX);
        Price::new(self.base.get().saturating_add(chunks))
    }
}

/// How a prover decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strategy {
    /// The prover's account, whose escrow has the bonds. Its own key signs quotes, or one that it named in
    /// the escrow.
    pub prover: Address,
    /// The account that is credited with rewards, prices and shares of slashed bonds.
    pub payee: Address,
    /// The prover's prices.
    pub prices: PriceList,
    /// L1 slots that an offer is valid for.
    pub offer_validity: u64,
    /// L1 slots before the end of another prover's exclusive proving at which the prover starts a rescue
    /// proof: about the time that a proof takes.
    pub rescue_lead: u64,
    /// L2 account that receives the fees of its backup blocks; 0 burns them.
    pub fee_recipient: u32,
    /// Rewards that are worth a claim, in token units. With `None` the prover never claims.
    pub claim_from: Option<U256>,
}

impl Strategy {
    /// The defaults for a prover that is its own payee.
    #[must_use]
    pub const fn new(prover: Address, prices: PriceList, fee_recipient: u32) -> Self {
        Self {
            prover,
            payee: prover,
            prices,
            offer_validity: DEFAULT_OFFER_VALIDITY,
            rescue_lead: DEFAULT_RESCUE_LEAD,
            fee_recipient,
            claim_from: Some(DEFAULT_CLAIM_FROM),
        }
    }
}
