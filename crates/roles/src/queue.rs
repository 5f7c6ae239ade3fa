//! The Bridge's queues, as blocks consume them.

use alloy::primitives::B256;
use fernet_follower::{FollowerError, QueueRanges, QueueRecord, RollupView, queued_operation};
use fernet_ledger::{Lanes, State, Store};
use fernet_protocol::{Header, L1Slot, Lane, QueueEntry, QueueRange, QueueRangeError};

use crate::error::RoleError;

/// The parts of the queues that a new block consumes: everything that it must, and of the rest what is at
/// least `depth` L1 slots old.
pub(crate) fn ranges_to_consume(view: &RollupView, cutoff: L1Slot, now: L1Slot, depth: u64) -> QueueRanges {
    QueueRanges::by_lane(|lane| {
        let required = view.queue_required(lane, cutoff);
        let available = view.queue_available(lane);
        let records = view.queue_in(lane, available).unwrap_or_default();
        let old = records.partition_point(|record| !is_young(record, now, depth)) as u64;
        QueueRange { from: available.from, to: required.to.max(available.from.saturating_add(old)) }
    })
}

/// The state at the tip, after everything that the next block can consume of the queues. Operations are
/// checked against it.
pub(crate) fn state_after_queue<S: Store>(mut state: State<S>, view: &RollupView) -> State<S> {
    // A block may consume forced exits before deposits.
    for lane in [Lane::Exits, Lane::Deposits] {
        for record in view.queue_in(lane, view.queue_available(lane)).unwrap_or_default() {
            // An operation that fails here is reported when the block is built.
            let applied = queued_operation(record).map(|queued| state.apply_queued(&queued));
            if !matches!(applied, Ok(Ok(_))) {
                break;
            }
        }
    }
    state
}

/// The rolling hash that a header names for the part of a lane; zero if the block consumes none of it.
pub(crate) fn chain_of(view: &RollupView, lane: Lane, range: QueueRange) -> B256 {
    // The ranges are parts of the queues that the view knows.
    view.queue_chain(lane, range.to).filter(|_| range.count() != 0).unwrap_or_default()
}

/// The operations of parts of the queues, in the ledger's types.
///
/// # Errors
/// When the ledger can't represent an operation.
pub fn queued_operations(view: &RollupView, ranges: QueueRanges) -> Result<Lanes, RoleError> {
    let records =
        Lane::ALL.iter().flat_map(|lane| view.queue_in(*lane, ranges.of(*lane)).unwrap_or_default());
    let lanes: Result<Lanes, _> = records.map(queued_operation).collect();
    Ok(lanes.map_err(FollowerError::from)?)
}

/// Checks what the header of a block on the tip consumes of the queues, as L1 does. What was queued before
/// `cutoff` must be consumed.
///
/// # Errors
/// Where the Bridge contract reverts.
pub fn check_consumption(
    view: &RollupView,
    header: &Header,
    cutoff: L1Slot,
) -> Result<QueueRanges, QueueRangeError> {
    let tip = view.tip();
    for lane in Lane::ALL {
        let queue = view.queue(lane);
        let entry = |number: u64| {
            let record = queue.get(usize::try_from(number).ok()?)?;
            Some(QueueEntry { chain: record.chain, queued_at: record.l1_slot })
        };
        let part = header.consumption(lane, tip.consumed(lane), view.parameters());
        part.check(cutoff, queue.len() as u64, entry)?;
    }
    Ok(QueueRanges::by_lane(|lane| QueueRange { from: tip.consumed(lane), to: header.queue_end(lane) }))
}

/// The first entry of the queues that a block takes although it is younger than `depth` L1 slots and was
/// queued at `cutoff` or later, so that the block need not take it. An L1 reorg that undoes the entry makes
/// the block invalid.
#[must_use]
pub fn voluntary_young_entry(
    view: &RollupView,
    ranges: &QueueRanges,
    cutoff: L1Slot,
    now: L1Slot,
    depth: u64,
) -> Option<(Lane, u64)> {
    Lane::ALL.into_iter().find_map(|lane| {
        let records = view.queue_in(lane, ranges.of(lane)).unwrap_or_default();
        let young = records.iter().find(|record| is_young(record, now, depth) && record.l1_slot >= cutoff)?;
        Some((lane, young.number))
    })
}

fn is_young(record: &QueueRecord, now: L1Slot, depth: u64) -> bool {
    record.l1_slot.plus(depth) > now
}
