//! Blob sidecars for transactions, and sources from which published blobs are fetched.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use alloy::{
    eips::{
        eip4844::{
            BYTES_PER_BLOB, Blob, BlobTransactionSidecar, Bytes48, DATA_GAS_PER_BLOB,
            env_settings::EnvKzgSettings, kzg_to_versioned_hash,
        },
        eip7594::{BlobTransactionSidecarEip7594, BlobTransactionSidecarVariant},
    },
    primitives::{B256, Bytes},
};
use fernet_protocol::L1Slot;
use serde::{Deserialize, Serialize};

use crate::endpoint::FailureClass;

/// Most blobs that one transaction may carry (EIP-7594).
pub const MAX_BLOBS_PER_TRANSACTION: usize = 6;

/// The kind of proofs that a blob sidecar carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SidecarFormat {
    /// Cell proofs (Fusaka and later).
    #[default]
    Eip7594,
    /// One proof a blob (Cancun, Prague).
    Eip4844,
}

/// Why blobs can't be used or fetched.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The number of blobs is out of range.
    #[error("expected 1 to {MAX_BLOBS_PER_TRANSACTION} blobs, got {actual}")]
    Count { actual: usize },
    /// The bytes aren't 4,096 canonical field elements, or the KZG library refused them.
    #[error("malformed blob: {0}")]
    Malformed(String),
    /// The source doesn't have the blob, or no longer has it.
    #[error("blob {hash} of L1 block {number} is not available")]
    Unavailable { hash: B256, number: u64 },
    /// The source sent something that is no blob.
    #[error("the blob source sent a malformed blob: {0}")]
    Garbled(String),
    /// The source answered with an error.
    #[error("blob source answered with status {status}: {message}")]
    Refused { status: u16, message: String },
    /// The answer is longer than any answer of a beacon API can be.
    #[error("the blob source sent more than {limit} bytes")]
    TooLong { limit: usize },
    /// The source gave no answer, or an unreadable one.
    #[error("the blob source is unreachable: {0}")]
    Unreachable(String),
}

impl BlobError {
    fn malformed(error: fernet_kzg::KzgError) -> Self {
        Self::Malformed(error.to_string())
    }

    /// What to do about it. Nothing that a source answers is fatal.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Unavailable { .. } | Self::Unreachable(_) => FailureClass::TryAgain,
            Self::Refused { status: 401 | 403, .. } => FailureClass::Operator,
            Self::TooLong { .. } | Self::Refused { .. } | Self::Garbled(_) => FailureClass::TryAnother,
            Self::Count { .. } | Self::Malformed(_) => FailureClass::Fatal,
        }
    }

    /// Whether the request may succeed later, or at another source.
    pub fn is_retryable(&self) -> bool {
        self.class().is_retryable()
    }
}

/// Blobs with commitments and proofs, ready to be sent. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct BlobSidecar {
    sidecar: Arc<BlobTransactionSidecarVariant>,
}

impl fmt::Debug for BlobSidecar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BlobSidecar").field(&self.versioned_hashes()).finish()
    }
}

impl BlobSidecar {
    /// Computes commitments and proofs. Blocks the thread: some milliseconds for each blob, and with cell
    /// proofs up to half a second.
    ///
    /// # Errors
    /// If the number of blobs is out of range, or a blob is malformed.
    pub fn build(blobs: Vec<Blob>, format: SidecarFormat) -> Result<Self, BlobError> {
        if blobs.is_empty() || blobs.len() > MAX_BLOBS_PER_TRANSACTION {
            return Err(BlobError::Count { actual: blobs.len() });
        }
        let malformed = |error: c_kzg::Error| BlobError::Malformed(error.to_string());
        let sidecar = match format {
            SidecarFormat::Eip7594 => {
                let commitments = blobs.iter().map(commitment).collect::<Result<_, _>>()?;
                let mut proofs = Vec::with_capacity(blobs.len().saturating_mul(fernet_kzg::CELLS));
                for blob in &blobs {
                    let cells = fernet_kzg::cell_proofs(blob).map_err(BlobError::malformed)?;
                    proofs.extend(cells.into_iter().map(Bytes48::from));
                }
                BlobTransactionSidecarVariant::Eip7594(BlobTransactionSidecarEip7594::new(
                    blobs,
                    commitments,
                    proofs,
                ))
            }
            SidecarFormat::Eip4844 => BlobTransactionSidecarVariant::Eip4844(
                BlobTransactionSidecar::try_from_blobs_with_settings(blobs, EnvKzgSettings::Default.get())
                    .map_err(malformed)?,
            ),
        };
        Ok(Self { sidecar: Arc::new(sidecar) })
    }

