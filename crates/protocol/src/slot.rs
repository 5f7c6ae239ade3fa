//! Which slot is in turn. Slots that nobody touched are skipped at once, however many they are.

use crate::{L1Slot, Parameters, Position, Slot, Timeline, next_start, phase_at};
use serde::{Deserialize, Serialize};

/// Where the chain stands once everything settled is put aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// the slot after the last settled one
    pub slot: Slot,
    /// its start
    pub start: L1Slot,
    /// start of the last settled slot
    pub previous_start: L1Slot,
}

/// A slot and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimelineAt {
    /// what happened in it
    pub timeline: Timeline,
    /// where it is
    pub position: Position,
}

/// The slot in turn.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Location {
    /// the slot in turn
    pub current: TimelineAt,
    /// the slot with proposals that ended without a block and isn't settled yet: the next transaction settles it
    pub expired: Option<TimelineAt>,
}

impl Cursor {
    /// The cursor of a new chain: a virtual slot before the first starts and ends in the L1 slot of the deployment, so
    /// that no seed is chosen by the deployer.
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

    /// The cursor after a pause that began at `now`, while `slot` was in turn: as before the first slot, a virtual slot starts
    /// and ends when the pause does, so that the next seed is fixed after it.
    #[must_use]
    pub fn after_pause(slot: Slot, now: L1Slot, parameters: &Parameters) -> Self {
        let until = now.plus(u64::from(parameters.pause_length));
        Self { slot: slot.plus(1), start: next_start(until, until, parameters), previous_start: until }
    }

    /// The slot in turn if nobody has proposed since: idle slots follow each other at a fixed pace.
    #[must_use]
    pub fn idle(&self, parameters: &Parameters, now: L1Slot) -> Timeline {
        let length = parameters.idle();
        // 0 for a start that lies ahead, and for lengths that the constructor refuses
        let passed = now.since(self.start).checked_div(length).unwrap_or_default();
        let Some(before) = passed.checked_sub(1) else {
            return Timeline::open(self.slot, self.start, self.previous_start);
        };
        let previous = self.start.plus(before.saturating_mul(length));
        Timeline::open(self.slot.plus(passed), previous.plus(length), previous)
    }
}

/// The slot in turn at `now`. `in_flight` is the slot with proposals that isn't settled yet, if there is one; one that the
/// cursor has passed is ignored.
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
        let found = TimelineAt { timeline: timeline.clone(), position: phase_at(timeline, parameters, now) };
        if !found.position.over {
            return Location { current: found, expired: None };
        }
        cursor = Cursor::after(timeline, found.position.end, parameters);
        expired = Some(found);
    }
    let timeline = cursor.idle(parameters, now);
    let position = phase_at(&timeline, parameters, now);
    Location { current: TimelineAt { timeline, position }, expired }
}
