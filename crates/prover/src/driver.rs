//! The prover as its operator sees it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use alloy::signers::Signer;
use fernet_follower::Follower;
use fernet_l1::{Deployment, L1Block, TxManager};
use fernet_network::{AcceptedQuote, BoxFuture, Network, QuoteRequest, QuoteResponder, SignedQuote};
use fernet_roles::{Role, TxProblem};
use tokio::sync::{Mutex, watch};

use crate::engine::Engine;
use crate::error::ProverError;
use crate::journal::Journal;
use crate::machine::{Availability, Input};
use crate::policy::Policy;
use crate::report::{Action, ActionKind, StepReport};
use crate::settings::Settings;
use crate::worker::ProofWorker;

/// What a prover is connected to.
pub struct Wiring {
    /// The rollup as seen from L1. Several roles of one process may share it.
    pub follower: Arc<Mutex<Follower>>,
    /// Its peers.
    pub network: Arc<dyn Network>,
    /// Sends from the prover's account.
    pub transactions: TxManager,
    /// Sends from the payee's account, if that is another one and claims are wanted.
    pub payee: Option<TxManager>,
    /// The prover's key, which signs quotes.
    pub signer: Arc<dyn Signer + Send + Sync>,
    /// What must survive a restart.
    pub journal: Journal,
    /// Makes the proofs.
    pub worker: Arc<dyn ProofWorker>,
    /// The operator's policy.
    pub policy: Policy,
}

impl std::fmt::Debug for Wiring {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Wiring").field("transactions", &self.transactions).finish_non_exhaustive()
    }
}

/// A prover.
pub struct ProverDriver {
    engine: Arc<Mutex<Engine>>,
    follower: Arc<Mutex<Follower>>,
    worker: Arc<dyn ProofWorker>,
}

impl std::fmt::Debug for ProverDriver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ProverDriver").finish_non_exhaustive()
    }
}

impl ProverDriver {
    /// A prover of `deployment`. It answers quote requests from now on, as long as it lives.
    ///
    /// # Errors
    /// When the settings contradict each other or the deployment.
    pub fn new(deployment: &Deployment, settings: Settings, wiring: Wiring) -> Result<Self, ProverError> {
        let (network, worker) = (Arc::clone(&wiring.network), Arc::clone(&wiring.worker));
        let (prover, follower) = (settings.strategy.prover, Arc::clone(&wiring.follower));
        let engine = Arc::new(Mutex::new(Engine::new(deployment, settings, wiring)?));
        network.respond_to_quotes(prover, Arc::new(Responder(Arc::downgrade(&engine))));
        Ok(Self { engine, follower, worker })
    }

    /// Does everything that a new L1 block makes possible. Call it once for each, after a reorg too.
    ///
    /// # Errors
    /// When the follower, the disk or the transaction manager fail in a way that the next block won't mend, or mend by
    /// itself ([`ProverError::is_retryable`]). What had been begun is taken up again at the next call.
    pub async fn step(&mut self, block: &L1Block) -> Result<StepReport, ProverError> {
        let mut engine = self.engine.lock().await;
        let mut report = StepReport::default();
        let facts = engine.observe(block, &mut report).await?;
        let problems = engine.submissions().tick(block, &mut report).await?;
        if let Some(facts) = facts {
            let mut inputs = engine.collect(&mut report)?;
            inputs.extend([Input::Block(Box::new(facts.clone()))]);
            engine.apply(inputs, &facts, &mut report).await?;
            let refused = problems.into_iter().filter_map(refusal).collect();
            engine.apply(refused, &facts, &mut report).await?;
            engine.forget(facts.next.slot)?;
        }
        Ok(report)
    }

    /// Looks for a new L1 block every `pause` and steps with each, until `stop` says so or its sender is gone.
    /// Troubles that the next block may mend are logged; `watch` sees every step.
    ///
    /// # Errors
    /// As [`Self::step`], but only what can't be retried.
    pub async fn run(
        &mut self,
        pause: Duration,
        stop: watch::Receiver<bool>,
        watch: impl FnMut(&L1Block, StepReport),
    ) -> Result<(), ProverError> {
        fernet_roles::run(self, pause, stop, watch).await
    }

    /// Resolves once the worker has nothing to prove. Proofs that are ready then are picked up by the next step.
    pub async fn idle(&self) {
        self.worker.idle().await;
    }

    /// Whether it takes new work.
    pub async fn availability(&self) -> Availability {
        self.engine.lock().await.machine().availability().clone()
    }

    /// Looks at the transactions of this prover.
    pub async fn with_transactions<T>(&self, look: impl FnOnce(&TxManager) -> T) -> T {
        look(self.engine.lock().await.submissions().transactions())
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

    fn is_retryable(error: &ProverError) -> bool {
        error.is_retryable()
    }
}

/// A finalization that L1 refuses: the prover may have to stop taking work.
fn refusal((action, problem): (Action, TxProblem)) -> Option<Input> {
    let reason = match problem {
        TxProblem::Failed(reason) => reason.to_string(),
        TxProblem::WouldRevert { reason } => reason,
        TxProblem::Expired => return None,
    };
    let header_hash = action.header_hash;
    (action.kind == ActionKind::Finalize).then_some(Input::FinalizeRefused { header_hash, reason })
}

/// Answers while the driver lives.
struct Responder(Weak<Mutex<Engine>>);

impl QuoteResponder for Responder {
    fn quote(&self, request: QuoteRequest) -> BoxFuture<'_, Option<SignedQuote>> {
        Box::pin(async move {
            let engine = self.0.upgrade()?;
            let (slot, sequencer) = (request.body.header.slot, request.sequencer);
            let answer = engine.lock().await.quote(request).await;
            answer.unwrap_or_else(|error| {
                tracing::warn!(%slot, %sequencer, %error, "quote declined");
                None
            })
        })
    }

    fn accept(&self, accepted: AcceptedQuote) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let Some(engine) = self.0.upgrade() else {
                return;
            };
            let slot = accepted.quote.slot;
            if let Err(error) = engine.lock().await.accept(accepted).await {
                tracing::warn!(%slot, %error, "accepted quote not committed yet");
            }
        })
    }
}
