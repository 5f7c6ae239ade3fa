//! What a prover's steps and its answers to quote requests share: one of them at a time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use alloy::eips::eip4844::Blob;
use alloy::primitives::{Address, B256, Bytes};
use alloy::signers::Signer;
use alloy::sol_types::SolCall;
use fernet_bindings::{IRewards, IRollup};
use fernet_follower::{Follower, FollowerError, Ledger, RollupView, ledger_operation};
use fernet_l1::{BlobBundle, Deployment, L1Block, MAX_BLOBS_PER_TRANSACTION, versioned_hash};
use fernet_ledger::{
    AccountIndex, BlockWitness, Domain, L1Address, L1Operation, Mempool, State, block,
};
use fernet_network::{AcceptedQuote, BlockBody, Frame, Gossip, Inbox, Network, QuoteRequest, SignedQuote};
use fernet_protocol::{ChainId, QueueRange, Header, L1Slot, Quote, RollupId, Slot};
use tokio::sync::Mutex;

use crate::driver::Wiring;
use crate::error::ProverError;
use crate::journal::Journal;
use crate::machine::{Data, Effect, Facts, Input, ParentState, Prover, Purpose};
use crate::offers::Ask;
use crate::policy::{Context, Decision, Policy};
use crate::report::{Action, ActionKind, Built, Progress, Proven, Standpoint, StepReport};
use crate::settings::Settings;
use crate::submit::{Draft, Submissions};
use crate::worker::{JobId, JobStatus, ProofJob, ProofWorker, ProvenBlock};

/// Slots for which blocks and proofs are kept: more than an L1 reorg can undo.
const KEPT_SLOTS: u64 = 16;

/// Bodies that peers announced, kept in case they are needed: those of a few slots.
const HEARD_BODIES: usize = 8;

/// L1 slots that a claim has to land. Nothing is lost if it doesn't.
const CLAIM_WINDOW: u64 = 64;

/// A proof that was asked for.
#[derive(Debug, Clone)]
struct Assignment {
    slot: Slot,
    purpose: Purpose,
    job: JobId,
    proof: Option<Arc<ProvenBlock>>,
}

/// A block, executed.
#[derive(Debug)]
struct Executed {
    slot: Slot,
    /// The deposits that it was executed with, and all before.
    queue_hash: Option<B256>,
    block: Arc<BlockWitness>,
}

