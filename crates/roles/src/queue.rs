//! The Bridge's queue, as blocks consume it.

use fernet_follower::{FollowerError, Ledger, RollupView, queued_operation};
use fernet_ledger::{QueuedOperation, State};
use fernet_protocol::{L1Slot, QueueRange};

use crate::error::RoleError;

/// The part of the queue that a new block consumes: everything that it must, and of the rest what is at least
/// `depth` L1 slots old.
pub(crate) fn range_to_consume(view: &RollupView, cutoff: L1Slot, now: L1Slot, depth: u64) -> QueueRange {
    let required = view.queue_required(cutoff);
    let available = view.queue_available();
    let records = view.queue_in(available).unwrap_or_default();
    let old = records.partition_point(|record| record.l1_slot.plus(depth) <= now) as u64;
    QueueRange { from: available.from, to: required.to.max(available.from.saturating_add(old)) }
}

/// The state after everything that the next block can consume of the queue. Operations are checked against
/// it.
pub(crate) fn state_after_queue<'a>(ledger: &'a Ledger, view: &RollupView) -> State<&'a Ledger> {
    let mut state = ledger.state();
    for record in view.queue_in(view.queue_available()).unwrap_or_default() {
        // An operation that fails here is reported when the block is built.
        let applied = queued_operation(record).map(|queued| state.apply_queued(&queued));
        if !matches!(applied, Ok(Ok(_))) {
            break;
        }
    }
    state
}

/// The operations of a range of the queue, in the ledger's types.
///
/// # Errors
/// When the ledger can't represent an operation.
pub fn queued_operations(view: &RollupView, range: QueueRange) -> Result<Vec<QueuedOperation>, RoleError> {
    let records = view.queue_in(range).unwrap_or_default();
    let queued: Result<_, _> = records.iter().map(queued_operation).collect();
    Ok(queued.map_err(FollowerError::from)?)
}
