//! Signs an intent's transactions, and encodes them for broadcast.

use std::{fmt, sync::Arc};

use alloy::{
    consensus::{
        EthereumTxEnvelope, SignableTransaction, Signed, TxEip1559, TxEip4844, TxEip4844WithSidecar,
    },
    eips::eip2718::{Decodable2718, Encodable2718},
    network::TxSigner,
    primitives::{Address, B256, Bytes, Signature, TxHash, TxKind, U256},
};

use super::fees::Fees;
use crate::blobs::BlobSidecar;

/// Signs transactions: a key in this process, or a remote signer.
pub type TransactionSigner = Arc<dyn TxSigner<Signature> + Send + Sync>;

/// The accounts that a manager sends from. Pools don't hold blob and plain transactions of one account at the
/// same time. With one account for both, one kind waits for the other.
#[derive(Clone)]
pub struct Accounts {
    plain: TransactionSigner,
    blob: TransactionSigner,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").field("plain", &self.plain()).field("blob", &self.blob()).finish()
    }
}

impl Accounts {
    /// One account for everything.
    pub fn new(signer: impl TxSigner<Signature> + Send + Sync + 'static) -> Self {
        let plain: TransactionSigner = Arc::new(signer);
        Self { blob: plain.clone(), plain }
    }

    /// The same, with another account for blob transactions.
    pub fn with_blob_account(self, signer: impl TxSigner<Signature> + Send + Sync + 'static) -> Self {
        Self { blob: Arc::new(signer), ..self }
    }

    /// Sender of plain transactions.
    pub fn plain(&self) -> Address {
        self.plain.address()
    }

    /// Sender of blob transactions.
    pub fn blob(&self) -> Address {
        self.blob.address()
    }

    pub(crate) fn addresses(&self) -> Vec<Address> {
        let mut addresses = vec![self.plain(), self.blob()];
        addresses.dedup();
        addresses
    }

    fn signer(&self, address: Address) -> Option<&TransactionSigner> {
        [&self.plain, &self.blob].into_iter().find(|signer| signer.address() == address)
    }
}

/// The fields of a transaction.
#[derive(Clone, Debug)]
pub(crate) struct UnsignedTx {
    pub(crate) chain_id: u64,
    pub(crate) nonce: u64,
    pub(crate) to: Address,
    pub(crate) value: U256,
    pub(crate) calldata: Bytes,
    pub(crate) gas_limit: u64,
    pub(crate) fees: Fees,
    pub(crate) blob_hashes: Vec<B256>,
}

/// A signed transaction without its blobs.
#[derive(Clone, Debug)]
pub(crate) struct SignedBytes {
    pub(crate) hash: TxHash,
    pub(crate) raw: Bytes,
}

/// Why a transaction couldn't be signed or read back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignError {
    #[error("no signer for {0}")]
    NoSigner(Address),
    #[error("signer of {account}: {error}")]
    Signer { account: Address, error: String },
    #[error("stored transaction {hash} is malformed: {error}")]
    Malformed { hash: TxHash, error: String },
}

impl Accounts {
    pub(crate) async fn sign(&self, account: Address, draft: UnsignedTx) -> Result<SignedBytes, SignError> {
        let signer = self.signer(account).ok_or(SignError::NoSigner(account))?;
        let failed = |error: alloy::signers::Error| SignError::Signer { account, error: error.to_string() };
        let UnsignedTx { chain_id, nonce, to, value, calldata: input, gas_limit, fees, blob_hashes } = draft;
        if let Some(max_fee_per_blob_gas) = fees.blob_fee {
            let mut tx = TxEip4844 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas: fees.max_fee,
                max_priority_fee_per_gas: fees.tip,
                to,
                value,
                access_list: Default::default(),
                blob_versioned_hashes: blob_hashes,
                max_fee_per_blob_gas,
                input,
            };
            let signature = signer.sign_transaction(&mut tx).await.map_err(failed)?;
            let signed = tx.into_signed(signature);
            let hash = *signed.hash();
            Ok(SignedBytes { hash, raw: EthereumTxEnvelope::<TxEip4844>::from(signed).encoded_2718().into() })
        } else {
            let mut tx = TxEip1559 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas: fees.max_fee,
                max_priority_fee_per_gas: fees.tip,
                to: TxKind::Call(to),
                value,
                access_list: Default::default(),
                input,
            };
            let signature = signer.sign_transaction(&mut tx).await.map_err(failed)?;
            let signed = tx.into_signed(signature);
            let hash = *signed.hash();
            Ok(SignedBytes { hash, raw: EthereumTxEnvelope::<TxEip4844>::from(signed).encoded_2718().into() })
        }
    }
}

/// The bytes for `eth_sendRawTransaction`: for a blob transaction, with its sidecar.
pub(crate) fn wire(hash: TxHash, raw: &Bytes, blobs: Option<&BlobSidecar>) -> Result<Bytes, SignError> {
    let malformed = |error: String| SignError::Malformed { hash, error };
    let envelope = EthereumTxEnvelope::<TxEip4844>::decode_2718(&mut raw.as_ref())
        .map_err(|error| malformed(error.to_string()))?;
    let EthereumTxEnvelope::Eip4844(signed) = envelope else { return Ok(raw.clone()) };
    let blobs = blobs.ok_or_else(|| malformed("its blobs are missing".to_owned()))?;
    let (tx, signature, hash) = signed.into_parts();
    let tx = TxEip4844WithSidecar::from_tx_and_sidecar(tx, blobs.sidecar());
    let signed = Signed::new_unchecked(tx, signature, hash);
    Ok(EthereumTxEnvelope::Eip4844(signed).encoded_2718().into())
}
