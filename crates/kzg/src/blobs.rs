//! Commitments and cell proofs of blobs.

use crate::{
    library::{self, BLOB_BYTES, KzgError, Point},
    sparse::sparse,
    units::UNITS,
};

/// The commitment to a blob.
///
/// # Errors
/// Fails if an element isn't below the field's order.
pub fn commitment(blob: &[u8; BLOB_BYTES]) -> Result<Point, KzgError> {
    match sparse(blob) {
        Some(elements) => UNITS.commitment(&elements),
        None => library::commitment(blob),
    }
}

/// The proofs of the 128 cells of a blob. They take a good part of a second, unless the blob is sparse and
/// the proofs of its elements are precomputed.
///
/// # Errors
/// Fails if an element isn't below the field's order.
pub fn cell_proofs(blob: &[u8; BLOB_BYTES]) -> Result<Vec<Point>, KzgError> {
    let precomputed = sparse(blob).map(|elements| UNITS.proofs(&elements)).transpose()?.flatten();
    precomputed.map_or_else(|| library::cell_proofs(blob), Ok)
}

/// Counts the elements of a sparse blob, and precomputes the proofs of at most two elements that were counted
/// often. Each of them takes as long as the proofs of a blob. Call it after [`cell_proofs`], when there is
/// time.
///
/// # Errors
/// Fails if c-kzg fails.
pub fn precompute(blob: &[u8; BLOB_BYTES]) -> Result<(), KzgError> {
    sparse(blob).map_or(Ok(()), |elements| UNITS.precompute(&elements))
}
