//! Commitments and proofs of unit blobs, and their linear combinations.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ark_bls12_381::{G1Affine, G1Projective};
use ark_ec::CurveGroup;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};

use crate::{
    library::{self, BLOB_BYTES, CELLS, ELEMENT_BYTES, KzgError, POINT_BYTES, Point},
    multiples::{Digits, Multiples, digits, multiples, sum},
    sparse::Element,
};

/// Blobs that must use an element before its proofs are precomputed.
const USES_BEFORE_PRECOMPUTATION: u32 = 2;
/// Maximum number of elements that one call precomputes. Each takes as long as the proofs of a blob.
const MAX_PER_CALL: usize = 2;
/// Maximum number of precomputed elements. Each takes 0.9 MB.
const MAX_PRECOMPUTED: usize = 64;

/// The unit blobs of this process.
pub(crate) static UNITS: Units = Units::new();

/// Multiples of the commitments and proofs of unit blobs, by the index of their nonzero element.
pub(crate) struct Units {
    commitments: Mutex<BTreeMap<usize, Arc<Multiples>>>,
    proofs: Mutex<BTreeMap<usize, Arc<Vec<Multiples>>>>,
    uses: Mutex<BTreeMap<usize, u32>>,
}

/// Locks a mutex, also if a thread panicked while it held the lock: each change of a map is a single
/// statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Units {
    const fn new() -> Self {
        Self {
            commitments: Mutex::new(BTreeMap::new()),
            proofs: Mutex::new(BTreeMap::new()),
            uses: Mutex::new(BTreeMap::new()),
        }
    }

    /// The commitment to the blob with these elements.
    pub(crate) fn commitment(&self, elements: &[Element]) -> Result<Point, KzgError> {
        let mut terms = Vec::with_capacity(elements.len());
        for element in elements {
            let stored = lock(&self.commitments).get(&element.index).cloned();
            let unit = match stored {
                Some(unit) => unit,
                None => {
                    let point = library::commitment(&unit_blob(element.index))?;
                    let unit = only(multiples(&[decode(&point)?]))?;
                    lock(&self.commitments).insert(element.index, Arc::clone(&unit));
                    unit
                }
            };
            terms.push((digits(element.value), unit));
        }
        encode(&sum(terms.iter().map(|(digits, unit)| (digits, &**unit))).into_affine())
    }

    /// The proofs of the blob with these elements, if the proofs of all of them are precomputed.
    pub(crate) fn proofs(&self, elements: &[Element]) -> Result<Option<Vec<Point>>, KzgError> {
        let stored = lock(&self.proofs);
        let terms: Option<Vec<(Digits, Arc<Vec<Multiples>>)>> = elements
            .iter()
            .map(|element| Some((digits(element.value), Arc::clone(stored.get(&element.index)?))))
            .collect();
        drop(stored);
        let Some(terms) = terms else { return Ok(None) };
        let sums: Vec<G1Projective> = (0..CELLS)
            .map(|cell| sum(terms.iter().filter_map(|(digits, unit)| Some((digits, unit.get(cell)?)))))
            .collect();
        G1Projective::normalize_batch(&sums).iter().map(encode).collect::<Result<_, _>>().map(Some)
    }

    /// Counts a use of these elements, and precomputes the proofs of some of those that were used often.
    pub(crate) fn precompute(&self, elements: &[Element]) -> Result<(), KzgError> {
        let mut chosen = Vec::new();
        {
            let (stored, mut uses) = (lock(&self.proofs), lock(&self.uses));
            let room = MAX_PRECOMPUTED.saturating_sub(stored.len());
            for element in elements.iter().filter(|element| !stored.contains_key(&element.index)) {
                let count = uses.entry(element.index).or_default();
                *count = count.saturating_add(1);
                if *count > USES_BEFORE_PRECOMPUTATION && chosen.len() < MAX_PER_CALL.min(room) {
                    chosen.push(element.index);
                }
            }
        }
        for index in chosen {
            let points: Vec<G1Affine> =
                library::cell_proofs(&unit_blob(index))?.iter().map(decode).collect::<Result<_, _>>()?;
            let unit = Arc::new(multiples(&points));
            lock(&self.proofs).insert(index, unit);
        }
        Ok(())
    }
}

