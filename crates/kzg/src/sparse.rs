//! Which elements of a blob aren't zero.

use ark_bls12_381::Fr;
use ark_ff::{BigInt, PrimeField};

use crate::{BLOB_BYTES, ELEMENT_BYTES};

/// Most elements of a sparse blob. With more, c-kzg is about as fast.
const LIMIT: usize = 48;

/// An element that isn't zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    /// Its place in the blob.
    pub(crate) place: usize,
    /// Its value, least significant limb first, below the field's order.
    pub(crate) value: [u64; 4],
}

/// The elements that aren't zero, in order. `None` if there are too many, or one isn't below the field's order, which
/// c-kzg then tells in its own words.
pub(crate) fn sparse(blob: &[u8; BLOB_BYTES]) -> Option<Vec<Element>> {
    let mut elements = Vec::new();
    for (place, bytes) in blob.as_chunks::<ELEMENT_BYTES>().0.iter().enumerate() {
        if *bytes == [0; ELEMENT_BYTES] {
            continue;
        }
        let mut value = [0; 4];
        for (limb, bytes) in value.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
            *limb = u64::from_be_bytes(*bytes);
        }
        if elements.len() == LIMIT || BigInt::new(value) >= Fr::MODULUS {
            return None;
        }
        elements.push(Element { place, value });
    }
    Some(elements)
}
