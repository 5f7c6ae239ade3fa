//! The part of the view that a rollback restores.

use std::{collections::BTreeMap, sync::Arc};

use alloy::primitives::{Address, B256, U256};
use fernet_l1::BlobLocation;
use fernet_protocol::{
    CandidateFacts, CandidateList, Cursor, Header, L1Slot, Location, Parameters, Rates, SequencerId, Slot,
    Timeline, locate,
};
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::records::{CandidateView, EscrowAccount, QueueLengths, SequencerRecord, Tip, Totals};

/// A slot that has proposals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InFlight {
    pub(crate) slot: Slot,
    pub(crate) start: L1Slot,
    pub(crate) previous_start: L1Slot,
    /// In the order of ranks.
    pub(crate) candidates: CandidateList<CandidateView>,
    /// Sequencer of the last `Displaced` event, until the `Proposed` event that follows it.
    pub(crate) displaced: Option<SequencerId>,
    /// Revealed headers, with the location of their blobs.
    pub(crate) shown: BTreeMap<B256, Shown>,
}

/// A header that L1 has seen, with the location of its blobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) header: Header,
    pub(crate) blobs: Vec<Option<BlobLocation>>,
}

impl InFlight {
    pub(crate) fn timeline(&self) -> Timeline {
        Timeline {
            candidates: self
                .candidates
                .as_slice()
                .iter()
                .map(|candidate| CandidateFacts {
                    committed_at: candidate.commitment.map(|commitment| commitment.at),
                    revealed_at: candidate.revealed_at,
                })
                .collect(),
            ..Timeline::open(self.slot, self.start, self.previous_start)
        }
    }

    pub(crate) fn candidate(&mut self, sequencer: SequencerId) -> Option<&mut CandidateView> {
        self.candidates.as_mut_slice().iter_mut().find(|candidate| candidate.sequencer == sequencer)
    }
}

/// State that isn't append-only. Clones are cheap: they share what doesn't change, also within a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ViewState {
    /// The rollup's cursor.
    pub(crate) cursor: Cursor,
    pub(crate) in_flight: Option<Arc<InFlight>>,
    /// The header of a block that is being finalized in backup.
    pub(crate) backup: Option<Arc<(B256, Shown)>>,
    pub(crate) tip: Tip,
    pub(crate) sequencers: OrdMap<SequencerId, SequencerRecord>,
    pub(crate) escrow: OrdMap<Address, EscrowAccount>,
    /// Credited and unpaid rewards.
    pub(crate) owed: OrdMap<Address, U256>,
    /// Rates by the first slot to which they apply.
    pub(crate) rates: OrdMap<Slot, Rates>,
    /// Mixes proven on L1.
    pub(crate) proven: OrdMap<L1Slot, B256>,
    pub(crate) totals: Totals,
    /// Keys that accounts named in the escrow: the last change, and the key that binds before it.
    pub(crate) signers: OrdMap<Address, NamedSigner>,
    /// Lengths of the append-only lists.
    pub(crate) queue: QueueLengths,
    pub(crate) finalized: usize,
    pub(crate) claims: usize,
}

/// The key that an account named in the escrow. Zero names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NamedSigner {
    pub(crate) current: Address,
    /// L1 slot from which `next` binds the account's quotes.
    pub(crate) from: L1Slot,
    pub(crate) next: Address,
}

impl NamedSigner {
    /// The key that binds at `moment`; zero for none.
    pub(crate) fn at(&self, moment: L1Slot) -> Address {
        if moment < self.from { self.current } else { self.next }
    }
}

impl ViewState {
    pub(crate) fn locate(&self, parameters: &Parameters, now: L1Slot) -> Location {
        let timeline = self.in_flight.as_ref().map(|slot| slot.timeline());
        locate(&self.cursor, timeline.as_ref(), parameters, now)
    }
}
