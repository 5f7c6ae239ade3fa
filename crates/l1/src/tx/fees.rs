//! Fees that a transaction offers. Pure, with saturating arithmetic.
//!
//! A first offer covers twice the base fee of the next block. Five full blocks in a row don't exceed it: each
//! raises the base fee by an eighth. A replacement raises every fee by the percentage that the pools of
//! Ethereum clients require, or up to the current estimate if that is more. No offer exceeds the intent's
//! `max_total_fee`.

use alloy::primitives::U256;
use serde::{Deserialize, Serialize};

/// Smallest raise with which pools accept a replacement, in percent (`txpool.pricebump` of geth and reth).
pub const PRICE_BUMP_PERCENT: u128 = 10;
/// The same for a blob transaction (geth `blobpool.pricebump`).
pub const BLOB_PRICE_BUMP_PERCENT: u128 = 100;

/// Estimated fees of the next block, in wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeEstimate {
    /// Base fee of the next block.
    pub base_fee: u128,
    /// Tip that recent blocks included.
    pub tip: u128,
    /// Blob base fee of the next block, if a node says it.
    pub blob_fee: Option<u128>,
}

/// The fees that a transaction offers, in wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fees {
    /// `maxFeePerGas`.
    pub max_fee: u128,
    /// `maxPriorityFeePerGas`.
    pub tip: u128,
    /// `maxFeePerBlobGas` of a blob transaction.
    pub blob_fee: Option<u128>,
}

/// The most gas that a transaction can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Gas limit.
    pub gas: u64,
    /// Blob gas; zero without blobs.
    pub blob_gas: u64,
}

/// The lowest offer that can be included exceeds the intent's `max_total_fee`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fees of {needed} wei exceed the maximum of {maximum} wei")]
pub struct MaxTotalFeeExceeded {
    pub needed: U256,
    pub maximum: U256,
}

impl Fees {
    /// The most that a transaction with this offer pays in fees, in wei.
    pub fn cost(&self, usage: Usage) -> U256 {
        let gas = U256::from(usage.gas).saturating_mul(U256::from(self.max_fee));
        let blobs = U256::from(usage.blob_gas).saturating_mul(U256::from(self.blob_fee.unwrap_or(0)));
        gas.saturating_add(blobs)
    }

    /// Whether the next block can include the offer.
    pub fn covers(&self, estimate: &FeeEstimate) -> bool {
        self.max_fee >= estimate.base_fee
            && self.blob_fee.is_none_or(|fee| estimate.blob_fee.is_none_or(|needed| fee >= needed))
    }

    fn within(self, usage: Usage, maximum: U256) -> Result<Self, MaxTotalFeeExceeded> {
        let needed = self.cost(usage);
        if needed > maximum { Err(MaxTotalFeeExceeded { needed, maximum }) } else { Ok(self) }
    }
}

/// The first offer. It covers twice the base fee, or, if that exceeds the maximum, the raise of one full
/// block.
pub(crate) fn first_offer(
    estimate: &FeeEstimate,
    usage: Usage,
    maximum: U256,
) -> Result<Fees, MaxTotalFeeExceeded> {
    let offer = |base_fee: u128, blob_fee: u128| Fees {
        max_fee: base_fee.saturating_add(estimate.tip),
        tip: estimate.tip,
        blob_fee: (usage.blob_gas > 0).then_some(blob_fee),
    };
    let blob_fee = estimate.blob_fee.unwrap_or_default();
    offer(estimate.base_fee.saturating_mul(2), blob_fee.saturating_mul(2).max(1))
        .within(usage, maximum)
        .or_else(|_| {
            // One full block raises the base fee by an eighth.
            offer(raised_up(estimate.base_fee, 13), raised_up(blob_fee, 13).max(1)).within(usage, maximum)
        })
}

