//! Operations waiting for a block: verified on entry, bounded, ordered by fee.

use std::collections::{BTreeMap, BinaryHeap, HashMap};

use crate::account::AccountIndex;
use crate::domain::Domain;
use crate::operation::SignedOperation;
use crate::transition::OperationError;
use crate::tree::Store;

/// What a replacement's fee must exceed the replaced one's by, in percent.
const REPLACEMENT_PERCENT: u64 = 10;

/// How much a mempool holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Operations of one account.
    pub per_account: usize,
    /// Operations in total.
    pub total: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_account: 64, total: 65_536 }
    }
}

/// Why an operation isn't taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// It could never be valid.
    #[error(transparent)]
    Invalid(#[from] OperationError),
    /// The account has as many operations waiting as it may.
    #[error("expected at most {max} waiting operations of account {account}, got one more")]
    AccountFull {
        /// Whose.
        account: AccountIndex,
        /// The bound.
        max: usize,
    },
    /// The pool is full of operations that pay at least as much.
    #[error("expected a fee above {lowest}, as {max} operations are waiting, got {fee}")]
    PoolFull {
        /// The bound.
        max: usize,
        /// The lowest fee among the operations that could make room.
        lowest: u32,
        /// The operation's fee.
        fee: u32,
    },
    /// It would replace an operation without paying enough more.
    #[error("expected a fee of at least {required} to replace nonce {nonce} of account {account}, got {fee}")]
    Underpriced {
        /// Whose.
        account: AccountIndex,
        /// Which nonce.
        nonce: u32,
        /// What a replacement must pay.
        required: u64,
        /// The operation's fee.
        fee: u32,
    },
}

/// Operations waiting for a block.
#[derive(Debug, Clone)]
pub struct Mempool {
    domain: Domain,
    limits: Limits,
    accounts: HashMap<AccountIndex, BTreeMap<u32, SignedOperation>>,
    length: usize,
}

impl Mempool {
    /// An empty pool for operations of `domain`.
    #[must_use]
    pub fn new(domain: Domain, limits: Limits) -> Self {
        Self { domain, limits, accounts: HashMap::new(), length: 0 }
    }

    /// How many operations wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether none waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Takes an operation in.
    ///
    /// Its account must exist, its nonce must not be used up, its signature must hold and its account must be able to
    /// pay for it alone; whether the rest holds is seen when a block is built. A waiting operation of the same nonce is
    /// replaced for a fee that is at least 10 % higher, and returned.
    ///
    /// # Errors
    /// With the rule that it breaks, or the bound that it meets.
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
        let waiting = self.accounts.get(&account);
        let replaced = waiting.and_then(|waiting| waiting.get(&nonce)).copied();
        if let Some(replaced) = &replaced {
            let old = u64::from(replaced.operation.fee());
            let required = old.saturating_add(old.saturating_mul(REPLACEMENT_PERCENT).div_ceil(100).max(1));
            if u64::from(fee) < required {
                return Err(EntryError::Underpriced { account, nonce, required, fee });
            }
        } else if waiting.map_or(0, BTreeMap::len) >= self.limits.per_account {
            return Err(EntryError::AccountFull { account, max: self.limits.per_account });
        }
        let evicted = if replaced.is_none() && self.length >= self.limits.total {
            Some(self.cheaper_than(account, fee)?)
        } else {
            None
        };
        // The costly check comes last.
        if !state.key.verify(self.domain, &operation.message(), &signed.signature) {
            return Err(OperationError::InvalidSignature(account).into());
        }
        if let Some((account, nonce)) = evicted {
            self.remove(account, nonce);
        }
        if self.accounts.entry(account).or_default().insert(nonce, signed).is_none() {
            self.length = self.length.saturating_add(1);
        }
        Ok(replaced)
    }

    /// The waiting operations that can be executed on `store`, dearest first, each account's in the order of nonces.
    #[must_use]
    pub fn candidates(&self, store: &impl Store, max: usize) -> Vec<SignedOperation> {
        let next = |account: AccountIndex, nonce: u32| {
            let signed = self.accounts.get(&account)?.get(&nonce)?;
            // Equal fees: the lower index first, so that everyone orders alike.
            Some((signed.operation.fee(), std::cmp::Reverse(account), nonce))
        };
        let first = |account: &AccountIndex| next(*account, store.account(*account)?.nonce);
        let mut heads: BinaryHeap<_> = self.accounts.keys().filter_map(first).collect();
        let mut ordered = Vec::new();
        while ordered.len() < max {
            let Some((_, std::cmp::Reverse(account), nonce)) = heads.pop() else { break };
            ordered.extend(self.accounts.get(&account).and_then(|waiting| waiting.get(&nonce)));
            heads.extend(nonce.checked_add(1).and_then(|nonce| next(account, nonce)));
        }
        ordered
    }

    /// Drops what `store` has left behind: operations whose nonce is used up.
    pub fn prune(&mut self, store: &impl Store) {
        let mut length = 0usize;
        self.accounts.retain(|account, waiting| {
            let nonce = store.account(*account).map_or(0, |account| account.nonce);
            *waiting = waiting.split_off(&nonce);
            length = length.saturating_add(waiting.len());
            !waiting.is_empty()
        });
        self.length = length;
    }

    /// All waiting operations, to be written down and inserted again after a restart.
    pub fn iter(&self) -> impl Iterator<Item = &SignedOperation> {
        self.accounts.values().flat_map(BTreeMap::values)
    }

    /// The operation that makes room: the cheapest among every account's last, if it pays less than `fee`.
    fn cheaper_than(&self, newcomer: AccountIndex, fee: u32) -> Result<(AccountIndex, u32), EntryError> {
        let lasts = self.accounts.iter().filter(|(account, _)| **account != newcomer).filter_map(
            |(account, waiting)| {
                waiting.last_key_value().map(|(nonce, signed)| (signed.operation.fee(), *account, *nonce))
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
        let Some(waiting) = self.accounts.get_mut(&account) else { return };
        if waiting.remove(&nonce).is_some() {
            self.length = self.length.saturating_sub(1);
        }
        if waiting.is_empty() {
            self.accounts.remove(&account);
        }
    }
}
