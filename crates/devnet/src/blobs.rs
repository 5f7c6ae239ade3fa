//! Where a devnet finds the blobs of its blocks: at the L1, or, where that gives none out, among those that
//! it sent itself.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alloy::{
    eips::{
        eip4844::{BYTES_PER_BLOB, Blob},
        eip7594::BlobTransactionSidecarVariant,
    },
    primitives::B256,
};
use fernet_l1::{BeaconBlobs, BlobError, BlobFuture, BlobLocation, BlobSource};

/// Most blobs that are kept. Blobs of a devnet are mostly zeros, which aren't kept, so this is a few hundred
/// megabytes at worst and a few in practice.
const KEPT_BLOBS: usize = 4_096;

/// The blobs of an L1.
#[derive(Debug, Clone)]
pub enum L1Blobs {
    /// From its beacon API.
    Beacon(BeaconBlobs),
    /// Those that went through this process.
    Sent(SentBlobs),
}

impl BlobSource for L1Blobs {
    fn blobs<'a>(&'a self, at: BlobLocation, hashes: &'a [B256]) -> BlobFuture<'a> {
        match self {
            Self::Beacon(beacon) => beacon.blobs(at, hashes),
            Self::Sent(sent) => sent.blobs(at, hashes),
        }
    }
}

/// Blobs of transactions that this process sent. Clones share them.
#[derive(Clone, Default)]
pub struct SentBlobs(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    /// By versioned hash, without the zeros at their ends.
    blobs: HashMap<B256, Box<[u8]>>,
    /// Their hashes, oldest first.
    order: VecDeque<B256>,
}

impl fmt::Debug for SentBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SentBlobs").field(&self.lock().order.len()).finish()
    }
}

impl SentBlobs {
    /// Nothing is left half done under the lock, so a panic elsewhere doesn't matter.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the blobs of a transaction.
    pub(crate) fn keep(&self, sidecar: &BlobTransactionSidecarVariant) {
        let mut kept = self.lock();
        // The transaction's maker computed the hashes from the commitments of these blobs.
        for (hash, blob) in sidecar.versioned_hashes().zip(sidecar.blobs()) {
            let length = blob.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
            let bytes = blob.get(..length).unwrap_or_default();
            if kept.blobs.insert(hash, bytes.into()).is_none() {
                kept.order.push_back(hash);
            }
        }
        while kept.order.len() > KEPT_BLOBS {
            let oldest = kept.order.pop_front().unwrap_or_default();
            kept.blobs.remove(&oldest);
        }
    }

    fn get(&self, hash: B256, number: u64) -> Result<Blob, BlobError> {
        let kept = self.lock();
        let bytes = kept.blobs.get(&hash).ok_or(BlobError::Unavailable { hash, number })?;
        let mut blob = [0; BYTES_PER_BLOB];
        blob.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
        Ok(Blob::new(blob))
    }
}

impl BlobSource for SentBlobs {
    fn blobs<'a>(&'a self, at: BlobLocation, hashes: &'a [B256]) -> BlobFuture<'a> {
        Box::pin(async move { hashes.iter().map(|hash| self.get(*hash, at.number)).collect() })
    }
}