    /// Makes later sidecars of this kind faster. Ledger blobs are mostly zeros; once the used elements are
    /// known, their cell proofs take a tenth of the time. Blocks the thread for about a second.
    ///
    /// # Errors
    /// If a blob is malformed.
    pub fn learn(&self) -> Result<(), BlobError> {
        if self.format() == SidecarFormat::Eip4844 {
            return Ok(());
        }
        self.blobs().iter().try_for_each(|blob| fernet_kzg::precompute(blob).map_err(BlobError::malformed))
    }

    /// One blob of zeros, for a cancellation. Its commitment and proofs are the point at infinity.
    pub(crate) fn empty(format: SidecarFormat) -> Self {
        use alloy::eips::eip7594::CELLS_PER_EXT_BLOB;
        let mut infinity = Bytes48::ZERO;
        infinity.0[0] = 0xc0;
        let blobs = vec![Blob::ZERO];
        let sidecar = match format {
            SidecarFormat::Eip7594 => BlobTransactionSidecarVariant::Eip7594(
                BlobTransactionSidecarEip7594::new(blobs, vec![infinity], vec![infinity; CELLS_PER_EXT_BLOB]),
            ),
            SidecarFormat::Eip4844 => BlobTransactionSidecarVariant::Eip4844(BlobTransactionSidecar {
                blobs,
                commitments: vec![infinity],
                proofs: vec![infinity],
            }),
        };
        Self { sidecar: Arc::new(sidecar) }
    }

    /// Versioned hashes of the blobs, in order.
    pub fn versioned_hashes(&self) -> Vec<B256> {
        self.sidecar.versioned_hashes().collect()
    }

    /// The blobs, in order.
    pub fn blobs(&self) -> &[Blob] {
        self.sidecar.blobs()
    }

    /// Number of blobs.
    pub fn len(&self) -> usize {
        self.blobs().len()
    }

    /// Whether there is no blob. Never true: a sidecar has at least one.
    pub fn is_empty(&self) -> bool {
        self.blobs().is_empty()
    }

    /// Blob gas of a transaction with these blobs.
    pub fn blob_gas(&self) -> u64 {
        DATA_GAS_PER_BLOB.saturating_mul(self.len() as u64)
    }

    /// The kind of its proofs.
    pub fn format(&self) -> SidecarFormat {
        match &*self.sidecar {
            BlobTransactionSidecarVariant::Eip7594(_) => SidecarFormat::Eip7594,
            BlobTransactionSidecarVariant::Eip4844(_) => SidecarFormat::Eip4844,
        }
    }

    pub(crate) fn sidecar(&self) -> BlobTransactionSidecarVariant {
        (*self.sidecar).clone()
    }

    /// Encodes the sidecar for the disk: one byte for the format, then the RLP fields of that format.
    pub fn encode(&self) -> Bytes {
        let mut out = vec![match self.format() {
            SidecarFormat::Eip4844 => 0,
            SidecarFormat::Eip7594 => 1,
        }];
        alloy::rlp::Encodable::encode(&Bytes::from(self.sidecar.rlp_encoded_fields()), &mut out);
        out.into()
    }

    /// Reads what [`Self::encode`] wrote. Commitments and proofs are not checked.
    ///
    /// # Errors
    /// When the bytes are anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, BlobError> {
        let malformed = |error: alloy::rlp::Error| BlobError::Malformed(error.to_string());
        let (_, mut rest) = bytes.split_first().ok_or_else(|| BlobError::Malformed("no bytes".to_owned()))?;
        let fields = <Bytes as alloy::rlp::Decodable>::decode(&mut rest).map_err(malformed)?;
        let sidecar =
            BlobTransactionSidecarVariant::rlp_decode_fields(&mut fields.as_ref()).map_err(malformed)?;
        let read = Self { sidecar: Arc::new(sidecar) };
        if read.is_empty() || read.len() > MAX_BLOBS_PER_TRANSACTION {
            return Err(BlobError::Count { actual: read.len() });
        }
        if read.versioned_hashes().len() != read.len() || read.encode()[..] != *bytes {
            return Err(BlobError::Malformed("not the bytes of a sidecar".to_owned()));
        }
        Ok(read)
    }
}

fn commitment(blob: &Blob) -> Result<Bytes48, BlobError> {
    fernet_kzg::commitment(blob).map(Bytes48::from).map_err(BlobError::malformed)
}

/// Versioned hash of a blob, from its KZG commitment (EIP-4844).
///
/// # Errors
/// If the blob is malformed.
pub fn versioned_hash(blob: &Blob) -> Result<B256, BlobError> {
    Ok(kzg_to_versioned_hash(commitment(blob)?.as_slice()))
}

/// The L1 block in which blobs were published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlobLocation {
    /// L1 block number.
    pub number: u64,
    /// L1 block hash.
    pub hash: B256,
    /// L1 slot of the block.
    pub l1_slot: L1Slot,
}

/// The future that a [`BlobSource`] returns.
pub type BlobFuture<'a> = Pin<Box<dyn Future<Output = Result<Vec<Blob>, BlobError>> + Send + 'a>>;

