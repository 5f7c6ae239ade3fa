//! The driver: observes L1 and the peers, runs the machine at every L1 block, and answers sequencers in
//! between.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256};
use fernet_follower::{Follower, RollupView};
use fernet_l1::{Deployment, L1Block, TxManager};
use fernet_network::{
    AcceptedQuote, BlockBody, BoxFuture, Network, QuoteResponder, SignedQuote, SignedQuoteRequest,
};
use fernet_protocol::{Header, L1Slot, Quote, RollupId, SequencerId, SignatureError, Slot, verify_signature};
use fernet_roles::{
    BlockBuilder, BlockStore, ChainSnapshot, ClaimTerms, Decision, EffectHandler as _, InboxUpdate,
    Outstanding, PeerInbox, Role, Shutdown, SidecarCache, Submissions, carry_out_all, follow, oldest_kept,
};
use fernet_signers::RoleSigner;
use tokio::sync::{Mutex, watch};

use crate::block_source::{BlockSource, ExecutedBlock};
use crate::error::ProverError;
use crate::interface::{Effect, Facts, Input, ProofPurpose, RequestedBlock};
use crate::journal::Journal;
use crate::machine::{Availability, Prover};
use crate::policy::Policy;
use crate::quotes::DeclineReason;
use crate::report::{ActionKind, SlotStatus, StepReport};
use crate::requests::{Consideration, Patience, QuoteMaker, Requests};
use crate::settings::Settings;
use crate::strategy::Strategy;
use crate::worker::{JobId, ProofWorker, ProvenBlock};

/// What a prover needs from its process.
pub struct Dependencies {
    /// Follows the rollup. Several roles of a process may share it.
    pub follower: Arc<Mutex<Follower>>,
    /// The connection to peers.
    pub network: Arc<dyn Network>,
    /// Sends transactions from the prover's account.
    pub transactions: TxManager,
    /// Sends claims from the payee's account. Needed if rewards are claimed and the payee isn't the prover.
    pub payee: Option<TxManager>,
    /// The prover's key, which signs quotes.
    pub signer: Arc<dyn RoleSigner>,
    /// The prover's journal.
    pub journal: Journal,
    /// Makes the proofs.
    pub worker: Arc<dyn ProofWorker>,
    /// The operator's policy.
    pub policy: Policy,
}

impl std::fmt::Debug for Dependencies {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Dependencies")
            .field("transactions", &self.transactions)
            .finish_non_exhaustive()
    }
}

/// A prover.
pub struct ProverDriver {
    inner: Arc<Mutex<Inner>>,
    follower: Arc<Mutex<Follower>>,
    worker: Arc<dyn ProofWorker>,
    /// Counts the steps, for requests that wait for the next one.
    steps: watch::Sender<u64>,
}

impl std::fmt::Debug for ProverDriver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ProverDriver").finish_non_exhaustive()
    }
}

impl ProverDriver {
    /// A prover of `deployment`. From now on it answers quote requests, until it is dropped.
    ///
    /// # Errors
    /// When the settings contradict each other, the deployment or the dependencies, or the journal can't be
    /// read.
    pub fn new(
        deployment: &Deployment,
        settings: Settings,
        dependencies: Dependencies,
    ) -> Result<Self, ProverError> {
        let (network, worker) = (Arc::clone(&dependencies.network), Arc::clone(&dependencies.worker));
        let (prover, follower) = (settings.strategy.prover, Arc::clone(&dependencies.follower));
        let inner = Inner::new(deployment, settings, dependencies)?;
        let (blocks, rollup) = (Arc::downgrade(&inner.blocks), inner.rollup);
        let inner = Arc::new(Mutex::new(inner));
        let (steps, counted) = watch::channel(0);
        let desk = Desk { inner: Arc::downgrade(&inner), blocks, rollup };
        network.respond_to_quotes(prover, Arc::new(Responder(Requests::new(desk, counted))));
        Ok(Self { inner, follower, worker, steps })
    }

    /// Does everything that a new L1 block makes possible. Call it once for each new block, also after a
    /// reorg.
    ///
    /// # Errors
    /// When the follower, the journal, or the transaction manager fails. After a retryable error
    /// ([`ProverError::is_retryable`]) the next call goes on with what was begun.
    pub async fn step(&mut self, block: &L1Block) -> Result<StepReport, ProverError> {
        let report = self.inner.lock().await.step(block).await;
        self.steps.send_modify(|steps| *steps = steps.wrapping_add(1));
        report
    }

