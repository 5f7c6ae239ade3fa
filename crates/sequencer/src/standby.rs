//! Notices another process that acts with this sequencer's keys, and makes room for it.
//!
//! Two copies of one sequencer that run by mistake would send transactions of one account, and could sign two
//! commitments. Each copy writes a block to its journal before it proposes it. So a block of this sequencer
//! that is on L1 and not in this journal was proposed by another process. The copy that sees one stands by.
//! It acts again when the other one has missed chances to propose, which is also how a spare takes over.

use fernet_protocol::{Phase, SequencerId, Slot};

use crate::interface::{Facts, ForeignBlock};

/// Slots in which this sequencer could have become a candidate and didn't, after which the other process
/// counts as gone.
pub const SILENT_SLOTS: u8 = 2;

/// Whether this process makes room for another one.
#[derive(Debug, Clone, Default)]
pub(crate) enum Standby {
    /// L1 shows no other process.
    #[default]
    Alone,
    /// Another process acts.
    Waiting {
        /// Its newest block.
        newest: ForeignBlock,
        /// Slots in which it could have proposed and didn't, one after the other.
        silent: u8,
        /// The last slot that was looked at.
        counted: Slot,
    },
    /// The other process fell silent.
    TakenOver {
        /// Its last block.
        last: ForeignBlock,
    },
}

impl Standby {
    /// The newest block of the other process, while this one stands by.
    pub(crate) const fn foreign(&self) -> Option<ForeignBlock> {
        match self {
            Self::Waiting { newest, .. } => Some(*newest),
            Self::Alone | Self::TakenOver { .. } => None,
        }
    }

    /// Takes the facts of an L1 block. A slot has `places` candidates.
    pub(crate) fn observe(&mut self, facts: &Facts, own: SequencerId, places: u8) {
        self.note_foreign(facts.foreign);
        let Self::Waiting { newest, silent, counted } = self else {
            return;
        };
        let view = &facts.snapshot.next;
        let is_over = view.phase != Phase::Proposal && view.slot > *counted;
        let could_propose = facts.own_rank.is_some_and(|own| own.rank < usize::from(places));
        if !is_over || !could_propose {
            return;
        }
        *counted = view.slot;
        if view.candidates.iter().any(|candidate| candidate.sequencer == own) {
            *silent = 0;
            return;
        }
        *silent = silent.saturating_add(1);
        if *silent >= SILENT_SLOTS {
            tracing::warn!(
                code = "SEQ-004",
                slots = SILENT_SLOTS,
                "the other process is silent: this one takes over"
            );
            *self = Self::TakenOver { last: *newest };
        }
    }

    fn note_foreign(&mut self, seen: Option<ForeignBlock>) {
        let known = match self {
            Self::Alone => None,
            Self::Waiting { newest: known, .. } | Self::TakenOver { last: known } => Some(known.slot),
        };
        let Some(newest) = seen.filter(|seen| known.is_none_or(|known| seen.slot > known)) else {
            return;
        };
        let ForeignBlock { slot, header_hash } = newest;
        tracing::error!(
            code = "SEQ-005",
            %slot, %header_hash,
            "another process proposes with this sequencer's keys: this one stands by"
        );
        *self = Self::Waiting { newest, silent: 0, counted: slot };
    }
}
