//! The slot in turn. Any number of slots without proposals is skipped in constant time.

use serde::{Deserialize, Serialize};

use crate::{L1Slot, Parameters, Slot, SlotStatus, Timeline, next_start, status_at};

/// The slot after the last settled one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// Number of the slot.
    pub slot: Slot,
    /// First L1 slot of the slot.
    pub start: L1Slot,
    /// Start of the last settled slot.
    pub previous_start: L1Slot,
}

/// A slot with its status.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LocatedSlot {
    /// Timeline of the slot.
    pub timeline: Timeline,
    /// Status of the slot.
    pub status: SlotStatus,
}

/// The slot in turn, and the slot before it if that isn't settled.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The slot in turn.
    pub current: LocatedSlot,
    /// A slot with proposals that ended without a block and isn't settled. The next transaction settles it.
    pub expired: Option<LocatedSlot>,
}

impl Cursor {
    /// The cursor of a new chain. A virtual slot before the first one starts and ends in the L1 slot of the
    /// deployment, so that the deployer can't choose a seed.
    #[must_use]
    pub fn genesis(genesis_slot: L1Slot, parameters: &Parameters) -> Self {
        Self {
            slot: Slot::new(0),
            start: next_start(genesis_slot, genesis_slot, parameters),
            previous_start: genesis_slot,
        }
    }

    /// The cursor after a slot that was over from `end` on.
    #[must_use]
    pub fn after(timeline: &Timeline, end: L1Slot, parameters: &Parameters) -> Self {
        Self {
            slot: timeline.slot.plus(1),
            start: next_start(timeline.start, end, parameters),
            previous_start: timeline.start,
        }
    }

    /// The cursor after a slot that was finalized in the L1 slot `finalized_at`.
    #[must_use]
    pub fn after_finalized(timeline: &Timeline, finalized_at: L1Slot, parameters: &Parameters) -> Self {
        Self::after(timeline, finalized_at.plus(1), parameters)
    }

    /// The cursor after a pause that began in `now`, while `slot` was in turn. As in [`Self::genesis`], a
    /// virtual slot starts and ends when the pause ends, so that the next seed is fixed after the pause.
    #[must_use]
    pub fn after_pause(slot: Slot, now: L1Slot, parameters: &Parameters) -> Self {
        let until = now.plus(u64::from(parameters.pause_length));
        Self { slot: slot.plus(1), start: next_start(until, until, parameters), previous_start: until }
    }

    /// The slot in turn if there were no proposals since: idle slots follow each other at a fixed pace.
    #[must_use]
    pub fn idle(&self, parameters: &Parameters, now: L1Slot) -> Timeline {
        let length = parameters.idle();
        // 0 if the slot hasn't started, and for lengths that the constructor refuses.
        let passed = now.since(self.start).checked_div(length).unwrap_or_default();
        let Some(before) = passed.checked_sub(1) else {
            return Timeline::open(self.slot, self.start, self.previous_start);
        };
        let previous = self.start.plus(before.saturating_mul(length));
        Timeline::open(self.slot.plus(passed), previous.plus(length), previous)
    }
}

/// The slot in turn in `now`. `in_flight` is the slot with proposals that isn't settled, if there is one. It
/// is ignored if the cursor is after it.
#[must_use]
pub fn locate(
    cursor: &Cursor,
    in_flight: Option<&Timeline>,
    parameters: &Parameters,
    now: L1Slot,
) -> Location {
    let mut cursor = *cursor;
    let mut expired = None;
    if let Some(timeline) = in_flight.filter(|t| !t.candidates.is_empty() && t.slot >= cursor.slot) {
        let found = LocatedSlot { timeline: timeline.clone(), status: status_at(timeline, parameters, now) };
        if !found.status.over {
            return Location { current: found, expired: None };
        }
        cursor = Cursor::after(timeline, found.status.end, parameters);
        expired = Some(found);
    }
    let timeline = cursor.idle(parameters, now);
    let status = status_at(&timeline, parameters, now);
    Location { current: LocatedSlot { timeline, status }, expired }
}
