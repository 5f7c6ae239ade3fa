//! Intents as a store has them, for those who look at it from outside.

use alloy::primitives::{Address, B256, Bytes, TxHash, U256};
use fernet_protocol::L1Slot;

use super::{
    fees::Fees,
    intent::{IntentKey, TxStatus},
    record::{AttemptKind, Record, State},
};

/// An intent of a store, with its transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredIntent {
    /// Idempotency key.
    pub key: IntentKey,
    /// Account or contract called.
    pub to: Address,
    /// Calldata.
    pub calldata: Bytes,
    /// Value, in wei.
    pub value: U256,
    /// Versioned hashes of its blobs.
    pub blob_hashes: Vec<B256>,
    /// First L1 slot in which it may be included.
    pub not_before: L1Slot,
    /// First L1 slot in which it is too late.
    pub expires_at: L1Slot,
    /// Most that its transactions may pay in fees, in wei.
    pub max_total_fee: U256,
    /// Status as of the last tick of its manager.
    pub status: TxStatus,
    /// Sender; `None` before it was sent.
    pub account: Option<Address>,
    /// Transactions that were sent for it, oldest first.
    pub transactions: Vec<StoredTransaction>,
}

/// A transaction of an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTransaction {
    /// Hash.
    pub hash: TxHash,
    /// What it does.
    pub purpose: Purpose,
    /// Fees per gas that it offers.
    pub fees: Fees,
    /// Gas limit.
    pub gas_limit: u64,
    /// Number of the L1 block at which it was signed.
    pub signed_at: u64,
}

/// What a transaction of an intent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// What the intent asks for.
    Intended,
    /// Nothing but the use of the nonce.
    NoOp,
}

impl StoredIntent {
    pub(crate) fn of(record: &Record) -> Self {
        let sent = match &record.state {
            State::Waiting(_) => None,
            State::Sent(sent) => Some(sent),
            State::Settled { sent, .. } => sent.as_ref(),
        };
        let transactions =
            sent.into_iter().flat_map(|sent| &sent.attempts).map(|attempt| StoredTransaction {
                hash: attempt.hash,
                purpose: match attempt.kind {
                    AttemptKind::Intended => Purpose::Intended,
                    AttemptKind::Cancellation => Purpose::NoOp,
                },
                fees: attempt.fees,
                gas_limit: attempt.gas_limit,
                signed_at: attempt.at,
            });
        Self {
            key: record.key.clone(),
            to: record.to,
            calldata: record.calldata.clone(),
            value: record.value,
            blob_hashes: record.blob_hashes.clone(),
            not_before: L1Slot::new(record.not_before),
            expires_at: L1Slot::new(record.expires_at),
            max_total_fee: record.max_total_fee,
            status: record.status(),
            account: sent.map(|sent| sent.account),
            transactions: transactions.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy::signers::local::PrivateKeySigner;
    use fernet_protocol::L1Clock;

    use super::*;
    use crate::{
        provider::connect_url,
        tx::{
            Accounts, FailureReason, Intent, PendingStage, StoreError, TxConfig, TxManager, TxStore,
            WaitReason, WhenReverting,
        },
    };

    #[tokio::test]
    async fn intents_are_seen_and_withdrawn_in_their_store() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.transactions.redb");
        assert!(matches!(TxStore::open_existing(&path), Err(StoreError::Missing { .. })));
        assert!(!path.exists());
        let store = TxStore::open(&path).unwrap();
        let in_use = TxStore::open_existing(&path).unwrap_err().to_string();
        assert_eq!(in_use, format!("{} is in use by another process", path.display()));

        let provider = connect_url(&"http://127.0.0.1:1".parse().unwrap()).unwrap();
        let config = TxConfig::new(1, L1Clock::new(0, 12).unwrap());
        let accounts = Accounts::new(PrivateKeySigner::random());
        let mut manager = TxManager::open(provider, accounts, store, config).unwrap();
        let key = |name: &str| IntentKey::new(name).unwrap();
        for name in ["second by name", "first by name"] {
            let intent = Intent {
                key: key(name),
                to: Address::repeat_byte(1),
                calldata: Bytes::from_static(&[1, 2, 3, 4]),
                value: U256::ZERO,
                blobs: None,
                not_before: L1Slot::new(1),
                expires_at: L1Slot::new(2),
                max_total_fee: U256::from(7),
                at_stake: U256::ZERO,
                gas_limit: None,
                when_reverting: WhenReverting::GiveUp,
            };
            manager.submit(intent).await.unwrap();
        }
        assert!(!manager.is_reported(&key("first by name")).unwrap());
        manager.set_reported(&key("first by name")).unwrap();
        drop(manager);

        let store = TxStore::open_existing(&path).unwrap();
        let intents = store.intents().unwrap();
        let names: Vec<&str> = intents.iter().map(|intent| intent.key.as_str()).collect();
        assert_eq!(names, ["second by name", "first by name"], "the order of submission");
        assert_eq!(intents[0].status, TxStatus::Pending(PendingStage::Waiting(WaitReason::New)));
        assert_eq!((intents[0].account, &intents[0].transactions), (None, &Vec::new()));
        assert!(store.is_reported(&key("first by name")).unwrap());
        assert!(!store.is_reported(&key("second by name")).unwrap());

        let withdrawn = TxStatus::Failed { reason: FailureReason::Withdrawn, outcome: None };
        assert_eq!(store.withdraw(&key("second by name")).unwrap(), withdrawn);
        assert_eq!(store.withdraw(&key("second by name")).unwrap(), withdrawn);
        assert_eq!(store.intents().unwrap()[0].status, withdrawn);
        let unknown = store.withdraw(&key("third")).unwrap_err().to_string();
        assert_eq!(unknown, "no intent named third");
    }
}