pub(crate) struct Engine {
    settings: Settings,
    rollup: RollupId,
    rewards: Address,
    machine: Prover,
    follower: Arc<Mutex<Follower>>,
    network: Arc<dyn Network>,
    submissions: Submissions,
    signer: Arc<dyn Signer + Send + Sync>,
    journal: Journal,
    worker: Arc<dyn ProofWorker>,
    policy: Policy,
    inbox: Box<dyn Inbox>,
    mempool: Mempool,
    /// Bodies that were checked, by header hash, so that the disk is read only after a restart.
    bodies: BTreeMap<B256, BlockBody>,
    /// Blocks as they were executed when they were checked, with the deposits queue up to their end.
    executed: BTreeMap<B256, Executed>,
    /// Bodies that peers announced, unchecked, oldest first.
    heard: VecDeque<(B256, BlockBody)>,
    assignments: BTreeMap<B256, Assignment>,
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
        let rollup = RollupId::new(ChainId::new(deployment.chain_id()), contracts.rollup);
        let domain = Domain::new(rollup.chain_id.get(), L1Address(rollup.address.into_array()));
        Ok(Self {
            machine: Prover::new(settings.conduct, *deployment.parameters()),
            rewards: contracts.rewards,
            inbox: wiring.network.subscribe(),
            mempool: Mempool::new(domain, settings.mempool),
            submissions: Submissions::new(wiring.transactions, wiring.payee, settings.fee_ceiling),
            rollup,
            settings,
            follower: wiring.follower,
            network: wiring.network,
            signer: wiring.signer,
            journal: wiring.journal,
            worker: wiring.worker,
            policy: wiring.policy,
            bodies: BTreeMap::new(),
            executed: BTreeMap::new(),
            heard: VecDeque::new(),
            assignments: BTreeMap::new(),
        })
    }

    pub(crate) const fn machine(&self) -> &Prover {
        &self.machine
    }

    pub(crate) const fn submissions(&mut self) -> &mut Submissions {
        &mut self.submissions
    }

    /// The newest L1 block.
    pub(crate) async fn head(&self) -> Result<Option<Arc<L1Block>>, ProverError> {
        let mut follower = self.follower.lock().await;
        while !follower.poll().await?.is_empty() {}
        Ok(follower.head_block().cloned())
    }

    /// Follows L1 and reads the peers' messages; the facts at the newest L1 block.
    pub(crate) async fn observe(
        &mut self,
        block: &L1Block,
        report: &mut StepReport,
    ) -> Result<Option<Facts>, ProverError> {
        let follower = Arc::clone(&self.follower);
        let mut follower = follower.lock().await;
        let seen = follower.view().head().is_some_and(|head| head.hash == block.hash);
        if !seen || follower.ledger_at_tip().is_none() {
            while !follower.poll().await?.is_empty() {}
        }
        let gossip = self.inbox.drain();
        let state = (!gossip.is_empty()).then(|| upcoming(follower.ledger(), follower.view()));
        for gossip in gossip {
            match (gossip, &state) {
                (Gossip::Operation(operation), Some(state)) => {
                    if let Err(error) = self.mempool.insert(state, operation) {
                        tracing::debug!(%error, "operation refused");
                    }
                }
                (Gossip::Operation(_), None) => {}
                (Gossip::Body(body), _) => {
                    self.heard.push_back((body.header_hash(), body));
                    if self.heard.len() > HEARD_BODIES {
                        self.heard.pop_front();
                    }
                }
            }
        }
        self.mempool.prune(&**follower.ledger());
        let facts = self.facts(&follower);
        report.stands = facts.as_ref().map(|facts| Standpoint {
            slot: facts.next.slot,
            phase: facts.next.phase,
            phase_end: facts.next.phase_end,
        });
        Ok(facts)
    }

    fn facts(&self, follower: &Follower) -> Option<Facts> {
        let view = follower.view();
        let now = view.head()?.l1_slot;
        let tip = *view.tip();
        Some(Facts {
            now,
            next: view.slot(now.plus(1)),
            state: if follower.ledger_at_tip().is_some() { ParentState::Known } else { ParentState::Missing },
            escrow: view.escrow(self.settings.conduct.prover).free,
            owed: view.owed(self.settings.conduct.payee),
            tip,
        })
    }

    /// What the worker has to say.
    pub(crate) fn collect(&mut self, report: &mut StepReport) -> Vec<Input> {
        let mut inputs = Vec::new();
        for (&header_hash, assignment) in &mut self.assignments {
            if assignment.proof.is_some() {
                continue;
            }
            let &mut Assignment { slot, purpose, job, .. } = assignment;
            match self.worker.status(job) {
                Some(JobStatus::Proven(proof)) => {
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
        inputs
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
            let context = Context { prover: self.settings.conduct.prover, now: facts.now, next: &facts.next };
            if (self.policy)(&effect, &context) == Decision::Hold {
                tracing::info!(?effect, "held back by policy");
                report.held.push(effect);
                continue;
            }
            match self.carry_out(&effect, facts, report).await {
                Ok(Some(input)) => effects.extend(self.machine.apply(input)),
                Ok(None) => {}
                Err(error) if error.is_retryable() => {
                    tracing::warn!(?effect, %error, "effect failed, comes again at the next block");
                    report.troubles.push(error.to_string());
                }
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
                    let payee = self.settings.conduct.payee;
                    let call = IRollup::finalizeCall { header: header.into(), payee, proof };
                    let draft = self.call(call.abi_encode(), None, *until);
                    self.submissions.submit(action, draft, facts.next_l1_slot(), report).await?;
                }
                Ok(None)
            }
            Effect::FinalizeBackup { slot, header_hash, data, until } => {
                self.finalize_backup(*slot, *header_hash, *data, *until, facts, report).await?;
                Ok(None)
            }
            Effect::ClaimRewards { .. } => {
                if let Some(action) = self.submissions.next_claim(facts.next.slot)? {
                    let call = IRewards::claimCall { to: self.settings.claim_to };
                    let until = facts.now.plus(CLAIM_WINDOW);
                    let draft = Draft { to: self.rewards, ..self.call(call.abi_encode(), None, until) };
                    self.submissions.submit(action, draft, facts.next_l1_slot(), report).await?;
                }
                Ok(None)
            }
        }
    }

    /// Answers a quote request, or says why not.
    pub(crate) async fn quote(&mut self, request: QuoteRequest) -> Result<Option<SignedQuote>, ProverError> {
        let facts = {
            let follower = Arc::clone(&self.follower);
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
        self.keep(header_hash, body)?;
        let prover_signature = self.sign(&quote).await?;
        self.machine.offered(quote);
        Ok(Some(SignedQuote { quote, prover_signature }))
    }

    async fn sign(&self, quote: &Quote) -> Result<Bytes, ProverError> {
        let signature = self.signer.sign_hash(&quote.digest(&self.rollup)).await?;
        Ok(signature.as_bytes().to_vec().into())
    }

    /// Takes a quote that its sequencer has signed too.
    pub(crate) async fn accept(&mut self, accepted: AcceptedQuote) -> Result<(), ProverError> {
        let mut report = StepReport::default();
        let facts = {
            let follower = Arc::clone(&self.follower);
            let follower = follower.lock().await;
            self.facts(&follower)
        };
        match facts {
            Some(facts) => self.apply(vec![Input::Accepted(Box::new(accepted))], &facts, &mut report).await,
            None => Ok(()),
        }
    }

    /// Executes a block on the tip and compares everything that L1 would.
    async fn check(
        &self,
        body: &BlockBody,
        header_hash: B256,
        cutoff: L1Slot,
    ) -> Result<Executed, ProverError> {
        let follower = self.follower.lock().await;
        let view = follower.view();
        let Header { parent, deposits_end, chunks, committee_digest, blob_hashes, .. } = &body.header;
        let refuse =
            |expected: String, actual: String| Err(ProverError::Header { header_hash, expected, actual });
        let tip = view.tip();
        if tip.header_hash != *parent {
            return Err(ProverError::TipMoved { expected: *parent, actual: tip.header_hash });
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
        range.check(parameters.max_deposits.into(), cutoff, queue.len() as u64, queued_at)?;
        let queued = queued(view, range)?;
        let queue_hash = view.queue_chain(*deposits_end);
        let ledger = Arc::clone(ledger_at_tip(&follower)?);
        drop(follower);
        let slot = body.header.slot;
        let body = body.clone();
        // Hashes and signatures of a whole block take a good part of a second.
        let executed = tokio::task::spawn_blocking(move || {
            let rules = ledger.rules(&body.header);
            body.execute(&mut ledger.state(), rules, &queued, hash)
        });
        Ok(Executed { slot, queue_hash, block: Arc::new(executed.await??) })
    }

    fn keep(&mut self, header_hash: B256, body: BlockBody) -> Result<(), ProverError> {
        self.journal.put_body(header_hash, &body)?;
        self.bodies.insert(header_hash, body);
        Ok(())
    }

    /// A body that was checked.
    fn body(&self, slot: Slot, header_hash: B256) -> Result<BlockBody, ProverError> {
        if let Some(body) = self.bodies.get(&header_hash) {
            return Ok(body.clone());
        }
        let body = self.journal.body(slot, header_hash)?;
        body.ok_or(ProverError::UnknownBlock { slot, header_hash })
    }

    /// Looks for a block's body: at home, among what was announced, and at peers.
    async fn fetch(&mut self, slot: Slot, header_hash: B256) -> Result<Input, ProverError> {
        if self.body(slot, header_hash).is_ok() {
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
                self.keep(header_hash, body)?;
                Ok(Input::Body { slot, header_hash })
            }
            Err(error) => {
                tracing::warn!(%slot, %header_hash, %error, "a peer's body is of no use");
                Ok(Input::BodyMissing { slot, header_hash })
            }
        }
    }

    /// Builds a block of this prover's own. It must fit one transaction.
    async fn build(
        &mut self,
        slot: Slot,
        parent: B256,
        cutoff: L1Slot,
        facts: &Facts,
        report: &mut StepReport,
    ) -> Result<Input, ProverError> {
        let (body, witness) = {
            let follower = Arc::clone(&self.follower);
            let follower = follower.lock().await;
            let view = follower.view();
            let tip = view.tip().header_hash;
            if tip != parent {
                return Err(ProverError::TipMoved { expected: parent, actual: tip });
            }
            let range = consumed(view, cutoff, facts.now, self.settings.deposit_depth);
            let queued = queued(view, range)?;
            let ledger = ledger_at_tip(&follower)?;
            let layout = ledger.layout();
            let rules = ledger.rules_for(AccountIndex::new(self.settings.conduct.fee_recipient));
            let parameters = view.parameters();
            let blobs = usize::from(parameters.max_blobs).min(MAX_BLOBS_PER_TRANSACTION);
            let max_chunks = self
                .settings
                .max_chunks
                .min(usize::from(parameters.max_chunks))
                .min(blobs.saturating_mul(layout.chunks_per_blob()));
            let candidates = self
                .mempool
                .candidates(&upcoming(ledger, view), max_chunks.saturating_mul(layout.operations()));
            let built = block::build(&mut ledger.state(), rules, max_chunks, &queued, &candidates)?;
            let frame = Frame { slot, parent, deposits_end: range.to };
            (BlockBody::assemble(frame, &built.block, hash)?, built.block)
        };
        let header_hash = body.header_hash();
        self.keep(header_hash, body)?;
        report.built.push(Built {
            slot,
            header_hash,
            transfers: witness.transfers(),
            withdrawals: witness.withdrawals().len(),
            deposits: witness.deposits().count(),
            chunks: witness.chunks.len(),
        });
        Ok(Input::BackupBuilt { slot, parent, header_hash })
    }

    /// Hands a block to the worker.
    async fn prove(&mut self, slot: Slot, header_hash: B256, purpose: Purpose) -> Result<Input, ProverError> {
        let body = self.body(slot, header_hash)?;
        let queue_hash = {
            let follower = self.follower.lock().await;
            let count = body.header.deposits_end;
            let chain = follower.view().queue_chain(count);
            chain.ok_or(ProverError::OperationsMissing { slot, count })?
        };
        // An L1 reorg can change the queue, but nothing else that the block was executed on.
        let known =
            self.executed.get(&header_hash).filter(|known| known.queue_hash == Some(queue_hash));
        let block = match known {
            Some(known) => Arc::clone(&known.block),
            None => self.check(&body, header_hash, L1Slot::new(0)).await?.block,
        };
        let payee = self.settings.conduct.payee;
        let job = ProofJob { header_hash, queue_hash, payee, block };
        let id = job.id();
        tracing::info!(%slot, %header_hash, ?purpose, chunks = job.block.chunks.len(), "proving");
        self.worker.start(job);
        self.assignments.insert(header_hash, Assignment { slot, purpose, job: id, proof: None });
        Ok(Input::ProofStarted { header_hash })
    }

    fn proven(&self, slot: Slot, header_hash: B256) -> Result<(Header, Bytes), ProverError> {
        let body = self.body(slot, header_hash)?;
        let proof = self.assignments.get(&header_hash).and_then(|assignment| assignment.proof.as_ref());
        let proof = proof.ok_or(ProverError::UnknownBlock { slot, header_hash })?;
        Ok((body.header, proof.proof.clone()))
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
        let draft = self.call(call.abi_encode(), None, until);
        self.submissions.submit(action, draft, facts.next_l1_slot(), report).await
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
            Data::Attached => {
                let body = self.body(slot, header_hash)?;
                let format = self.settings.sidecars;
                // Cell proofs take a good part of a second.
                let bundle = tokio::task::spawn_blocking(move || {
                    let blobs = body.blobs.iter().map(|blob| Blob::new(*blob.as_bytes())).collect();
                    BlobBundle::build(blobs, format)
                });
                Some(bundle.await??)
            }
        };
        let (header, proof) = self.proven(slot, header_hash)?;
        let payee = self.settings.conduct.payee;
        let call = IRollup::finalizeBackupCall { header: header.into(), payee, proof };
        let draft = self.call(call.abi_encode(), bundle, until);
        self.submissions.submit(action, draft, facts.next_l1_slot(), report).await
    }

    fn call(&self, calldata: Vec<u8>, blobs: Option<BlobBundle>, until: L1Slot) -> Draft {
        Draft { to: self.rollup.address, calldata: calldata.into(), blobs, until }
    }

    /// Drops what no reorg can bring back.
    pub(crate) fn forget(&mut self, current: Slot) -> Result<(), ProverError> {
        let oldest = Slot::new(current.get().saturating_sub(KEPT_SLOTS));
        self.submissions.forget_before(oldest);
        let before = self.bodies.len();
        self.bodies.retain(|_, body| body.header.slot >= oldest);
        self.executed.retain(|_, executed| executed.slot >= oldest);
        if self.bodies.len() < before {
            self.journal.forget_before(oldest)?;
        }
        let worker = &self.worker;
        self.assignments.retain(|_, assignment| {
            let stays = assignment.slot >= oldest;
            if !stays {
                worker.forget(assignment.job);
            }
            stays
        });
        Ok(())
    }
}