    /// Looks for a new L1 block every `pause`, and makes a step with each, until `shutdown` ends it
    /// ([`fernet_roles::run`]). Retryable errors are logged. `watch` receives the report of every step.
    ///
    /// # Errors
    /// As [`Self::step`], but only with errors that aren't retryable.
    pub async fn run(
        &mut self,
        pause: Duration,
        shutdown: watch::Receiver<Shutdown>,
        watch: impl FnMut(&L1Block, &Follower, StepReport),
    ) -> Result<(), ProverError> {
        fernet_roles::run(self, pause, shutdown, watch).await
    }

    /// Waits until the worker has nothing to prove. The next step uses the proofs that are ready then.
    pub async fn idle(&self) {
        self.worker.idle().await;
    }

    /// Whether the prover takes new work.
    pub async fn availability(&self) -> Availability {
        self.inner.lock().await.machine.availability().clone()
    }

    /// Takes new work again, after whatever suspended the prover was put right.
    ///
    /// # Errors
    /// When the journal can't be written.
    pub async fn resume(&self) -> Result<(), ProverError> {
        self.inner.lock().await.resume()
    }

    /// Calls `look` with the manager of the prover's transactions.
    pub async fn with_transactions<T>(&self, look: impl FnOnce(&TxManager) -> T) -> T {
        look(self.inner.lock().await.submissions.transactions())
    }
}

impl Role for ProverDriver {
    type Report = StepReport;
    type Error = ProverError;

    fn follower(&self) -> Arc<Mutex<Follower>> {
        Arc::clone(&self.follower)
    }

    async fn step(&mut self, block: &L1Block) -> Result<StepReport, ProverError> {
        self.step(block).await
    }

    async fn close_windows(&mut self, now: L1Slot) -> Result<(), ProverError> {
        Ok(self.inner.lock().await.submissions.close_windows(now).await?)
    }

    async fn finish(&mut self) {
        // What the machine would do now comes with the next L1 block.
        let _ = self.inner.lock().await.machine.apply(Input::Finish);
    }

    async fn outstanding(&mut self) -> Vec<Outstanding> {
        let inner = self.inner.lock().await;
        inner.machine.outstanding().into_iter().chain(inner.submissions.outstanding()).collect()
    }

    fn is_retryable(error: &ProverError) -> bool {
        error.is_retryable()
    }

    fn is_of_l1(error: &ProverError) -> bool {
        matches!(error, ProverError::Role(error) if error.is_of_l1())
    }
}

/// A proof that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct ProofAssignment {
    pub(crate) slot: Slot,
    pub(crate) purpose: ProofPurpose,
    pub(crate) job: JobId,
    /// The proof, once it is ready.
    pub(crate) proof: Option<Arc<ProvenBlock>>,
}

/// State shared by the step loop and the quote responder, behind one mutex.
pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) machine: Prover,
    pub(crate) policy: Policy,
    pub(crate) rollup: RollupId,
    pub(crate) follower: Arc<Mutex<Follower>>,
    /// Checks blocks without this lock.
    pub(crate) blocks: Arc<BlockSource>,
    pub(crate) inbox: PeerInbox,
    pub(crate) store: BlockStore,
    pub(crate) builder: BlockBuilder,
    pub(crate) sidecars: SidecarCache,
    pub(crate) submissions: Submissions<ActionKind>,
    pub(crate) signer: Arc<dyn RoleSigner>,
    pub(crate) worker: Arc<dyn ProofWorker>,
    /// Blocks that were checked, by header hash.
    pub(crate) executed: BTreeMap<B256, ExecutedBlock>,
    /// Quotes since the last step that the policy allowed to be offered, by header hash.
    pub(crate) allowed: BTreeMap<B256, Quote>,
    /// By header hash.
    pub(crate) assignments: BTreeMap<B256, ProofAssignment>,
    /// What was done since the last report.
    pub(crate) report: StepReport,
    /// The journal says that the prover is suspended.
    is_suspension_written: bool,
}

