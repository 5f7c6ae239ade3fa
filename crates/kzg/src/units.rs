//! Unit blobs: what is known of them, and what follows for other blobs.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ark_bls12_381::{G1Affine, G1Projective};
use ark_ec::CurveGroup;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};

use crate::{
    BLOB_BYTES, ELEMENT_BYTES, KzgError, POINT_BYTES, Point, library_commitment, library_proofs,
    multiples::{Digits, Multiples, digits, multiples, sum},
    sparse::Element,
};

/// Blobs with an element whose proofs c-kzg computes before the element is learned.
const PATIENCE: u32 = 2;
/// Elements that are learned with one blob. Each takes as long as the blob's proofs.
const AT_ONCE: usize = 2;
/// Elements that are learned at most. Each takes 0.9 MB.
const MOST: usize = 64;

/// The unit blobs of this process.
pub(crate) static UNITS: Units = Units::new();

/// Unit blobs by the place of their one.
pub(crate) struct Units {
    commitments: Mutex<BTreeMap<usize, Arc<Multiples>>>,
    proofs: Mutex<BTreeMap<usize, Arc<Vec<Multiples>>>>,
    uses: Mutex<BTreeMap<usize, u32>>,
}

/// Maps stay consistent between statements, so a panic elsewhere leaves nothing half done.
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
            let known = lock(&self.commitments).get(&element.place).cloned();
            let unit = match known {
                Some(unit) => unit,
                None => {
                    let point = library_commitment(&unit_blob(element.place))?;
                    let unit = one(multiples(&[decode(&point)?]))?;
                    lock(&self.commitments).insert(element.place, Arc::clone(&unit));
                    unit
                }
            };
            terms.push((digits(element.value), unit));
        }
        encode(&sum(terms.iter().map(|(digits, unit)| (digits, &**unit))).into_affine())
    }

    /// The proofs of the blob with these elements, if all of them were learned.
    pub(crate) fn proofs(&self, elements: &[Element]) -> Result<Option<Vec<Point>>, KzgError> {
        let known = lock(&self.proofs);
        let terms: Option<Vec<(Digits, Arc<Vec<Multiples>>)>> = elements
            .iter()
            .map(|element| Some((digits(element.value), Arc::clone(known.get(&element.place)?))))
            .collect();
        drop(known);
        let Some(terms) = terms else { return Ok(None) };
        let sums: Vec<G1Projective> = (0..crate::CELLS)
            .map(|cell| sum(terms.iter().filter_map(|(digits, unit)| Some((digits, unit.get(cell)?)))))
            .collect();
        G1Projective::normalize_batch(&sums).iter().map(encode).collect::<Result<_, _>>().map(Some)
    }

    /// Takes note that the proofs of a blob with these elements were wanted, and learns some of the elements if that
    /// happens again and again.
    pub(crate) fn learn(&self, elements: &[Element]) -> Result<(), KzgError> {
        let mut wanted = Vec::new();
        {
            let (known, mut uses) = (lock(&self.proofs), lock(&self.uses));
            let room = MOST.saturating_sub(known.len());
            for element in elements.iter().filter(|element| !known.contains_key(&element.place)) {
                let count = uses.entry(element.place).or_default();
                *count = count.saturating_add(1);
                if *count > PATIENCE && wanted.len() < AT_ONCE.min(room) {
                    wanted.push(element.place);
                }
            }
        }
        for place in wanted {
            let points: Vec<G1Affine> =
                library_proofs(&unit_blob(place))?.iter().map(decode).collect::<Result<_, _>>()?;
            let unit = Arc::new(multiples(&points));
            lock(&self.proofs).insert(place, unit);
        }
        Ok(())
    }
}

/// The blob with a one at `place` and zeros.
fn unit_blob(place: usize) -> Box<[u8; BLOB_BYTES]> {
    let mut blob = Box::new([0; BLOB_BYTES]);
    // Most significant byte first.
    if let Some(element) = blob.as_chunks_mut::<ELEMENT_BYTES>().0.get_mut(place)
        && let Some(last) = element.last_mut()
    {
        *last = 1;
    }
    blob
}

fn one(mut kept: Vec<Multiples>) -> Result<Arc<Multiples>, KzgError> {
    kept.pop().map(Arc::new).ok_or(KzgError::Point(ark_serialize::SerializationError::InvalidData))
}

/// A point that c-kzg computed, so that it is one of the group.
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
        for (place, seed) in elements {
            for (byte, target) in
                (0u8..).zip(&mut blob[place * ELEMENT_BYTES + 1..(place + 1) * ELEMENT_BYTES])
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
        // The largest element: the field's order less one.
        full[512 * 32..513 * 32].copy_from_slice(&[
            0x73, 0xed, 0xa7, 0x53, 0x29, 0x9d, 0x7d, 0x48, 0x33, 0x39, 0xd8, 0x08, 0x09, 0xa1, 0xd8, 0x05,
            0x53, 0xbd, 0xa4, 0x02, 0xff, 0xfe, 0x5b, 0xfe, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
        ]);
        let elements = sparse(&full).unwrap();
        assert_eq!(elements.iter().map(|element| element.place).collect::<Vec<_>>(), [0, 512, 4095]);
        assert_eq!(units.commitment(&elements).unwrap(), library_commitment(&full).unwrap());
        for _ in 0..PATIENCE {
            units.learn(&elements).unwrap();
            assert!(lock(&units.proofs).is_empty());
        }
        units.learn(&elements).unwrap();
        assert_eq!(lock(&units.proofs).len(), AT_ONCE);
        assert_eq!(units.proofs(&elements).unwrap(), None);
        units.learn(&elements).unwrap();
        assert_eq!(units.proofs(&elements).unwrap().unwrap(), library_proofs(&full).unwrap());
        // Part of them, and other values.
        let part = blob(&[(4095, 77)]);
        let proofs = units.proofs(&sparse(&part).unwrap()).unwrap().unwrap();
        assert_eq!(proofs, library_proofs(&part).unwrap());
    }

    #[test]
    fn an_empty_blob_is_at_infinity() {
        let units = Units::new();
        let empty = blob(&[]);
        assert_eq!(units.commitment(&[]).unwrap(), library_commitment(&empty).unwrap());
        assert_eq!(units.proofs(&[]).unwrap().unwrap(), library_proofs(&empty).unwrap());
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
        let places: Vec<(usize, u8)> = (0..60).map(|place| (place, 9)).collect();
        let blob = blob(&places);
        assert_eq!(sparse(&blob), None);
        assert_eq!(crate::commitment(&blob).unwrap(), library_commitment(&blob).unwrap());
    }
}
