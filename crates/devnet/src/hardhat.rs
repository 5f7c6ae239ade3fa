//! What hardhat lacks as an L1, in front of it.
//!
//! hardhat takes a transaction with blobs only while it mines each transaction at once and no other one
//! waits, and it gives no blobs out. So [`Hardhat`] takes such transactions in hardhat's place. They wait
//! here until the devnet makes the next block, and their blobs stay here.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task,
};

use alloy::{
    consensus::{TxEnvelope, transaction::SignerRecoverable as _},
    eips::eip2718::Decodable2718 as _,
    primitives::{Address, B256, Bytes},
    providers::Provider as _,
    rpc::json_rpc::{RequestPacket, Response, ResponsePacket, ResponsePayload},
    transports::{TransportError, TransportFut},
};
use fernet_l1::{Pool, connect_pool};
use serde_json::value::RawValue;
use tower::Service;

use crate::blobs::SentBlobs;

/// Transactions with blobs, by sender and nonce.
type Held = BTreeMap<(Address, u64), Bytes>;

/// A transport to hardhat that takes transactions with blobs itself. Clones share them.
#[derive(Clone)]
pub(crate) struct Hardhat {
    pool: Pool,
    blobs: SentBlobs,
    held: Arc<Mutex<Held>>,
}

impl fmt::Debug for Hardhat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.lock().len();
        f.debug_struct("Hardhat").field("pool", &self.pool).field("held", &held).finish_non_exhaustive()
    }
}

impl Hardhat {
    /// The hardhat behind `pool`.
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool, blobs: SentBlobs::default(), held: Arc::default() }
    }

    /// The blobs of all transactions that it took.
    pub(crate) fn blobs(&self) -> &SentBlobs {
        &self.blobs
    }

    /// Takes out the transactions that wait for a block, in the order of their senders' nonces.
    pub(crate) fn take_held(&self) -> Vec<Bytes> {
        std::mem::take(&mut *self.lock()).into_values().collect()
    }

    /// Sends a transaction to hardhat itself.
    pub(crate) async fn deliver(&self, raw: &Bytes) -> Result<(), TransportError> {
        let provider = connect_pool(&self.pool);
        provider.send_raw_transaction(raw).await.map(drop)
    }

    /// Nothing is left half done under the lock, so a panic elsewhere doesn't matter.
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a signed transaction, if it has blobs. A later one of the same nonce replaces it. Returns its
    /// hash.
    fn take(&self, raw: &Bytes) -> Option<B256> {
        let Ok(envelope) = TxEnvelope::decode_2718(&mut raw.as_ref()) else { return None };
        let TxEnvelope::Eip4844(transaction) = &envelope else { return None };
        let (sidecar, nonce) = (transaction.tx().sidecar()?, transaction.tx().tx().nonce);
        let sender = envelope.recover_signer().ok()?;
        self.blobs.keep(sidecar);
        self.lock().insert((sender, nonce), raw.clone());
        Some(*envelope.hash())
    }

    /// The answer to a request that is this transport's own.
    fn answer(&self, packet: &RequestPacket) -> Option<ResponsePacket> {
        let request = packet.as_single().filter(|one| one.method() == "eth_sendRawTransaction")?;
        let (raw,): (Bytes,) = serde_json::from_str(request.params()?.get()).ok()?;
        let hash = self.take(&raw)?;
        let hash = RawValue::from_string(format!("\"{hash}\"")).ok()?;
        let payload = ResponsePayload::Success(hash);
        Some(ResponsePacket::Single(Response { id: request.id().clone(), payload }))
    }
}

impl Service<RequestPacket> for Hardhat {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, context: &mut task::Context<'_>) -> task::Poll<Result<(), Self::Error>> {
        self.pool.poll_ready(context)
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        match self.answer(&packet) {
            Some(answer) => Box::pin(async move { Ok(answer) }),
            None => self.pool.call(packet),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy::{
        consensus::{SignableTransaction as _, TxEip4844, TxEip4844WithSidecar},
        eips::{
            eip2718::Encodable2718 as _,
            eip4844::{Blob, BlobTransactionSidecar, Bytes48},
            eip7594::BlobTransactionSidecarVariant,
        },
        signers::{SignerSync as _, local::PrivateKeySigner},
        transports::BoxTransport,
    };
    use fernet_l1::{BlobLocation, BlobSource as _, connect_transport};
    use fernet_protocol::L1Slot;

    use super::*;

    /// A transaction with a blob, and the blob's hash. Nobody here computes its commitment.
    fn with_blob(signer: &PrivateKeySigner, nonce: u64, byte: u8) -> (Bytes, B256) {
        let (commitments, proofs) = (vec![Bytes48::repeat_byte(byte)], vec![Bytes48::ZERO]);
        let sidecar = BlobTransactionSidecar::new(vec![Blob::repeat_byte(byte)], commitments, proofs);
        let hashes: Vec<B256> = sidecar.versioned_hashes().collect();
        let tx = TxEip4844 { nonce, blob_versioned_hashes: hashes.clone(), ..TxEip4844::default() };
        let sidecar = BlobTransactionSidecarVariant::Eip4844(sidecar);
        let tx = TxEip4844WithSidecar::from_tx_and_sidecar(tx, sidecar);
        let signature = signer.sign_hash_sync(&tx.signature_hash()).unwrap();
        (TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into(), hashes[0])
    }

    #[tokio::test]
    async fn transactions_with_blobs_wait_here_and_their_blobs_stay() {
        // Nobody listens there: whatever is answered, is answered here.
        let hardhat = Hardhat::new(Pool::of_urls(&["http://127.0.0.1:1".parse().unwrap()]).unwrap());
        let provider = connect_transport(BoxTransport::new(hardhat.clone()));
        let signer = PrivateKeySigner::random();
        let (second, _) = with_blob(&signer, 1, 1);
        let (first, replaced) = with_blob(&signer, 0, 2);
        let (newer, hash) = with_blob(&signer, 0, 3);
        for raw in [&second, &first, &newer] {
            let pending = provider.send_raw_transaction(raw).await.unwrap();
            let sent = TxEnvelope::decode_2718(&mut raw.as_ref()).unwrap();
            assert_eq!(pending.tx_hash(), sent.hash());
        }
        assert!(provider.send_raw_transaction(b"anything else").await.is_err());
        assert_eq!(hardhat.take_held(), [newer, second]);
        assert_eq!(hardhat.take_held(), Vec::<Bytes>::new());

        let at = BlobLocation { number: 9, hash: B256::ZERO, l1_slot: L1Slot::new(4) };
        let blobs = hardhat.blobs().blobs(at, &[hash, replaced]).await.unwrap();
        assert_eq!(blobs, [Blob::repeat_byte(3), Blob::repeat_byte(2)]);
        let error = hardhat.blobs().blobs(at, &[hash, B256::ZERO]).await.unwrap_err();
        assert_eq!(error.to_string(), format!("blob {} of L1 block 9 is not available", B256::ZERO));
    }
}
