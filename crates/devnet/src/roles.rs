//! The roles of a devnet: four sequencers and two provers, wired to one L1 and one network.

use std::{sync::Arc, time::Duration};

use alloy::{
    primitives::{Address, U256},
    signers::local::PrivateKeySigner,
};
use fernet_follower::{Follower, FollowerError};
use fernet_l1::{
    Accounts as Senders, Deployment, L1Block, L1Provider, SidecarFormat, StoreError, TxConfig, TxError,
    TxManager,
};
use fernet_ledger::mempool::Limits;
use fernet_network::{InProcess, Network};
use fernet_protocol::TokenAmount;
use fernet_prover::{PriceList, ProofWorker, ProverDriver, ProverError};
use fernet_roles::{ActionKind, StepReport};
use fernet_sequencer::{CommitmentBy, SequencerDriver, SequencerError};
use tokio::sync::Mutex;

use crate::{accounts::Accounts, crash::CrashPlan, fault::FaultPlan, policies, setup::Setup, stores::Stores};

/// What a transaction may cost at most, in wei: one ether, far above a development chain's fees.
const MAX_TOTAL_FEE: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);
/// Rewards worth a claim, in token units: two tokens.
const CLAIM_FROM: U256 = U256::from_limbs([2_000_000_000_000_000_000, 0, 0, 0]);
/// A hundredth of a token, in token units.
const CENT: u128 = 10_000_000_000_000_000;
/// Most a sequencer pays for a proof: a token.
const MAX_PRICE: TokenAmount = TokenAmount::new(100 * CENT);
/// Prices of the provers, base and per chunk, in hundredths of a token: the first is cheaper for small blocks, the second
/// for large ones.
const PRICES: [(u128, u128); 2] = [(20, 10), (28, 5)];
/// L1 slots that an offer stays open: a commitment phase and some.
const OFFER_VALIDITY: u64 = 24;
/// L1 slots before the end of exclusive proving at which a rescuer starts.
const RESCUE_LEAD: u64 = 3;
/// L1 slots before the end of the proposal phase at which a sequencer stops waiting for better ones.
const PATIENCE: u64 = 2;
/// How long provers have for a quote. In one process they answer at once.
const QUOTE_DEADLINE: Duration = Duration::from_secs(10);

