//! Blocks of others: what L1 will check of them, without any lock of the prover's.

use std::sync::Arc;

use alloy::primitives::B256;
use fernet_follower::{Follower, Ledger};
use fernet_ledger::{BlockWitness, Lanes};
use fernet_network::{BlockBody, FetchedBody, Network, Verdict, versioned_blob_hash};
use fernet_protocol::{Header, L1Slot, Slot};
use fernet_roles::{
    ChainSnapshot, RoleError, check_consumption, ledger_at_tip, queued_operations, voluntary_young_entry,
};
use tokio::sync::Mutex;

use crate::error::ProverError;

/// What a block is checked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockCheck {
    /// L1 hasn't checked the block.
    New {
        /// The block must consume what the Bridge queued before this L1 slot.
        cutoff: L1Slot,
        /// L1 slot of the newest L1 block.
        now: L1Slot,
    },
    /// L1 has accepted the block's header.
    Accepted,
}

/// A block that was executed.
#[derive(Debug)]
pub(crate) struct ExecutedBlock {
    pub(crate) slot: Slot,
    pub(crate) block: Arc<BlockWitness>,
}

/// Checks blocks by what the follower knows, and fetches them from peers. It needs no lock of the prover's.
pub(crate) struct BlockSource {
    pub(crate) follower: Arc<Mutex<Follower>>,
    pub(crate) network: Arc<dyn Network>,
    pub(crate) max_chunks: usize,
    pub(crate) deposit_depth: u64,
}

/// What a block is executed on.
pub(crate) struct Execution {
    ledger: Arc<Ledger>,
    queued: Lanes,
}

impl BlockSource {
    /// Checks everything that L1 will check of a header on the tip. A new block may take young entries of the
    /// Bridge's queue only where it must.
    pub(crate) async fn check_header(
        &self,
        header: &Header,
        header_hash: B256,
        check: BlockCheck,
    ) -> Result<Execution, ProverError> {
        let follower = self.follower.lock().await;
        let view = follower.view();
        let Header { parent, chunks, committee_digest, blob_hashes, .. } = header;
        let refuse =
            |expected: String, actual: String| Err(ProverError::Header { header_hash, expected, actual });
        let tip = view.tip();
        if tip.header_hash != *parent {
            return Err(RoleError::TipMoved { expected: *parent, actual: tip.header_hash }.into());
        }
        let parameters = view.parameters();
        let max_chunks = self.max_chunks.min(usize::from(parameters.max_chunks));
        let chunks = usize::try_from(*chunks).unwrap_or(usize::MAX);
        if chunks == 0 || chunks > max_chunks {
            return refuse(format!("1 to {max_chunks} chunks"), chunks.to_string());
        }
        let blobs = follower.ledger().layout().blobs(chunks);
        if blob_hashes.len() != blobs || blobs > usize::from(parameters.max_blobs) {
            let expected = format!("{blobs} blobs, at most {}", parameters.max_blobs);
            return refuse(expected, blob_hashes.len().to_string());
        }
        if !committee_digest.is_zero() {
            return refuse("no committee digest".to_owned(), committee_digest.to_string());
        }
        let cutoff = match check {
            BlockCheck::New { cutoff, .. } => cutoff,
            BlockCheck::Accepted => L1Slot::new(0),
        };
        let ranges = check_consumption(view, header, cutoff).map_err(ProverError::Queue)?;
        if let BlockCheck::New { cutoff, now } = check {
            let depth = self.deposit_depth;
            if let Some((lane, number)) = voluntary_young_entry(view, &ranges, cutoff, now, depth) {
                return Err(ProverError::YoungEntry { lane, number, now, depth });
            }
        }
        let queued = queued_operations(view, ranges)?;
        Ok(Execution { ledger: Arc::clone(ledger_at_tip(&follower)?), queued })
    }

    /// What a block of the slot in turn is checked for; `None` before the deployment.
    pub(crate) async fn new_block(&self) -> Option<BlockCheck> {
        let follower = self.follower.lock().await;
        let snapshot = ChainSnapshot::at(&follower)?;
        Some(BlockCheck::New { cutoff: snapshot.next.previous_start, now: snapshot.now })
    }

    /// Executes a block on the tip and checks everything that L1 will check.
    pub(crate) async fn check(
        &self,
        body: &Arc<BlockBody>,
        header_hash: B256,
        check: BlockCheck,
    ) -> Result<ExecutedBlock, ProverError> {
        let Execution { ledger, queued } = self.check_header(&body.header, header_hash, check).await?;
        let slot = body.header.slot;
        let body = Arc::clone(body);
        // Checking the hashes and signatures of a block takes a fraction of a second.
        let executed = tokio::task::spawn_blocking(move || {
            let rules = ledger.rules(&body.header);
            body.execute(&mut ledger.state(), rules, &queued, versioned_blob_hash)
        });
        Ok(ExecutedBlock { slot, block: Arc::new(executed.await??) })
    }

    /// Asks peers for a block's body until one has a body that passes the check; `None` if no peer has.
    pub(crate) async fn fetch_checked(
        &self,
        slot: Slot,
        header_hash: B256,
        check: BlockCheck,
    ) -> Result<Option<(Arc<BlockBody>, ExecutedBlock)>, ProverError> {
        while let Some(FetchedBody { body, source, ticket }) = self.network.fetch_body(header_hash).await? {
            match self.check(&body, header_hash, check).await {
                Ok(executed) => {
                    ticket.judge(Verdict::Accept);
                    return Ok(Some((body, executed)));
                }
                // The header and the blobs are right, so the signatures are wrong. Another peer may have
                // them.
                Err(error) if error.is_of_body() => {
                    tracing::warn!(
                        code = "PRV-001", %slot, %header_hash, %source, %error,
                        "a peer sent an invalid body"
                    );
                    ticket.judge(Verdict::Reject);
                }
                Err(error) => {
                    tracing::warn!(code = "PRV-008", %slot, %header_hash, %error, "the block isn't taken");
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }
}
