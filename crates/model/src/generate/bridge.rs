//! Deposits and forced exits.

use alloy::primitives::{Address, B256, U256, uint};
use fernet_bindings::IBridge;

use super::Generator;
use crate::{call::Call, model::Model};

/// The generator of Jubjub's subgroup of prime order, and its double.
const KEYS: [(U256, U256); 2] = [
    (
        uint!(0x11dafe5d23e1218086a365b99fbf3d3be72f6afd7d1f72623e6b071492d1122b_U256),
        uint!(0x1d523cf1ddab1a1793132e78c866c0c33e26ba5cc220fed7cc3f870e59d292aa_U256),
    ),
    (
        uint!(0x422aa5019e2b74d23b9f975158ab150bc4cc70d281a909df8a8a9a5debe99dcd_U256),
        uint!(0x010605562d77b78bc4b7ca1ea62681c850b71e55c81be7bdb8c9285cc60c9d31_U256),
    ),
];

/// A deposit to an owner with one of the keys.
pub(super) fn deposit(owner: Address, key: usize, amount: u64) -> Call {
    let (x, y) = KEYS[key];
    Call::Deposit(IBridge::depositCall { owner, keyX: x, keyY: y, amount })
}

impl Generator {
    /// Indices of the L2 accounts whose owners may force an exit.
    pub(super) fn exitable(model: &Model) -> Vec<usize> {
        let consumed = model.rollup.tip.depositsEnd;
        let may_exit =
            |(index, (_, from)): (usize, &(Address, u64))| (*from != 0 && *from <= consumed).then_some(index);
        (1..).zip(&model.bridge.accounts).filter_map(may_exit).collect()
    }

    pub(super) fn of_bridge(&mut self, model: &Model) -> (Address, Vec<B256>, Call) {
        let accounts = model.bridge.accounts.clone();
        let sender = self.owner();
        let headers = self.with_withdrawals(model);
        if !headers.is_empty() && self.chance(50) {
            return (sender, Vec::new(), self.withdrawal(model, headers));
        }
        let exitable = Self::exitable(model);
        let exit = if exitable.is_empty() { 40 } else { 75 };
        if !accounts.is_empty() && self.chance(exit) {
            let index = match exitable.is_empty() || self.chance(25) {
                true => self.below(accounts.len() + 2),
                false => self.one_of(&exitable),
            };
            let known = index.checked_sub(1).and_then(|i| accounts.get(i));
            let owner = known.map_or(sender, |(owner, _)| *owner);
            let sender = if self.chance(85) { owner } else { sender };
            let to = self.perhaps_zero(sender);
            return (sender, Vec::new(), Call::ForceExit(IBridge::forceExitCall { index: index as u32, to }));
        }
        let (mut x, y) = self.one_of(&KEYS);
        if self.chance(5) {
            x += U256::ONE;
        }
        let amount = if self.chance(3) { u64::MAX } else { self.below_u64(60) };
        let owner = self.owner();
        let owner = self.perhaps_zero(owner);
        (sender, Vec::new(), Call::Deposit(IBridge::depositCall { owner, keyX: x, keyY: y, amount }))
    }
}
