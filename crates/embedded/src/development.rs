//! What a development node remembers for its user beside the chain: snapshots, and who is impersonated.

use std::collections::BTreeSet;

use alloy::primitives::Address;

use crate::{chain::Chain, error::ChainError};

/// Most snapshots at a time.
const MAX_SNAPSHOTS: usize = 1000;

/// Snapshots and impersonated accounts of a node.
#[derive(Debug, Default)]
pub(crate) struct Development {
    /// Copies of the chain by their ids, oldest first.
    snapshots: Vec<(u64, Chain)>,
    last_snapshot: u64,
    impersonated: BTreeSet<Address>,
    everyone_impersonated: bool,
}

impl Development {
    /// Keeps a copy of the chain and returns its id; ids start at 1.
    pub(crate) fn keep(&mut self, chain: Chain) -> Result<u64, ChainError> {
        if self.snapshots.len() >= MAX_SNAPSHOTS {
            return Err(ChainError::TooManySnapshots(MAX_SNAPSHOTS));
        }
        self.last_snapshot += 1;
        self.snapshots.push((self.last_snapshot, chain));
        Ok(self.last_snapshot)
    }

    /// Takes out a copy, and forgets the later ones.
    pub(crate) fn take(&mut self, id: u64) -> Option<Chain> {
        let index = self.snapshots.iter().position(|(other, _)| *other == id)?;
        self.snapshots.drain(index..).next().map(|(_, chain)| chain)
    }

    /// Forgets all copies.
    pub(crate) fn forget_snapshots(&mut self) {
        self.snapshots.clear();
    }

    /// Lets transactions be sent in an account's name, or no longer.
    pub(crate) fn impersonate(&mut self, account: Address, allowed: bool) {
        if allowed {
            self.impersonated.insert(account);
        } else {
            self.impersonated.remove(&account);
        }
    }

    /// Lets transactions be sent in every account's name, or only of those named.
    pub(crate) fn impersonate_everyone(&mut self, allowed: bool) {
        self.everyone_impersonated = allowed;
    }

    /// Whether transactions may be sent in an account's name.
    pub(crate) fn impersonates(&self, account: Address) -> bool {
        self.everyone_impersonated || self.impersonated.contains(&account)
    }
}
