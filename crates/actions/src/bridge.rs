//! The Bridge: deposits, forced exits and claims of withdrawals.

use alloy::primitives::{Address, U256};
use fernet_bindings::{IBridge, WithdrawalProof};

use crate::{access::L1Access, action::Action, error::ActionError};

/// An L2 account's key as the Bridge takes it: a point of Jubjub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyCoordinates {
    /// First coordinate.
    pub x: U256,
    /// Second coordinate.
    pub y: U256,
}

/// Index of the L2 account of an owner and a key; `None` without a deposit to it.
///
/// # Errors
/// If the L1 doesn't answer.
pub async fn account_of(
    access: &L1Access,
    owner: Address,
    key: KeyCoordinates,
) -> Result<Option<u32>, ActionError> {
    let bridge = IBridge::new(access.deployment.contracts().bridge, access.provider.clone());
    let index = bridge.accountOf(owner, key.x, key.y).call().await.map_err(|error| access.failed(error))?;
    Ok((index != 0).then_some(index))
}

/// Owner of an L2 account on L1; `None` if there is no such account.
///
/// # Errors
/// If the L1 doesn't answer.
pub async fn owner_of(access: &L1Access, index: u32) -> Result<Option<Address>, ActionError> {
    let bridge = IBridge::new(access.deployment.contracts().bridge, access.provider.clone());
    let found = bridge.account(index).call().await.map_err(|error| access.failed(error))?;
    Ok((!found.owner.is_zero()).then_some(found.owner))
}

/// Deposits L2 units to the L2 account of an owner and a key, and creates it if there is none.
#[must_use]
pub fn deposit(access: &L1Access, owner: Address, key: KeyCoordinates, amount: u64) -> Action {
    let units = access.units();
    let what = format!("deposit {} to the L2 account of {owner}", units.l2_tokens(amount));
    let call = IBridge::depositCall { owner, keyX: key.x, keyY: key.y, amount };
    Action::new("bridge-deposit", access.deployment.contracts().bridge, &call, what)
        .taking(units.of_l2(amount))
}

/// Forces the whole balance of an L2 account out to L1.
#[must_use]
pub fn force_exit(access: &L1Access, index: u32, to: Address) -> Action {
    let what = format!("force the whole balance of L2 account {index} out to {to}");
    let call = IBridge::forceExitCall { index, to };
    Action::new("force-exit", access.deployment.contracts().bridge, &call, what)
}

/// Claims a withdrawal or a forced exit of `amount` L2 units for `target`.
#[must_use]
pub fn claim(access: &L1Access, proof: WithdrawalProof, target: Address, amount: u64) -> Action {
    let shown = access.units().l2_tokens(amount);
    let what =
        format!("claim the withdrawal of {shown} to {target} in the block of slot {}", proof.header.slot);
    Action::new("bridge-claim", access.deployment.contracts().bridge, &IBridge::claimCall { proof }, what)
}
