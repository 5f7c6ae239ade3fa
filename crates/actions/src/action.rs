//! A call that somebody wants to make.

use alloy::{
    primitives::{Address, Bytes, U256, hex, keccak256},
    sol_types::SolCall,
};
use fernet_bindings::IERC20;
use fernet_l1::{IntentKey, IntentKeyError};

/// A call of one of the contracts, and what it takes of its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Name of the action, such as `register`.
    pub name: &'static str,
    /// Contract called.
    pub to: Address,
    /// Calldata.
    pub calldata: Bytes,
    /// Token units that the contract takes from the sender, which must have approved them.
    pub takes: U256,
    /// What it does, for whoever must agree: `deposit 20 FDEV in the escrow of 0x…`.
    pub description: String,
}

impl Action {
    /// A call that takes no tokens.
    pub(crate) fn new(name: &'static str, to: Address, call: &impl SolCall, description: String) -> Self {
        Self { name, to, calldata: call.abi_encode().into(), takes: U256::ZERO, description }
    }

    /// The same call, which takes `amount` token units.
    pub(crate) fn taking(self, amount: U256) -> Self {
        Self { takes: amount, ..self }
    }

    /// Lets `spender` take `amount` token units of the sender's.
    pub(crate) fn approve(token: Address, spender: Address, amount: U256, shown: &str) -> Self {
        let call = IERC20::approveCall { spender, value: amount };
        Self::new("approve", token, &call, format!("allow {spender} to take {shown}"))
    }

    /// Key of the intent of its `number`th time. Equal actions have equal keys: that is how an interrupted
    /// one is found again.
    pub(crate) fn key(&self, number: u64) -> Result<IntentKey, IntentKeyError> {
        let what = keccak256([self.to.as_slice(), &self.calldata].concat());
        let what = what.get(..8).unwrap_or_default();
        IntentKey::new(format!("{}/{}/{number}", self.name, hex::encode(what)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_actions_share_their_key_and_others_do_not() {
        let approve =
            |amount: u64| Action::approve(Address::ZERO, Address::ZERO, U256::from(amount), "something");
        assert_eq!(approve(1).key(0), approve(1).key(0));
        assert_ne!(approve(1).key(0), approve(1).key(1));
        assert_ne!(approve(1).key(0), approve(2).key(0));
        assert!(approve(1).key(0).unwrap().as_str().starts_with("approve/"));
    }
}
