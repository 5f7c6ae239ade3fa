//! What a prover's steps and its answers to quote requests share: one of them at a time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use alloy::primitives::{Address, B256, Bytes};
use alloy::signers::Signer;
use fernet_bindings::IRollup;
use fernet_follower::Follower;
use fernet_l1::{BlobSidecar, Deployment, L1Block};
use fernet_ledger::BlockWitness;
use fernet_network::{AcceptedQuote, BlockBody, Network, QuoteRequest, SignedQuote};
use fernet_protocol::{ChainId, Header, L1Slot, Quote, RollupId, Slot};
use fernet_roles::{
    ChainSnapshot, ClaimTerms, Replacement, SidecarCache, Submissions, TxRequest, World, masks, oldest_kept,
};

use crate::driver::Wiring;
use crate::error::ProverError;
use crate::journal::KeptProof;
use crate::machine::{Data, Effect, Facts, Input, Prover, Purpose};
use crate::offers::Ask;
use crate::policy::{Context, Decision, Policy};
use crate::report::{Action, ActionKind, Progress, Proven, SlotStatus, StepReport};
use crate::settings::Settings;
use crate::worker::{JobId, JobStatus, ProofWorker, ProvenBlock};

/// Bodies that peers announced, kept in case they are needed: those of a few slots.
const HEARD_BODIES: usize = 8;

/// A proof that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Assignment {
    pub(crate) slot: Slot,
    pub(crate) purpose: Purpose,
    pub(crate) job: JobId,
    pub(crate) proof: Option<Arc<ProvenBlock>>,
}

/// A block, executed.
#[derive(Debug)]
pub(crate) struct Executed {
    pub(crate) slot: Slot,
    /// Rolling hash of L1's queue up to the end of what it was executed with.
    pub(crate) queue_hash: Option<B256>,
    pub(crate) block: Arc<BlockWitness>,
}

pub(crate) struct Engine {
    pub(crate) settings: Settings,
    rollup: RollupId,
    machine: Prover,
    pub(crate) world: World,
    pub(crate) network: Arc<dyn Network>,
    pub(crate) submissions: Submissions<ActionKind>,
    bundles: SidecarCache,
    signer: Arc<dyn Signer + Send + Sync>,
    pub(crate) worker: Arc<dyn ProofWorker>,
    policy: Policy,
    /// Blocks as they were executed when they were checked, with the queue up to their end.
    pub(crate) executed: BTreeMap<B256, Executed>,
    /// Bodies that peers announced, unchecked, oldest first.
    pub(crate) heard: VecDeque<(B256, BlockBody)>,
    pub(crate) assignments: BTreeMap<B256, Assignment>,
}

impl Engine {
    pub(crate) fn new(
        deployment: &Deployment,
        settings: Settings,
        wiring: Wiring,
    ) -> Result<Self, ProverError> {
        let managers = std::iter::once(&wiring.transactions).chain(&wiring.payee);
        let senders: Vec<Address> = managers.map(|manager| manager.accounts().plain()).collect();
        settings.check(&senders)?;
        let contracts = deployment.contracts();
        let terms = ClaimTerms {
            rewards: contracts.rewards,
            claim_to: settings.claim_to,
            max_total_fee: settings.max_total_fee,
        };
        let Wiring { follower, network, transactions, payee, signer, journal, worker, policy } = wiring;
        let mut machine = Prover::new(settings.strategy, *deployment.parameters());
        // Offers of before a restart may still be committed.
        let offers: Vec<SignedQuote> = journal.all()?;
        for offer in offers.iter().filter(|offer| offer.quote.prover == settings.strategy.prover) {
            machine.offered(offer.quote);
        }
        Ok(Self {
            machine,
            world: World::new(deployment, follower, &*network, journal, settings.mempool),
            submissions: Submissions::new(transactions, payee, terms),
            bundles: SidecarCache::default(),
            rollup: RollupId::new(ChainId::new(deployment.chain_id()), contracts.rollup),
            settings,
            network,
            signer,
            worker,
            policy,
            executed: BTreeMap::new(),
            heard: VecDeque::new(),
            assignments: BTreeMap::new(),
        })
    }

    pub(crate) const fn machine(&self) -> &Prover {
        &self.machine
    }

    pub(crate) const fn submissions(&mut self) -> &mut Submissions<ActionKind> {
        &mut self.submissions
    }

    /// Follows L1 and reads the peers' messages; the facts at the newest L1 block.
    pub(crate) async fn observe(
        &mut self,
        block: &L1Block,
        report: &mut StepReport,
    ) -> Result<Option<Facts>, ProverError> {
        let (follower, bodies) = self.world.follow(block).await?;
        for body in bodies {
            self.heard.push_back((body.header_hash(), body));
            if self.heard.len() > HEARD_BODIES {
                self.heard.pop_front();
            }
        }
        let facts = self.facts(&follower);
        report.slot = facts.as_ref().map(|facts| SlotStatus {
            slot: facts.next.slot,
            phase: facts.next.phase,
            phase_end: facts.next.phase_end,
        });
        Ok(facts)
    }

