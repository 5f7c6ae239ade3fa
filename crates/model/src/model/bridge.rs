//! The queues of deposits and forced exits.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256, U256, uint};
use fernet_bindings::{self as abi, IBridge};
use fernet_protocol::{
    Consumption, Deposit, Exit, Header, L1Operation, L1Slot, Lane, QueueEntry, QueueRangeError,
};

use super::{Model, Outcome, refusal, refuse};
use crate::{blobs::ORDER, rules::Planted};

/// Coefficient d of Jubjub's curve equation.
const D: U256 = uint!(0x2a9318e74bfa2b48f5fd9207e6bd7fd4292d7f6d37579d2601065fd6d6343eb1_U256);

/// The lanes of L1 operations, and the L2 accounts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bridge {
    deposits: Vec<QueueEntry>,
    exits: Vec<QueueEntry>,
    indices: BTreeMap<(Address, U256, U256), u32>,
    /// Owner of each account from index 1, and the number of deposits that must be consumed before its exit;
    /// 0 if there was no deposit since the last one.
    pub(crate) accounts: Vec<(Address, u64)>,
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
    fn queue(&self, lane: Lane) -> &[QueueEntry] {
        match lane {
            Lane::Deposits => &self.deposits,
            Lane::Exits => &self.exits,
        }
    }

    /// Number of operations in a lane.
    pub(crate) fn count(&self, lane: Lane) -> u64 {
        self.queue(lane).len() as u64
    }

    /// Rolling hash of the first `n` operations of a lane. There must be at least `n`.
    pub(crate) fn chain(&self, lane: Lane, n: u64) -> B256 {
        let index = usize::try_from(n).unwrap_or(usize::MAX).wrapping_sub(1);
        self.queue(lane).get(index).map(|entry| entry.chain).unwrap_or_default()
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
            self.bridge.accounts.push((owner, 0));
        }
        let deposits = self.bridge.count(Lane::Deposits) + 1;
        let exitable_from = &mut self.bridge.accounts[index as usize - 1].1;
        if *exitable_from == 0 || self.rules.breaks(Planted::ExitAfterLastDeposit) {
            *exitable_from = deposits;
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
        let consumed = self.rollup.tip.depositsEnd;
        let waits = !self.rules.breaks(Planted::ExitBeforeDeposit);
        let account = (index as usize).checked_sub(1).and_then(|i| self.bridge.accounts.get_mut(i));
        let Some((owner, exitable_from)) = account else {
            return refuse(IBridge::UnknownAccount { index });
        };
        if *owner != sender {
            return refuse(IBridge::NotOwner { expected: *owner, actual: sender });
        }
        let required = *exitable_from;
        if required == 0 {
            return refuse(IBridge::ExitUsed { index });
        }
        if required > consumed && waits {
            return refuse(IBridge::DepositPending { required, consumed });
        }
        *exitable_from = 0;
        let (number, chain) = self.enqueue(L1Operation::Exit(Exit { index, to }));
        let now = self.frame.now.get();
        self.emit(
            self.at.bridge,
            IBridge::ExitForced { number, index, owner: sender, to, chain, l1Slot: now },
        );
        Ok(())
    }

    fn enqueue(&mut self, operation: L1Operation) -> (u64, B256) {
        let lane = operation.lane();
        let number = self.bridge.count(lane);
        let chain = operation.chain(self.bridge.chain(lane, number));
        let queue = match lane {
            Lane::Deposits => &mut self.bridge.deposits,
            Lane::Exits => &mut self.bridge.exits,
        };
        queue.push(QueueEntry { chain, queued_at: self.frame.now });
        (number, chain)
    }

    /// Operations of a lane that blocks have consumed.
    pub(crate) fn consumed(&self, lane: Lane) -> u64 {
        match lane {
            Lane::Deposits => self.rollup.tip.depositsEnd,
            Lane::Exits => self.rollup.tip.exitsEnd,
        }
    }

    /// Whether a block may consume the operations that its header names, in a slot after one that started in
    /// `cutoff`.
    pub(super) fn check_consumption(&self, header: &abi::Header, cutoff: L1Slot) -> Outcome {
        let header = Header::from(header.clone());
        for lane in Lane::ALL {
            let named = header.consumption(lane, self.consumed(lane), &self.rules.parameters);
            let is_none = named.from == named.to;
            let chain = match self.rules.planted {
                Some(Planted::AnyChain) if !is_none => self.bridge.chain(lane, named.to),
                Some(Planted::ChainWithoutConsumption) if is_none && named.chain.is_zero() => {
                    B256::repeat_byte(1)
                }
                _ => named.chain,
            };
            let entry = |n: u64| self.bridge.queue(lane).get(usize::try_from(n).ok()?).copied();
            Consumption { chain, ..named }.check(cutoff, self.bridge.count(lane), entry).map_err(refused)?;
        }
        Ok(())
    }
}

fn refused(why: QueueRangeError) -> super::Refusal {
    match why {
        QueueRangeError::OutOfRange { lane, from, to, count } => {
            refusal(IBridge::QueueOutOfRange { lane: lane.into(), from, to, count })
        }
        QueueRangeError::TooMany { lane, maximum, actual } => {
            refusal(IBridge::TooManyOperations { lane: lane.into(), maximum, actual })
        }
        QueueRangeError::NotConsumed { lane, required, actual } => {
            refusal(IBridge::OperationsNotConsumed { lane: lane.into(), required, actual })
        }
        QueueRangeError::WrongChain { lane, expected, actual } => {
            refusal(IBridge::WrongChain { lane: lane.into(), expected, actual })
        }
    }
}
