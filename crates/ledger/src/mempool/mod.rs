//! A bounded pool of verified operations that aren't in a block yet, ordered by fee.
//!
//! Strangers fill it, so nothing in it is free for them:
//!
//! 1. [`Mempool::check`] looks at everything but the signature, in a time that doesn't depend on how full the
//!    pool is. Whatever it refuses costs no signature.
//! 2. [`Checked::verify`] needs neither the pool nor the state, so a caller runs it outside of its locks.
//! 3. [`Mempool::insert`] checks everything else again, because pool and state may have changed meanwhile.
//!
//! The operations of an account are contiguous up to the first gap in their nonces, and gapped after it. The
//! account's balance must pay all of them together. Gapped operations are few, and leave a full pool first.
//! Among contiguous ones, the last one of the account whose operations pay least leaves first; an account
//! pays as little as the lowest of its fees, because what comes after it in the order of nonces has to wait
//! for it.
//!
//! Time is a number that the caller gives, in any unit that doesn't decrease.

mod entry;
mod pending;

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeSet, BinaryHeap};

use alloy_primitives::map::HashMap;

pub use entry::{Checked, EntryError, Verified};
use pending::{Entry, Pending, SenderState};

use crate::{
    account::{Account, AccountIndex},
    domain::Domain,
    operation::{Operation, SignedOperation, Transfer, Withdrawal},
    transition::OperationError,
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
    /// Maximum number of gapped operations of one account.
    pub gapped_per_account: usize,
    /// Maximum number of gapped operations in total.
    pub gapped: usize,
    /// Time after which an operation leaves the pool.
    pub lifetime: u64,
}

impl Default for Limits {
    /// A tenth of the pool for gapped operations, and 900 units of time: with L1 slots, three hours.
    fn default() -> Self {
        Self { per_account: 64, total: 65_536, gapped_per_account: 16, gapped: 6_553, lifetime: 900 }
    }
}

/// The pool of operations that aren't in a block yet.
#[derive(Debug, Clone)]
pub struct Mempool {
    domain: Domain,
    limits: Limits,
    accounts: HashMap<AccountIndex, Pending>,
    length: usize,
    /// Fee of the first contiguous operation of each account. Of equal fees the lower account comes later, so
    /// that it is the first from the end.
    heads: BTreeSet<(u32, Reverse<AccountIndex>)>,
    /// Lowest fee of the contiguous operations of each account.
    floors: BTreeSet<(u32, AccountIndex)>,
    /// Fee, account and nonce of each gapped operation.
    gaps: BTreeSet<(u32, AccountIndex, u32)>,
    /// Account and nonce of what changed since the last [`Self::take_changes`].
    changed: BTreeSet<(AccountIndex, u32)>,
}

/// What a mempool has under an account and a nonce; `None` if nothing any more.
pub type Change = ((AccountIndex, u32), Option<SignedOperation>);

/// What an insertion does to the pool.
struct Placement {
    replaced: Option<SignedOperation>,
    evicted: Option<(AccountIndex, u32)>,
}

/// An operation that can be executed once those that were ordered are, and what its account has after it.
struct Next<'a> {
    /// Fee and account. Of equal fees the lower account comes first, so that the order is deterministic.
    order: (u32, Reverse<AccountIndex>),
    first: &'a Entry,
    rest: &'a [Entry],
}

impl<'a> Next<'a> {
    /// The first of the entries, if it has this nonce.
    fn of(account: AccountIndex, entries: &'a [Entry], nonce: u32) -> Option<Self> {
        let (first, rest) = entries.split_first().filter(|(first, _)| first.nonce() == nonce)?;
        Some(Self { order: (first.fee(), Reverse(account)), first, rest })
    }
}

impl PartialEq for Next<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Next<'_> {}

impl PartialOrd for Next<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Next<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order.cmp(&other.order)
    }
}