/// The blob whose element at `index` is 1 and whose other elements are 0.
fn unit_blob(index: usize) -> Box<[u8; BLOB_BYTES]> {
    let mut blob = Box::new([0; BLOB_BYTES]);
    // Elements are big-endian.
    if let Some(element) = blob.as_chunks_mut::<ELEMENT_BYTES>().0.get_mut(index)
        && let Some(last) = element.last_mut()
    {
        *last = 1;
    }
    blob
}

fn only(mut multiples: Vec<Multiples>) -> Result<Arc<Multiples>, KzgError> {
    multiples.pop().map(Arc::new).ok_or(KzgError::Point(ark_serialize::SerializationError::InvalidData))
}

/// Decodes a point that c-kzg computed, which is therefore in the group.
fn decode(point: &Point) -> Result<G1Affine, KzgError> {
    G1Affine::deserialize_compressed_unchecked(point.as_slice()).map_err(KzgError::Point)
}

fn encode(point: &G1Affine) -> Result<Point, KzgError> {
    let mut bytes = [0; POINT_BYTES];
    point.serialize_compressed(bytes.as_mut_slice()).map_err(KzgError::Point)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::sparse;

    fn blob(elements: &[(usize, u8)]) -> Box<[u8; BLOB_BYTES]> {
        let mut blob = Box::new([0; BLOB_BYTES]);
        for (index, seed) in elements {
            for (byte, target) in
                (0u8..).zip(&mut blob[index * ELEMENT_BYTES + 1..(index + 1) * ELEMENT_BYTES])
            {
                *target = byte.wrapping_mul(*seed).wrapping_add(*seed);
            }
        }
        blob
    }

    #[test]
    fn sparse_blobs_get_what_the_library_gives() {
        let units = Units::new();
        let mut full = blob(&[(0, 7), (512, 255), (4095, 3)]);
        // The largest element is the field's order less one.
        full[512 * 32..513 * 32].copy_from_slice(&[
            0x73, 0xed, 0xa7, 0x53, 0x29, 0x9d, 0x7d, 0x48, 0x33, 0x39, 0xd8, 0x08, 0x09, 0xa1, 0xd8, 0x05,
            0x53, 0xbd, 0xa4, 0x02, 0xff, 0xfe, 0x5b, 0xfe, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
        ]);
        let elements = sparse(&full).unwrap();
        assert_eq!(elements.iter().map(|element| element.index).collect::<Vec<_>>(), [0, 512, 4095]);
        assert_eq!(units.commitment(&elements).unwrap(), library::commitment(&full).unwrap());
        for _ in 0..USES_BEFORE_PRECOMPUTATION {
            units.precompute(&elements).unwrap();
            assert!(lock(&units.proofs).is_empty());
        }
        units.precompute(&elements).unwrap();
        assert_eq!(lock(&units.proofs).len(), MAX_PER_CALL);
        assert_eq!(units.proofs(&elements).unwrap(), None);
        units.precompute(&elements).unwrap();
        assert_eq!(units.proofs(&elements).unwrap().unwrap(), library::cell_proofs(&full).unwrap());
        // Some of the elements, with other values.
        let part = blob(&[(4095, 77)]);
        let proofs = units.proofs(&sparse(&part).unwrap()).unwrap().unwrap();
        assert_eq!(proofs, library::cell_proofs(&part).unwrap());
    }

    #[test]
    fn an_empty_blob_is_at_infinity() {
        let units = Units::new();
        let empty = blob(&[]);
        assert_eq!(units.commitment(&[]).unwrap(), library::commitment(&empty).unwrap());
        assert_eq!(units.proofs(&[]).unwrap().unwrap(), library::cell_proofs(&empty).unwrap());
    }

    #[test]
    fn the_library_refuses_what_is_not_canonical() {
        let mut blob = blob(&[(3, 5)]);
        blob[96..128].fill(0xff);
        assert_eq!(sparse(&blob), None);
        assert!(matches!(crate::commitment(&blob), Err(KzgError::Library(_))));
        assert!(matches!(crate::cell_proofs(&blob), Err(KzgError::Library(_))));
    }

    #[test]
    fn full_blobs_are_left_to_the_library() {
        let elements: Vec<(usize, u8)> = (0..60).map(|index| (index, 9)).collect();
        let blob = blob(&elements);
        assert_eq!(sparse(&blob), None);
        assert_eq!(crate::commitment(&blob).unwrap(), library::commitment(&blob).unwrap());
    }
}
