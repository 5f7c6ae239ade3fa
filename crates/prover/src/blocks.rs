//! The blocks of a prover: it checks them, fetches them from peers, and builds its own.

use std::sync::Arc;

use alloy::primitives::B256;
use fernet_network::{BlockBody, FetchedBody, Verdict, versioned_blob_hash};
use fernet_protocol::{Header, L1Slot, Slot};
use fernet_roles::{
    BlockSpec, OwnBlock, RoleError, check_consumption, ledger_at_tip, queued_operations,
    voluntary_young_entry,
};

use crate::driver::{ExecutedBlock, Inner};
use crate::error::ProverError;
use crate::interface::Input;
use crate::report::{Action, ActionKind};

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

impl Inner {
    /// Executes a block on the tip and checks everything that L1 will check. A new block may take young
    /// entries of the Bridge's queue only where it must.
    pub(crate) async fn check(
        &self,
        body: &Arc<BlockBody>,
        header_hash: B256,
        check: BlockCheck,
    ) -> Result<ExecutedBlock, ProverError> {
        let follower = self.follower.lock().await;
        let view = follower.view();
        let Header { parent, chunks, committee_digest, blob_hashes, .. } = &body.header;
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
        let cutoff = match check {
            BlockCheck::New { cutoff, .. } => cutoff,
            BlockCheck::Accepted => L1Slot::new(0),
        };
        let ranges = check_consumption(view, &body.header, cutoff).map_err(ProverError::Queue)?;
        if let BlockCheck::New { cutoff, now } = check {
            let depth = self.settings.deposit_depth;
            if let Some((lane, number)) = voluntary_young_entry(view, &ranges, cutoff, now, depth) {
                return Err(ProverError::YoungEntry { lane, number, now, depth });
            }
        }
        let queued = queued_operations(view, ranges)?;
        let ledger = Arc::clone(ledger_at_tip(&follower)?);
        drop(follower);
        let slot = body.header.slot;
        let body = Arc::clone(body);
        // Checking the hashes and signatures of a block takes a fraction of a second.
        let executed = tokio::task::spawn_blocking(move || {
            let rules = ledger.rules(&body.header);
            body.execute(&mut ledger.state(), rules, &queued, versioned_blob_hash)
        });
        Ok(ExecutedBlock { slot, block: Arc::new(executed.await??) })
    }

    /// Looks for a block's body: in the store, and at peers.
    pub(crate) async fn fetch_body(&mut self, slot: Slot, header_hash: B256) -> Result<Input, ProverError> {
        if self.store.body(slot, header_hash).is_ok() {
            return Ok(Input::BodyFetched { slot, header_hash });
        }
        Ok(match self.fetch_checked(slot, header_hash, BlockCheck::Accepted).await? {
            Some(_) => Input::BodyFetched { slot, header_hash },
            None => Input::BodyMissing { slot, header_hash },
        })
    }

    /// Asks peers for a block's body until one has a body that passes the check, and keeps it in the store;
    /// `None` if no peer has.
    pub(crate) async fn fetch_checked(
        &mut self,
        slot: Slot,
        header_hash: B256,
        check: BlockCheck,
    ) -> Result<Option<ExecutedBlock>, ProverError> {
        while let Some(FetchedBody { body, source, ticket }) = self.network.fetch_body(header_hash).await? {
            match self.check(&body, header_hash, check).await {
                Ok(executed) => {
                    self.store.insert(body)?;
                    ticket.judge(Verdict::Accept);
                    return Ok(Some(executed));
                }
                // The header and the blobs are right, so the signatures are wrong. Another peer may have them.
                Err(error) if error.is_of_body() => {
                    tracing::warn!(%slot, %header_hash, %source, %error, "a peer sent an invalid body");
                    ticket.judge(Verdict::Reject);
                }
                Err(error) => {
                    tracing::warn!(%slot, %header_hash, %error, "the block isn't taken");
                    return Ok(None);
                }
            }
        }
        Ok(None)
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