    fn facts(&self, follower: &Follower) -> Option<Facts> {
        let ChainSnapshot { now, next, rates, tip, state } = ChainSnapshot::at(follower)?;
        let view = follower.view();
        let (escrow, owed) =
            (view.escrow(self.settings.strategy.prover).free, view.owed(self.settings.strategy.payee));
        Some(Facts { now, next, rates, tip, state, escrow, owed })
    }

    /// What the worker has to say. A proof is written down before it is used.
    pub(crate) fn collect(&mut self, report: &mut StepReport) -> Result<Vec<Input>, ProverError> {
        let mut inputs = Vec::new();
        for (&header_hash, assignment) in &mut self.assignments {
            if assignment.proof.is_some() {
                continue;
            }
            let &mut Assignment { slot, purpose, job, .. } = assignment;
            match self.worker.status(job) {
                Some(JobStatus::Proven(proof)) => {
                    let kept = KeptProof { slot, header_hash, job, proven: ProvenBlock::clone(&proof) };
                    self.world.journal().put(&kept)?;
                    report.proven.push(Proven { slot, header_hash, purpose, elapsed: proof.elapsed });
                    assignment.proof = Some(proof);
                    inputs.push(Input::Proven { header_hash });
                }
                Some(JobStatus::Failed { reason }) => {
                    tracing::error!(%slot, %header_hash, %reason, "proof failed");
                    inputs.push(Input::ProofFailed { header_hash, reason });
                }
                Some(JobStatus::Running { done, total }) => {
                    report.proving.push(Progress { slot, header_hash, purpose, done, total });
                }
                Some(JobStatus::Waiting) => {
                    report.proving.push(Progress { slot, header_hash, purpose, done: 0, total: 0 });
                }
                // A worker that was restarted doesn't know its jobs any more.
                None => inputs
                    .push(Input::ProofFailed { header_hash, reason: "the worker forgot the job".to_owned() }),
            }
        }
        let failed = |input: &Input| match input {
            Input::ProofFailed { header_hash, .. } => Some(*header_hash),
            _ => None,
        };
        for header_hash in inputs.iter().filter_map(failed) {
            self.assignments.remove(&header_hash);
        }
        Ok(inputs)
    }

