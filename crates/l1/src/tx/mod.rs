//! Transactions as intents.
//!
//! Every window that is missed costs money, so a transaction is not something that is sent and forgotten but an
//! [`Intent`] with a window of L1 slots and a worth. [`TxManager`] writes it to disk before anything leaves the
//! process, simulates it as part of the next block, gives it a nonce and fees, replaces it when it isn't taken, gives
//! its nonce to a no-op when its window closes, notices when a reorg undoes it, and after a restart asks the chain
//! first what became of it.
//!
//! There are no timers: [`TxManager::tick`] is called once per L1 block and does everything that this block makes
//! possible, in the order in which intents were submitted. An account belongs to one manager at a time.

mod chain;
mod fees;
mod intent;
mod manager;
mod nonces;
mod record;
mod settle;
mod sign;
mod store;

pub use fees::{BLOB_REPLACEMENT_RAISE, Fees, Market, OverCeiling, REPLACEMENT_RAISE, Usage};
pub use intent::{
    FailureReason, Intent, IntentKey, KeyError, Stage, TxOutcome, TxStatus, WaitReason, WhenReverting,
};
pub use manager::{TickReport, TxConfig, TxError, TxManager};
pub use sign::{Accounts, TransactionSigner};
pub use store::{StoreError, TxStore, rewrite_record};
