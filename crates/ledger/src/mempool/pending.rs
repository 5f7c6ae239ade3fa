//! The operations of one account in the pool.

use crate::{account::Account, operation::SignedOperation};

/// An operation of the pool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) signed: SignedOperation,
    /// The operation leaves the pool at this time.
    pub(super) expires_at: u64,
}

impl Entry {
    pub(super) const fn nonce(&self) -> u32 {
        self.signed.operation.nonce()
    }

    pub(super) const fn fee(&self) -> u32 {
        self.signed.operation.fee()
    }

    fn cost(&self) -> u128 {
        self.signed.operation.required()
    }
}

/// What decides which operations of a sender can be executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct SenderState {
    nonce: u32,
    balance: u64,
}

impl From<&Account> for SenderState {
    fn from(account: &Account) -> Self {
        Self { nonce: account.nonce, balance: account.balance }
    }
}

impl SenderState {
    pub(super) const fn balance(self) -> u64 {
        self.balance
    }
}

/// The operations of one account, and the account's state when they were last looked at.
///
/// The first operations are contiguous: they have the account's next nonces without a gap, and can all be
/// executed. Those after the first gap are gapped. The balance pays all of them together.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending {
    /// Sorted by nonce, none of which is used in `state`.
    entries: Vec<Entry>,
    state: SenderState,
    /// Number of contiguous operations.
    contiguous: usize,
    /// Lowest fee of the contiguous operations; `u32::MAX` if there are none. The last of them is executed no
    /// sooner than the one that pays it.
    floor: u32,
}

impl Pending {
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) const fn state(&self) -> SenderState {
        self.state
    }

    pub(super) const fn floor(&self) -> u32 {
        self.floor
    }

    pub(super) fn get(&self, nonce: u32) -> Option<&SignedOperation> {
        let found = self.entries.binary_search_by_key(&nonce, Entry::nonce).ok()?;
        self.entries.get(found).map(|entry| &entry.signed)
    }

    /// The operations whose nonces are at least `nonce`.
    pub(super) fn from(&self, nonce: u32) -> &[Entry] {
        let start = self.entries.partition_point(|entry| entry.nonce() < nonce);
        self.entries.get(start..).unwrap_or_default()
    }

    pub(super) fn contiguous(&self) -> &[Entry] {
        self.entries.get(..self.contiguous).unwrap_or_default()
    }

    pub(super) fn gapped(&self) -> &[Entry] {
        self.entries.get(self.contiguous..).unwrap_or_default()
    }

    /// Nonce that would extend the contiguous operations.
    pub(super) fn next(&self) -> u32 {
        self.state.nonce.saturating_add(u32::try_from(self.contiguous).unwrap_or(u32::MAX))
    }

    /// Amounts and fees of the contiguous operations.
    pub(super) fn contiguous_cost(&self) -> u128 {
        sum(self.contiguous())
    }

    /// Amounts and fees of all operations.
    pub(super) fn cost(&self) -> u128 {
        sum(&self.entries)
    }

    /// Whether the account has another state, or an operation has expired.
    pub(super) fn is_stale(&self, state: SenderState, now: u64) -> bool {
        self.state != state || self.entries.iter().any(|entry| entry.expires_at <= now)
    }

    /// Adds an operation, in place of another with its nonce.
    pub(super) fn insert(&mut self, entry: Entry) {
        match self.entries.binary_search_by_key(&entry.nonce(), Entry::nonce) {
            Ok(found) => {
                if let Some(place) = self.entries.get_mut(found) {
                    *place = entry;
                }
            }
            Err(place) => {
                // Most accounts have one operation, and a vector that grows by itself has room for four.
                self.entries.reserve_exact(1);
                self.entries.insert(place, entry);
            }
        }
    }

    /// Removes the operation with this nonce.
    pub(super) fn remove(&mut self, nonce: u32) {
        self.entries.retain(|entry| entry.nonce() != nonce);
    }

    /// Removes the operations that have expired, and tells `removed` their nonces.
    pub(super) fn expire(&mut self, now: u64, removed: &mut dyn FnMut(u32)) {
        let expired = self.entries.extract_if(.., |entry| entry.expires_at <= now);
        expired.for_each(|entry| removed(entry.nonce()));
    }

    /// Removes all operations, and tells `removed` their nonces.
    pub(super) fn clear(&mut self, removed: &mut dyn FnMut(u32)) {
        self.entries.drain(..).for_each(|entry| removed(entry.nonce()));
    }

    /// Follows the account's state: removes operations whose nonce is used, the last ones that the balance
    /// doesn't pay any more, and the last gapped ones beyond `max_gapped`. Tells `removed` their nonces.
    pub(super) fn settle(&mut self, state: SenderState, max_gapped: usize, mut removed: impl FnMut(u32)) {
        self.state = state;
        let used = self.entries.partition_point(|entry| entry.nonce() < state.nonce);
        self.entries.drain(..used).for_each(|entry| removed(entry.nonce()));
        let is_next = |(entry, nonce): &(&Entry, u32)| entry.nonce() == *nonce;
        self.contiguous = self.entries.iter().zip(state.nonce..).take_while(is_next).count();
        let mut cost = 0u128;
        let mut is_paid = |entry: &Entry| {
            cost = cost.saturating_add(entry.cost());
            cost <= u128::from(state.balance)
        };
        let paid = self.entries.iter().take_while(|entry| is_paid(entry)).count();
        self.contiguous = self.contiguous.min(paid);
        let kept = paid.min(self.contiguous.saturating_add(max_gapped));
        self.entries.drain(kept..).for_each(|entry| removed(entry.nonce()));
        self.floor = self.contiguous().iter().map(Entry::fee).min().unwrap_or(u32::MAX);
    }
}

fn sum(entries: &[Entry]) -> u128 {
    entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.cost()))
}
