//! A bounded pool of verified operations that aren't in a block yet, ordered by fee.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

use crate::{
    account::AccountIndex, domain::Domain, operation::SignedOperation, transition::OperationError,
    tree::Store,
};

/// Percentage by which the fee of a replacement must exceed the fee of the replaced operation.
const PRICE_BUMP_PERCENT: u64 = 10;

/// Limits of a mempool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum number of operations of one account.
    pub per_account: usize,
    /// Maximum number of operations in total.
    pub total: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_account: 64, total: 65_536 }
    }
}

/// Why the mempool refuses an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The operation can never be valid.
    #[error(transparent)]
    Invalid(#[from] OperationError),
    /// The account has the maximum number of operations in the pool.
    #[error("account {account} has {max} operations in the mempool already")]
    AccountFull { account: AccountIndex, max: usize },
    /// The pool is full, and no operation pays less.
    #[error("mempool is full with {max} operations: expected a fee above {lowest}, got {fee}")]
    PoolFull { max: usize, lowest: u32, fee: u32 },
    /// The fee is too low to replace the operation with the same nonce.
    #[error("expected a fee of at least {required} to replace nonce {nonce} of account {account}, got {fee}")]
    Underpriced { account: AccountIndex, nonce: u32, required: u64, fee: u32 },
}

/// The pool of operations that aren't in a block yet.
#[derive(Debug, Clone)]
pub struct Mempool {
    domain: Domain,
    limits: Limits,
    accounts: HashMap<AccountIndex, BTreeMap<u32, SignedOperation>>,
    length: usize,
    /// Account and nonce of what changed since the last [`Self::take_changes`].
    changed: BTreeSet<(AccountIndex, u32)>,
}

/// What a mempool has under an account and a nonce; `None` if nothing any more.
pub type Change = ((AccountIndex, u32), Option<SignedOperation>);

impl Mempool {
    /// An empty pool for operations of `domain`.
    #[must_use]
    pub fn new(domain: Domain, limits: Limits) -> Self {
        Self { domain, limits, accounts: HashMap::new(), length: 0, changed: BTreeSet::new() }
    }

    /// Number of operations.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether the pool has no operations.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Inserts an operation.
    ///
    /// Its sender must exist and have enough balance for this operation alone, its nonce must not be used,
    /// and its signature must be valid. The other rules are checked when a block is built. An operation with
    /// the same sender and nonce is replaced and returned if the new fee is at least 10 % higher.
    ///
    /// # Errors
    /// Returns the rule that the operation breaks, or the limit that it would exceed.
    pub fn insert(
        &mut self,
        store: &impl Store,
        signed: SignedOperation,
    ) -> Result<Option<SignedOperation>, EntryError> {
        let operation = &signed.operation;
        let (account, nonce, fee) = (operation.sender(), operation.nonce(), operation.fee());
        let state = store.account(account).ok_or(OperationError::UnknownSender(account))?;
        if nonce < state.nonce {
            let error = OperationError::NonceMismatch { account, expected: state.nonce, actual: nonce };
            return Err(error.into());
        }
        if nonce == u32::MAX {
            return Err(OperationError::NonceExhausted(account).into());
        }
        let required = operation.required();
        if u128::from(state.balance) < required {
            let available = state.balance;
            return Err(OperationError::InsufficientBalance { account, available, required }.into());
        }
        let pending = self.accounts.get(&account);
        let replaced = pending.and_then(|pending| pending.get(&nonce)).copied();
        if let Some(replaced) = &replaced {
            let old = u64::from(replaced.operation.fee());
            let required = old.saturating_add(old.saturating_mul(PRICE_BUMP_PERCENT).div_ceil(100).max(1));
            if u64::from(fee) < required {
                return Err(EntryError::Underpriced { account, nonce, required, fee });
            }
        } else if pending.map_or(0, BTreeMap::len) >= self.limits.per_account {
            return Err(EntryError::AccountFull { account, max: self.limits.per_account });
        }
        let evicted = if replaced.is_none() && self.length >= self.limits.total {
            Some(self.eviction(account, fee)?)
        } else {
            None
        };
        // The most expensive check is the last one.
        if !state.key.verify(self.domain, &operation.message(), &signed.signature) {
            return Err(OperationError::InvalidSignature(account).into());
        }
        if let Some((account, nonce)) = evicted {
            self.remove(account, nonce);
        }
        self.changed.insert((account, nonce));
        if self.accounts.entry(account).or_default().insert(nonce, signed).is_none() {
            self.length = self.length.saturating_add(1);
        }
        Ok(replaced)
    }

