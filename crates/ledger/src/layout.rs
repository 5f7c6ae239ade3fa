//! The layout of chunks in a blob, and the points at which the blob's polynomial has the values of their
//! elements.
#![allow(clippy::arithmetic_side_effects)] // field elements, and indices bounded by the constructor

use ark_ff::{FftField, Field};

use crate::field::Fr;

/// Field elements of a blob (EIP-4844).
pub const BLOB_ELEMENTS: usize = 4096;
/// Binary logarithm of [`BLOB_ELEMENTS`].
const BLOB_BITS: u32 = 12;
/// Bytes of a blob (EIP-4844).
pub const BLOB_BYTES: usize = 32 * BLOB_ELEMENTS;

/// Why a layout is impossible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// A chunk has too few slots, or more than a blob has elements.
    #[error("expected 2 to {BLOB_ELEMENTS} slots in a chunk, got {0}")]
    Operations(usize),
    /// The number of elements isn't a power of two, or is too small or too large.
    #[error(
        "expected a power of two from {operations} to {BLOB_ELEMENTS} elements in a chunk, got {elements}"
    )]
    Elements { operations: usize, elements: usize },
    /// A blob has no chunk, or more chunks than fit.
    #[error("expected 1 to {max} chunks in a blob, got {actual}")]
    ChunksPerBlob { max: usize, actual: usize },
}

/// Numbers of slots of a chunk, of elements that a chunk occupies, and of chunks in a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Layout {
    operations: usize,
    elements: usize,
    chunks_per_blob: usize,
}

/// Position of a chunk in the blobs of its block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChunkPosition {
    /// Index of the blob in the block.
    pub blob: usize,
    /// Index of the chunk in the blob.
    pub chunk: usize,
}

impl Layout {
    /// A layout of chunks with `operations` slots and `elements` elements, and of blobs with
    /// `chunks_per_blob` chunks.
    ///
    /// # Errors
    /// Fails if `elements` isn't a power of two of at least `operations`, or if the chunks don't fit into a
    /// blob.
    pub const fn new(
        operations: usize,
        elements: usize,
        chunks_per_blob: usize,
    ) -> Result<Self, LayoutError> {
        if operations < 2 || operations > BLOB_ELEMENTS {
            return Err(LayoutError::Operations(operations));
        }
        if !elements.is_power_of_two() || elements < operations || elements > BLOB_ELEMENTS {
            return Err(LayoutError::Elements { operations, elements });
        }
        let max = BLOB_ELEMENTS / elements;
        if chunks_per_blob == 0 || chunks_per_blob > max {
            return Err(LayoutError::ChunksPerBlob { max, actual: chunks_per_blob });
        }
        Ok(Self { operations, elements, chunks_per_blob })
    }

    /// Number of slots of a chunk.
    #[must_use]
    pub const fn operations(&self) -> usize {
        self.operations
    }

    /// Number of elements that a chunk occupies.
    #[must_use]
    pub const fn elements(&self) -> usize {
        self.elements
    }

    /// Number of chunks in a full blob.
    #[must_use]
    pub const fn chunks_per_blob(&self) -> usize {
        self.chunks_per_blob
    }

    /// Position of chunk number `chunk` of a block.
    #[must_use]
    pub const fn position(&self, chunk: usize) -> ChunkPosition {
        ChunkPosition { blob: chunk / self.chunks_per_blob, chunk: chunk % self.chunks_per_blob }
    }

    /// Number of blobs of a block of `chunks` chunks.
    #[must_use]
    pub const fn blobs(&self, chunks: usize) -> usize {
        chunks.div_ceil(self.chunks_per_blob)
    }

    /// Index in its blob of the element of a slot.
    #[must_use]
    pub const fn element(&self, position: ChunkPosition, slot: usize) -> usize {
        position.chunk * self.elements + slot
    }

    /// The factor between the points of chunk number `chunk` of a blob and the points of its first chunk.
    #[must_use]
    pub fn shift(&self, chunk: usize) -> Fr {
        root(BLOB_BITS).pow([reverse_bits(chunk, BLOB_BITS - self.element_bits())])
    }

    /// The points of a blob's first chunk, one per slot.
    #[must_use]
    pub fn points(&self) -> Vec<Fr> {
        let bits = self.element_bits();
        (0..self.operations).map(|slot| root(bits).pow([reverse_bits(slot, bits)])).collect()
    }

    fn element_bits(&self) -> u32 {
        self.elements.trailing_zeros()
    }
}

/// The root of unity of order 2^`bits` that EIP-4844 uses.
fn root(bits: u32) -> Fr {
    // The field has roots of every order up to 2^32.
    Fr::get_root_of_unity(1 << bits).unwrap_or(Fr::ONE)
}

fn reverse_bits(number: usize, bits: u32) -> u64 {
    (number as u64).reverse_bits().checked_shr(64 - bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule: Y3, Y4
    #[test]
    fn chunk_points_are_the_blobs_points() {
        let layout = Layout::new(6, 8, 5).unwrap();
        let points = layout.points();
        assert_eq!(points.len(), 6);
        for chunk in 0..5 {
            for (slot, point) in points.iter().enumerate() {
                let element = layout.element(ChunkPosition { blob: 0, chunk }, slot);
                let exponent = (element as u64).reverse_bits() >> 52;
                assert_eq!(layout.shift(chunk) * point, root(12).pow([exponent]));
            }
        }
        assert_eq!(layout.position(12), ChunkPosition { blob: 2, chunk: 2 });
        assert_eq!(layout.blobs(10), 2);
        assert_eq!(layout.blobs(11), 3);
    }

    // rule: Y2
    #[test]
    fn impossible_layouts_are_refused() {
        assert_eq!(Layout::new(1, 8, 1), Err(LayoutError::Operations(1)));
        assert_eq!(Layout::new(8, 4, 1), Err(LayoutError::Elements { operations: 8, elements: 4 }));
        assert_eq!(Layout::new(5, 6, 1), Err(LayoutError::Elements { operations: 5, elements: 6 }));
        assert_eq!(Layout::new(8, 8, 513), Err(LayoutError::ChunksPerBlob { max: 512, actual: 513 }));
        assert_eq!(Layout::new(8, 8, 0), Err(LayoutError::ChunksPerBlob { max: 512, actual: 0 }));
        assert!(Layout::new(4096, 4096, 1).is_ok());
    }
}
