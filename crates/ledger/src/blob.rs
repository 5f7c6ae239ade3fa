//! Encoding of the elements of chunks in EIP-4844 blobs.

use ark_ff::AdditiveGroup;

use crate::{
    field::{self, FieldError, Fr},
    layout::{BLOB_BYTES, BLOB_ELEMENTS, Layout},
};

/// The bytes of a blob: 4,096 big-endian field elements.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob(Box<[u8; BLOB_BYTES]>);

/// Why blobs aren't the data of a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// The blob has another size.
    #[error("expected a blob of {BLOB_BYTES} bytes, got {0}")]
    Length(usize),
    /// The number of blobs isn't the one of the chunks.
    #[error("expected {expected} blobs, got {actual}")]
    Count { expected: usize, actual: usize },
    /// The bytes of an element aren't a field element.
    #[error("blob {blob}, element {element}: {source}")]
    Element { blob: usize, element: usize, source: FieldError },
    /// An element that belongs to no slot isn't zero.
    #[error("blob {blob}, element {element}: the element isn't zero, but belongs to no slot")]
    UnusedElement { blob: usize, element: usize },
    /// A block has at least one chunk.
    #[error("expected at least 1 chunk, got 0")]
    NoChunks,
}

impl Blob {
    /// The blob with these bytes.
    ///
    /// # Errors
    /// Fails unless there are [`BLOB_BYTES`] bytes.
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
        // The vector has exactly this length.
        Self(bytes.try_into().unwrap_or_else(|_| Box::new([0; BLOB_BYTES])))
    }
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let used = self.0.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
        write!(formatter, "Blob({used} bytes used)")
    }
}

/// Writes the elements of a block's chunks to the blobs of the layout.
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

/// Reads the elements of `chunks` chunks, one per slot.
///
/// # Errors
/// Fails if the number of blobs is wrong, an element isn't canonical, or an element that belongs to no slot
/// isn't zero.
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
                Some(chunk) if chunk.len() < layout.operations() && belongs_to_slot(layout, element) => {
                    chunk.push(value)
                }
                _ if value != Fr::ZERO => return Err(BlobError::UnusedElement { blob: number, element }),
                _ => {}
            }
        }
        decoded.append(&mut in_blob);
    }
    Ok(decoded)
}

/// Whether the element with index `element` of a blob belongs to a slot, if its chunk is used.
fn belongs_to_slot(layout: &Layout, element: usize) -> bool {
    element.checked_rem(layout.elements()).is_some_and(|slot| slot < layout.operations())
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
        for unused in [3, 4, 6, 4095] {
            assert_eq!(with(unused, [1; 32]), Err(BlobError::UnusedElement { blob: 1, element: unused }));
        }
        assert_eq!(Blob::from_bytes(&[0; 5]), Err(BlobError::Length(5)));
    }
}
