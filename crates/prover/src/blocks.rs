//! The blocks of a prover: it checks them, fetches them from peers, and builds its own.

use std::sync::Arc;

use alloy::primitives::B256;
use fernet_network::BlockBody;
use fernet_protocol::{Header, L1Slot, QueueRange, Slot};
use fernet_roles::{BlockSpec, OwnBlock, RoleError, ledger_at_tip, queued_operations, versioned_blob_hash};

use crate::driver::{ExecutedBlock, Inner};
use crate::error::ProverError;
use crate::interface::Input;
use crate::report::{Action, ActionKind};

impl Inner {
    /// Executes a block on the tip and checks everything that L1 will check.
    pub(crate) async fn check(
        &self,
        body: &Arc<BlockBody>,
        header_hash: B256,
        cutoff: L1Slot,
    ) -> Result<ExecutedBlock, ProverError> {
        let follower = self.follower.lock().await;
        let view = follower.view();
        let Header { parent, deposits_end, chunks, committee_digest, blob_hashes, .. } = &body.header;
        let refuse =
            |expected: String, actual: String| Err(ProverError::Header { header_hash, expected, actual });
        let tip = view.tip();
        if tip.header_hash != *parent {
            return Err(RoleError::TipMoved { expected: *parent, actual: tip.header_hash }.into());
        }
        let parameters = view.parameters();
        let max_chunks = self.settings.max_chunks.min(usize::from(parameters.max_chunks));
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
        let range = QueueRange { from: tip.deposits_end, to: *deposits_end };
        let queue = view.queue();
        let queued_at = |number: u64| Some(queue.get(usize::try_from(number).ok()?)?.l1_slot);
        range
            .check(parameters.max_deposits.into(), cutoff, queue.len() as u64, queued_at)
            .map_err(ProverError::Queue)?;
        let queued = queued_operations(view, range)?;
        let queue_hash = view.queue_chain(*deposits_end);
        let ledger = Arc::clone(ledger_at_tip(&follower)?);
        drop(follower);
        let slot = body.header.slot;
        let body = Arc::clone(body);
        // Checking the hashes and signatures of a block takes a fraction of a second.
        let executed = tokio::task::spawn_blocking(move || {
            let rules = ledger.rules(&body.header);
            body.execute(&mut ledger.state(), rules, &queued, versioned_blob_hash)
        });
        Ok(ExecutedBlock { slot, queue_hash, block: Arc::new(executed.await??) })
    }

    /// Looks for a block's body: in the store, among the announced bodies, and at peers.
    pub(crate) async fn fetch_body(&mut self, slot: Slot, header_hash: B256) -> Result<Input, ProverError> {
        if self.store.body(slot, header_hash).is_ok() {
            return Ok(Input::BodyFetched { slot, header_hash });
        }
        let announced = self.announced.iter().find(|(hash, _)| *hash == header_hash);
        let found = match announced {
            Some((_, body)) => Some(Arc::clone(body)),
            None => self.network.fetch_body(header_hash).await?,
        };
        let Some(body) = found.filter(|body| body.header_hash() == header_hash) else {
            return Ok(Input::BodyMissing { slot, header_hash });
        };
        // The cutoff applies to new blocks. L1 has accepted this one.
        match self.check(&body, header_hash, L1Slot::new(0)).await {
            Ok(_) => {
                self.store.insert(body)?;
                Ok(Input::BodyFetched { slot, header_hash })
            }
            Err(error) => {
                tracing::warn!(%slot, %header_hash, %error, "a peer sent an invalid body");
                Ok(Input::BodyMissing { slot, header_hash })
            }
        }
    }

    /// Builds a backup block, unless one was built before a restart.
    pub(crate) async fn build_backup(&mut self, spec: BlockSpec) -> Result<Input, ProverError> {
        let BlockSpec { slot, parent, .. } = spec;
        let submissions = &mut self.submissions;
        let is_submitted = |header_hash| {
            submissions.is_submitted(Action::Block { kind: ActionKind::Backup, slot, header_hash })
        };
        if let Some(OwnBlock { header_hash, .. }) = self.store.built_before(slot, parent, is_submitted)? {
            return Ok(Input::BackupBuilt { slot, parent, header_hash });
        }
        let (body, built) = self.builder.build(spec, self.inbox.mempool()).await?;
        self.store.insert_own(body)?;
        self.report.common.built.push(built);
        Ok(Input::BackupBuilt { slot, parent, header_hash: built.header_hash })
    }
}