/// An offer that replaces `previous` in every pool, and that the next block can include.
pub(crate) fn replacement(
    previous: &Fees,
    estimate: &FeeEstimate,
    usage: Usage,
    maximum: U256,
) -> Result<Fees, MaxTotalFeeExceeded> {
    let raise = if previous.blob_fee.is_some() { BLOB_PRICE_BUMP_PERCENT } else { PRICE_BUMP_PERCENT };
    let tip = raised_up(previous.tip, raise).max(estimate.tip);
    let blob_fee = estimate.blob_fee.unwrap_or_default();
    Fees {
        max_fee: raised_up(previous.max_fee, raise)
            .max(estimate.base_fee.saturating_mul(2).saturating_add(tip)),
        tip,
        blob_fee: previous.blob_fee.map(|fee| raised_up(fee, raise).max(blob_fee.saturating_mul(2)).max(1)),
    }
    .within(usage, maximum)
    .or_else(|_| {
        // Without room for later blocks: the smallest raise that pools accept, if the next block can include
        // it.
        let least = Fees {
            max_fee: raised_up(previous.max_fee, raise).max(estimate.base_fee.saturating_add(tip)),
            tip,
            blob_fee: previous.blob_fee.map(|fee| raised_up(fee, raise).max(blob_fee).max(1)),
        };
        least.within(usage, maximum)
    })
}

/// Last L1 slots of a window, in which offers rise towards what the intent is worth.
pub(crate) const URGENT_SLOTS: u64 = 5;
/// Multiple of the usual tip above which nothing but a closing window raises an offer: what isn't included at
/// such a tip isn't waiting for a higher one.
const ENOUGH: u128 = 8;
/// Most gas of a transaction (EIP-7825).
pub(crate) const GAS_CAP: u64 = 1 << 24;

/// Gas limit for an estimate: a quarter more, within the cap.
pub(crate) fn gas_limit_for(estimated: u64) -> u64 {
    estimated.saturating_add(estimated / 4).min(GAS_CAP.max(estimated))
}

/// Raises an offer in the last L1 slots of its window: to a half of the maximum in the last one, to a quarter
/// in the one before, and so on. `left` is the number of L1 slots in which it can still be included.
pub(crate) fn urgent(offer: Fees, usage: Usage, maximum: U256, left: u64) -> Fees {
    if left > URGENT_SLOTS || usage.gas == 0 {
        return offer;
    }
    let target = maximum >> usize::try_from(left.max(1)).unwrap_or(usize::MAX);
    let more = target.saturating_sub(offer.cost(usage)) / U256::from(usage.gas);
    let more = u128::try_from(more).unwrap_or(u128::MAX);
    Fees { max_fee: offer.max_fee.saturating_add(more), tip: offer.tip.saturating_add(more), ..offer }
}

/// Whether a higher offer may help: the next block can't include this one, or its tip isn't far above the
/// usual one.
pub(crate) fn is_worth_raising(offer: &Fees, estimate: &FeeEstimate) -> bool {
    !offer.covers(estimate) || offer.tip < estimate.tip.saturating_mul(ENOUGH)
}

