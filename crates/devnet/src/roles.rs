//! The roles of a devnet in one process, wired to one L1 and one network.

use std::sync::Arc;

use alloy::{
    primitives::{Address, U256},
    signers::local::PrivateKeySigner,
};
use fernet_follower::{Follower, FollowerError};
use fernet_l1::{
    Accounts as Senders, Deployment, L1Block, SidecarFormat, StoreError, TxConfig, TxError, TxManager,
};
use fernet_network::{InProcess, Network};
use fernet_protocol::{Price, TokenAmount};
use fernet_prover::{PriceList, ProofWorker, ProverDriver, ProverError};
use fernet_roles::{ActionKind, StepReport, Storage, step_until_answered};
use fernet_sequencer::{CommitmentBy, SequencerDriver, SequencerError};
use tokio::sync::Mutex;

use crate::{
    accounts::Accounts, endpoints::Endpoints, policies::RolePolicies, setup::Setup, worker::SharedWorker,
};

/// A hundredth of a token, in token units.
const CENT: u128 = 10_000_000_000_000_000;
/// Rewards that are worth a claim, in token units: a tenth of a token, so that short runs have claims.
const CLAIM_FROM: U256 = U256::from_limbs([100_000_000_000_000_000, 0, 0, 0]);

/// Prices of the provers: the first one is cheaper for small blocks, the second one for large blocks.
const PRICES: [PriceList; 2] = [
    PriceList::DEFAULT,
    PriceList {
        base: Price::new(25_000_000_000_000_000),
        per_chunk: TokenAmount::new(CENT / 2),
        ..PriceList::DEFAULT
    },
];

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

/// What roles are made with.
#[derive(Debug)]
pub struct RoleDeps<'a> {
    /// The ways to the L1.
    pub endpoints: &'a Endpoints,
    /// The rollup on it.
    pub deployment: &'a Deployment,
    /// Their keys.
    pub accounts: &'a Accounts,
    /// Their registrations.
    pub setup: &'a Setup,
    /// The rollup as seen from L1, followed once for all roles.
    pub follower: &'a Arc<Mutex<Follower>>,
    /// What they may do.
    pub policies: &'a dyn RolePolicies,
    /// Where they keep what must survive a restart.
    pub storage: &'a Storage,
    /// The proof worker of all provers.
    pub worker: &'a Arc<SharedWorker>,
    /// What blob transactions carry.
    pub sidecars: SidecarFormat,
    /// Payload that sequencers signal; zero for none.
    pub vote: Address,
    /// Who sends commitments.
    pub commitments: CommitmentBy,
}

impl Roles {
    /// Makes all roles.
    ///
    /// # Errors
    /// When one can't be made.
    pub fn new(deps: &RoleDeps<'_>) -> Result<Self, RolesError> {
        let mut roles = Self { sequencers: Vec::new(), provers: Vec::new(), network: InProcess::new() };
        roles.restart(deps)?;
        Ok(roles)
    }

    /// Drops every role, whatever it was about to do.
    pub fn drop_roles(&mut self) {
        self.sequencers.clear();
        self.provers.clear();
    }