/// Why a role failed.
#[derive(Debug, thiserror::Error)]
pub enum RolesError {
    /// A sequencer.
    #[error("sequencer {number}: {source}")]
    Sequencer {
        /// Which, from 0.
        number: usize,
        /// What happened.
        source: SequencerError,
    },
    /// A prover.
    #[error("prover {number}: {source}")]
    Prover {
        /// Which, from 0.
        number: usize,
        /// What happened.
        source: ProverError,
    },
    /// The transaction manager.
    #[error(transparent)]
    Transactions(#[from] TxError),
    /// Its store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A role's journal.
    #[error(transparent)]
    Journal(#[from] fernet_roles::JournalError),
    /// Following the rollup.
    #[error(transparent)]
    Follower(#[from] FollowerError),
}

/// All roles, and what they share.
#[derive(Debug)]
pub struct Roles {
    sequencers: Vec<SequencerDriver>,
    provers: Vec<ProverDriver>,
    network: InProcess,
}

/// What the roles did in one step.
#[derive(Debug, Default)]
pub struct RolesReport {
    /// Sequencers' reports, in order.
    pub sequencers: Vec<fernet_sequencer::StepReport>,
    /// Provers' reports, in order.
    pub provers: Vec<fernet_prover::StepReport>,
}

/// What roles are wired to.
#[derive(Debug)]
pub struct RoleDeps<'a> {
    /// The L1.
    pub provider: &'a L1Provider,
    /// The rollup on it.
    pub deployment: &'a Deployment,
    /// Who they are.
    pub accounts: &'a Accounts,
    /// As whom they are registered.
    pub setup: &'a Setup,
    /// The rollup as seen from L1, followed once for all.
    pub follower: &'a Arc<Mutex<Follower>>,
    /// What fails.
    pub faults: &'a Arc<FaultPlan>,
    /// Where they keep what must survive a restart.
    pub stores: &'a Stores,
    /// When they die.
    pub crashes: &'a Arc<CrashPlan>,
    /// What blob transactions carry.
    pub sidecars: SidecarFormat,
    /// Payload that sequencers signal; zero for none.
    pub vote: Address,
}

impl Roles {
    /// Makes all roles.
    ///
    /// # Errors
    /// When one can't be made.
    pub fn new(deps: &RoleDeps<'_>, worker: &Arc<dyn ProofWorker>) -> Result<Self, RolesError> {
        let mut roles = Self { sequencers: Vec::new(), provers: Vec::new(), network: InProcess::new() };
        roles.restart(deps, worker)?;
        Ok(roles)
    }

    /// Drops every role, whatever it was about to do.
    pub fn drop_roles(&mut self) {
        self.sequencers.clear();
        self.provers.clear();
    }

    /// Makes all roles, from what they left in their stores, on the same network.
    ///
    /// # Errors
    /// When one can't be made.
    pub fn restart(&mut self, deps: &RoleDeps<'_>, worker: &Arc<dyn ProofWorker>) -> Result<(), RolesError> {
        self.drop_roles();
        let network = &self.network;
        let provers = deps.accounts.provers.iter().enumerate();
        let provers = provers
            .map(|(number, signer)| prover(deps, network, worker, number, signer))
            .collect::<Result<_, _>>()?;
        let sequencers = deps.accounts.sequencers.iter().enumerate();
        let sequencers = sequencers
            .map(|(number, signer)| sequencer(deps, network, number, signer))
            .collect::<Result<_, _>>()?;
        (self.provers, self.sequencers) = (provers, sequencers);
        Ok(())
    }

    /// The roles' network.
    #[must_use]
    pub fn network(&self) -> &InProcess {
        &self.network
    }

    /// Lets the provers act on a new L1 block, side by side. They come before the sequencers, who ask them for quotes.
    ///
    /// # Errors
    /// When one fails for good. What may pass is logged, and the prover goes on at the next block.
    pub async fn step_provers(
        &mut self,
        block: &Arc<L1Block>,
    ) -> Result<Vec<fernet_prover::StepReport>, RolesError> {
        let steps = std::mem::take(&mut self.provers).into_iter().map(|mut prover| {
            let block = Arc::clone(block);
            async move {
                let result = prover.step(&block).await;
                (prover, result)
            }
        });
        let mut reports = Vec::new();
        for (number, (prover, result)) in run_concurrently(steps).await.into_iter().enumerate() {
            self.provers.push(prover);
            reports.push(match result {
                Ok(report) => report,
                Err(error) if error.is_retryable() => {
                    tracing::warn!(number, %error, "prover");
                    fernet_prover::StepReport::default()
                }
                Err(source) => return Err(RolesError::Prover { number, source }),
            });
        }
        Ok(reports)
    }

    /// Lets the sequencers act on a new L1 block, side by side.
    ///
    /// # Errors
    /// When one fails for good. What may pass is logged, and the sequencer goes on at the next block.
    pub async fn step_sequencers(
        &mut self,
        block: &Arc<L1Block>,
    ) -> Result<Vec<fernet_sequencer::StepReport>, RolesError> {
        let steps = std::mem::take(&mut self.sequencers).into_iter().map(|mut sequencer| {
            let block = Arc::clone(block);
            async move {
                let result = sequencer.step(&block).await;
                (sequencer, result)
            }
        });
        let mut reports = Vec::new();
        for (number, (sequencer, result)) in run_concurrently(steps).await.into_iter().enumerate() {
            self.sequencers.push(sequencer);
            reports.push(match result {
                Ok(report) => report,
                Err(error) if error.is_retryable() => {
                    tracing::warn!(number, %error, "sequencer");
                    fernet_sequencer::StepReport::default()
                }
                Err(source) => return Err(RolesError::Sequencer { number, source }),
            });
        }
        Ok(reports)
    }

    /// Operations waiting for a block.
    #[must_use]
    pub fn waiting_operations(&self) -> usize {
        self.sequencers.iter().map(SequencerDriver::waiting_operations).max().unwrap_or(0)
    }
}

impl RolesReport {
    /// Writes down what was sent and what failed.
    pub(crate) fn log(&self) {
        for (number, report) in self.sequencers.iter().enumerate() {
            log("sequencer", number, report);
        }
        for (number, report) in self.provers.iter().enumerate() {
            log("prover", number, report);
        }
    }
}

fn log<K: ActionKind, E, S>(role: &str, number: usize, report: &StepReport<K, E, S>) {
    for (action, hash) in &report.sent {
        tracing::debug!(role, number, %action, %hash, "sent");
    }
    for (action, reason) in &report.failed {
        tracing::info!(role, number, %action, ?reason, "failed");
    }
    for trouble in &report.retryable_errors {
        tracing::warn!(role, number, trouble, "trouble");
    }
}

/// Runs everyone at the same time, and returns what came of it in the order given. The chain is the same as if they
/// took turns: nobody sees what another one sends before the next L1 block, whose order doesn't tell who was faster, and
/// only the sequencer in turn talks to provers.
///
/// A panic in one is passed on.
async fn run_concurrently<T: Send + 'static>(
    steps: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let running: Vec<_> = steps.map(tokio::spawn).collect();
    let mut done = Vec::with_capacity(running.len());
    for step in running {
        match step.await {
            Ok(result) => done.push(result),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    done
}

fn manager(deps: &RoleDeps<'_>, role: &str, senders: Senders) -> Result<TxManager, RolesError> {
    let config = TxConfig::new(deps.deployment.chain_id(), deps.deployment.clock());
    Ok(TxManager::open(deps.provider.clone(), senders, deps.stores.transactions(role)?, config)?)
}

fn chunks(deployment: &Deployment) -> usize {
    usize::from(deployment.parameters().max_chunks)
}

fn sequencer(
    deps: &RoleDeps<'_>,
    network: &InProcess,
    number: usize,
    signer: &PrivateKeySigner,
) -> Result<SequencerDriver, RolesError> {
    let failed = |source| RolesError::Sequencer { number, source };
    let id = deps.setup.sequencers.get(number).copied().unwrap_or_default();
    let record = deps.setup.users.get(number).copied().unwrap_or_default();
    let settings = fernet_sequencer::Settings {
        strategy: fernet_sequencer::Strategy {
            sequencer: id,
            fee_recipient: record.get(),
            max_price: MAX_PRICE,
            patience: PATIENCE,
            claim_from: Some(CLAIM_FROM),
            commitment: CommitmentBy::Sequencer,
        },
        max_chunks: chunks(deps.deployment),
        vote: deps.vote,
        deposit_depth: 0,
        quote_deadline: QUOTE_DEADLINE,
        max_total_fee: MAX_TOTAL_FEE,
        sidecars: deps.sidecars,
        blobs_per_transaction: fernet_l1::MAX_BLOBS_PER_TRANSACTION,
        owner: signer.address(),
        claim_to: signer.address(),
        mempool: Limits::default(),
    };
    let role = format!("sequencer-{number}");
    let blob_account = deps.accounts.blob_accounts.get(number).unwrap_or(signer).clone();
    let wiring = fernet_sequencer::Wiring {
        follower: Arc::clone(deps.follower),
        network: Arc::new(network.clone()) as Arc<dyn Network>,
        transactions: manager(deps, &role, Senders::new(signer.clone()).with_blob_account(blob_account))?,
        owner: None,
        attester: Arc::new(signer.clone()),
        bls: deps.accounts.bls.get(number).cloned(),
        journal: deps.stores.journal(&role)?,
        policy: deps.crashes.of_sequencer(number, policies::of_sequencer(deps.faults)),
    };
    SequencerDriver::new(deps.deployment, settings, wiring).map_err(failed)
}

fn prover(
    deps: &RoleDeps<'_>,
    network: &InProcess,
    worker: &Arc<dyn ProofWorker>,
    number: usize,
    signer: &PrivateKeySigner,
) -> Result<ProverDriver, RolesError> {
    let failed = |source| RolesError::Prover { number, source };
    let (base, per_chunk) = PRICES[number % PRICES.len()];
    let settings = fernet_prover::Settings {
        strategy: fernet_prover::Strategy {
            prover: signer.address(),
            payee: signer.address(),
            prices: PriceList {
                base: TokenAmount::new(base * CENT),
                per_chunk: TokenAmount::new(per_chunk * CENT),
                bond: deps.deployment.parameters().min_bond,
            },
            offer_validity: OFFER_VALIDITY,
            rescue_lead: RESCUE_LEAD,
            fee_recipient: deps.setup.users.last().copied().unwrap_or_default().get(),
            claim_from: Some(CLAIM_FROM),
        },
        max_chunks: chunks(deps.deployment),
        deposit_depth: 0,
        max_total_fee: MAX_TOTAL_FEE,
        sidecars: deps.sidecars,
        claim_to: signer.address(),
        mempool: Limits::default(),
    };
    let role = format!("prover-{number}");
    let wiring = fernet_prover::Wiring {
        follower: Arc::clone(deps.follower),
        network: Arc::new(network.clone()) as Arc<dyn Network>,
        transactions: manager(deps, &role, Senders::new(signer.clone()))?,
        payee: None,
        signer: Arc::new(signer.clone()),
        journal: deps.stores.journal(&role)?,
        worker: Arc::clone(worker),
        policy: deps.crashes.of_prover(number, policies::of_prover(deps.faults)),
    };
    ProverDriver::new(deps.deployment, settings, wiring).map_err(failed)
}