/// A source of blobs of past L1 blocks.
pub trait BlobSource: Send + Sync {
    /// Fetches the blobs with these versioned hashes, in this order. Implementations check each blob against
    /// its hash.
    fn blobs<'a>(&'a self, at: BlobLocation, hashes: &'a [B256]) -> BlobFuture<'a>;
}

/// Takes the wanted blobs from an answer, in the order of the request. Their hashes are computed. An answer
/// may have all blobs of the L1 block, and other blobs may be malformed.
///
/// # Errors
/// If a blob is missing.
pub fn arrange(given: Vec<Blob>, at: BlobLocation, hashes: &[B256]) -> Result<Vec<Blob>, BlobError> {
    let mut found: Vec<(B256, Blob)> = Vec::with_capacity(given.len());
    for blob in given {
        match versioned_hash(&blob) {
            Ok(hash) => found.push((hash, blob)),
            Err(error) => tracing::debug!(%error, "the blob source sent a malformed blob"),
        }
    }
    hashes
        .iter()
        .map(|hash| {
            found
                .iter()
                .find(|(actual, _)| actual == hash)
                .map(|(_, blob)| *blob)
                .ok_or(BlobError::Unavailable { hash: *hash, number: at.number })
        })
        .collect()
}

/// A blob from its bytes.
pub(crate) fn blob_from_bytes(bytes: &[u8]) -> Result<Blob, BlobError> {
    Blob::try_from(bytes)
        .map_err(|_| BlobError::Garbled(format!("expected {BYTES_PER_BLOB} bytes, got {}", bytes.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(byte: u8) -> Blob {
        let mut blob = Blob::ZERO;
        blob[31] = byte;
        blob
    }

    fn location() -> BlobLocation {
        BlobLocation { number: 5, hash: B256::ZERO, l1_slot: L1Slot::new(9) }
    }

    #[test]
    fn a_sidecar_survives_the_disk() {
        for format in [SidecarFormat::Eip7594, SidecarFormat::Eip4844] {
            let sidecar = BlobSidecar::build(vec![blob(1), blob(2)], format).unwrap();
            assert_eq!(sidecar.format(), format);
            assert_eq!(
                sidecar.versioned_hashes(),
                [versioned_hash(&blob(1)).unwrap(), versioned_hash(&blob(2)).unwrap()]
            );
            assert_eq!(BlobSidecar::decode(&sidecar.encode()).unwrap(), sidecar);
            assert!(matches!(BlobSidecar::decode(&sidecar.encode()[..1000]), Err(BlobError::Malformed(_))));
            let longer = [&sidecar.encode()[..], &[0]].concat();
            assert!(matches!(BlobSidecar::decode(&longer), Err(BlobError::Malformed(_))));
        }
        // Lists without entries: a sidecar has at least one blob.
        assert!(matches!(
            BlobSidecar::decode(&[0, 0x83, 0xc0, 0xc0, 0xc0]),
            Err(BlobError::Count { actual: 0 })
        ));
    }

    #[test]
    fn the_empty_bundle_is_what_computing_it_gives() {
        for format in [SidecarFormat::Eip7594, SidecarFormat::Eip4844] {
            assert_eq!(BlobSidecar::empty(format), BlobSidecar::build(vec![Blob::ZERO], format).unwrap());
        }
    }

    #[test]
    fn counts_and_field_elements_are_checked() {
        assert_eq!(
            BlobSidecar::build(Vec::new(), SidecarFormat::Eip4844).unwrap_err().to_string(),
            "expected 1 to 6 blobs, got 0"
        );
        let mut bad = Blob::ZERO;
        bad.0[..32].fill(0xff);
        assert!(matches!(
            BlobSidecar::build(vec![bad], SidecarFormat::Eip4844),
            Err(BlobError::Malformed(_))
        ));
        assert!(matches!(versioned_hash(&bad), Err(BlobError::Malformed(_))));
    }

    #[test]
    fn blobs_are_arranged_as_asked_for_and_checked() {
        let hashes = [versioned_hash(&blob(1)).unwrap(), versioned_hash(&blob(2)).unwrap()];
        let given = arrange(vec![blob(2), blob(1)], location(), &hashes).unwrap();
        assert_eq!(given, [blob(1), blob(2)]);
        assert_eq!(
            arrange(vec![blob(1)], location(), &hashes).unwrap_err().to_string(),
            format!("blob {} of L1 block 5 is not available", hashes[1])
        );
        // All blobs of a block, some of them malformed.
        let mut bad = Blob::ZERO;
        bad.0[..32].fill(0xff);
        let all = vec![bad, blob(3), blob(1), bad, blob(2)];
        assert_eq!(arrange(all, location(), &hashes).unwrap(), [blob(1), blob(2)]);
        assert!(arrange(vec![bad, bad], location(), &hashes).unwrap_err().is_retryable());
    }
}