impl Inner {
    fn new(
        deployment: &Deployment,
        settings: Settings,
        dependencies: Dependencies,
    ) -> Result<Self, ProverError> {
        let managers = std::iter::once(&dependencies.transactions).chain(&dependencies.payee);
        let senders: Vec<Address> = managers.map(|manager| manager.accounts().plain()).collect();
        settings.check(&senders)?;
        let contracts = deployment.contracts();
        let terms = ClaimTerms {
            rewards: contracts.rewards,
            claim_to: settings.claim_to,
            max_total_fee: settings.max_total_fee,
            at_stake: settings.at_stake,
        };
        let Dependencies { follower, network, transactions, payee, signer, journal, worker, policy } =
            dependencies;
        let mut machine = Prover::new(settings.strategy, *deployment.parameters());
        // Offers of before a restart can still be committed. Without facts the machine emits no effects.
        let offers: Vec<SignedQuote> = journal.all()?;
        for offer in offers.iter().filter(|offer| offer.quote.prover == settings.strategy.prover) {
            machine.apply(Input::Offered { quote: offer.quote });
        }
        // Only its operator says that it takes work again.
        let suspended = journal.suspension()?;
        if let Some(reason) = suspended.clone() {
            tracing::warn!(code = "PRV-002", reason, "the prover is suspended and takes no new work");
            machine.apply(Input::Suspended { reason });
        }
        let blocks = BlockSource {
            follower: Arc::clone(&follower),
            network: Arc::clone(&network),
            max_chunks: settings.max_chunks,
            deposit_depth: settings.deposit_depth,
        };
        Ok(Self {
            is_suspension_written: suspended.is_some(),
            machine,
            rollup: deployment.rollup_id(),
            inbox: PeerInbox::new(deployment, &*network, settings.mempool, &journal)?,
            store: BlockStore::new(journal),
            builder: BlockBuilder::new(Arc::clone(&follower), settings.template()),
            sidecars: SidecarCache::default(),
            submissions: Submissions::new(transactions, payee, terms),
            executed: BTreeMap::new(),
            allowed: BTreeMap::new(),
            assignments: BTreeMap::new(),
            report: StepReport::default(),
            settings,
            policy,
            follower,
            blocks: Arc::new(blocks),
            signer,
            worker,
        })
    }

    async fn step(&mut self, block: &L1Block) -> Result<StepReport, ProverError> {
        let began = Instant::now();
        self.submissions.set_head(block);
        self.allowed.clear();
        if let Some(facts) = self.observe(block).await? {
            for input in self.collect_proofs()? {
                // What follows from a proof is decided with the block, just below.
                self.machine.apply(input);
            }
            // The facts of this block tell what a refused finalization means, so the machine gets them before
            // the transaction manager works.
            let effects = self.machine.apply(Input::Block(Box::new(facts.clone())));
            self.report.common.decided_after.get_or_insert(began.elapsed());
            let contact = self.blocks.network.contact_to_sign(self.settings.strategy.prover);
            let contact = contact.filter(|_| facts.may_sign).map(|contact| Effect::Advertise { contact });
            let effects = std::iter::once(Effect::ManageTransactions).chain(contact).chain(effects);
            let done = carry_out_all(self, effects, &facts).await;
            self.write_suspension()?;
            done?;
            self.prune(facts.snapshot.next.slot)?;
        }
        self.report.suspended = match self.machine.availability() {
            Availability::Available => None,
            Availability::Suspended { reason } => Some(reason.clone()),
        };
        self.report.common.open = self.submissions.open();
        self.report.common.waiting_operations = self.inbox.len();
        self.report.common.took = began.elapsed();
        Ok(std::mem::take(&mut self.report))
    }

    /// Follows L1, reads the peers' messages, and gathers the facts; `None` before the deployment.
    async fn observe(&mut self, block: &L1Block) -> Result<Option<Facts>, ProverError> {
        let follower = follow(&self.follower, block).await?;
        let update = InboxUpdate::of(&follower);
        let facts = self.facts(&follower);
        drop(follower);
        self.inbox.receive(update, self.store.journal()).await?;
        self.report.common.slot = facts.as_ref().map(|Facts { snapshot, .. }| SlotStatus {
            slot: snapshot.next.slot,
            phase: snapshot.next.phase,
            phase_end: snapshot.next.phase_end,
        });
        Ok(facts)
    }

    fn facts(&self, follower: &Follower) -> Option<Facts> {
        let snapshot = ChainSnapshot::at(follower)?;
        let view = follower.view();
        let Strategy { prover, payee, offer_validity, .. } = self.settings.strategy;
        let key = self.signer.address();
        let named = view.named_signer(prover, snapshot.next_l1_slot(), snapshot.now.plus(offer_validity));
        Some(Facts {
            snapshot,
            free_escrow: view.escrow(prover).free,
            may_sign: key == prover || named == Some(key),
            owed: view.owed(payee),
        })
    }

