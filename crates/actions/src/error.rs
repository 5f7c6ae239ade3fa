//! Why an action can't be done.

use alloy::{
    primitives::{Address, TxHash},
    transports::TransportError,
};
use fernet_bindings::decode_revert;
use fernet_l1::{DeploymentError, HeaderError, IntentKeyError, StoreError, TxError, redact};
use fernet_protocol::ClockError;

use crate::{
    explain::{Refusal, explain},
    units::{AmountError, Units},
};

/// Why an action can't be done, or a state can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// A contract refuses, and this is what that means.
    #[error(transparent)]
    Refused(Refusal),
    /// A contract refuses with an error that has no explanation here.
    #[error("the contract refuses: {reason}")]
    Reverted { reason: String },
    /// The account has too few tokens.
    #[error("{account} has {actual}, the transaction takes {needed}")]
    InsufficientTokens { account: Address, needed: String, actual: String },
    /// The account can't pay the fees.
    #[error("{account} has {actual} ether, the transaction may cost {needed} in fees")]
    InsufficientEther { account: Address, needed: String, actual: String },
    /// Another process sends from this account.
    #[error(
        "{account} has {pending} transactions in the pool that this store did not send: \
         wait until they land, or stop the process that sends from this account"
    )]
    ForeignTransactions { account: Address, pending: u64 },
    /// The transaction was included and failed.
    #[error("transaction {hash} was included and failed: {reason}")]
    Failed { hash: TxHash, reason: String },
    /// The transaction wasn't included in time.
    #[error("the transaction was not included within its {window} and was withdrawn; nothing was done")]
    Expired { window: String },
    /// It was withdrawn.
    #[error("the transaction was withdrawn; nothing was done")]
    Withdrawn,
    /// There is no such sequencer.
    #[error("sequencer {id} isn't registered: the last one is {last}")]
    UnknownSequencer { id: u32, last: u32 },
    /// The BLS key isn't the sequencer's.
    #[error("the BLS key isn't that of sequencer {id}")]
    WrongBlsKey { id: u32 },
    /// The slot lies ahead.
    #[error("slot {slot} has not begun: the slot in turn is {current}")]
    SlotAhead { slot: u64, current: u64 },
    /// A contract's answer is no value that its interface allows.
    #[error("malformed answer of the contracts: {message}")]
    Malformed { message: String },
    /// The L1 has no block.
    #[error("the L1 node has no block")]
    NoBlock,
    /// The L1 didn't answer, or not as it must.
    #[error("L1: {message}")]
    L1 { message: String },
    /// An amount can't be read.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// The deployment can't be used.
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    /// A header can't be read.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The L1's time has no L1 slot.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The store of transactions failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The transaction manager failed.
    #[error(transparent)]
    Tx(#[from] TxError),
    /// The name of an intent is too long.
    #[error(transparent)]
    Key(#[from] IntentKeyError),
}

impl ActionError {
    /// Whether the same may succeed later without a change of anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::L1 { .. } | Self::NoBlock => true,
            Self::Deployment(error) => error.is_retryable(),
            Self::Header(error) => error.is_retryable(),
            Self::Tx(error) => error.is_retryable(),
            _ => false,
        }
    }

    /// The error that a call reverted with.
    pub(crate) fn of_revert(data: &[u8], units: &Units) -> Self {
        match explain(data, units) {
            Some(refusal) => Self::Refused(refusal),
            None => Self::Reverted { reason: decode_revert(data).to_string() },
        }
    }

    pub(crate) fn transport(error: TransportError) -> Self {
        Self::L1 { message: redact(&error.to_string()) }
    }
}