/// `fee` raised by `percent`, rounded up, and by at least 1.
fn raised_up(fee: u128, percent: u128) -> u128 {
    let part = fee.saturating_mul(percent).div_ceil(100);
    fee.saturating_add(part.max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLAIN: Usage = Usage { gas: 100_000, blob_gas: 0 };
    const BLOB: Usage = Usage { gas: 100_000, blob_gas: 131_072 };

    fn estimate(base_fee: u128, tip: u128, blob_fee: u128) -> FeeEstimate {
        FeeEstimate { base_fee, tip, blob_fee: Some(blob_fee) }
    }

    #[test]
    fn a_first_offer_leaves_room_for_the_base_fee_to_double() {
        let fees = first_offer(&estimate(100, 3, 7), PLAIN, U256::MAX).unwrap();
        assert_eq!(fees, Fees { max_fee: 203, tip: 3, blob_fee: None });
        let fees = first_offer(&estimate(100, 3, 7), BLOB, U256::MAX).unwrap();
        assert_eq!(fees.blob_fee, Some(14));
    }

    #[test]
    fn a_tight_ceiling_takes_the_room_away_and_a_lower_one_refuses() {
        let fees = first_offer(&estimate(100, 0, 1), PLAIN, U256::from(11_300_000)).unwrap();
        assert_eq!(fees.max_fee, 113);
        assert_eq!(
            first_offer(&estimate(100, 0, 1), PLAIN, U256::from(11_299_999)).unwrap_err().to_string(),
            "fees of 11300000 wei exceed the maximum of 11299999 wei"
        );
    }

    #[test]
    fn offers_rise_towards_the_end_of_the_window() {
        let offer = first_offer(&estimate(100, 3, 7), BLOB, U256::MAX).unwrap();
        let maximum = U256::from(1_000_000_000_u64);
        assert_eq!(urgent(offer, BLOB, maximum, URGENT_SLOTS + 1), offer);
        let costs: Vec<U256> =
            (0..=URGENT_SLOTS).rev().map(|left| urgent(offer, BLOB, maximum, left).cost(BLOB)).collect();
        let is_near = |cost: &U256, target: U256| *cost <= target && target - *cost < U256::from(BLOB.gas);
        assert!(costs.is_sorted());
        assert!(is_near(&costs[0], maximum >> 5), "{costs:?}");
        assert!(is_near(&costs[4], maximum >> 1) && costs[5] == costs[4], "{costs:?}");
        // What costs more already stays.
        assert_eq!(urgent(offer, BLOB, U256::ZERO, 1), offer);
    }

    #[test]
    fn a_high_tip_that_is_not_included_is_not_raised_further() {
        let now = estimate(100, 3, 7);
        let mut offer = first_offer(&now, PLAIN, U256::MAX).unwrap();
        let mut raises = 0;
        while is_worth_raising(&offer, &now) {
            offer = replacement(&offer, &now, PLAIN, U256::MAX).unwrap();
            raises += 1;
            assert!(raises < 40);
        }
        assert!(offer.tip >= 24 && offer.tip < 48);
        assert!(is_worth_raising(&offer, &estimate(offer.max_fee + 1, 3, 7)));
    }

    #[test]
    fn gas_limits_keep_to_the_cap() {
        assert_eq!(gas_limit_for(400_000), 500_000);
        assert_eq!(gas_limit_for(14_000_000), GAS_CAP);
        assert_eq!(gas_limit_for(GAS_CAP + 1), GAS_CAP + 1);
    }

    proptest! {
        #[test]
        fn no_urgent_offer_costs_more_than_the_ceiling(
            base in any::<u64>(), tip in any::<u64>(), gas in 1..30_000_000_u64, maximum in any::<u128>(),
            left in 0..9_u64,
        ) {
            let usage = Usage { gas, blob_gas: 131_072 };
            let maximum = U256::from(maximum);
            if let Ok(offer) = first_offer(&estimate(base.into(), tip.into(), 9), usage, maximum) {
                let raised = urgent(offer, usage, maximum, left);
                prop_assert!(raised.cost(usage) <= maximum);
                prop_assert!(raised.tip >= offer.tip && raised.tip <= raised.max_fee);
            }
        }

        #[test]
        fn a_replacement_is_accepted_by_every_pool(
            base in any::<u64>(), tip in any::<u64>(), blob in any::<u64>(),
            next_base in any::<u64>(), next_tip in any::<u64>(), next_blob in any::<u64>(),
        ) {
            let first = estimate(base.into(), tip.into(), blob.into());
            let before = first_offer(&first, BLOB, U256::MAX).unwrap();
            let now = estimate(next_base.into(), next_tip.into(), next_blob.into());
            let after = replacement(&before, &now, BLOB, U256::MAX).unwrap();
            prop_assert!(after.max_fee >= before.max_fee * 2);
            prop_assert!(after.tip >= before.tip * 2);
            prop_assert!(after.blob_fee.unwrap() >= before.blob_fee.unwrap() * 2);
            prop_assert!(after.tip <= after.max_fee);
            prop_assert!(after.covers(&now));
            let plain = Fees { blob_fee: None, ..before };
            let raised = replacement(&plain, &now, PLAIN, U256::MAX).unwrap();
            prop_assert!(raised.max_fee * 100 >= plain.max_fee * 110);
            prop_assert!(raised.tip * 100 >= plain.tip * 110);
            prop_assert!(raised.max_fee > plain.max_fee && raised.tip > plain.tip);
        }

        #[test]
        fn no_offer_costs_more_than_the_ceiling(
            base in any::<u128>(), tip in any::<u128>(), blob in any::<u128>(),
            gas in any::<u64>(), maximum in any::<u128>(),
        ) {
            let usage = Usage { gas, blob_gas: 131_072 };
            let now = estimate(base, tip, blob);
            if let Ok(fees) = first_offer(&now, usage, U256::from(maximum)) {
                prop_assert!(fees.cost(usage) <= U256::from(maximum));
                if let Ok(next) = replacement(&fees, &now, usage, U256::from(maximum)) {
                    prop_assert!(next.cost(usage) <= U256::from(maximum));
                }
            }
        }
    }
}
