//! The bodies that a node serves, with a budget of bytes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use alloy::primitives::B256;

use crate::body::{BlockBody, BodyError};
use crate::message::MAX_BODY_BYTES;
use crate::wire::{Wire, WireError};

/// Bytes of the bodies that a node keeps. A body is needed until its block is finalized: this is enough for
/// four of the largest, or 160 of one blob.
pub const KEPT_BODY_BYTES: usize = 4 * MAX_BODY_BYTES;

/// Encoded bodies by header hash. The oldest make room for new ones.
#[derive(Debug)]
pub struct BodyStore {
    budget: usize,
    bytes: usize,
    bodies: BTreeMap<B256, Arc<[u8]>>,
    /// Keys of `bodies`, oldest first.
    order: VecDeque<B256>,
}

impl BodyStore {
    /// An empty store of at most `budget` bytes, and at least one body.
    #[must_use]
    pub const fn new(budget: usize) -> Self {
        Self { budget, bytes: 0, bodies: BTreeMap::new(), order: VecDeque::new() }
    }

    /// Keeps a body that [`checked_bytes`] encoded.
    pub fn insert(&mut self, header_hash: B256, bytes: Arc<[u8]>) {
        self.bytes += bytes.len();
        match self.bodies.insert(header_hash, bytes) {
            Some(replaced) => self.bytes -= replaced.len(),
            None => self.order.push_back(header_hash),
        }
        while self.bytes > self.budget && self.order.len() > 1 {
            let oldest = self.order.pop_front().and_then(|oldest| self.bodies.remove(&oldest));
            self.bytes -= oldest.map_or(0, |oldest| oldest.len());
        }
    }

    /// Removes the body of a header.
    pub fn remove(&mut self, header_hash: B256) {
        if let Some(removed) = self.bodies.remove(&header_hash) {
            self.bytes -= removed.len();
            self.order.retain(|kept| *kept != header_hash);
        }
    }

    /// The encoded body of a header.
    #[must_use]
    pub fn get(&self, header_hash: B256) -> Option<Arc<[u8]>> {
        self.bodies.get(&header_hash).cloned()
    }

    /// Number of bodies.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bodies.len()
    }

    /// Whether there is no body.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bodies.is_empty()
    }

    /// Bytes of all bodies.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Why a body isn't the one of a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongBody {
    /// The bytes are no body.
    #[error(transparent)]
    Malformed(#[from] WireError),
    /// The body is that of another header.
    #[error("expected the body of header {expected}, got that of {actual}")]
    WrongHeader { expected: B256, actual: B256 },
    /// The blobs aren't the header's.
    #[error(transparent)]
    WrongBlobs(#[from] BodyError),
}

/// Decodes the body of a header, and checks that its blobs are the header's. The KZG commitments take
/// milliseconds for each blob.
///
/// # Errors
/// When the bytes are no body, or that of another header, or the blobs aren't the header's.
pub fn decode_checked(header_hash: B256, bytes: &[u8]) -> Result<BlockBody, WrongBody> {
    let body = BlockBody::decode(bytes)?;
    let actual = body.header_hash();
    if actual != header_hash {
        return Err(WrongBody::WrongHeader { expected: header_hash, actual });
    }
    body.check_blobs()?;
    Ok(body)
}

/// Encodes a body whose blobs are the header's.
///
/// # Errors
/// When they aren't.
pub fn checked_bytes(body: &BlockBody) -> Result<Arc<[u8]>, BodyError> {
    body.check_blobs()?;
    Ok(body.encode().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_bodies_make_room_for_new_ones() {
        let hash = B256::repeat_byte;
        let mut store = BodyStore::new(100);
        store.insert(hash(1), vec![1; 40].into());
        store.insert(hash(2), vec![2; 40].into());
        store.insert(hash(2), vec![3; 60].into());
        assert_eq!((store.len(), store.bytes()), (2, 100));
        store.insert(hash(3), vec![4; 10].into());
        assert_eq!((store.get(hash(1)), store.bytes()), (None, 70));
        store.insert(hash(4), vec![5; 200].into());
        assert_eq!((store.len(), store.bytes()), (1, 200), "one body is kept, however large");
        assert!(store.get(hash(4)).is_some() && !store.is_empty());
        store.remove(hash(4));
        store.remove(hash(4));
        assert_eq!((store.len(), store.bytes()), (0, 0));
    }
}
