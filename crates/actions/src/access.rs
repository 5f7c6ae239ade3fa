//! The L1, a deployment on it, and the units of that deployment.

use alloy::{eips::BlockNumberOrTag, primitives::Address, providers::Provider as _};
use fernet_bindings::IERC20;
use fernet_l1::{Deployment, L1Block, L1Provider, find_header};
use fernet_protocol::L1Slot;

use crate::{
    error::ActionError,
    units::{MAX_DECIMALS, Units},
};

/// A way to L1, with a verified deployment.
#[derive(Clone, Debug)]
pub struct L1Access {
    pub(crate) provider: L1Provider,
    pub(crate) deployment: Deployment,
    units: Units,
}

impl L1Access {
    /// Reads the token's symbol and decimals, and the current L1 slot. A token that doesn't tell its decimals
    /// is counted in its units.
    ///
    /// # Errors
    /// If the L1 doesn't answer.
    pub async fn new(provider: L1Provider, deployment: Deployment) -> Result<Self, ActionError> {
        let token = IERC20::new(deployment.contracts().token, provider.clone());
        let decimals = token.decimals().call().await.ok().filter(|decimals| *decimals <= MAX_DECIMALS);
        let symbol = token.symbol().call().await.ok().and_then(|symbol| Units::shown_symbol(&symbol));
        let unnamed = if decimals.is_some() { "tokens" } else { "token units" };
        let clock = deployment.clock();
        let units = Units {
            symbol: symbol.unwrap_or_else(|| unnamed.to_owned()),
            decimals: decimals.unwrap_or_default(),
            l2_unit: deployment.unit(),
            now: L1Slot::new(0),
            genesis_time: clock.genesis_time(),
            slot_seconds: clock.slot_seconds(),
        };
        let mut access = Self { provider, deployment, units };
        access.refresh().await?;
        Ok(access)
    }

    /// Looks at L1's newest block: from now on, times are told from there.
    ///
    /// # Errors
    /// If the L1 doesn't answer.
    pub async fn refresh(&mut self) -> Result<L1Block, ActionError> {
        let found = find_header(&self.provider, BlockNumberOrTag::Latest).await?;
        let found = found.ok_or(ActionError::NoBlock)?;
        let l1_slot = self.deployment.clock().slot_at(found.header.timestamp)?;
        self.units.now = l1_slot;
        Ok(L1Block {
            number: found.header.number,
            hash: found.hash,
            l1_slot,
            header: found.header,
            events: Vec::new(),
        })
    }

    /// The units of the deployment, as of the newest block looked at.
    #[must_use]
    pub fn units(&self) -> &Units {
        &self.units
    }

    /// The deployment.
    #[must_use]
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// The L1.
    #[must_use]
    pub fn provider(&self) -> &L1Provider {
        &self.provider
    }

    /// Tokens of an account, in token units.
    ///
    /// # Errors
    /// If the L1 doesn't answer.
    pub async fn tokens_of(&self, account: Address) -> Result<alloy::primitives::U256, ActionError> {
        let token = IERC20::new(self.deployment.contracts().token, self.provider.clone());
        token.balanceOf(account).call().await.map_err(|error| self.failed(error))
    }

    /// Ether of an account, in wei.
    ///
    /// # Errors
    /// If the L1 doesn't answer.
    pub async fn ether_of(&self, account: Address) -> Result<alloy::primitives::U256, ActionError> {
        self.provider.get_balance(account).await.map_err(ActionError::transport)
    }

    /// What a failed call of a contract means.
    pub(crate) fn failed(&self, error: alloy::contract::Error) -> ActionError {
        match error.as_revert_data() {
            Some(data) => ActionError::of_revert(&data, &self.units),
            None => match error {
                alloy::contract::Error::TransportError(error) => ActionError::transport(error),
                other => ActionError::L1 { message: other.to_string() },
            },
        }
    }
}
