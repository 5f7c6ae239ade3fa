//! Provers' escrow: balances, and the actions of provers.

use alloy::{
    primitives::{Address, U256},
    sol_types::SolCall,
};
use fernet_bindings::{IEscrow, IReader};
use fernet_protocol::L1Slot;
use serde::Serialize;

use crate::{
    access::L1Access,
    action::Action,
    error::ActionError,
    units::{Amount, AmountError, Moment},
};

/// A prover's balances as of L1's newest block, in token units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EscrowStatus {
    /// The prover.
    pub account: Address,
    /// Can be locked as a bond.
    pub free: Amount,
    /// Bonds of slots that aren't over.
    pub locked: Amount,
    /// Requested back.
    pub requested: Amount,
    /// First L1 slot in which that can be withdrawn.
    pub withdrawable_from: Option<Moment>,
    /// Whether it can be withdrawn now.
    pub withdrawable: bool,
    /// Further bonds of the least size that the free balance covers.
    pub affordable_bonds: String,
    /// Least bond of a block.
    pub least_bond: Amount,
    /// Key that signs the account's quotes beside its own.
    pub signer: Option<Address>,
    /// Change of that key that hasn't taken effect.
    pub pending_signer: Option<PendingSigner>,
    /// Tokens in the account's own hands.
    pub tokens: Amount,
    /// Ether of the account for fees, in wei.
    pub wei: Amount,
    /// Rewards that it is owed.
    pub rewards: Amount,
}

/// A change of the key that signs an account's quotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingSigner {
    /// The key that will count; none if it is removed.
    pub signer: Option<Address>,
    /// First L1 slot in which it counts.
    pub from: Moment,
}

/// The state of a prover's escrow.
///
/// # Errors
/// If the L1 doesn't answer.
pub async fn status(access: &L1Access, account: Address) -> Result<EscrowStatus, ActionError> {
    let contracts = access.deployment.contracts();
    let reader = IReader::new(contracts.reader, access.provider.clone());
    let escrow = IEscrow::new(contracts.escrow, access.provider.clone());
    let failed = |error| access.failed(error);
    let view = reader.escrow(account).call().await.map_err(failed)?;
    let rewards = reader.rewards(account).call().await.map_err(failed)?;
    let pending = escrow.pendingSigner(account).call().await.map_err(failed)?;
    let named = |address: Address| (!address.is_zero()).then_some(address);
    let balances = view.account;
    let is_requested = balances.withdrawing != 0;
    let at = |l1_slot: u64| access.units().at(L1Slot::new(l1_slot));
    Ok(EscrowStatus {
        account,
        free: balances.free.into(),
        locked: balances.locked.into(),
        requested: balances.withdrawing.into(),
        withdrawable_from: is_requested.then(|| at(balances.withdrawableFrom)),
        withdrawable: view.withdrawable,
        affordable_bonds: view.affordableBonds.to_string(),
        least_bond: access.deployment.parameters().min_bond.get().into(),
        signer: named(view.signer),
        pending_signer: (pending.from != 0)
            .then(|| PendingSigner { signer: named(pending.signer), from: at(pending.from) }),
        tokens: Amount(access.tokens_of(account).await?),
        wei: Amount(access.ether_of(account).await?),
        rewards: Amount(rewards.owed),
    })
}

fn action(access: &L1Access, name: &'static str, call: &impl SolCall, what: String) -> Action {
    Action::new(name, access.deployment.contracts().escrow, call, what)
}

fn narrow(access: &L1Access, amount: U256) -> Result<u128, AmountError> {
    u128::try_from(amount).map_err(|_| AmountError::TooHigh { text: access.units().number(amount) })
}

/// Adds token units to the escrow of a prover.
///
/// # Errors
/// If the amount has more than 128 bits.
pub fn deposit(access: &L1Access, account: Address, amount: U256) -> Result<Action, ActionError> {
    let call = IEscrow::depositCall { account, amount: narrow(access, amount)? };
    let what = format!("deposit {} in the escrow of {account}", access.units().tokens(amount));
    Ok(action(access, "escrow-deposit", &call, what).taking(amount))
}

/// Requests token units of the free balance back.
///
/// # Errors
/// If the amount has more than 128 bits.
pub fn request_withdrawal(access: &L1Access, amount: U256) -> Result<Action, ActionError> {
    let call = IEscrow::requestWithdrawalCall { amount: narrow(access, amount)? };
    let delay = access.units().span(access.deployment.escrow_withdrawal_delay());
    let shown = access.units().tokens(amount);
    let what = format!("request {shown} back from the escrow; it can be withdrawn after {delay}");
    Ok(action(access, "escrow-request", &call, what))
}

/// Pays what was requested back.
#[must_use]
pub fn withdraw(access: &L1Access, requested: U256, to: Address) -> Action {
    let what = format!("withdraw {} from the escrow to {to}", access.units().tokens(requested));
    action(access, "escrow-withdraw", &IEscrow::withdrawCall { to }, what)
}

/// Names a key that signs the sender's quotes, or none.
#[must_use]
pub fn set_signer(access: &L1Access, signer: Option<Address>) -> Action {
    let what = match signer {
        Some(signer) => format!("let the key of {signer} sign quotes of the sender"),
        None => "let no other key sign quotes of the sender".to_owned(),
    };
    let call = IEscrow::setSignerCall { signer: signer.unwrap_or(Address::ZERO) };
    action(access, "set-signer", &call, what)
}
