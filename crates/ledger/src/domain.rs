//! The deployment that a signature or a proof is for.

use fernet_protocol::RollupId;

use crate::field::{self, Fr};

/// A deployment as a field element, see [`RollupId::domain`].
///
/// It is the capacity value of every signature's hash and the first element of every data commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Domain(Fr);

impl Domain {
    /// The domain that the contract returns.
    #[must_use]
    pub const fn from_element(element: Fr) -> Self {
        Self(element)
    }

    /// The field element.
    #[must_use]
    pub const fn element(self) -> Fr {
        self.0
    }
}

impl From<RollupId> for Domain {
    fn from(rollup: RollupId) -> Self {
        // The domain has 253 bits, which is below the field's order.
        Self(field::from_word(rollup.domain()).unwrap_or_default())
    }
}
