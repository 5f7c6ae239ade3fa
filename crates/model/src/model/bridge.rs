//! The queue of deposits and forced exits.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256, U256, uint};
use fernet_bindings::IBridge;
use fernet_protocol::{Deposit, Exit, L1Operation, L1Slot, QueueRange, QueueRangeError};

use super::{Model, Outcome, refusal, refuse};
use crate::blobs::ORDER;

/// Coefficient d of Jubjub's curve equation.
const D: U256 = uint!(0x2a9318e74bfa2b48f5fd9207e6bd7fd4292d7f6d37579d2601065fd6d6343eb1_U256);

/// The queue of L1 operations, and the L2 accounts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bridge {
    /// Rolling hash and L1 slot after each number of operations.
    queue: Vec<(B256, L1Slot)>,
    indices: BTreeMap<(Address, U256, U256), u32>,
    /// Owner of each account from index 1, and whether its exit may be queued.
    pub(crate) accounts: Vec<(Address, bool)>,
    pub(crate) supply: u64,
    /// Claimed withdrawals: slot, blob and element.
    pub(crate) claimed: BTreeSet<(u64, U256, U256)>,
}

/// Whether (x, y) is a point of Jubjub with x ≠ 0, in canonical coordinates.
fn is_key(x: U256, y: U256) -> bool {
    let mul = |a: U256, b: U256| a.mul_mod(b, ORDER);
    let (xx, yy) = (mul(x, x), mul(y, y));
    !x.is_zero()
        && x < ORDER
        && y < ORDER
        && yy == xx.add_mod(U256::ONE.add_mod(mul(D, mul(xx, yy)), ORDER), ORDER)
}

impl Bridge {
    pub(crate) fn count(&self) -> u64 {
        self.queue.len() as u64
    }

    /// Rolling hash of the first `n` operations. There must be at least `n`.
    pub(crate) fn chain(&self, n: u64) -> B256 {
        let index = usize::try_from(n).unwrap_or(usize::MAX).wrapping_sub(1);
        self.queue.get(index).map(|(chain, _)| *chain).unwrap_or_default()
    }
}

impl Model {
    pub(super) fn deposit(&mut self, call: &IBridge::depositCall) -> Outcome {
        let IBridge::depositCall { owner, keyX: x, keyY: y, amount } = *call;
        if owner.is_zero() {
            return refuse(IBridge::ZeroAddress {});
        }
        if amount < self.rules.min_deposit {
            return refuse(IBridge::AmountTooLow { minimum: self.rules.min_deposit, actual: amount });
        }
        if !is_key(x, y) {
            return refuse(IBridge::InvalidKey { keyX: x, keyY: y });
        }
        let Some(supply) = self.bridge.supply.checked_add(amount) else {
            let actual = U256::from(self.bridge.supply) + U256::from(amount);
            return refuse(IBridge::SupplyTooHigh { maximum: u64::MAX, actual });
        };
        self.bridge.supply = supply;
        let fresh = self.bridge.accounts.len() as u32 + 1;
        let index = *self.bridge.indices.entry((owner, x, y)).or_insert(fresh);
        if index == fresh {
            self.bridge.accounts.push((owner, true));
        } else {
            self.bridge.accounts[index as usize - 1].1 = true;
        }
        let (number, chain) =
            self.enqueue(L1Operation::Deposit(Deposit { index, amount, key_x: x, key_y: y }));
        let (from, now) = (self.frame.sender, self.frame.now.get());
        self.emit(
            self.at.bridge,
            IBridge::Deposited { number, index, owner, from, keyX: x, keyY: y, amount, chain, l1Slot: now },
        );
        self.transfer(from, self.at.bridge, u128::from(amount) * u128::from(self.rules.unit))
    }

    pub(super) fn force_exit(&mut self, index: u32, to: Address) -> Outcome {
        if to.is_zero() {
            return refuse(IBridge::ZeroAddress {});
        }
        let sender = self.frame.sender;
        let account = (index as usize).checked_sub(1).and_then(|i| self.bridge.accounts.get_mut(i));
        let Some((owner, may_exit)) = account else {
            return refuse(IBridge::UnknownAccount { index });
        };
        if *owner != sender {
            return refuse(IBridge::NotOwner { expected: *owner, actual: sender });
        }
        if !*may_exit {
            return refuse(IBridge::ExitUsed { index });
        }
        *may_exit = false;
        let (number, chain) = self.enqueue(L1Operation::Exit(Exit { index, to }));
        let now = self.frame.now.get();
        self.emit(
            self.at.bridge,
            IBridge::ExitForced { number, index, owner: sender, to, chain, l1Slot: now },
        );
        Ok(())
    }

    fn enqueue(&mut self, operation: L1Operation) -> (u64, B256) {
        let number = self.bridge.count();
        let chain = operation.chain(self.bridge.chain(number));
        self.bridge.queue.push((chain, self.frame.now));
        (number, chain)
    }

    /// Whether a block may consume the queue up to `to`.
    pub(super) fn check_consumption(&self, from: u64, to: u64, cutoff: L1Slot) -> Outcome {
        let queue = &self.bridge.queue;
        let queued_at = |n: u64| usize::try_from(n).ok().and_then(|n| queue.get(n)).map(|(_, at)| *at);
        let maximum = u64::from(self.rules.parameters.max_deposits);
        QueueRange { from, to }.check(maximum, cutoff, self.bridge.count(), queued_at).map_err(
            |why| match why {
                QueueRangeError::OutOfRange { from, to, count } => {
                    refusal(IBridge::QueueOutOfRange { from, to, count })
                }
                QueueRangeError::TooMany { maximum, actual } => {
                    refusal(IBridge::TooManyOperations { maximum, actual })
                }
                QueueRangeError::NotConsumed { required, actual } => {
                    refusal(IBridge::OperationsNotConsumed { required, actual })
                }
            },
        )
    }
}
