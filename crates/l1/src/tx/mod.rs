//! Transactions as intents.
//!
//! A missed window costs money. So a transaction is an [`Intent`], with a window of L1 slots and a maximum of
//! fees. [`TxManager`] writes an intent to disk before anything leaves the process. It simulates the
//! transaction in the next block, chooses nonce and fees, and replaces the transaction if it isn't included.
//! When the window closes, a no-op uses the nonce. After a reorg or a restart the manager first compares its
//! records with the chain.
//!
//! There are no timers: [`TxManager::tick`] is called once per L1 block and does everything that this block
//! makes possible, in the order in which intents were submitted. An account belongs to one manager at a time.

mod chain;
mod fees;
mod intent;
mod manager;
mod nonces;
mod record;
mod settle;
mod sign;
mod store;
mod stored;

pub use fees::{BLOB_PRICE_BUMP_PERCENT, FeeEstimate, Fees, MaxTotalFeeExceeded, PRICE_BUMP_PERCENT, Usage};
pub use intent::{
    FailureReason, Inclusion, Intent, IntentKey, IntentKeyError, NonceUse, PendingStage, TxOutcome, TxStatus,
    WaitReason, WhenReverting,
};
pub use manager::{TickReport, TxConfig, TxError, TxManager};
pub use sign::{Accounts, TransactionSigner};
pub use store::{StoreError, TxStore, rewrite_record};
pub use stored::{Purpose, StoredIntent, StoredTransaction};