    /// The facts of this moment. They may be newer than those of the last step.
    async fn current_facts(&self) -> Option<Facts> {
        let follower = self.follower.lock().await;
        self.facts(&follower)
    }

    /// Whether an offer can be made for a block, and what it takes. The operator's policy decides before
    /// peers are asked for the body, and again if another quote is signed then.
    async fn consider(&mut self, block: &RequestedBlock, patience: Patience) -> Consideration {
        let Some(facts) = self.current_facts().await else { return Consideration::Declined };
        let reason = match self.machine.consider(block, &facts) {
            Ok(quote) => {
                let effect = Effect::Offer { quote };
                if self.decide(&effect, &facts) == Decision::Hold {
                    self.report.requested = self.report.requested.saturating_add(1);
                    self.report.common.hold(effect);
                    return Consideration::Declined;
                }
                self.allowed.insert(block.header_hash, quote);
                let is_executed = self.executed.contains_key(&block.header_hash);
                return if is_executed { Consideration::Offer } else { Consideration::Execute };
            }
            Err(reason) => reason,
        };
        if patience == Patience::Wait && matches!(reason, DeclineReason::NotACandidate { .. }) {
            return Consideration::NotYet;
        }
        let RequestedBlock { slot, sequencer, .. } = block;
        tracing::info!(%slot, %sequencer, %reason, "quote declined");
        self.report.requested = self.report.requested.saturating_add(1);
        self.report.declined.push(reason);
        Consideration::Declined
    }

    /// Offers a quote for a block that is executed, by the facts of this moment.
    async fn make_offer(
        &mut self,
        block: &RequestedBlock,
        executed: Option<(Arc<BlockBody>, ExecutedBlock)>,
    ) -> Result<Option<SignedQuote>, ProverError> {
        let Some(facts) = self.current_facts().await else { return Ok(None) };
        self.report.requested = self.report.requested.saturating_add(1);
        self.report.declined.extend(self.machine.consider(block, &facts).err());
        if let Some((body, executed)) = executed {
            self.executed.insert(block.header_hash, executed);
            self.store.insert(body)?;
        }
        let offered_before = self.report.offered.len();
        let input = Input::QuoteRequested { block: block.clone(), facts: Box::new(facts.clone()) };
        let effects = self.machine.apply(input);
        carry_out_all(self, effects, &facts).await?;
        Ok(self.report.offered.get(offered_before).cloned())
    }

    /// Receives a quote that its sequencer has signed too.
    async fn accept(&mut self, accepted: AcceptedQuote) -> Result<(), ProverError> {
        let Some(facts) = self.current_facts().await else { return Ok(()) };
        let effects = self.machine.apply(Input::Accepted(Box::new(accepted)));
        carry_out_all(self, effects, &facts).await
    }

    /// Keeps a suspension over restarts.
    fn write_suspension(&mut self) -> Result<(), ProverError> {
        if let Availability::Suspended { reason } = self.machine.availability()
            && !self.is_suspension_written
        {
            self.store.journal().set_suspension(Some(reason))?;
            self.is_suspension_written = true;
        }
        Ok(())
    }

    /// Takes new work again.
    fn resume(&mut self) -> Result<(), ProverError> {
        self.store.journal().set_suspension(None)?;
        self.is_suspension_written = false;
        self.machine.apply(Input::Resumed);
        Ok(())
    }

    /// Removes what no L1 reorg can bring back.
    fn prune(&mut self, current: Slot) -> Result<(), ProverError> {
        let oldest = oldest_kept(current);
        self.submissions.prune_before(oldest);
        self.sidecars.prune_before(oldest);
        self.executed.retain(|_, executed| executed.slot >= oldest);
        let worker = &self.worker;
        self.assignments.retain(|_, assignment| {
            let is_kept = assignment.slot >= oldest;
            if !is_kept {
                worker.forget(assignment.job);
            }
            is_kept
        });
        Ok(self.store.prune_before(oldest)?)
    }
}

/// The keys whose signatures bind a sequencer in the slot in turn.
struct SequencerSigners {
    attester: Address,
    /// The key that the attester named in the escrow.
    named: Option<Address>,
}

