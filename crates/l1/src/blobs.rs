//! Blobs: made ready for a transaction, and fetched back from the data layer.

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

/// Most blobs that one transaction may carry (EIP-7594).
pub const MAX_BLOBS_PER_TRANSACTION: usize = 6;

/// What accompanies the blobs of a transaction on its way into a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SidecarFormat {
    /// Cell proofs (Fusaka and later).
    #[default]
    Eip7594,
    /// One proof a blob (Cancun, Prague).
    Eip4844,
}

/// Why blobs can't be used or had.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// Too many or too few.
    #[error("expected 1 to {MAX_BLOBS_PER_TRANSACTION} blobs, got {actual}")]
    Count {
        /// blobs given
        actual: usize,
    },
    /// Not 4,096 canonical field elements, or the KZG library refused it.
    #[error("malformed blob: {0}")]
    Malformed(String),
    /// The source doesn't have it (any more).
    #[error("blob {hash} of L1 block {number} is not available")]
    Unavailable {
        /// versioned hash
        hash: B256,
        /// L1 block number
        number: u64,
    },
    /// What the source gave isn't what was asked for.
    #[error("blob source gave a blob with hash {actual}, which wasn't asked for")]
    Unexpected {
        /// versioned hash of what was given
        actual: B256,
    },
    /// The source answered with an error.
    #[error("blob source answered with status {status}: {message}")]
    Refused {
        /// HTTP status
        status: u16,
        /// beginning of the answer
        message: String,
    },
    /// The answer is larger than the blobs that were asked for can be.
    #[error("blob source sent more than {limit} bytes")]
    TooLong {
        /// bytes
        limit: usize,
    },
    /// No answer, or none that could be read.
    #[error("blob source unreachable: {0}")]
    Unreachable(String),
}

impl BlobError {
    fn malformed(error: fernet_kzg::KzgError) -> Self {
        Self::Malformed(error.to_string())
    }

    /// Whether asking again later, or another source, may help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. }
            | Self::Unreachable(_)
            | Self::Unexpected { .. }
            | Self::TooLong { .. } => true,
            Self::Refused { status, .. } => *status == 404 || *status == 429 || *status >= 500,
            Self::Count { .. } | Self::Malformed(_) => false,
        }
    }
}

/// Blobs with commitments and proofs, ready to be sent. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct BlobBundle {
    sidecar: Arc<BlobTransactionSidecarVariant>,
}

impl fmt::Debug for BlobBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BlobBundle").field(&self.versioned_hashes()).finish()
    }
}

impl BlobBundle {
    /// Computes commitments and proofs: milliseconds a blob, with cell proofs a good part of a second. Blocks the thread.
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

    /// Gets ready for more bundles of this kind, when there is time: ledger blobs are mostly zeros, and their cell proofs
    /// take a tenth of the time once it is known which elements they use. Blocks the thread for up to a second or so.
    pub fn learn(&self) -> Result<(), BlobError> {
        if self.format() == SidecarFormat::Eip4844 {
            return Ok(());
        }
        self.blobs().iter().try_for_each(|blob| fernet_kzg::learn(blob).map_err(BlobError::malformed))
    }

    /// One blob of zeros, whose commitment and proofs are the point at infinity: what a cancellation carries.
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

    /// Hashes under which the chain knows the blobs, in order.
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

    /// Never true: a bundle has at least one blob.
    pub fn is_empty(&self) -> bool {
        self.blobs().is_empty()
    }

    /// Blob gas of a transaction with these blobs.
    pub fn blob_gas(&self) -> u64 {
        DATA_GAS_PER_BLOB.saturating_mul(self.len() as u64)
    }

    /// The form that its proofs have.
    pub fn format(&self) -> SidecarFormat {
        match &*self.sidecar {
            BlobTransactionSidecarVariant::Eip7594(_) => SidecarFormat::Eip7594,
            BlobTransactionSidecarVariant::Eip4844(_) => SidecarFormat::Eip4844,
        }
    }

    pub(crate) fn sidecar(&self) -> BlobTransactionSidecarVariant {
        (*self.sidecar).clone()
    }

