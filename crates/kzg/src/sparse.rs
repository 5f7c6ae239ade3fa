//! The elements of a sparse blob.

use ark_bls12_381::Fr;
use ark_ff::{BigInt, PrimeField};

use crate::library::{BLOB_BYTES, ELEMENT_BYTES};

/// Maximum number of elements of a sparse blob. With more elements, c-kzg is about as fast.
const MAX_ELEMENTS: usize = 48;

/// An element that isn't zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    /// Its index in the blob.
    pub(crate) index: usize,
    /// Its value below the field's order, as limbs, least significant first.
    pub(crate) value: [u64; 4],
}

/// The elements that aren't zero, in order. `None` if there are too many, or if one isn't below the field's
/// order: c-kzg then returns an error.
pub(crate) fn sparse(blob: &[u8; BLOB_BYTES]) -> Option<Vec<Element>> {
    let mut elements = Vec::new();
    for (index, bytes) in blob.as_chunks::<ELEMENT_BYTES>().0.iter().enumerate() {
        if *bytes == [0; ELEMENT_BYTES] {
            continue;
        }
        let mut value = [0; 4];
        for (limb, bytes) in value.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
            *limb = u64::from_be_bytes(*bytes);
        }
        if elements.len() == MAX_ELEMENTS || BigInt::new(value) >= Fr::MODULUS {
            return None;
        }
        elements.push(Element { index, value });
    }
    Some(elements)
}