impl Mempool {
    /// An empty pool for operations of `domain`.
    #[must_use]
    pub fn new(domain: Domain, limits: Limits) -> Self {
        Self {
            domain,
            limits,
            accounts: HashMap::default(),
            length: 0,
            heads: BTreeSet::new(),
            floors: BTreeSet::new(),
            gaps: BTreeSet::new(),
            changed: BTreeSet::new(),
        }
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

    /// Number of gapped operations.
    #[must_use]
    pub fn gapped(&self) -> usize {
        self.gaps.len()
    }

    /// Checks everything but the signature.
    ///
    /// Sender and recipient must exist, the nonce must not be used, and the balance must pay the operation
    /// together with those that it has to wait for. An operation with the same sender and nonce is replaced
    /// if the new fee is at least 10 % higher.
    ///
    /// # Errors
    /// Returns the rule that the operation breaks, or the limit that it would exceed.
    pub fn check(&self, store: &impl Store, signed: &SignedOperation) -> Result<Checked, EntryError> {
        self.check_among(store, signed, 1)
    }

    /// Checks the operations of a batch, whose nonces may follow each other. Insert what is verified of them
    /// in the order of nonces. The results have the order of the batch.
    pub fn check_all(
        &self,
        store: &impl Store,
        batch: &[SignedOperation],
    ) -> Vec<Result<Checked, EntryError>> {
        let mut counts: HashMap<AccountIndex, u32> = HashMap::default();
        for signed in batch {
            let count = counts.entry(signed.operation.sender()).or_default();
            *count = count.saturating_add(1);
        }
        let count = |signed: &SignedOperation| counts.get(&signed.operation.sender()).copied().unwrap_or(1);
        batch.iter().map(|signed| self.check_among(store, signed, count(signed))).collect()
    }

    /// Inserts an operation at the time `now`. Returns the one that it replaces.
    ///
    /// # Errors
    /// Fails as [`Self::check`] does if pool or state have changed since. If the sender has another key now,
    /// the signature is invalid.
    pub fn insert(
        &mut self,
        store: &impl Store,
        verified: Verified,
        now: u64,
    ) -> Result<Option<SignedOperation>, EntryError> {
        let Verified { signed, key, domain } = verified;
        let account = signed.operation.sender();
        let sender = allowed(store, &signed.operation)?;
        // An L1 reorg can give an account's number to another key.
        if (domain, key) != (self.domain, sender.key) {
            return Err(OperationError::InvalidSignature(account).into());
        }
        let state = SenderState::from(&sender);
        if self.accounts.get(&account).is_some_and(|pending| pending.is_stale(state, now)) {
            self.edit(account, state, |pending, note| pending.expire(now, note));
            self.trim_gapped();
        }
        let Placement { replaced, evicted } = self.place(state, &signed, 1)?;
        if let Some((other, nonce)) = evicted {
            self.evict(other, nonce);
        }
        let expires_at = now.saturating_add(self.limits.lifetime);
        self.edit(account, state, |pending, note| {
            pending.insert(Entry { signed, expires_at });
            note(signed.operation.nonce());
        });
        Ok(replaced)
    }

    /// At most `max` operations that can be executed on `store`, by descending fee; those of one account by
    /// nonce. The fees are compared as they were at the last [`Self::update`]: on a later state an account
    /// comes where its first operation would have come then.
    #[must_use]
    pub fn candidates(&self, store: &impl Store, max: usize) -> Vec<SignedOperation> {
        let mut heads = self.heads.iter().rev().copied().peekable();
        let mut next = BinaryHeap::new();
        let mut ordered = Vec::with_capacity(max.min(self.length));
        while ordered.len() < max {
            let is_head_dearer = match (heads.peek(), next.peek()) {
                (Some(head), Some(Next { order, .. })) => head >= order,
                (head, _) => head.is_some(),
            };
            if is_head_dearer && let Some((_, Reverse(account))) = heads.next() {
                // The state may be ahead of the one that the order is of.
                let nonce = store.account(account).map(|account| account.nonce);
                let entries = self.accounts.get(&account).zip(nonce);
                next.extend(
                    entries.and_then(|(pending, nonce)| Next::of(account, pending.from(nonce), nonce)),
                );
                continue;
            }
            let Some(Next { order: (_, Reverse(account)), first, rest }) = next.pop() else { break };
            ordered.push(first.signed);
            let nonce = first.nonce().checked_add(1);
            next.extend(nonce.and_then(|nonce| Next::of(account, rest, nonce)));
        }
        ordered
    }

    /// Follows the state at the time `now`: removes operations whose nonce is used, that have expired, or
    /// that their accounts can't pay any more.
    pub fn update(&mut self, store: &impl Store, now: u64) {
        let stale = |(account, pending): (&AccountIndex, &Pending)| {
            let state = store.account(*account).map(|account| SenderState::from(&account));
            let is_stale = state.is_none_or(|state| pending.is_stale(state, now));
            is_stale.then_some((*account, state))
        };
        let stale: Vec<(AccountIndex, Option<SenderState>)> =
            self.accounts.iter().filter_map(stale).collect();
        for (account, state) in stale {
            match state {
                Some(state) => self.edit(account, state, |pending, note| pending.expire(now, note)),
                // An L1 reorg has undone the account's first deposit.
                None => self.edit(account, SenderState::default(), Pending::clear),
            }
        }
        self.trim_gapped();
    }

    /// What changed since the last call, by account and nonce: to be stored, and to be inserted again after a
    /// restart.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let changed = std::mem::take(&mut self.changed);
        let now = |(account, nonce)| {
            let pending = self.accounts.get(&account).and_then(|pending| pending.get(nonce));
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
        self.accounts.values().flat_map(|pending| pending.entries().iter().map(|entry| &entry.signed))
    }

    fn check_among(
        &self,
        store: &impl Store,
        signed: &SignedOperation,
        batch: u32,
    ) -> Result<Checked, EntryError> {
        let sender = allowed(store, &signed.operation)?;
        self.place(SenderState::from(&sender), signed, batch)?;
        Ok(Checked { signed: *signed, key: sender.key, domain: self.domain })
    }

    /// The place of an operation, whose batch has `batch` operations of its sender. Those before it may fill
    /// a gap, so only its insertion checks the limits of gapped ones.
    fn place(
        &self,
        state: SenderState,
        signed: &SignedOperation,
        batch: u32,
    ) -> Result<Placement, EntryError> {
        let operation = &signed.operation;
        let (account, nonce, fee) = (operation.sender(), operation.nonce(), operation.fee());
        let known = self.accounts.get(&account);
        let settled;
        let pending = match known.filter(|pending| pending.state() == state) {
            Some(pending) => pending,
            None => {
                let mut pending = known.cloned().unwrap_or_default();
                pending.settle(state, self.limits.gapped_per_account, |_| ());
                settled = pending;
                &settled
            }
        };
        let replaced = pending.get(nonce).copied();
        if let Some(replaced) = &replaced {
            if replaced == signed {
                return Err(EntryError::Known { account, nonce });
            }
            let old = u64::from(replaced.operation.fee());
            let required = old.saturating_add(old.saturating_mul(PRICE_BUMP_PERCENT).div_ceil(100).max(1));
            if u64::from(fee) < required {
                return Err(EntryError::Underpriced { account, nonce, required, fee });
            }
        }
        let next = pending.next();
        let is_contiguous = nonce.saturating_sub(next) < batch;
        // Gapped operations give way to what comes before them.
        let (others, is_replaced_paid) =
            if is_contiguous { (pending.contiguous_cost(), nonce < next) } else { (pending.cost(), true) };
        let freed = replaced.filter(|_| is_replaced_paid).map_or(0, |replaced| replaced.operation.required());
        let required = others.saturating_sub(freed).saturating_add(operation.required());
        let available = state.balance();
        if u128::from(available) < required {
            return Err(EntryError::Unpaid { account, available, required });
        }
        let mut evicted = None;
        if replaced.is_none() {
            evicted = self.room_in_account(account, pending, nonce, is_contiguous)?;
            if evicted.is_none() {
                let floor = pending.floor().min(fee);
                evicted = if is_contiguous { self.room(account, floor)? } else { self.room_for_gapped(fee)? };
            }
        }
        Ok(Placement { replaced, evicted })
    }

    /// Whom an operation displaces because of the limits of its account. A contiguous operation displaces the
    /// account's last gapped one.
    fn room_in_account(
        &self,
        account: AccountIndex,
        pending: &Pending,
        nonce: u32,
        is_contiguous: bool,
    ) -> Result<Option<(AccountIndex, u32)>, EntryError> {
        let max = self.limits.gapped_per_account;
        if !is_contiguous && pending.gapped().len() >= max {
            return Err(EntryError::AccountGapped { account, expected: pending.next(), nonce, max });
        }
        if pending.len() < self.limits.per_account {
            return Ok(None);
        }
        match pending.gapped().last() {
            Some(last) if is_contiguous => Ok(Some((account, last.nonce()))),
            _ => Err(EntryError::AccountFull { account, max: self.limits.per_account }),
        }
    }

    /// Whom a contiguous operation displaces in the pool. `fee` is the lowest fee of its account up to it.
    fn room(&self, account: AccountIndex, fee: u32) -> Result<Option<(AccountIndex, u32)>, EntryError> {
        let max = self.limits.total;
        if self.length < max {
            return Ok(None);
        }
        if let Some((_, account, nonce)) = self.gaps.first() {
            return Ok(Some((*account, *nonce)));
        }
        // An operation doesn't displace one that it has to wait for.
        let lowest = self.floors.iter().find(|(_, other)| *other != account);
        let last = |other| self.accounts.get(other)?.contiguous().last();
        match lowest.and_then(|(lowest, other)| Some((*lowest, *other, last(other)?))) {
            Some((lowest, other, last)) if lowest < fee => Ok(Some((other, last.nonce()))),
            other => {
                let lowest = other.map_or(u32::MAX, |(lowest, ..)| lowest);
                Err(EntryError::PoolFull { max, lowest, fee })
            }
        }
    }

    /// Whom a gapped operation displaces in the pool: a gapped one that pays less.
    fn room_for_gapped(&self, fee: u32) -> Result<Option<(AccountIndex, u32)>, EntryError> {
        let (is_full, max) = (self.length >= self.limits.total, self.limits.gapped);
        if !is_full && self.gaps.len() < max {
            return Ok(None);
        }
        match self.gaps.first().copied() {
            Some((lowest, account, nonce)) if lowest < fee => Ok(Some((account, nonce))),
            other => {
                let lowest = other.map_or(u32::MAX, |(lowest, ..)| lowest);
                Err(EntryError::GappedFull { max: max.min(self.gaps.len()), lowest, fee })
            }
        }
    }

    /// Removes the gapped operations beyond their limit: contiguous ones become gapped when one before them
    /// expires, and when an L1 reorg takes back one that was executed.
    fn trim_gapped(&mut self) {
        while self.gaps.len() > self.limits.gapped
            && let Some((_, account, nonce)) = self.gaps.first().copied()
        {
            self.evict(account, nonce);
        }
    }

    fn evict(&mut self, account: AccountIndex, nonce: u32) {
        let Some(state) = self.accounts.get(&account).map(Pending::state) else { return };
        self.edit(account, state, |pending, note| {
            pending.remove(nonce);
            note(nonce);
        });
    }

    /// Changes an account's operations, and whatever follows from the change. `change` notes the nonces of
    /// what it adds and removes.
    fn edit(
        &mut self,
        account: AccountIndex,
        state: SenderState,
        change: impl FnOnce(&mut Pending, &mut dyn FnMut(u32)),
    ) {
        let mut pending = self.accounts.remove(&account).unwrap_or_default();
        self.length = self.length.saturating_sub(pending.len());
        if let Some(head) = pending.contiguous().first() {
            self.heads.remove(&(head.fee(), Reverse(account)));
            self.floors.remove(&(pending.floor(), account));
        }
        for entry in pending.gapped() {
            self.gaps.remove(&(entry.fee(), account, entry.nonce()));
        }
        let changed = &mut self.changed;
        let mut note = |nonce| {
            changed.insert((account, nonce));
        };
        change(&mut pending, &mut note);
        pending.settle(state, self.limits.gapped_per_account, note);
        if pending.len() == 0 {
            return;
        }
        self.length = self.length.saturating_add(pending.len());
        if let Some(head) = pending.contiguous().first() {
            self.heads.insert((head.fee(), Reverse(account)));
            self.floors.insert((pending.floor(), account));
        }
        self.gaps.extend(pending.gapped().iter().map(|entry| (entry.fee(), account, entry.nonce())));
        self.accounts.insert(account, pending);
    }
}

/// The sender, if the state allows the operation once those before it are executed.
fn allowed(store: &impl Store, operation: &Operation) -> Result<Account, OperationError> {
    let (account, nonce) = (operation.sender(), operation.nonce());
    let sender = store.account(account).ok_or(OperationError::UnknownSender(account))?;
    if nonce < sender.nonce {
        return Err(OperationError::NonceMismatch { account, expected: sender.nonce, actual: nonce });
    }
    if nonce == u32::MAX {
        return Err(OperationError::NonceExhausted(account));
    }
    let (available, required) = (sender.balance, operation.required());
    if u128::from(available) < required {
        return Err(OperationError::InsufficientBalance { account, available, required });
    }
    match *operation {
        Operation::Withdrawal(Withdrawal { target, .. }) => {
            if target.is_zero() {
                return Err(OperationError::ZeroAddress);
            }
        }
        Operation::Transfer(Transfer { to, amount, .. }) => {
            let recipient = store.account(to).ok_or(OperationError::UnknownRecipient(to))?;
            if to != account && recipient.balance.checked_add(amount).is_none() {
                let balance = recipient.balance;
                return Err(OperationError::BalanceOverflow { account: to, balance, amount });
            }
        }
    }
    Ok(sender)
}