    /// The bundle as bytes, for the disk: the RLP fields of its format, which tell the format.
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
        let bundle = Self { sidecar: Arc::new(sidecar) };
        if bundle.is_empty() || bundle.len() > MAX_BLOBS_PER_TRANSACTION {
            return Err(BlobError::Count { actual: bundle.len() });
        }
        if bundle.versioned_hashes().len() != bundle.len() || bundle.encode() != bytes {
            return Err(BlobError::Malformed("not the bytes of a bundle".to_owned()));
        }
        Ok(bundle)
    }
}

fn commitment(blob: &Blob) -> Result<Bytes48, BlobError> {
    fernet_kzg::commitment(blob).map(Bytes48::from).map_err(BlobError::malformed)
}

/// Versioned hash of a blob, from its KZG commitment.
pub fn versioned_hash(blob: &Blob) -> Result<B256, BlobError> {
    Ok(kzg_to_versioned_hash(commitment(blob)?.as_slice()))
}

/// Where blobs were published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlobLocation {
    /// L1 block number
    pub number: u64,
    /// L1 block hash
    pub hash: B256,
    /// L1 slot of the block
    pub l1_slot: L1Slot,
}

/// What an asynchronous call of a [`BlobSource`] gives.
pub type BlobFuture<'a> = Pin<Box<dyn Future<Output = Result<Vec<Blob>, BlobError>> + Send + 'a>>;

/// Something that still has the blobs of past L1 blocks.
pub trait BlobSource: Send + Sync {
    /// The blobs with these versioned hashes, in this order. Implementations check each against its hash.
    fn blobs<'a>(&'a self, at: BlobLocation, hashes: &'a [B256]) -> BlobFuture<'a>;
}

/// Puts what a source gave into the order asked for; every blob is checked against its hash.
///
/// # Errors
/// A blob that wasn't asked for, a malformed one, or one that is missing.
pub fn arrange(given: Vec<Blob>, at: BlobLocation, hashes: &[B256]) -> Result<Vec<Blob>, BlobError> {
    let mut found: Vec<(B256, Blob)> = Vec::with_capacity(given.len());
    for blob in given {
        let actual = versioned_hash(&blob)?;
        if !hashes.contains(&actual) {
            return Err(BlobError::Unexpected { actual });
        }
        found.push((actual, blob));
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
        .map_err(|_| BlobError::Malformed(format!("expected {BYTES_PER_BLOB} bytes, got {}", bytes.len())))
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
    fn a_bundle_survives_the_disk() {
        for format in [SidecarFormat::Eip7594, SidecarFormat::Eip4844] {
            let bundle = BlobBundle::build(vec![blob(1), blob(2)], format).unwrap();
            assert_eq!(bundle.format(), format);
            assert_eq!(
                bundle.versioned_hashes(),
                [versioned_hash(&blob(1)).unwrap(), versioned_hash(&blob(2)).unwrap()]
            );
            assert_eq!(BlobBundle::decode(&bundle.encode()).unwrap(), bundle);
            assert!(matches!(BlobBundle::decode(&bundle.encode()[..1000]), Err(BlobError::Malformed(_))));
            let longer = [&bundle.encode()[..], &[0]].concat();
            assert!(matches!(BlobBundle::decode(&longer), Err(BlobError::Malformed(_))));
        }
        // Lists without entries: a bundle has at least one blob.
        assert!(matches!(
            BlobBundle::decode(&[0, 0x83, 0xc0, 0xc0, 0xc0]),
            Err(BlobError::Count { actual: 0 })
        ));
    }

    #[test]
    fn the_empty_bundle_is_what_computing_it_gives() {
        for format in [SidecarFormat::Eip7594, SidecarFormat::Eip4844] {
            assert_eq!(BlobBundle::empty(format), BlobBundle::build(vec![Blob::ZERO], format).unwrap());
        }
    }

    #[test]
    fn counts_and_field_elements_are_checked() {
        assert_eq!(
            BlobBundle::build(Vec::new(), SidecarFormat::Eip4844).unwrap_err().to_string(),
            "expected 1 to 6 blobs, got 0"
        );
        let mut bad = Blob::ZERO;
        bad.0[..32].fill(0xff);
        assert!(matches!(BlobBundle::build(vec![bad], SidecarFormat::Eip4844), Err(BlobError::Malformed(_))));
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
        let other = versioned_hash(&blob(3)).unwrap();
        assert_eq!(
            arrange(vec![blob(1), blob(3)], location(), &hashes).unwrap_err().to_string(),
            format!("blob source gave a blob with hash {other}, which wasn't asked for")
        );
    }
}
