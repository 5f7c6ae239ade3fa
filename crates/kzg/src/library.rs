//! Calls of c-kzg.

use c_kzg::{Blob, KzgSettings, ethereum_kzg_settings};

/// Bytes of a blob.
pub const BLOB_BYTES: usize = ELEMENTS * ELEMENT_BYTES;
/// Bytes of a commitment or proof, a compressed point of G1.
pub const POINT_BYTES: usize = 48;
/// Cells of a blob, and so the number of its cell proofs.
pub const CELLS: usize = 128;

/// Field elements of a blob.
const ELEMENTS: usize = 4096;
/// Bytes of a field element.
pub(crate) const ELEMENT_BYTES: usize = 32;
/// Precomputation level of the trusted setup. It is the level of revm and alloy, so that one setup of 96 MiB
/// serves all.
const PRECOMPUTE: u64 = 8;

/// A commitment or proof.
pub type Point = [u8; POINT_BYTES];

/// Why the commitment or the proofs of a blob can't be computed.
#[derive(Debug, thiserror::Error)]
pub enum KzgError {
    /// An element isn't below the field's order, or c-kzg failed otherwise.
    #[error("c-kzg: {0:?}")]
    Library(c_kzg::Error),
    /// c-kzg returned bytes that aren't a point.
    #[error("c-kzg returned a malformed point: {0}")]
    Point(ark_serialize::SerializationError),
}

/// The commitment that c-kzg computes.
pub(crate) fn commitment(blob: &[u8; BLOB_BYTES]) -> Result<Point, KzgError> {
    let commitment = settings().blob_to_kzg_commitment(&*convert(blob)?).map_err(KzgError::Library)?;
    Ok(commitment.to_bytes().into_inner())
}

/// The cell proofs that c-kzg computes.
pub(crate) fn cell_proofs(blob: &[u8; BLOB_BYTES]) -> Result<Vec<Point>, KzgError> {
    let (_cells, proofs) =
        settings().compute_cells_and_kzg_proofs(&*convert(blob)?).map_err(KzgError::Library)?;
    Ok(proofs.iter().map(|proof| proof.to_bytes().into_inner()).collect())
}

fn settings() -> &'static KzgSettings {
    ethereum_kzg_settings(PRECOMPUTE)
}

fn convert(blob: &[u8; BLOB_BYTES]) -> Result<Box<Blob>, KzgError> {
    Blob::from_bytes(blob).map(Box::new).map_err(KzgError::Library)
}
