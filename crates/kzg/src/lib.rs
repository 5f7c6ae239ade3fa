//! KZG commitments (EIP-4844) and cell proofs (EIP-7594) of blobs, with Ethereum's trusted setup.
//!
//! What c-kzg computes, byte for byte, but in a fraction of the time where a blob is mostly zeros: a block of the ledger
//! fills eight of a blob's 4,096 elements with each chunk. Commitments and proofs are linear in the elements, so those of
//! a blob are sums of multiples of those of *unit blobs*, which hold a one and zeros. Unit blobs' commitments and proofs
//! come from c-kzg, once each, and are kept with small multiples of their points.
//!
//! A unit blob's 128 proofs take as long as those of any other, so they are computed only for elements that come up again
//! and again, a few at a time: whoever makes many blocks gets fast, and whoever makes one pays for one.

mod multiples;
mod sparse;
mod units;

use c_kzg::{Blob as LibraryBlob, KzgSettings, ethereum_kzg_settings};

use crate::{sparse::sparse, units::UNITS};

/// Bytes of a blob.
pub const BLOB_BYTES: usize = ELEMENTS * ELEMENT_BYTES;
/// Bytes of a commitment or proof: a compressed point of G1.
pub const POINT_BYTES: usize = 48;
/// Proofs of a blob.
pub const CELLS: usize = 128;

/// Elements of a blob.
const ELEMENTS: usize = 4096;
/// Bytes of an element.
const ELEMENT_BYTES: usize = 32;
/// Precomputation level of c-kzg, the one that revm and alloy use: all share one setup of 96 MiB.
const PRECOMPUTE: u64 = 8;

/// A commitment or proof.
pub type Point = [u8; POINT_BYTES];

/// Why a blob has no commitment.
#[derive(Debug, thiserror::Error)]
pub enum KzgError {
    /// An element isn't below the field's order, or c-kzg refused otherwise.
    #[error("expected a valid blob: {0:?}")]
    Library(c_kzg::Error),
    /// c-kzg gave something that isn't a point.
    #[error("expected a point from c-kzg: {0}")]
    Point(ark_serialize::SerializationError),
}

/// The commitment to a blob.
///
/// # Errors
/// When an element isn't below the field's order.
pub fn commitment(blob: &[u8; BLOB_BYTES]) -> Result<Point, KzgError> {
    match sparse(blob) {
        Some(elements) => UNITS.commitment(&elements),
        None => library_commitment(blob),
    }
}

/// The proofs of a blob's 128 cells, a good part of a second unless the blob is sparse and its elements were learned.
///
/// # Errors
/// When an element isn't below the field's order.
pub fn cell_proofs(blob: &[u8; BLOB_BYTES]) -> Result<Vec<Point>, KzgError> {
    let quick = sparse(blob).map(|elements| UNITS.proofs(&elements)).transpose()?.flatten();
    quick.map_or_else(|| library_proofs(blob), Ok)
}

/// Gets ready for more blobs like this one, if it isn't the first of its kind: up to two elements are learned, each of
/// which takes as long as the proofs of a blob. Call it after [`cell_proofs`], when there is time.
///
/// # Errors
/// When c-kzg fails.
pub fn learn(blob: &[u8; BLOB_BYTES]) -> Result<(), KzgError> {
    sparse(blob).map_or(Ok(()), |elements| UNITS.learn(&elements))
}

fn settings() -> &'static KzgSettings {
    ethereum_kzg_settings(PRECOMPUTE)
}

fn library_blob(blob: &[u8; BLOB_BYTES]) -> Result<Box<LibraryBlob>, KzgError> {
    LibraryBlob::from_bytes(blob).map(Box::new).map_err(KzgError::Library)
}

fn library_commitment(blob: &[u8; BLOB_BYTES]) -> Result<Point, KzgError> {
    let commitment = settings().blob_to_kzg_commitment(&*library_blob(blob)?).map_err(KzgError::Library)?;
    Ok(commitment.to_bytes().into_inner())
}

fn library_proofs(blob: &[u8; BLOB_BYTES]) -> Result<Vec<Point>, KzgError> {
    let (_cells, proofs) =
        settings().compute_cells_and_kzg_proofs(&*library_blob(blob)?).map_err(KzgError::Library)?;
    Ok(proofs.iter().map(|proof| proof.to_bytes().into_inner()).collect())
}
