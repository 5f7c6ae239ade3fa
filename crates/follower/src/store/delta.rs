//! Differences between two states of the view: what a block changed, and what undoes it.

use std::sync::Arc;

use alloy::primitives::{Address, B256, U256};
use fernet_protocol::{Cursor, L1Slot, Rates, SequencerId, Slot};
use imbl::{OrdMap, ordmap::DiffItem};
use serde::{Deserialize, Serialize};

use crate::view::{
    EscrowAccount, InFlight, NamedSigner, QueueLengths, SequencerRecord, Shown, Tip, Totals, ViewState,
};

/// New values of a map's entries; `None` for an entry that isn't there any more.
pub(crate) type Changed<K, V> = Vec<(K, Option<V>)>;

/// The parts of a state that have a fixed size, or nearly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scalars {
    cursor: Cursor,
    in_flight: Option<InFlight>,
    backup: Option<(B256, Shown)>,
    tip: Tip,
    totals: Totals,
    pub(crate) queue: QueueLengths,
    pub(crate) finalized: usize,
    pub(crate) claims: usize,
}

impl Scalars {
    pub(crate) fn of(state: &ViewState) -> Self {
        Self {
            cursor: state.cursor,
            in_flight: state.in_flight.as_deref().cloned(),
            backup: state.backup.as_deref().cloned(),
            tip: state.tip,
            totals: state.totals,
            queue: state.queue,
            finalized: state.finalized,
            claims: state.claims,
        }
    }

    fn write(self, state: &mut ViewState) {
        state.cursor = self.cursor;
        state.in_flight = self.in_flight.map(Arc::new);
        state.backup = self.backup.map(Arc::new);
        state.tip = self.tip;
        state.totals = self.totals;
        state.queue = self.queue;
        state.finalized = self.finalized;
        state.claims = self.claims;
    }
}

/// What leads from one state to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delta {
    pub(crate) scalars: Scalars,
    pub(crate) sequencers: Changed<SequencerId, SequencerRecord>,
    pub(crate) escrow: Changed<Address, EscrowAccount>,
    pub(crate) owed: Changed<Address, U256>,
    pub(crate) rates: Changed<Slot, Rates>,
    pub(crate) proven: Changed<L1Slot, B256>,
    pub(crate) signers: Changed<Address, NamedSigner>,
}

impl Delta {
    /// The difference between two states; it takes time for what differs only.
    pub(crate) fn between(from: &ViewState, to: &ViewState) -> Self {
        Self {
            scalars: Scalars::of(to),
            sequencers: changed(&from.sequencers, &to.sequencers),
            escrow: changed(&from.escrow, &to.escrow),
            owed: changed(&from.owed, &to.owed),
            rates: changed(&from.rates, &to.rates),
            proven: changed(&from.proven, &to.proven),
            signers: changed(&from.signers, &to.signers),
        }
    }

    /// The other state.
    pub(crate) fn apply(self, state: &ViewState) -> ViewState {
        let mut state = state.clone();
        self.scalars.write(&mut state);
        write(&mut state.sequencers, self.sequencers);
        write(&mut state.escrow, self.escrow);
        write(&mut state.owed, self.owed);
        write(&mut state.rates, self.rates);
        write(&mut state.proven, self.proven);
        write(&mut state.signers, self.signers);
        state
    }
}

fn changed<K: Ord + Clone, V: PartialEq + Clone>(from: &OrdMap<K, V>, to: &OrdMap<K, V>) -> Changed<K, V> {
    let changes = from.diff(to).map(|item| match item {
        DiffItem::Add(key, value) | DiffItem::Update { new: (key, value), .. } => {
            (key.clone(), Some(value.clone()))
        }
        DiffItem::Remove(key, _) => (key.clone(), None),
    });
    changes.collect()
}

fn write<K: Ord + Clone, V: Clone>(map: &mut OrdMap<K, V>, changes: Changed<K, V>) {
    for (key, value) in changes {
        match value {
            Some(value) => map.insert(key, value),
            None => map.remove(&key),
        };
    }
}