    /// Lets the machine decide on `inputs`, and carries the effects out.
    pub(crate) async fn apply(
        &mut self,
        inputs: Vec<Input>,
        facts: &Facts,
        report: &mut StepReport,
    ) -> Result<(), ProverError> {
        let mut effects: VecDeque<Effect> = VecDeque::new();
        for input in inputs {
            // The decisions on the last input are those on all.
            effects = self.machine.apply(input).into();
        }
        while let Some(effect) = effects.pop_front() {
            let context =
                Context { prover: self.settings.strategy.prover, now: facts.now, next: &facts.next };
            if (self.policy)(&effect, &context) == Decision::Hold {
                report.hold(effect);
                continue;
            }
            match self.carry_out(&effect, facts, report).await {
                Ok(Some(input)) => effects.extend(self.machine.apply(input)),
                Ok(None) => {}
                Err(error) if error.is_retryable() => report.note_retryable(&effect, &error),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn carry_out(
        &mut self,
        effect: &Effect,
        facts: &Facts,
        report: &mut StepReport,
    ) -> Result<Option<Input>, ProverError> {
        match effect {
            Effect::Commit { slot, accepted, until } => {
                self.commit(*slot, accepted, *until, facts, report).await?;
                Ok(None)
            }
            Effect::FetchBody { slot, header_hash } => self.fetch(*slot, *header_hash).await.map(Some),
            Effect::BuildBackup { slot, parent, cutoff } => {
                self.build(*slot, *parent, *cutoff, facts, report).await.map(Some)
            }
            Effect::Prove { slot, header_hash, purpose } => {
                self.prove(*slot, *header_hash, *purpose).await.map(Some)
            }
            Effect::Finalize { slot, header_hash, until, .. } => {
                let action = Action { kind: ActionKind::Finalize, slot: *slot, header_hash: *header_hash };
                if !self.submissions.is_submitted(action)? {
                    let (header, proof) = self.proven(*slot, *header_hash)?;
                    let payee = self.settings.strategy.payee;
                    let call = IRollup::finalizeCall { header: header.into(), payee, proof };
                    let draft = TxRequest::call(self.rollup.address, &call, *until);
                    self.submissions.submit(action, draft, facts.next_l1_slot(), report).await?;
                }
                Ok(None)
            }
            Effect::FinalizeBackup { slot, header_hash, data, until } => {
                self.finalize_backup(*slot, *header_hash, *data, *until, facts, report).await?;
                Ok(None)
            }
            Effect::ClaimRewards { .. } => {
                self.submissions.claim(facts.next.slot, facts.now, report).await?;
                Ok(None)
            }
        }
    }

    /// Answers a quote request, or says why not.
    pub(crate) async fn quote(&mut self, request: QuoteRequest) -> Result<Option<SignedQuote>, ProverError> {
        let facts = {
            let follower = Arc::clone(self.world.follower());
            let mut follower = follower.lock().await;
            while !follower.poll().await?.is_empty() {}
            self.facts(&follower)
        };
        let (Some(facts), QuoteRequest { sequencer, body }) = (facts, request) else {
            return Ok(None);
        };
        let header_hash = body.header_hash();
        let Header { slot, parent, chunks, .. } = body.header;
        let quote = match self.machine.consider(&Ask { slot, header_hash, parent, chunks, sequencer }, &facts)
        {
            Ok(quote) => quote,
            Err(refusal) => {
                tracing::info!(%slot, %sequencer, %refusal, "quote declined");
                return Ok(None);
            }
        };
        let executed = self.check(&body, header_hash, facts.next.previous_start).await?;
        self.executed.insert(header_hash, executed);
        self.world.keep(header_hash, body)?;
        let offer = SignedQuote { quote, prover_signature: self.sign(&quote).await? };
        self.world.journal().put_quote(&offer, Replacement::Allowed)?;
        self.machine.offered(quote);
        Ok(Some(offer))
    }

    async fn sign(&self, quote: &Quote) -> Result<Bytes, ProverError> {
        let signature = self.signer.sign_hash(&quote.digest(&self.rollup)).await?;
        Ok(signature.as_bytes().to_vec().into())
    }

    /// Takes a quote that its sequencer has signed too.
    pub(crate) async fn accept(&mut self, accepted: AcceptedQuote) -> Result<(), ProverError> {
        let mut report = StepReport::default();
        let facts = {
            let follower = Arc::clone(self.world.follower());
            let follower = follower.lock().await;
            self.facts(&follower)
        };
        match facts {
            Some(facts) => self.apply(vec![Input::Accepted(Box::new(accepted))], &facts, &mut report).await,
            None => Ok(()),
        }
    }

    async fn commit(
        &mut self,
        slot: Slot,
        accepted: &AcceptedQuote,
        until: L1Slot,
        facts: &Facts,
        report: &mut StepReport,
    ) -> Result<(), ProverError> {
        let action = Action { kind: ActionKind::Commit, slot, header_hash: accepted.quote.header_hash };
        let call = IRollup::commitCall {
            quote: accepted.quote.try_into()?,
            proverSignature: Bytes::new(),
            sequencerSignature: accepted.sequencer_signature.clone(),
        };
        let draft = TxRequest::call(self.rollup.address, &call, until);
        self.submissions.submit(action, draft, facts.next_l1_slot(), report).await?;
        Ok(())
    }

    async fn finalize_backup(
        &mut self,
        slot: Slot,
        header_hash: B256,
        data: Data,
        until: L1Slot,
        facts: &Facts,
        report: &mut StepReport,
    ) -> Result<(), ProverError> {
        let action = Action { kind: ActionKind::Backup, slot, header_hash };
        if self.submissions.is_submitted(action)? {
            return Ok(());
        }
        let bundle = match data {
            Data::Revealed => None,
            Data::Attached => Some(self.bundle(slot, header_hash).await?),
        };
        let (header, proof) = self.proven(slot, header_hash)?;
        let payee = self.settings.strategy.payee;
        let call = IRollup::finalizeBackupCall { header: header.into(), payee, proof };
        let draft = TxRequest { blobs: bundle, ..TxRequest::call(self.rollup.address, &call, until) };
        self.submissions.submit(action, draft, facts.next_l1_slot(), report).await?;
        Ok(())
    }

    /// All blobs of a block, for one transaction.
    async fn bundle(&mut self, slot: Slot, header_hash: B256) -> Result<BlobSidecar, ProverError> {
        let body = self.world.body(slot, header_hash)?;
        let mask = masks(body.blobs.len(), body.blobs.len()).into_iter().fold(0, |all, mask| all | mask);
        Ok(self.bundles.take(header_hash, &body, mask, self.settings.sidecars).await?)
    }

    /// Drops what no reorg can bring back.
    pub(crate) fn forget(&mut self, current: Slot) -> Result<(), ProverError> {
        let oldest = oldest_kept(current);
        self.submissions.forget_before(oldest);
        self.executed.retain(|_, executed| executed.slot >= oldest);
        let worker = &self.worker;
        self.assignments.retain(|_, assignment| {
            let stays = assignment.slot >= oldest;
            if !stays {
                worker.forget(assignment.job);
            }
            stays
        });
        Ok(self.world.forget_before(oldest)?)
    }
}
