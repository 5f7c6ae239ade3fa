//! Builds blob sidecars in the background, before their transactions are due.
//!
//! The cell proofs of a blob take a large part of a second. They depend on the blob alone, so they are
//! computed as soon as a reveal is likely.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy::eips::eip4844::Blob;
use alloy::primitives::B256;
use fernet_l1::{BlobError, BlobSidecar, SidecarFormat};
use fernet_network::BlockBody;
use fernet_protocol::Slot;
use tokio::task::JoinHandle;

use crate::error::RoleError;

/// The blobs that one transaction publishes: bit i stands for blob i of the block.
pub type BlobMask = u16;

/// Sidecars that are being built or ready, by header hash and blobs.
#[derive(Debug, Default)]
pub struct SidecarCache(BTreeMap<(B256, BlobMask), Entry>);

#[derive(Debug)]
struct Entry {
    slot: Slot,
    sidecar: JoinHandle<Result<BlobSidecar, BlobError>>,
}

impl SidecarCache {
    /// Starts to build the sidecars of a block, with up to `size` blobs each, unless they were started
    /// before.
    pub fn start(&mut self, header_hash: B256, body: &Arc<BlockBody>, size: usize, format: SidecarFormat) {
        for mask in blob_masks(body.blobs.len(), size) {
            self.0.entry((header_hash, mask)).or_insert_with(|| Entry {
                slot: body.header.slot,
                sidecar: spawn(Arc::clone(body), mask, format),
            });
        }
    }

    /// The sidecar with these blobs. It is built now if it wasn't started before.
    ///
    /// # Errors
    /// When the sidecar can't be built.
    pub async fn take(
        &mut self,
        header_hash: B256,
        body: &Arc<BlockBody>,
        mask: BlobMask,
        format: SidecarFormat,
    ) -> Result<BlobSidecar, RoleError> {
        let sidecar = match self.0.remove(&(header_hash, mask)) {
            Some(entry) => entry.sidecar,
            None => spawn(Arc::clone(body), mask, format),
        };
        Ok(sidecar.await??)
    }

    /// Removes the sidecars of slots before `oldest`.
    pub fn prune_before(&mut self, oldest: Slot) {
        self.0.retain(|_, entry| entry.slot >= oldest);
    }
}

/// Splits `count` blobs, in order, into transactions of up to `size` blobs.
#[must_use]
pub fn blob_masks(count: usize, size: usize) -> Vec<BlobMask> {
    let bits: Vec<BlobMask> = (0..BlobMask::BITS).take(count).map(|bit| 1 << bit).collect();
    bits.chunks(size.max(1)).map(|bits| bits.iter().fold(0, |mask, bit| mask | bit)).collect()
}

fn selected_blobs(body: &BlockBody, mask: BlobMask) -> Vec<Blob> {
    let selected = (0..BlobMask::BITS).zip(&body.blobs).filter(|(bit, _)| mask & (1 << bit) != 0);
    selected.map(|(_, blob)| Blob::new(*blob.as_bytes())).collect()
}

fn spawn(
    body: Arc<BlockBody>,
    mask: BlobMask,
    format: SidecarFormat,
) -> JoinHandle<Result<BlobSidecar, BlobError>> {
    tokio::task::spawn_blocking(move || {
        let sidecar = BlobSidecar::build(selected_blobs(&body, mask), format)?;
        let built = sidecar.clone();
        // Speeds up later blobs. No task waits for it.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = built.learn() {
                tracing::warn!(code = "ROLE-005", %error, "later blobs aren't built faster");
            }
        });
        Ok(sidecar)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_are_shared_out_in_order() {
        assert_eq!(blob_masks(1, 6), [0b1]);
        assert_eq!(blob_masks(6, 6), [0b11_1111]);
        assert_eq!(blob_masks(7, 3), [0b111, 0b11_1000, 0b100_0000]);
        assert_eq!(blob_masks(2, 1), [0b01, 0b10]);
        assert!(blob_masks(0, 6).is_empty());
    }
}