impl SequencerSigners {
    /// The keys of `sequencer`. An unregistered id has the zero address, which no key has.
    fn of(view: &RollupView, sequencer: SequencerId, snapshot: &ChainSnapshot) -> Self {
        let next = &snapshot.next;
        let record = view.sequencer(sequencer);
        let attester = record.map(|record| record.attester.at(next.previous_start)).unwrap_or_default();
        let named = view.named_signer(attester, snapshot.next_l1_slot(), next.phase_end);
        Self { attester, named }
    }

    fn verify(&self, digest: B256, signature: &[u8]) -> Result<(), SignatureError> {
        let verify = |signer| verify_signature(digest, signature, signer);
        verify(self.attester).or_else(|error| self.named.map_or(Err(error), verify))
    }
}

/// What answers requests: the driver, as long as it exists.
struct Desk {
    inner: Weak<Mutex<Inner>>,
    blocks: Weak<BlockSource>,
    rollup: RollupId,
}

impl Desk {
    /// The keys of a sequencer, by what the follower has seen.
    async fn signers(&self, sequencer: SequencerId) -> Option<SequencerSigners> {
        let blocks = self.blocks.upgrade()?;
        let follower = blocks.follower.lock().await;
        let snapshot = ChainSnapshot::at(&follower)?;
        Some(SequencerSigners::of(follower.view(), sequencer, &snapshot))
    }

    /// A signature of another key than the attester's, or the one that it named in the escrow, is ignored:
    /// the quote would take the place of the true one. A contract (EIP-1271) can send the commitment itself.
    async fn accept(&self, accepted: AcceptedQuote) -> Result<(), ProverError> {
        let (slot, sequencer) = (accepted.quote.slot, accepted.quote.sequencer);
        let Some(signers) = self.signers(sequencer).await else { return Ok(()) };
        let digest = accepted.quote.digest(&self.rollup);
        if let Err(error) = signers.verify(digest, &accepted.sequencer_signature) {
            tracing::warn!(code = "PRV-003", %slot, %sequencer, %error, "accepted quote ignored");
            return Ok(());
        }
        match self.inner.upgrade() {
            Some(inner) => inner.lock().await.accept(accepted).await,
            None => Ok(()),
        }
    }
}

impl QuoteMaker for Desk {
    type Executed = (Arc<BlockBody>, ExecutedBlock);

    async fn is_signed(&self, signed: &SignedQuoteRequest) -> bool {
        let signers = self.signers(signed.sequencer).await;
        let digest = signed.request().digest(&self.rollup);
        signers.is_some_and(|signers| signers.verify(digest, &signed.signature).is_ok())
    }

    async fn consider(
        &self,
        block: &RequestedBlock,
        patience: Patience,
    ) -> Result<Consideration, ProverError> {
        Ok(match self.inner.upgrade() {
            Some(inner) => inner.lock().await.consider(block, patience).await,
            None => Consideration::Declined,
        })
    }

    async fn execute(
        &self,
        header: &Header,
        header_hash: B256,
    ) -> Result<Option<Self::Executed>, ProverError> {
        let Some(blocks) = self.blocks.upgrade() else { return Ok(None) };
        let Some(check) = blocks.new_block().await else { return Ok(None) };
        blocks.check_header(header, header_hash, check).await?;
        blocks.fetch_checked(header.slot, header_hash, check).await
    }

    async fn offer(
        &self,
        block: &RequestedBlock,
        header: &Header,
        executed: Option<Self::Executed>,
    ) -> Result<Option<SignedQuote>, ProverError> {
        let (Some(inner), Some(blocks)) = (self.inner.upgrade(), self.blocks.upgrade()) else {
            return Ok(None);
        };
        let mut inner = inner.lock().await;
        // The tip, or what the block takes of the queues, may be another by now.
        let Some(check) = blocks.new_block().await else { return Ok(None) };
        blocks.check_header(header, block.header_hash, check).await?;
        inner.make_offer(block, executed).await
    }
}

/// Answers sequencers as long as the driver exists.
struct Responder(Requests<Desk>);

impl QuoteResponder for Responder {
    fn quote(&self, request: SignedQuoteRequest) -> BoxFuture<'_, Option<SignedQuote>> {
        Box::pin(self.0.answer(request))
    }

    fn accept(&self, accepted: AcceptedQuote) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let slot = accepted.quote.slot;
            if let Err(error) = self.0.maker().accept(accepted).await {
                tracing::warn!(code = "PRV-005", %slot, %error, "accepted quote is not committed yet");
            }
        })
    }
}
