//! The way of an operation into the pool: checked without its signature, then verified, then inserted.

use rayon::prelude::*;

use crate::{
    account::AccountIndex, domain::Domain, keys::PublicKey, operation::SignedOperation,
    transition::OperationError,
};

/// Why the mempool refuses an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The operation breaks a rule of the ledger.
    #[error(transparent)]
    Invalid(#[from] OperationError),
    /// The pool has this operation.
    #[error("operation {nonce} of account {account} is in the mempool already")]
    Known { account: AccountIndex, nonce: u32 },
    /// The balance doesn't pay the operation beside those that the account has in the pool.
    #[error(
        "expected a balance of at least {required} in account {account} for its operations in the mempool, \
         got {available}"
    )]
    Unpaid { account: AccountIndex, available: u64, required: u128 },
    /// The account has the maximum number of operations in the pool.
    #[error("account {account} has {max} operations in the mempool already")]
    AccountFull { account: AccountIndex, max: usize },
    /// The account has the maximum number of operations after a gap in its nonces.
    #[error(
        "expected nonce {expected} of account {account}, which has {max} operations after a gap, got {nonce}"
    )]
    AccountGapped { account: AccountIndex, expected: u32, nonce: u32, max: usize },
    /// The pool is full, and no operation that could leave it pays less.
    #[error("mempool is full with {max} operations: expected a fee above {lowest}, got {fee}")]
    PoolFull { max: usize, lowest: u32, fee: u32 },
    /// The pool has the maximum number of operations after a gap, and none of them pays less.
    #[error("mempool has {max} operations after a gap: expected a fee above {lowest}, got {fee}")]
    GappedFull { max: usize, lowest: u32, fee: u32 },
    /// The fee is too low to replace the operation with the same nonce.
    #[error("expected a fee of at least {required} to replace nonce {nonce} of account {account}, got {fee}")]
    Underpriced { account: AccountIndex, nonce: u32, required: u64, fee: u32 },
}

impl EntryError {
    /// Whether the operation is wrong in every state, so that whoever relays it is at fault. The key of an
    /// account never changes.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        matches!(self, Self::Invalid(OperationError::InvalidSignature(_) | OperationError::ZeroAddress))
    }
}

/// An operation that the pool would take if its signature is valid.
#[derive(Debug, Clone, Copy)]
pub struct Checked {
    pub(super) signed: SignedOperation,
    pub(super) key: PublicKey,
    pub(super) domain: Domain,
}

impl Checked {
    /// The operation.
    #[must_use]
    pub const fn signed(&self) -> &SignedOperation {
        &self.signed
    }

    /// Verifies the signature. It takes about 0.1 ms, and neither the pool nor the state.
    ///
    /// # Errors
    /// When the signature isn't valid.
    pub fn verify(self) -> Result<Verified, EntryError> {
        let Self { signed, key, domain } = self;
        if key.verify(domain, &signed.operation.message(), &signed.signature) {
            Ok(Verified { signed, key, domain })
        } else {
            Err(OperationError::InvalidSignature(signed.operation.sender()).into())
        }
    }

    /// Verifies the signatures of a batch on all of rayon's threads. The results have the order of the batch.
    #[must_use]
    pub fn verify_all(batch: Vec<Self>) -> Vec<Result<Verified, EntryError>> {
        batch.into_par_iter().map(Self::verify).collect()
    }
}

/// An operation whose signature is valid under the key that its sender had when it was checked.
#[derive(Debug, Clone, Copy)]
pub struct Verified {
    pub(super) signed: SignedOperation,
    pub(super) key: PublicKey,
    pub(super) domain: Domain,
}

impl Verified {
    /// The operation.
    #[must_use]
    pub const fn signed(&self) -> &SignedOperation {
        &self.signed
    }
}