fn hash(blob: &fernet_ledger::Blob) -> Result<B256, fernet_l1::BlobError> {
    versioned_hash(&Blob::new(*blob.as_bytes()))
}

/// What a block consumes of the queue: all it must, and beyond that what is at least `depth` L1 slots old.
fn consumed(view: &RollupView, cutoff: L1Slot, now: L1Slot, depth: u64) -> QueueRange {
    let required = view.queue_required(cutoff);
    let available = view.queue_available();
    let records = view.queue_in(available).unwrap_or_default();
    let old = records.partition_point(|record| record.l1_slot.plus(depth) <= now) as u64;
    QueueRange { from: available.from, to: required.to.max(available.from.saturating_add(old)) }
}

/// The state as operations will find it: with what the next block can take of L1's queue.
fn upcoming<'a>(ledger: &'a Ledger, view: &RollupView) -> State<&'a Ledger> {
    let mut state = ledger.state();
    for record in view.queue_in(view.queue_available()).unwrap_or_default() {
        // What can't be applied here is reported when the block is built.
        let applied = ledger_operation(record).map(|queued| state.apply_queued(&queued));
        if !matches!(applied, Ok(Ok(_))) {
            break;
        }
    }
    state
}

/// A range of L1's queue, as the ledger takes it.
fn queued(view: &RollupView, range: QueueRange) -> Result<Vec<L1Operation>, ProverError> {
    let records = view.queue_in(range).unwrap_or_default();
    let queued: Result<_, _> = records.iter().map(ledger_operation).collect();
    Ok(queued.map_err(FollowerError::from)?)
}

fn ledger_at_tip(follower: &Follower) -> Result<&Arc<Ledger>, ProverError> {
    let tip = follower.view().tip();
    follower.ledger_at_tip().ok_or(ProverError::StateMissing { slot: tip.slot })
}
