//! Rewards: what accounts are owed, and their claims.

use alloy::primitives::{Address, U256};
use fernet_bindings::{IReader, IRewards};

use crate::{access::L1Access, action::Action, error::ActionError};

/// What an account is owed and what a claim would pay now, in token units.
///
/// # Errors
/// If the L1 doesn't answer.
pub async fn owed(access: &L1Access, account: Address) -> Result<(U256, U256), ActionError> {
    let reader = IReader::new(access.deployment.contracts().reader, access.provider.clone());
    let view = reader.rewards(account).call().await.map_err(|error| access.failed(error))?;
    Ok((view.owed, view.claimable))
}

/// Pays the sender's rewards to an account.
#[must_use]
pub fn claim(access: &L1Access, to: Address) -> Action {
    let call = IRewards::claimCall { to };
    let what = format!("claim the sender's rewards to {to}");
    Action::new("claim-rewards", access.deployment.contracts().rewards, &call, what)
}
