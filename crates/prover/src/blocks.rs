//! The blocks that a prover checks, builds, and has proven.

use std::sync::Arc;

use alloy::primitives::{Address, B256, Bytes};
use fernet_l1::MAX_BLOBS_PER_TRANSACTION;
use fernet_network::BlockBody;
use fernet_protocol::{Header, L1Slot, QueueRange, Slot};
use fernet_roles::{OwnBlock, Plan, RoleError, ledger_at_tip, queued, versioned_blob_hash};

use crate::engine::{Assignment, Engine, Executed};
use crate::error::ProverError;
use crate::journal::KeptProof;
use crate::machine::{Facts, Input, Purpose};
use crate::report::{Action, ActionKind, StepReport};
use crate::worker::{JobId, ProofJob, ProvenBlock};

impl Engine {
    /// Executes a block on the tip and compares everything that L1 would.
    pub(crate) async fn check(
        &self,
        body: &BlockBody,
        header_hash: B256,
        cutoff: L1Slot,
    ) -> Result<Executed, ProverError> {
        let follower = self.world.follower().lock().await;
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
        let queued = queued(view, range)?;
        let queue_hash = view.queue_chain(*deposits_end);
        let ledger = Arc::clone(ledger_at_tip(&follower)?);
        drop(follower);
        let slot = body.header.slot;
        let body = body.clone();
        // Hashes and signatures of a whole block take a good part of a second.
        let executed = tokio::task::spawn_blocking(move || {
            let rules = ledger.rules(&body.header);
            body.execute(&mut ledger.state(), rules, &queued, versioned_blob_hash)
        });
        Ok(Executed { slot, queue_hash, block: Arc::new(executed.await??) })
    }

    /// Looks for a block's body: at home, among what was announced, and at peers.
    pub(crate) async fn fetch(&mut self, slot: Slot, header_hash: B256) -> Result<Input, ProverError> {
        if self.world.body(slot, header_hash).is_ok() {
            return Ok(Input::Body { slot, header_hash });
        }
        let heard = self.heard.iter().find(|(hash, _)| *hash == header_hash).map(|(_, body)| body.clone());
        let found = match heard {
            Some(body) => Some(body),
            None => self.network.fetch_body(header_hash).await?,
        };
        let Some(body) = found.filter(|body| body.header_hash() == header_hash) else {
            return Ok(Input::BodyMissing { slot, header_hash });
        };
        // What L1 has accepted as the tip's successor may consume less than a new block must.
        match self.check(&body, header_hash, L1Slot::new(0)).await {
            Ok(_) => {
                self.world.keep(header_hash, body)?;
                Ok(Input::Body { slot, header_hash })
            }
            Err(error) => {
                tracing::warn!(%slot, %header_hash, %error, "a peer's body is of no use");
                Ok(Input::BodyMissing { slot, header_hash })
            }
        }
    }

    /// Builds a block of this prover's own, unless one was built before a restart. It must fit one transaction.
    pub(crate) async fn build(
        &mut self,
        slot: Slot,
        parent: B256,
        cutoff: L1Slot,
        facts: &Facts,
        report: &mut StepReport,
    ) -> Result<Input, ProverError> {
        if let Some(OwnBlock { header_hash, .. }) = self.built_before(slot, parent)? {
            return Ok(Input::BackupBuilt { slot, parent, header_hash });
        }
        let plan = Plan {
            slot,
            parent,
            cutoff,
            now: facts.now,
            deposit_depth: self.settings.deposit_depth,
            max_chunks: self.settings.max_chunks,
            max_blobs: MAX_BLOBS_PER_TRANSACTION,
            fee_recipient: self.settings.strategy.fee_recipient,
            vote: Address::ZERO,
        };
        let (built, _) = self.world.build(plan).await?;
        report.built.push(built);
        Ok(Input::BackupBuilt { slot, parent, header_hash: built.header_hash })
    }

    /// Of the blocks that were built before a restart, the one whose finalization is under way, or any.
    fn built_before(&mut self, slot: Slot, parent: B256) -> Result<Option<OwnBlock>, RoleError> {
        let known = self.world.built_before(slot, parent)?;
        for own in &known {
            let action = Action { kind: ActionKind::Backup, slot, header_hash: own.header_hash };
            if self.submissions.is_submitted(action)? {
                return Ok(Some(*own));
            }
        }
        Ok(known.first().copied())
    }

    /// Hands a block to the worker.
    pub(crate) async fn prove(
        &mut self,
        slot: Slot,
        header_hash: B256,
        purpose: Purpose,
    ) -> Result<Input, ProverError> {
        let body = self.world.body(slot, header_hash)?;
        let queue_hash = {
            let follower = self.world.follower().lock().await;
            let count = body.header.deposits_end;
            let chain = follower.view().queue_chain(count);
            chain.ok_or(ProverError::OperationsMissing { slot, count })?
        };
        // An L1 reorg can change the queue, but nothing else that the block was executed on.
        let known = self.executed.get(&header_hash).filter(|known| known.queue_hash == Some(queue_hash));
        let block = match known {
            Some(known) => Arc::clone(&known.block),
            None => self.check(&body, header_hash, L1Slot::new(0)).await?.block,
        };
        let payee = self.settings.strategy.payee;
        let job = ProofJob { header_hash, queue_hash, payee, block };
        let id = job.id();
        if let Some(proven) = self.kept_proof(slot, header_hash, id)? {
            let proof = Some(Arc::new(proven));
            self.assignments.insert(header_hash, Assignment { slot, purpose, job: id, proof });
            return Ok(Input::Proven { header_hash });
        }
        tracing::info!(%slot, %header_hash, ?purpose, chunks = job.block.chunks.len(), "proving");
        self.worker.start(job);
        self.assignments.insert(header_hash, Assignment { slot, purpose, job: id, proof: None });
        Ok(Input::ProofStarted { header_hash })
    }

    /// A proof of before a restart.
    fn kept_proof(
        &self,
        slot: Slot,
        header_hash: B256,
        job: JobId,
    ) -> Result<Option<ProvenBlock>, RoleError> {
        let kept: Option<KeptProof> = self.world.journal().get(slot, header_hash)?;
        Ok(kept.filter(|kept| kept.job == job).map(|kept| kept.proven))
    }

    pub(crate) fn proven(&self, slot: Slot, header_hash: B256) -> Result<(Header, Bytes), ProverError> {
        let body = self.world.body(slot, header_hash)?;
        let proof = self.assignments.get(&header_hash).and_then(|assignment| assignment.proof.as_ref());
        let proof = proof.ok_or(RoleError::UnknownBlock { slot, header_hash })?;
        Ok((body.header, proof.proof.clone()))
    }
}
