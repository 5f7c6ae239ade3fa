//! Commitments and openings of blobs (EIP-4844), computed by c-kzg with Ethereum's trusted setup.

use ark_ff::Field;
use c_kzg::{Blob as KzgBlob, Bytes32, Bytes48, ethereum_kzg_settings};
use fernet_ledger::{
    Blob, Fr, Layout,
    field::{self, FieldError},
    layout::BLOB_ELEMENTS,
};
use sha2::{Digest, Sha256};

/// Bytes of a compressed point of G1.
pub const COMMITMENT_BYTES: usize = 48;
/// First byte of a versioned hash (EIP-4844).
const VERSIONED_HASH_VERSION: u8 = 1;
/// Precomputation level of the trusted setup, which is the one that other libraries in the process use: a
/// second setup would take seconds to load. The functions of this module don't need the precomputation.
const PRECOMPUTE: u64 = 8;

/// Why a blob has no commitment or opening.
#[derive(Debug, thiserror::Error)]
pub enum KzgError {
    /// c-kzg refused the blob, the point or the proof.
    #[error("c-kzg: {0:?}")]
    Library(c_kzg::Error),
    /// c-kzg returned a value that isn't a field element.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A blob has no element with this index.
    #[error("expected the index of an element below {BLOB_ELEMENTS}, got {0}")]
    Element(usize),
}

impl From<c_kzg::Error> for KzgError {
    fn from(error: c_kzg::Error) -> Self {
        Self::Library(error)
    }
}

/// An opening: the value of a blob's polynomial at a point, with the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// The point at which the polynomial is evaluated.
    pub point: Fr,
    /// The value of the polynomial.
    pub value: Fr,
    /// The KZG proof of the value.
    pub proof: [u8; COMMITMENT_BYTES],
}

/// The commitment to a blob.
///
/// # Errors
/// Fails if an element isn't canonical.
pub fn commitment(blob: &Blob) -> Result<[u8; COMMITMENT_BYTES], KzgError> {
    let settings = ethereum_kzg_settings(PRECOMPUTE);
    Ok(settings.blob_to_kzg_commitment(&*library_blob(blob)?)?.to_bytes().into_inner())
}

/// The versioned hash of a commitment, which identifies the blob on L1.
#[must_use]
pub fn versioned_hash(commitment: &[u8; COMMITMENT_BYTES]) -> [u8; 32] {
    let mut hash: [u8; 32] = Sha256::digest(commitment).into();
    hash[0] = VERSIONED_HASH_VERSION;
    hash
}

/// Opens a blob at a point.
///
/// # Errors
/// Fails if an element isn't canonical.
pub fn open(blob: &Blob, point: Fr) -> Result<Opening, KzgError> {
    let settings = ethereum_kzg_settings(PRECOMPUTE);
    let at = Bytes32::new(field::to_bytes(&point));
    let (proof, value) = settings.compute_kzg_proof(&*library_blob(blob)?, &at)?;
    Ok(Opening { point, value: field::from_bytes(&value)?, proof: proof.to_bytes().into_inner() })
}

/// Opens a blob at the point of one of its elements, as the claim of a withdrawal requires.
///
/// # Errors
/// Fails if an element isn't canonical or the index is too large.
pub fn open_element(blob: &Blob, element: usize) -> Result<Opening, KzgError> {
    open(blob, element_point(element)?)
}

/// The point at which a blob's polynomial has the value of the element with index `element`.
///
/// # Errors
/// Fails if the index is too large.
pub fn element_point(element: usize) -> Result<Fr, KzgError> {
    // In a layout of the smallest chunks, the point is the product of a chunk's shift and one of its two
    // points.
    let layout = Layout::new(2, 2, BLOB_ELEMENTS / 2).map_err(|_| KzgError::Element(element))?;
    if element >= BLOB_ELEMENTS {
        return Err(KzgError::Element(element));
    }
    let points = layout.points();
    Ok(layout.shift(element / 2) * points.get(element % 2).copied().unwrap_or(Fr::ONE))
}

/// Whether `opening` is an opening of `commitment`.
///
/// # Errors
/// Fails if the commitment or the proof isn't a point of the group.
pub fn verify(commitment: &[u8; COMMITMENT_BYTES], opening: &Opening) -> Result<bool, KzgError> {
    let settings = ethereum_kzg_settings(PRECOMPUTE);
    let (point, value) = (field::to_bytes(&opening.point), field::to_bytes(&opening.value));
    Ok(settings.verify_kzg_proof(
        &Bytes48::new(*commitment),
        &Bytes32::new(point),
        &Bytes32::new(value),
        &Bytes48::new(opening.proof),
    )?)
}

fn library_blob(blob: &Blob) -> Result<Box<KzgBlob>, KzgError> {
    Ok(Box::new(KzgBlob::from_bytes(blob.as_bytes())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fernet_ledger::blob;

    fn blob_of(layout: &Layout) -> (Vec<Vec<Fr>>, Blob) {
        let chunks: Vec<Vec<Fr>> =
            (0..3u64).map(|chunk| (0..3u64).map(|slot| Fr::from(7 * chunk + slot + 1)).collect()).collect();
        let blob = blob::encode(layout, &chunks).remove(0);
        (chunks, blob)
    }

    // rule: Z3
    #[test]
    fn the_chunks_shares_add_up_to_the_blobs_value() {
        use fernet_ledger::statement::{chunk_challenge, share};
        let layout = Layout::new(3, 4, 5).unwrap();
        let (chunks, blob) = blob_of(&layout);
        let z = Fr::from(987_654_321u64).pow([5]);
        let sum: Fr =
            (0..).zip(&chunks).map(|(c, chunk)| share(&layout, chunk_challenge(&layout, c, z), chunk)).sum();
        let opening = open(&blob, z).unwrap();
        assert_eq!(opening.value, sum);
        let commitment = commitment(&blob).unwrap();
        assert!(verify(&commitment, &opening).unwrap());
        assert!(!verify(&commitment, &Opening { value: sum + Fr::ONE, ..opening }).unwrap());
        assert_eq!(versioned_hash(&commitment)[0], 1);
    }

    // rule: Y4
    #[test]
    fn elements_open_to_what_they_hold() {
        let layout = Layout::new(3, 4, 5).unwrap();
        let (chunks, blob) = blob_of(&layout);
        let commitment = commitment(&blob).unwrap();
        for (element, expected) in
            [(0, chunks[0][0]), (5, chunks[1][1]), (3, Fr::from(0u64)), (4095, Fr::from(0u64))]
        {
            let opening = open_element(&blob, element).unwrap();
            assert_eq!(opening.value, expected);
            assert!(verify(&commitment, &opening).unwrap());
        }
        assert!(matches!(open_element(&blob, 4096), Err(KzgError::Element(4096))));
    }
}
