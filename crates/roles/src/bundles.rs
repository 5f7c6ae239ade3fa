//! Blobs made ready for their transactions before these are due, beside everything else.
//!
//! A blob's cell proofs take a good part of a second. They depend on the blob alone, so they are begun as soon as a block
//! is likely to be revealed, and are there when it is.

use std::collections::BTreeMap;

use alloy::eips::eip4844::Blob;
use alloy::primitives::B256;
use fernet_l1::{BlobError, BlobSidecar, SidecarFormat};
use fernet_network::BlockBody;
use fernet_protocol::Slot;
use tokio::task::JoinHandle;

use crate::error::RoleError;

/// The blobs that one transaction publishes: bit i stands for blob i of the block.
pub type Mask = u16;

/// SidecarCache in the making, by block and blobs.
#[derive(Debug, Default)]
pub struct SidecarCache(BTreeMap<(B256, Mask), Making>);

#[derive(Debug)]
struct Making {
    slot: Slot,
    bundle: JoinHandle<Result<BlobSidecar, BlobError>>,
}

impl SidecarCache {
    /// Starts on a block's bundles of up to `size` blobs, but for those begun before.
    pub fn start(&mut self, header_hash: B256, body: &BlockBody, size: usize, format: SidecarFormat) {
        for mask in masks(body.blobs.len(), size) {
            self.0.entry((header_hash, mask)).or_insert_with(|| Making {
                slot: body.header.slot,
                bundle: spawn(blobs(body, mask), format),
            });
        }
    }

    /// The bundle of these blobs, begun now if it wasn't before.
    ///
    /// # Errors
    /// When it can't be made.
    pub async fn take(
        &mut self,
        header_hash: B256,
        body: &BlockBody,
        mask: Mask,
        format: SidecarFormat,
    ) -> Result<BlobSidecar, RoleError> {
        let bundle = match self.0.remove(&(header_hash, mask)) {
            Some(making) => making.bundle,
            None => spawn(blobs(body, mask), format),
        };
        Ok(bundle.await??)
    }

    /// Drops what is about slots before `oldest`.
    pub fn forget_before(&mut self, oldest: Slot) {
        self.0.retain(|_, making| making.slot >= oldest);
    }
}

/// How `count` blobs are shared out to transactions of up to `size`.
#[must_use]
pub fn masks(count: usize, size: usize) -> Vec<Mask> {
    let bits: Vec<Mask> = (0..Mask::BITS).take(count).map(|bit| 1 << bit).collect();
    bits.chunks(size.max(1)).map(|bits| bits.iter().fold(0, |mask, bit| mask | bit)).collect()
}

fn blobs(body: &BlockBody, mask: Mask) -> Vec<Blob> {
    let chosen = (0..Mask::BITS).zip(&body.blobs).filter(|(bit, _)| mask & (1 << bit) != 0);
    chosen.map(|(_, blob)| Blob::new(*blob.as_bytes())).collect()
}

fn spawn(blobs: Vec<Blob>, format: SidecarFormat) -> JoinHandle<Result<BlobSidecar, BlobError>> {
    tokio::task::spawn_blocking(move || {
        let bundle = BlobSidecar::build(blobs, format)?;
        let like = bundle.clone();
        // Nobody waits for this one.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = like.learn() {
                tracing::warn!(%error, "later blobs won't be quicker");
            }
        });
        Ok(bundle)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_are_shared_out_in_order() {
        assert_eq!(masks(1, 6), [0b1]);
        assert_eq!(masks(6, 6), [0b11_1111]);
        assert_eq!(masks(7, 3), [0b111, 0b11_1000, 0b100_0000]);
        assert_eq!(masks(2, 1), [0b01, 0b10]);
        assert!(masks(0, 6).is_empty());
    }
}
