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
    /// L1 slots from the start of the last finalized block's slot, or from the genesis, to `start`, saturated
    /// at the highest number. The time of a pause and of the slot that it ends doesn't count.
    pub since_tip: u16,
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
    /// The cursor with all slots before the slot in turn settled, except idle ones.
    pub cursor: Cursor,
}

impl Location {
    /// L1 slots that a block of the slot in turn is paid for.
    #[must_use]
    pub fn paid_l1_slots(&self, parameters: &Parameters) -> u32 {
        self.cursor.paid_l1_slots(&self.current.timeline, parameters)
    }
}

/// L1 slots that a block of a slot is paid for, known when the slot starts: the time from the start of the
/// previous slot, at most that of an idle slot, and the time by which the chain was without a block for more
/// than `stallAfter`, at most `maxStall`.
///
/// `since_start` is the number of L1 slots from the start of the previous slot to that of the slot, and
/// `since_tip` that from the start of the last finalized block's slot.
#[must_use]
pub fn paid_l1_slots(parameters: &Parameters, since_start: u64, since_tip: u16) -> u32 {
    let time = since_start.min(parameters.idle());
    let stall = since_tip.saturating_sub(parameters.stall_after).min(parameters.max_stall);
    u32::try_from(time).unwrap_or(u32::MAX).saturating_add(u32::from(stall))
}

impl Cursor {
    /// The cursor of a new chain. A virtual slot before the first one starts and ends in the L1 slot of the
    /// deployment, so that the deployer can't choose a seed.
    #[must_use]
    pub fn genesis(genesis_slot: L1Slot, parameters: &Parameters) -> Self {
        let start = next_start(genesis_slot, genesis_slot, parameters);
        let since_tip = saturated(start.since(genesis_slot));
        Self { slot: Slot::new(0), start, previous_start: genesis_slot, since_tip }
    }

    /// The cursor after a slot without a block that was over from `end` on.
    #[must_use]
    pub fn after_expired(&self, timeline: &Timeline, end: L1Slot, parameters: &Parameters) -> Self {
        let start = next_start(timeline.start, end, parameters);
        Self {
            slot: timeline.slot.plus(1),
            start,
            previous_start: timeline.start,
            since_tip: self.since_tip_at(start),
        }
    }

    /// The cursor after a slot that was finalized in the L1 slot `finalized_at`.
    #[must_use]
    pub fn after_finalized(timeline: &Timeline, finalized_at: L1Slot, parameters: &Parameters) -> Self {
        let start = next_start(timeline.start, finalized_at.plus(1), parameters);
        Self {
            slot: timeline.slot.plus(1),
            start,
            previous_start: timeline.start,
            since_tip: saturated(start.since(timeline.start)),
        }
    }

    /// The cursor after a pause that began in `now` and voided the slot in turn; this cursor has the slots
    /// before it settled, except idle ones. As in [`Self::genesis`], a virtual slot starts and ends when the
    /// pause ends, so that the next seed is fixed after the pause. The time since the last block is that at
    /// the start of the voided slot: a pause is no stall.
    #[must_use]
    pub fn after_pause(&self, voided: &Timeline, now: L1Slot, parameters: &Parameters) -> Self {
        let until = now.plus(u64::from(parameters.pause_length));
        Self {
            slot: voided.slot.plus(1),
            start: next_start(until, until, parameters),
            previous_start: until,
            since_tip: self.since_tip_at(voided.start),
        }
    }

    /// [`Self::since_tip`] of a slot that starts at `start`, which isn't before that of this cursor.
    #[must_use]
    pub fn since_tip_at(&self, start: L1Slot) -> u16 {
        self.since_tip.saturating_add(saturated(start.since(self.start)))
    }

    /// L1 slots that a block of the slot of `timeline` is paid for. This cursor has the slots before it
    /// settled, except idle ones.
    #[must_use]
    pub fn paid_l1_slots(&self, timeline: &Timeline, parameters: &Parameters) -> u32 {
        let since_start = timeline.start.since(timeline.previous_start);
        paid_l1_slots(parameters, since_start, self.since_tip_at(timeline.start))
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
            return Location { current: found, expired: None, cursor };
        }
        cursor = cursor.after_expired(timeline, found.status.end, parameters);
        expired = Some(found);
    }
    let timeline = cursor.idle(parameters, now);
    let status = status_at(&timeline, parameters, now);
    Location { current: LocatedSlot { timeline, status }, expired, cursor }
}

fn saturated(distance: u64) -> u16 {
    u16::try_from(distance).unwrap_or(u16::MAX)
}