    /// Makes all roles anew, from what they left in their storage, on the same network.
    ///
    /// # Errors
    /// When one can't be made.
    pub fn restart(&mut self, deps: &RoleDeps<'_>) -> Result<(), RolesError> {
        self.drop_roles();
        let network = &self.network;
        let provers = deps.accounts.provers.iter().enumerate();
        let provers = provers
            .map(|(number, signer)| prover(deps, network, number, signer))
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

    /// Lets the provers act on a new L1 block, all at the same time. They come before the sequencers, which
    /// ask them for quotes.
    ///
    /// # Errors
    /// When one fails for good. An error that may pass is logged, and the prover goes on at the next block.
    pub async fn step_provers(
        &mut self,
        block: &Arc<L1Block>,
    ) -> Result<Vec<fernet_prover::StepReport>, RolesError> {
        let steps = std::mem::take(&mut self.provers).into_iter().map(|mut prover| {
            let block = Arc::clone(block);
            async move {
                let result = step_until_answered(&mut prover, &block).await;
                (prover, result)
            }
        });
        let mut reports = Vec::new();
        for (number, (prover, result)) in run_concurrently(steps).await.into_iter().enumerate() {
            self.provers.push(prover);
            reports.push(match result {
                Ok(report) => report,
                Err(error) if error.is_retryable() => {
                    tracing::warn!(number, %error, "a prover failed and goes on at the next L1 block");
                    fernet_prover::StepReport::default()
                }
                Err(source) => return Err(RolesError::Prover { number, source }),
            });
        }
        Ok(reports)
    }

    /// Lets the sequencers act on a new L1 block, all at the same time.
    ///
    /// # Errors
    /// When one fails for good. An error that may pass is logged, and the sequencer goes on at the next
    /// block.
    pub async fn step_sequencers(
        &mut self,
        block: &Arc<L1Block>,
    ) -> Result<Vec<fernet_sequencer::StepReport>, RolesError> {
        let steps = std::mem::take(&mut self.sequencers).into_iter().map(|mut sequencer| {
            let block = Arc::clone(block);
            async move {
                let result = step_until_answered(&mut sequencer, &block).await;
                (sequencer, result)
            }
        });
        let mut reports = Vec::new();
        for (number, (sequencer, result)) in run_concurrently(steps).await.into_iter().enumerate() {
            self.sequencers.push(sequencer);
            reports.push(match result {
                Ok(report) => report,
                Err(error) if error.is_retryable() => {
                    tracing::warn!(number, %error, "a sequencer failed and goes on at the next L1 block");
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
    /// Logs what was sent and what failed.
    pub(crate) fn log(&self) {
        for (number, report) in self.sequencers.iter().enumerate() {
            log("sequencer", number, report);
        }
        for (number, report) in self.provers.iter().enumerate() {
            log("prover", number, &report.common);
        }
    }
}

fn log<K: ActionKind, E, S>(role: &str, number: usize, report: &StepReport<K, E, S>) {
    for (action, hash) in &report.sent {
        tracing::debug!(role, number, %action, %hash, "transaction sent");
    }
    for (action, reason) in &report.failed {
        tracing::debug!(role, number, %action, ?reason, "transaction failed");
    }
    for error in &report.retryable_errors {
        tracing::warn!(role, number, error, "an effect failed and is tried again");
    }
}

/// Runs all steps at the same time, and returns their results in the order given.
///
/// The chain is the same as if they ran one after the other: no role sees another one's transactions before
/// the next L1 block, the order in that block doesn't depend on who was faster, and only the sequencer in
/// turn talks to provers.
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
    Ok(TxManager::open(deps.endpoints.provider(role), senders, deps.storage.transactions(role)?, config)?)
}

fn max_chunks(deployment: &Deployment) -> usize {
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
    let users = &deps.setup.users;
    let account = users.iter().cycle().nth(number).copied().unwrap_or_default();
    let strategy = fernet_sequencer::Strategy {
        claim_from: Some(CLAIM_FROM),
        commitment: deps.commitments,
        ..fernet_sequencer::Strategy::new(id, account.get())
    };
    let settings = fernet_sequencer::Settings {
        vote: deps.vote,
        sidecars: deps.sidecars,
        ..fernet_sequencer::Settings::new(strategy, signer.address(), max_chunks(deps.deployment))
    };
    let role = format!("sequencer-{number}");
    let blob_account = deps.accounts.blob_accounts.get(number).unwrap_or(signer).clone();
    let dependencies = fernet_sequencer::Dependencies {
        follower: Arc::clone(deps.follower),
        network: Arc::new(network.join()) as Arc<dyn Network>,
        transactions: manager(deps, &role, Senders::new(signer.clone()).with_blob_account(blob_account))?,
        owner: None,
        attester: Arc::new(signer.clone()),
        bls: deps.accounts.bls.get(number).cloned(),
        journal: deps.storage.journal(&role)?,
        policy: deps.policies.sequencer(number),
    };
    SequencerDriver::new(deps.deployment, settings, dependencies).map_err(failed)
}

fn prover(
    deps: &RoleDeps<'_>,
    network: &InProcess,
    number: usize,
    signer: &PrivateKeySigner,
) -> Result<ProverDriver, RolesError> {
    let failed = |source| RolesError::Prover { number, source };
    let account = deps.setup.users.last().copied().unwrap_or_default();
    let prices = PRICES[number % PRICES.len()];
    let strategy = fernet_prover::Strategy {
        claim_from: Some(CLAIM_FROM),
        ..fernet_prover::Strategy::new(signer.address(), prices, account.get())
    };
    let settings = fernet_prover::Settings {
        sidecars: deps.sidecars,
        ..fernet_prover::Settings::new(strategy, max_chunks(deps.deployment))
    };
    let role = format!("prover-{number}");
    let dependencies = fernet_prover::Dependencies {
        follower: Arc::clone(deps.follower),
        network: Arc::new(network.join()) as Arc<dyn Network>,
        transactions: manager(deps, &role, Senders::new(signer.clone()))?,
        payee: None,
        signer: Arc::new(signer.clone()),
        journal: deps.storage.journal(&role)?,
        worker: Arc::clone(deps.worker) as Arc<dyn ProofWorker>,
        policy: deps.policies.prover(number),
    };
    ProverDriver::new(deps.deployment, settings, dependencies).map_err(failed)
}
