//! Blob sidecars: checked on arrival, kept and served for as long as the chain retains them.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use alloy::{
    consensus::TxEip4844,
    eips::{
        eip4844::{Blob, Bytes48, env_settings::EnvKzgSettings},
        eip7594::BlobTransactionSidecarVariant,
    },
    primitives::B256,
};

use crate::error::PoolError;

/// Blobs with their commitments and proofs: EIP-4844's one proof a blob, or EIP-7594's 128 cell proofs.
pub type Sidecar = BlobTransactionSidecarVariant;

/// Checks that a sidecar belongs to the transaction: counts, versioned hashes, commitments and every proof
/// (c-kzg).
pub(crate) fn verify(tx: &TxEip4844, sidecar: &Sidecar) -> Result<(), PoolError> {
    let settings = EnvKzgSettings::Default;
    sidecar
        .validate(&tx.blob_versioned_hashes, settings.get())
        .map_err(|error| PoolError::Sidecar(error.to_string()))
}

/// One blob of a mined transaction.
#[derive(Clone, Debug)]
pub struct StoredBlob {
    /// SHA-256 of the commitment, with version byte.
    pub versioned_hash: B256,
    /// KZG commitment to the blob (EIP-4844).
    pub commitment: Bytes48,
    sidecar: Arc<Sidecar>,
    index: usize,
}

impl StoredBlob {
    /// The blob's 131,072 bytes.
    #[must_use]
    pub fn blob(&self) -> Option<&Blob> {
        self.sidecar.blobs().get(self.index)
    }
}

/// The sidecars of mined transactions.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlobStore {
    by_transaction: HashMap<B256, Arc<Sidecar>>,
    by_versioned_hash: HashMap<B256, Vec<B256>>,
    /// Slot and transaction, oldest first.
    order: VecDeque<(u64, B256)>,
}

impl BlobStore {
    /// Keeps the sidecar of a transaction mined in a slot.
    pub(crate) fn insert(&mut self, slot: u64, transaction: B256, sidecar: Arc<Sidecar>) {
        for hash in sidecar.versioned_hashes() {
            let transactions = self.by_versioned_hash.entry(hash).or_default();
            if !transactions.contains(&transaction) {
                transactions.push(transaction);
            }
        }
        self.by_transaction.insert(transaction, sidecar);
        self.order.push_back((slot, transaction));
    }

    /// Takes out the sidecar of a transaction that a reorg removed.
    pub(crate) fn remove(&mut self, transaction: B256) -> Option<Arc<Sidecar>> {
        let sidecar = self.by_transaction.remove(&transaction)?;
        for hash in sidecar.versioned_hashes() {
            if let Some(transactions) = self.by_versioned_hash.get_mut(&hash) {
                transactions.retain(|other| *other != transaction);
                if transactions.is_empty() {
                    self.by_versioned_hash.remove(&hash);
                }
            }
        }
        self.order.retain(|(_, other)| *other != transaction);
        Some(sidecar)
    }

    /// Forgets what was mined before a slot.
    pub(crate) fn prune(&mut self, before: u64) {
        while let Some((slot, transaction)) = self.order.front().copied() {
            if slot >= before {
                break;
            }
            self.order.pop_front();
            self.remove(transaction);
        }
    }

    /// The blobs of a mined transaction, in order.
    pub(crate) fn of_transaction(&self, transaction: B256) -> Vec<StoredBlob> {
        let Some(sidecar) = self.by_transaction.get(&transaction) else { return Vec::new() };
        sidecar
            .versioned_hashes()
            .zip(sidecar.commitments())
            .enumerate()
            .map(|(index, (versioned_hash, commitment))| StoredBlob {
                versioned_hash,
                commitment: *commitment,
                sidecar: Arc::clone(sidecar),
                index,
            })
            .collect()
    }

    /// A mined blob by its versioned hash.
    pub(crate) fn by_versioned_hash(&self, hash: B256) -> Option<StoredBlob> {
        let transaction = *self.by_versioned_hash.get(&hash)?.first()?;
        self.of_transaction(transaction).into_iter().find(|blob| blob.versioned_hash == hash)
    }
}
