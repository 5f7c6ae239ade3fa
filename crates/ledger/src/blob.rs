//! Chunks' elements in EIP-4844 blobs.

use ark_ff::AdditiveGroup;

use crate::field::{self, FieldError, Fr};
use crate::layout::{BLOB_BYTES, BLOB_ELEMENTS, Layout};

/// A blob's bytes: 4,096 field elements, each most significant byte first.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob(Box<[u8; BLOB_BYTES]>);

/// Why blobs aren't the data of a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// A blob of another size.
    #[error("expected a blob of {BLOB_BYTES} bytes, got {0}")]
    Length(usize),
    /// Too few or too many blobs for the chunks.
    #[error("expected {expected} blobs, got {actual}")]
    Count {
        /// What the chunks take.
        expected: usize,
        /// What is there.
        actual: usize,
    },
    /// Thirty-two bytes that aren't a field element.
    #[error("blob {blob}, element {element}: {source}")]
    Element {
        /// Which blob.
        blob: usize,
        /// Which element.
        element: usize,
        /// Why.
        source: FieldError,
    },
    /// An element that no slot owns isn't zero.
    #[error("expected element {element} of blob {blob} to be zero, as no slot owns it")]
    UnownedElement {
        /// Which blob.
        blob: usize,
        /// Which element.
        element: usize,
    },
    /// A block has at least one chunk.
    #[error("expected at least one chunk, got none")]
    NoChunks,
}

impl Blob {
    /// Takes over a blob's bytes.
    ///
    /// # Errors
    /// When there are too few or too many.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BlobError> {
        let boxed: Box<[u8]> = bytes.into();
        boxed.try_into().map(Self).map_err(|_| BlobError::Length(bytes.len()))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; BLOB_BYTES] {
        &self.0
    }

    fn elements(&self) -> impl Iterator<Item = Result<Fr, FieldError>> + '_ {
        let (words, _) = self.0.as_chunks::<32>();
        words.iter().map(field::from_bytes)
    }

    fn from_elements(elements: &[Fr]) -> Self {
        let mut bytes = vec![0u8; BLOB_BYTES];
        for (word, element) in bytes.chunks_exact_mut(32).zip(elements) {
            word.copy_from_slice(&field::to_bytes(element));
        }
        // The vector has just this length.
        Self(bytes.try_into().unwrap_or_else(|_| Box::new([0; BLOB_BYTES])))
    }
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let used = self.0.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
        write!(formatter, "Blob({used} bytes used)")
    }
}

/// Lays the elements of a block's chunks out in as few blobs as the layout allows.
#[must_use]
pub fn encode(layout: &Layout, chunks: &[Vec<Fr>]) -> Vec<Blob> {
    chunks
        .chunks(layout.chunks_per_blob())
        .map(|in_blob| {
            let mut elements = vec![Fr::ZERO; BLOB_ELEMENTS];
            for (own, chunk) in elements.chunks_mut(layout.elements()).zip(in_blob) {
                own.iter_mut().zip(chunk).for_each(|(target, source)| *target = *source);
            }
            Blob::from_elements(&elements)
        })
        .collect()
}

/// Reads the elements of `chunks` chunks back, one for each slot.
///
/// # Errors
/// When the number of blobs is wrong, an element isn't canonical, or one that no slot owns isn't zero.
pub fn decode(layout: &Layout, chunks: usize, blobs: &[Blob]) -> Result<Vec<Vec<Fr>>, BlobError> {
    if chunks == 0 {
        return Err(BlobError::NoChunks);
    }
    let (expected, actual) = (layout.blobs(chunks), blobs.len());
    if expected != actual {
        return Err(BlobError::Count { expected, actual });
    }
    let mut decoded = Vec::new();
    for (number, blob) in blobs.iter().enumerate() {
        let left = chunks.saturating_sub(decoded.len());
        let mut in_blob = vec![Vec::with_capacity(layout.operations()); left.min(layout.chunks_per_blob())];
        for (element, value) in blob.elements().enumerate() {
            let value = value.map_err(|source| BlobError::Element { blob: number, element, source })?;
            match in_blob.get_mut(element.checked_div(layout.elements()).unwrap_or(0)) {
                Some(chunk) if chunk.len() < layout.operations() && owned(layout, element) => {
                    chunk.push(value)
                }
                _ if value != Fr::ZERO => return Err(BlobError::UnownedElement { blob: number, element }),
                _ => {}
            }
        }
        decoded.append(&mut in_blob);
    }
    Ok(decoded)
}

/// Whether element number `element` of a chunk in use belongs to a slot.
fn owned(layout: &Layout, element: usize) -> bool {
    element.checked_rem(layout.elements()).is_some_and(|place| place < layout.operations())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        Layout::new(3, 4, 2).unwrap()
    }

    fn chunks() -> Vec<Vec<Fr>> {
        (0..3u64).map(|chunk| (0..3u64).map(|slot| Fr::from(10 * chunk + slot + 1)).collect()).collect()
    }

    // rule: Y2, Y3
    #[test]
    fn chunks_round_trip() {
        let blobs = encode(&layout(), &chunks());
        assert_eq!(blobs.len(), 2);
        assert_eq!(decode(&layout(), 3, &blobs), Ok(chunks()));
        assert_eq!(Blob::from_bytes(blobs[0].as_bytes()), Ok(blobs[0].clone()));
    }

    // rule: Y2, Y3
    #[test]
    fn malformed_blobs_are_refused() {
        let blobs = encode(&layout(), &chunks());
        let with = |element: usize, word: [u8; 32]| {
            let mut bytes = blobs[1].as_bytes().to_vec();
            bytes[32 * element..32 * element + 32].copy_from_slice(&word);
            decode(&layout(), 3, &[blobs[0].clone(), Blob::from_bytes(&bytes).unwrap()])
        };
        assert_eq!(decode(&layout(), 0, &[]), Err(BlobError::NoChunks));
        assert_eq!(decode(&layout(), 5, &blobs), Err(BlobError::Count { expected: 3, actual: 2 }));
        assert!(matches!(with(1, [0xff; 32]), Err(BlobError::Element { blob: 1, element: 1, .. })));
        for unowned in [3, 4, 6, 4095] {
            assert_eq!(with(unowned, [1; 32]), Err(BlobError::UnownedElement { blob: 1, element: unowned }));
        }
        assert_eq!(Blob::from_bytes(&[0; 5]), Err(BlobError::Length(5)));
    }
}
