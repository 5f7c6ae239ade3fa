//! The driver: observes L1 and the peers, runs the machine at every L1 block, and answers sequencers in
//! between.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256};
use fernet_follower::{Follower, RollupView};
use fernet_l1::{Deployment, L1Block, TxManager};
use fernet_ledger::BlockWitness;
use fernet_network::{AcceptedQuote, BoxFuture, Network, QuoteResponder, SignedQuote, SignedQuoteRequest};
use fernet_protocol::{
    Header, L1Slot, QuoteRequest, RollupId, SequencerId, SignatureError, Slot, verify_signature,
};
use fernet_roles::{
    BlockBuilder, BlockStore, ChainSnapshot, ClaimTerms, Outstanding, PeerInbox, Role, Shutdown,
    SidecarCache, Submissions, carry_out_all, caught_up, follow, oldest_kept,
};
use fernet_signers::RoleSigner;
use tokio::sync::{Mutex, watch};

use crate::error::ProverError;
use crate::interface::{Effect, Facts, Input, ProofPurpose, RequestedBlock};
use crate::journal::Journal;
use crate::machine::{Availability, Prover};
use crate::policy::Policy;
use crate::report::{ActionKind, SlotStatus, StepReport};
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
        let inner = Arc::new(Mutex::new(Inner::new(deployment, settings, dependencies)?));
        network.respond_to_quotes(prover, Arc::new(Responder(Arc::downgrade(&inner))));
        Ok(Self { inner, follower, worker })
    }

    /// Does everything that a new L1 block makes possible. Call it once for each new block, also after a
    /// reorg.
    ///
    /// # Errors
    /// When the follower, the journal, or the transaction manager fails. After a retryable error
    /// ([`ProverError::is_retryable`]) the next call goes on with what was begun.
    pub async fn step(&mut self, block: &L1Block) -> Result<StepReport, ProverError> {
        self.inner.lock().await.step(block).await
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
        watch: impl FnMut(&L1Block, StepReport),
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

/// A block that was executed.
#[derive(Debug)]
pub(crate) struct ExecutedBlock {
    pub(crate) slot: Slot,
    pub(crate) block: Arc<BlockWitness>,
}

/// State shared by the step loop and the quote responder, behind one mutex.
pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) machine: Prover,
    pub(crate) policy: Policy,
    pub(crate) rollup: RollupId,
    pub(crate) follower: Arc<Mutex<Follower>>,
    pub(crate) network: Arc<dyn Network>,
    pub(crate) inbox: PeerInbox,
    pub(crate) store: BlockStore,
    pub(crate) builder: BlockBuilder,
    pub(crate) sidecars: SidecarCache,
    pub(crate) submissions: Submissions<ActionKind>,
    pub(crate) signer: Arc<dyn RoleSigner>,
    pub(crate) worker: Arc<dyn ProofWorker>,
    /// Blocks that were checked, by header hash.
    pub(crate) executed: BTreeMap<B256, ExecutedBlock>,
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
            tracing::warn!(reason, "the prover is suspended and takes no new work");
            machine.apply(Input::Suspended { reason });
        }
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
            assignments: BTreeMap::new(),
            report: StepReport::default(),
            settings,
            policy,
            follower,
            network,
            signer,
            worker,
        })
    }

    async fn step(&mut self, block: &L1Block) -> Result<StepReport, ProverError> {
        let began = Instant::now();
        self.submissions.set_head(block);
        if let Some(facts) = self.observe(block).await? {
            for input in self.collect_proofs()? {
                // What follows from a proof is decided with the block, just below.
                self.machine.apply(input);
            }
            // The facts of this block tell what a refused finalization means, so the machine gets them before
            // the transaction manager works.
            let effects = self.machine.apply(Input::Block(Box::new(facts.clone())));
            self.report.common.decided_after.get_or_insert(began.elapsed());
            let effects = std::iter::once(Effect::ManageTransactions).chain(effects);
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
        self.report.common.waiting_operations = self.inbox.mempool().len();
        self.report.common.took = began.elapsed();
        Ok(std::mem::take(&mut self.report))
    }

    /// Follows L1, reads the peers' messages, and gathers the facts; `None` before the deployment.
    async fn observe(&mut self, block: &L1Block) -> Result<Option<Facts>, ProverError> {
        let follower = follow(&self.follower, block).await?;
        self.inbox.receive(&follower, self.store.journal())?;
        let facts = self.facts(&follower);
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

    /// Answers a quote request; `None` declines. A request without a signature of the sequencer's is declined
    /// before anything else.
    async fn answer(&mut self, signed: SignedQuoteRequest) -> Result<Option<SignedQuote>, ProverError> {
        let (facts, signers) = {
            let follower = caught_up(&self.follower).await?;
            let Some(facts) = self.facts(&follower) else {
                return Ok(None);
            };
            let signers = SequencerSigners::of(follower.view(), signed.sequencer, &facts);
            (facts, signers)
        };
        let request @ QuoteRequest { slot, header_hash, sequencer } = signed.request();
        if let Err(error) = signers.verify(request.digest(&self.rollup), &signed.signature) {
            tracing::warn!(%slot, %sequencer, %error, "quote request ignored");
            return Ok(None);
        }
        let Header { parent, chunks, .. } = signed.header;
        let block = RequestedBlock { slot, header_hash, parent, chunks, sequencer };
        self.report.requested = self.report.requested.saturating_add(1);
        self.report.declined.extend(self.machine.consider(&block, &facts).err());
        let offered_before = self.report.offered.len();
        let effects = self.machine.apply(Input::QuoteRequested { block, facts: Box::new(facts.clone()) });
        carry_out_all(self, effects, &facts).await?;
        Ok(self.report.offered.get(offered_before).cloned())
    }

    /// Receives a quote that its sequencer has signed too. A signature of another key than the attester's, or
    /// the one that it named in the escrow, is ignored: it would take the place of the true one. A contract
    /// (EIP-1271) can send the commitment itself.
    async fn accept(&mut self, accepted: AcceptedQuote) -> Result<(), ProverError> {
        let (facts, signers) = {
            let follower = Arc::clone(&self.follower);
            let follower = follower.lock().await;
            let Some(facts) = self.facts(&follower) else {
                return Ok(());
            };
            let signers = SequencerSigners::of(follower.view(), accepted.quote.sequencer, &facts);
            (facts, signers)
        };
        let (slot, sequencer) = (accepted.quote.slot, accepted.quote.sequencer);
        let digest = accepted.quote.digest(&self.rollup);
        if let Err(error) = signers.verify(digest, &accepted.sequencer_signature) {
            tracing::warn!(%slot, %sequencer, %error, "accepted quote ignored");
            return Ok(());
        }
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
    fn of(view: &RollupView, sequencer: SequencerId, facts: &Facts) -> Self {
        let next = &facts.snapshot.next;
        let record = view.sequencer(sequencer);
        let attester = record.map(|record| record.attester.at(next.previous_start)).unwrap_or_default();
        let named = view.named_signer(attester, facts.snapshot.next_l1_slot(), next.phase_end);
        Self { attester, named }
    }

    fn verify(&self, digest: B256, signature: &[u8]) -> Result<(), SignatureError> {
        let verify = |signer| verify_signature(digest, signature, signer);
        verify(self.attester).or_else(|error| self.named.map_or(Err(error), verify))
    }
}

/// Answers sequencers as long as the driver exists.
struct Responder(Weak<Mutex<Inner>>);

impl QuoteResponder for Responder {
    fn quote(&self, request: SignedQuoteRequest) -> BoxFuture<'_, Option<SignedQuote>> {
        Box::pin(async move {
            let inner = self.0.upgrade()?;
            let (slot, sequencer) = (request.header.slot, request.sequencer);
            let answer = inner.lock().await.answer(request).await;
            answer.unwrap_or_else(|error| {
                tracing::warn!(%slot, %sequencer, %error, "quote request failed");
                None
            })
        })
    }

    fn accept(&self, accepted: AcceptedQuote) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let Some(inner) = self.0.upgrade() else {
                return;
            };
            let slot = accepted.quote.slot;
            if let Err(error) = inner.lock().await.accept(accepted).await {
                tracing::warn!(%slot, %error, "accepted quote is not committed yet");
            }
        })
    }
}
