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

use crate::{accounts::Accounts, crash::CrashPlan, fault::FaultPlan, policies, stage::Stage, stores::Stores};

/// What a transaction may cost at most, in wei: one ether, far above a development chain's fees.
const FEE_CEILING: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);
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
pub enum CastError {
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
pub struct Cast {
    sequencers: Vec<SequencerDriver>,
    provers: Vec<ProverDriver>,
    network: InProcess,
}

/// What the roles did in one step.
#[derive(Debug, Default)]
pub struct CastReport {
    /// Sequencers' reports, in order.
    pub sequencers: Vec<fernet_sequencer::StepReport>,
    /// Provers' reports, in order.
    pub provers: Vec<fernet_prover::StepReport>,
}

/// What roles are wired to.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// The L1.
    pub provider: &'a L1Provider,
    /// The rollup on it.
    pub deployment: &'a Deployment,
    /// Who they are.
    pub accounts: &'a Accounts,
    /// As whom they are registered.
    pub stage: &'a Stage,
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

impl Cast {
    /// Makes all roles.
    ///
    /// # Errors
    /// When one can't be made.
    pub fn new(around: &Surroundings<'_>, worker: &Arc<dyn ProofWorker>) -> Result<Self, CastError> {
        let mut cast = Self { sequencers: Vec::new(), provers: Vec::new(), network: InProcess::new() };
        cast.enter(around, worker)?;
        Ok(cast)
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
    pub fn enter(
        &mut self,
        around: &Surroundings<'_>,
        worker: &Arc<dyn ProofWorker>,
    ) -> Result<(), CastError> {
        self.drop_roles();
        let network = &self.network;
        let provers = around.accounts.provers.iter().enumerate();
        let provers = provers
            .map(|(number, signer)| prover(around, network, worker, number, signer))
            .collect::<Result<_, _>>()?;
        let sequencers = around.accounts.sequencers.iter().enumerate();
        let sequencers = sequencers
            .map(|(number, signer)| sequencer(around, network, number, signer))
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
    ) -> Result<Vec<fernet_prover::StepReport>, CastError> {
        let steps = std::mem::take(&mut self.provers).into_iter().map(|mut prover| {
            let block = Arc::clone(block);
            async move {
                let result = prover.step(&block).await;
                (prover, result)
            }
        });
        let mut reports = Vec::new();
        for (number, (prover, result)) in side_by_side(steps).await.into_iter().enumerate() {
            self.provers.push(prover);
            reports.push(match result {
                Ok(report) => report,
                Err(error) if error.is_retryable() => {
                    tracing::warn!(number, %error, "prover");
                    fernet_prover::StepReport::default()
                }
                Err(source) => return Err(CastError::Prover { number, source }),
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
    ) -> Result<Vec<fernet_sequencer::StepReport>, CastError> {
        let steps = std::mem::take(&mut self.sequencers).into_iter().map(|mut sequencer| {
            let block = Arc::clone(block);
            async move {
                let result = sequencer.step(&block).await;
                (sequencer, result)
            }
        });
        let mut reports = Vec::new();
        for (number, (sequencer, result)) in side_by_side(steps).await.into_iter().enumerate() {
            self.sequencers.push(sequencer);
            reports.push(match result {
                Ok(report) => report,
                Err(error) if error.is_retryable() => {
                    tracing::warn!(number, %error, "sequencer");
                    fernet_sequencer::StepReport::default()
                }
                Err(source) => return Err(CastError::Sequencer { number, source }),
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

impl CastReport {
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
    for trouble in &report.troubles {
        tracing::warn!(role, number, trouble, "trouble");
    }
}

/// Runs everyone at the same time, and returns what came of it in the order given. The chain is the same as if they
/// took turns: nobody sees what another one sends before the next L1 block, whose order doesn't tell who was faster, and
/// only the sequencer in turn talks to provers.
///
/// A panic in one is passed on.
async fn side_by_side<T: Send + 'static>(
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

fn manager(around: &Surroundings<'_>, role: &str, senders: Senders) -> Result<TxManager, CastError> {
    let config = TxConfig::new(around.deployment.chain_id(), around.deployment.clock());
    Ok(TxManager::open(around.provider.clone(), senders, around.stores.transactions(role)?, config)?)
}

fn chunks(deployment: &Deployment) -> usize {
    usize::from(deployment.parameters().max_chunks)
}

fn sequencer(
    around: &Surroundings<'_>,
    network: &InProcess,
    number: usize,
    signer: &PrivateKeySigner,
) -> Result<SequencerDriver, CastError> {
    let failed = |source| CastError::Sequencer { number, source };
    let id = around.stage.sequencers.get(number).copied().unwrap_or_default();
    let record = around.stage.users.get(number).copied().unwrap_or_default();
    let settings = fernet_sequencer::Settings {
        conduct: fernet_sequencer::Conduct {
            sequencer: id,
            fee_recipient: record.get(),
            max_price: MAX_PRICE,
            patience: PATIENCE,
            claim_from: Some(CLAIM_FROM),
            commitment: CommitmentBy::Sequencer,
        },
        max_chunks: chunks(around.deployment),
        vote: around.vote,
        deposit_depth: 0,
        quote_deadline: QUOTE_DEADLINE,
        fee_ceiling: FEE_CEILING,
        sidecars: around.sidecars,
        blobs_per_transaction: fernet_l1::MAX_BLOBS_PER_TRANSACTION,
        owner: signer.address(),
        claim_to: signer.address(),
        mempool: Limits::default(),
    };
    let role = format!("sequencer-{number}");
    let blob_account = around.accounts.blob_accounts.get(number).unwrap_or(signer).clone();
    let wiring = fernet_sequencer::Wiring {
        follower: Arc::clone(around.follower),
        network: Arc::new(network.clone()) as Arc<dyn Network>,
        transactions: manager(around, &role, Senders::new(signer.clone()).with_blob_account(blob_account))?,
        owner: None,
        attester: Arc::new(signer.clone()),
        bls: around.accounts.bls.get(number).cloned(),
        journal: around.stores.journal(&role)?,
        policy: around.crashes.of_sequencer(number, policies::of_sequencer(around.faults)),
    };
    SequencerDriver::new(around.deployment, settings, wiring).map_err(failed)
}

fn prover(
    around: &Surroundings<'_>,
    network: &InProcess,
    worker: &Arc<dyn ProofWorker>,
    number: usize,
    signer: &PrivateKeySigner,
) -> Result<ProverDriver, CastError> {
    let failed = |source| CastError::Prover { number, source };
    let (base, per_chunk) = PRICES[number % PRICES.len()];
    let settings = fernet_prover::Settings {
        conduct: fernet_prover::Conduct {
            prover: signer.address(),
            payee: signer.address(),
            prices: PriceList {
                base: TokenAmount::new(base * CENT),
                per_chunk: TokenAmount::new(per_chunk * CENT),
                bond: around.deployment.parameters().min_bond,
            },
            offer_validity: OFFER_VALIDITY,
            rescue_lead: RESCUE_LEAD,
            fee_recipient: around.stage.users.last().copied().unwrap_or_default().get(),
            claim_from: Some(CLAIM_FROM),
        },
        max_chunks: chunks(around.deployment),
        deposit_depth: 0,
        fee_ceiling: FEE_CEILING,
        sidecars: around.sidecars,
        claim_to: signer.address(),
        mempool: Limits::default(),
    };
    let role = format!("prover-{number}");
    let wiring = fernet_prover::Wiring {
        follower: Arc::clone(around.follower),
        network: Arc::new(network.clone()) as Arc<dyn Network>,
        transactions: manager(around, &role, Senders::new(signer.clone()))?,
        payee: None,
        signer: Arc::new(signer.clone()),
        journal: around.stores.journal(&role)?,
        worker: Arc::clone(worker),
        policy: around.crashes.of_prover(number, policies::of_prover(around.faults)),
    };
    ProverDriver::new(around.deployment, settings, wiring).map_err(failed)
}
