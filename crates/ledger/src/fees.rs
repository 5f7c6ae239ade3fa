//! The burned share of fees.

use fernet_protocol::Bps;

/// Basis points of the whole.
const WHOLE_BPS: u16 = Bps::WHOLE.get();

/// The burned share of each chunk's fees in basis points, fixed by the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FeeBurn(u16);

/// A burned share above 100 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected at most {WHOLE_BPS} basis points of burned fees, got {0}")]
pub struct FeeBurnError(pub u64);

impl FeeBurn {
    /// The fee recipient gets all fees.
    pub const NONE: Self = Self(0);
    /// All fees are burned.
    pub const ALL: Self = Self(WHOLE_BPS);

    /// A share of `bps` basis points.
    ///
    /// # Errors
    /// Fails if the share is above 100 %.
    pub fn new(bps: u64) -> Result<Self, FeeBurnError> {
        match u16::try_from(bps) {
            Ok(small) if small <= WHOLE_BPS => Ok(Self(small)),
            _ => Err(FeeBurnError(bps)),
        }
    }

    /// The share in basis points, at most 10,000.
    #[must_use]
    pub const fn bps(self) -> u16 {
        self.0
    }

    /// The burned part of `fees`, rounded down.
    #[must_use]
    pub fn share_down(self, fees: u64) -> u64 {
        // The result is at most `fees`, because the share is at most 100 %.
        let burned = u128::from(fees).saturating_mul(self.0.into()).checked_div(WHOLE_BPS.into());
        burned.and_then(|burned| u64::try_from(burned).ok()).unwrap_or(fees)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule: J13
    #[test]
    fn the_burned_share_is_rounded_down_and_never_more_than_the_fees() {
        let burn = FeeBurn::new(2_500).unwrap();
        assert_eq!(
            [0u64, 1, 3, 4, 7, 8, 10_000].map(|fees| burn.share_down(fees)),
            [0, 0, 0, 1, 1, 2, 2_500]
        );
        assert_eq!(FeeBurn::NONE.share_down(u64::MAX), 0);
        assert_eq!(FeeBurn::ALL.share_down(u64::MAX), u64::MAX);
        assert_eq!(FeeBurn::new(9_999).unwrap().share_down(1), 0);
        assert_eq!(FeeBurn::new(10_000), Ok(FeeBurn::ALL));
        assert_eq!(FeeBurn::new(10_001), Err(FeeBurnError(10_001)));
        assert_eq!(FeeBurn::new(u64::MAX), Err(FeeBurnError(u64::MAX)));
    }
}
