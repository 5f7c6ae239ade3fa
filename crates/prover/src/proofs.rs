//! The proofs of a prover: it gives blocks to the worker, and collects the results.

use std::sync::Arc;

use alloy::primitives::{B256, Bytes};
use fernet_protocol::{Header, Slot};
use fernet_roles::RoleError;

use crate::block_source::BlockCheck;
use crate::driver::{Inner, ProofAssignment};
use crate::error::ProverError;
use crate::interface::{Input, ProofPurpose};
use crate::journal::StoredProof;
use crate::report::{Progress, Proven};
use crate::worker::{JobId, JobStatus, ProofJob, ProvenBlock};

impl Inner {
    /// Gives a block to the worker, unless the journal has its proof.
    pub(crate) async fn prove(
        &mut self,
        slot: Slot,
        header_hash: B256,
        purpose: ProofPurpose,
    ) -> Result<Input, ProverError> {
        let body = self.store.body(slot, header_hash)?;
        // The header names all that the block was executed on: its parent and the entries of the queue.
        let block = match self.executed.get(&header_hash) {
            Some(known) => Arc::clone(&known.block),
            None => self.blocks.check(&body, header_hash, BlockCheck::Accepted).await?.block,
        };
        let payee = self.settings.strategy.payee;
        let Header { deposits_chain, exits_chain, .. } = body.header;
        let job = ProofJob { header_hash, deposits_to: deposits_chain, exits_to: exits_chain, payee, block };
        let id = job.id();
        if let Some(proven) = self.stored_proof(slot, header_hash, id)? {
            let proof = Some(Arc::new(proven));
            self.assignments.insert(header_hash, ProofAssignment { slot, purpose, job: id, proof });
            return Ok(Input::Proven { header_hash });
        }
        tracing::info!(%slot, %header_hash, ?purpose, chunks = job.block.chunks.len(), "proving");
        self.worker.start(job);
        self.assignments.insert(header_hash, ProofAssignment { slot, purpose, job: id, proof: None });
        Ok(Input::ProofStarted { header_hash })
    }

    /// The proof of a job that was done before a restart.
    fn stored_proof(
        &self,
        slot: Slot,
        header_hash: B256,
        job: JobId,
    ) -> Result<Option<ProvenBlock>, RoleError> {
        let stored: Option<StoredProof> = self.store.journal().get(slot, header_hash)?;
        Ok(stored.filter(|stored| stored.job == job).map(|stored| stored.proven))
    }

    /// The header and the proof of a proven block.
    pub(crate) fn proven(&self, slot: Slot, header_hash: B256) -> Result<(Header, Bytes), ProverError> {
        let body = self.store.body(slot, header_hash)?;
        let proof = self.assignments.get(&header_hash).and_then(|assignment| assignment.proof.as_ref());
        let proof = proof.ok_or(RoleError::UnknownBlock { slot, header_hash })?;
        Ok((body.header.clone(), proof.proof.clone()))
    }

    /// Asks the worker about all jobs. A proof is in the journal before it is used.
    pub(crate) fn collect_proofs(&mut self) -> Result<Vec<Input>, ProverError> {
        let mut inputs = Vec::new();
        let mut failed = Vec::new();
        for (&header_hash, assignment) in &mut self.assignments {
            if assignment.proof.is_some() {
                continue;
            }
            let &mut ProofAssignment { slot, purpose, job, .. } = assignment;
            let failure = match self.worker.status(job) {
                Some(JobStatus::Proven(proof)) => {
                    let proven = ProvenBlock::clone(&proof);
                    self.store.journal().put(&StoredProof { slot, header_hash, job, proven })?;
                    let elapsed = proof.elapsed;
                    self.report.proven.push(Proven { slot, header_hash, purpose, elapsed });
                    assignment.proof = Some(proof);
                    inputs.push(Input::Proven { header_hash });
                    continue;
                }
                Some(JobStatus::Running { done, total }) => {
                    self.report.proving.push(Progress { slot, header_hash, purpose, done, total });
                    continue;
                }
                Some(JobStatus::Waiting) => {
                    self.report.proving.push(Progress { slot, header_hash, purpose, done: 0, total: 0 });
                    continue;
                }
                Some(JobStatus::Failed { reason }) => reason,
                None => "the worker was restarted and has lost the job".to_owned(),
            };
            tracing::error!(code = "PRV-007", %slot, %header_hash, reason = failure, "proof failed");
            failed.push(header_hash);
            inputs.push(Input::ProofFailed { header_hash, reason: failure });
        }
        for header_hash in failed {
            self.assignments.remove(&header_hash);
        }
        Ok(inputs)
    }
}