    /// At most `max` operations that can be executed on `store`, by descending fee; those of one account by
    /// nonce.
    #[must_use]
    pub fn candidates(&self, store: &impl Store, max: usize) -> Vec<SignedOperation> {
        let next = |account: AccountIndex, nonce: u32| {
            let signed = self.accounts.get(&account)?.get(&nonce)?;
            // Operations with equal fees are ordered by account, so that the order is deterministic.
            Some((signed.operation.fee(), std::cmp::Reverse(account), nonce))
        };
        let first = |account: &AccountIndex| next(*account, store.account(*account)?.nonce);
        let mut heads: BinaryHeap<_> = self.accounts.keys().filter_map(first).collect();
        let mut ordered = Vec::new();
        while ordered.len() < max {
            let Some((_, std::cmp::Reverse(account), nonce)) = heads.pop() else { break };
            ordered.extend(self.accounts.get(&account).and_then(|pending| pending.get(&nonce)));
            heads.extend(nonce.checked_add(1).and_then(|nonce| next(account, nonce)));
        }
        ordered
    }

    /// Removes the operations whose nonce is used in `store`.
    pub fn prune(&mut self, store: &impl Store) {
        let mut length = 0usize;
        let changed = &mut self.changed;
        self.accounts.retain(|account, pending| {
            let nonce = store.account(*account).map_or(0, |account| account.nonce);
            let left = pending.split_off(&nonce);
            changed.extend(pending.keys().map(|nonce| (*account, *nonce)));
            *pending = left;
            length = length.saturating_add(pending.len());
            !pending.is_empty()
        });
        self.length = length;
    }

    /// What changed since the last call, by account and nonce: to be stored, and to be inserted again after a
    /// restart.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let changed = std::mem::take(&mut self.changed);
        let now = |(account, nonce)| {
            let pending = self.accounts.get(&account).and_then(|pending| pending.get(&nonce));
            ((account, nonce), pending.copied())
        };
        changed.into_iter().map(now).collect()
    }

    /// Has [`Self::take_changes`] tell of an operation, though nothing happened to it.
    pub fn note_change(&mut self, account: AccountIndex, nonce: u32) {
        self.changed.insert((account, nonce));
    }

    /// All operations, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &SignedOperation> {
        self.accounts.values().flat_map(BTreeMap::values)
    }

    /// The operation to evict: the one with the lowest fee among the last operations of all accounts, if its
    /// fee is below `fee`.
    fn eviction(&self, sender: AccountIndex, fee: u32) -> Result<(AccountIndex, u32), EntryError> {
        let lasts = self.accounts.iter().filter(|(account, _)| **account != sender).filter_map(
            |(account, pending)| {
                pending.last_key_value().map(|(nonce, signed)| (signed.operation.fee(), *account, *nonce))
            },
        );
        match lasts.min() {
            Some((lowest, account, nonce)) if lowest < fee => Ok((account, nonce)),
            other => {
                let lowest = other.map_or(u32::MAX, |(lowest, ..)| lowest);
                Err(EntryError::PoolFull { max: self.limits.total, lowest, fee })
            }
        }
    }

    fn remove(&mut self, account: AccountIndex, nonce: u32) {
        let Some(pending) = self.accounts.get_mut(&account) else { return };
        if pending.remove(&nonce).is_some() {
            self.changed.insert((account, nonce));
            self.length = self.length.saturating_sub(1);
        }
        if pending.is_empty() {
            self.accounts.remove(&account);
        }
    }
}
