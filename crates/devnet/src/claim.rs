//! Claiming a withdrawal on L1: the finalized block's blob commitment is opened at its elements.

use alloy::{
    primitives::{B256, Bytes, TxHash, U256},
    signers::local::PrivateKeySigner,
};
use fernet_bindings::{IBridge, WithdrawalProof};
use fernet_circuit::kzg::{self, KzgError};
use fernet_follower::FinalizedBlock;
use fernet_l1::{BlobError, BlobSource, Deployment};
use fernet_ledger::{Blob, block::PendingWithdrawal, field};

use crate::{
    backend::L1Backend,
    batch::{BatchError, Call, send},
};

/// Why a withdrawal couldn't be claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// The block names no such blob.
    #[error("the block of slot {slot} has {count} blobs, so it has no blob {blob}")]
    NoBlob {
        /// The blob's number.
        blob: usize,
        /// The block's slot.
        slot: u64,
        /// Its blobs.
        count: usize,
    },
    /// The blob can't be fetched.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The blob isn't one of the ledger's.
    #[error(transparent)]
    Data(#[from] fernet_ledger::blob::BlobError),
    /// It can't be opened.
    #[error(transparent)]
    Kzg(#[from] KzgError),
    /// The transaction failed.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

/// Proves that `withdrawal` is in a finalized block, as [`IBridge::claimCall`] takes it. Anybody may send
/// that call.
///
/// # Errors
/// When the blob can't be fetched or opened.
pub async fn withdrawal_proof(
    blobs: &dyn BlobSource,
    block: &FinalizedBlock,
    withdrawal: &PendingWithdrawal,
) -> Result<WithdrawalProof, ClaimError> {
    let number = withdrawal.position.blob;
    let missing =
        || ClaimError::NoBlob { blob: number, slot: block.header.slot.get(), count: block.blobs.len() };
    let at = *block.blobs.get(number).ok_or_else(missing)?;
    let hash = *block.header.blob_hashes.get(number).ok_or_else(missing)?;
    let fetched = blobs.blobs(at, &[hash]).await?;
    let blob = Blob::from_bytes(fetched.first().ok_or_else(missing)?.as_slice())?;

    let commitment = kzg::commitment(&blob)?;
    let element = kzg::open_element(&blob, withdrawal.element)?;
    let target = kzg::open_element(&blob, withdrawal.element.saturating_add(1))?;
    Ok(WithdrawalProof {
        header: block.header.clone().into(),
        blob: U256::from(number),
        element: U256::from(withdrawal.element),
        withdrawal: B256::new(field::to_bytes(&element.value)),
        target: B256::new(field::to_bytes(&target.value)),
        commitment: Bytes::copy_from_slice(&commitment),
        withdrawalOpening: Bytes::copy_from_slice(&element.proof),
        targetOpening: Bytes::copy_from_slice(&target.proof),
    })
}

/// Claims `withdrawal` of a finalized block, sending from `claimer`. Returns the transaction.
///
/// # Errors
/// When the blob can't be fetched or L1 refuses.
pub async fn claim(
    backend: &L1Backend,
    deployment: &Deployment,
    blobs: &dyn BlobSource,
    block: &FinalizedBlock,
    withdrawal: &PendingWithdrawal,
    claimer: &PrivateKeySigner,
) -> Result<TxHash, ClaimError> {
    let proof = withdrawal_proof(blobs, block, withdrawal).await?;
    let call = Call::new(claimer, deployment.contracts().bridge, &IBridge::claimCall { proof });
    let receipts = send(backend, "claiming the withdrawal", vec![call]).await?;
    Ok(receipts.first().map(|receipt| receipt.transaction_hash).unwrap_or_default())
}
