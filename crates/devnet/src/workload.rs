//! The L2 operations that a devnet sends: transfers in each slot, and the withdrawal that ends the run.

use alloy::primitives::Address;
use fernet_ledger::{SignedOperation, Store, block::PendingWithdrawal};
use fernet_protocol::Slot;

use crate::{
    fault::{FaultKind, FaultPlan},
    setup::USER_DEPOSIT,
    traffic::Traffic,
};

/// Share of a user's deposit that is withdrawn in the end: a tenth.
const WITHDRAWN_SHARE: u64 = 10;

/// What is sent when.
#[derive(Debug)]
pub(crate) struct Workload {
    traffic: Traffic,
    transfers_per_slot: u32,
    /// Receiver of the withdrawal: the first user's L1 account.
    receiver: Address,
    /// The slot that transfers were last sent for.
    sent_for: Option<Slot>,
    withdrawal: WithdrawalState,
}

/// How far the withdrawal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WithdrawalState {
    /// Its slot hasn't come.
    Waiting,
    /// It was sent.
    Sent,
}

/// How long the run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schedule {
    /// For the planned slots, or without an end.
    Planned {
        /// First of the planned slots.
        first: Slot,
        /// How many there are, if the run has an end.
        slots: Option<u64>,
    },
    /// The user asked for the end: only the withdrawal is sent.
    Stopping,
}

impl Workload {
    pub(crate) fn new(traffic: Traffic, transfers_per_slot: u32, receiver: Address) -> Self {
        Self { traffic, transfers_per_slot, receiver, sent_for: None, withdrawal: WithdrawalState::Waiting }
    }

    /// Takes note of a finalized state.
    pub(crate) fn settle(&mut self, state: &impl Store) {
        self.traffic.settle(state);
    }

    /// The operations to send for `slot`, the slot of the next L1 block. A second call for a slot returns
    /// none.
    pub(crate) fn operations(
        &mut self,
        slot: Slot,
        schedule: Schedule,
        faults: &FaultPlan,
    ) -> Vec<SignedOperation> {
        let Schedule::Planned { first, slots } = schedule else {
            return self.withdraw().into_iter().collect();
        };
        if self.sent_for == Some(slot) {
            return Vec::new();
        }
        self.sent_for = Some(slot);
        let mut operations = self.traffic.transfers(self.transfers_per_slot);
        let planned = slots.map(|slots| first.get()..first.get().saturating_add(slots));
        if planned.is_some_and(|planned| slot.get() >= last_with_a_block(faults, planned)) {
            operations.extend(self.withdraw());
        }
        operations
    }

    /// The first user takes part of the deposit back to L1, once.
    fn withdraw(&mut self) -> Option<SignedOperation> {
        if self.withdrawal == WithdrawalState::Sent {
            return None;
        }
        let operation = self.traffic.withdrawal(0, self.receiver, USER_DEPOSIT / WITHDRAWN_SHARE);
        if operation.is_some() {
            self.withdrawal = WithdrawalState::Sent;
        }
        operation
    }

    /// Whether `withdrawal` is the one that was sent.
    pub(crate) fn is_sent(&self, withdrawal: &PendingWithdrawal) -> bool {
        self.withdrawal == WithdrawalState::Sent
            && withdrawal.target == self.receiver
            && withdrawal.amount == USER_DEPOSIT / WITHDRAWN_SHARE
    }
}

/// The last of the planned slots in which no fault prevents every block; the first one if there is none.
fn last_with_a_block(faults: &FaultPlan, planned: std::ops::Range<u64>) -> u64 {
    let first = planned.start;
    planned.rev().find(|slot| !faults.has(*slot, FaultKind::NoBackup)).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_withdrawal_goes_into_the_last_slot_that_gets_a_block() {
        let plan = |text: &str| text.parse::<FaultPlan>().unwrap();
        assert_eq!(last_with_a_block(&plan(""), 0..3), 2);
        assert_eq!(last_with_a_block(&plan("no-proof@2"), 0..3), 2);
        assert_eq!(last_with_a_block(&plan("no-proposal@2,no-backup@2"), 0..3), 1);
        assert_eq!(last_with_a_block(&plan("no-proposal@0,no-backup@0"), 0..1), 0);
    }
}
