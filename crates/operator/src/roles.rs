//! The roles of a process: their drivers, made from its parts, and run until the process is asked to end.

use std::{sync::Arc, time::Duration};

use fernet_follower::Follower;
use fernet_l1::{Accounts, L1Block};
use fernet_network::Network;
use fernet_protocol::BlsSecretKey;
use fernet_prover::{ProofWorker, ProverDriver};
use fernet_roles::{MempoolLimits, Shutdown};
use fernet_sequencer::SequencerDriver;
use fernet_signers::SignerHandle;
use tokio::sync::watch;

use crate::{
    error::OperatorError,
    node::{NodeDriver, NodeReport},
    process::Process,
};

/// The keys of a sequencer.
#[derive(Debug)]
pub struct SequencerKeys {
    /// Signs quotes and requests, and sends plain transactions.
    pub attester: SignerHandle,
    /// Sends blob transactions; the attester without it.
    pub blobs: Option<SignerHandle>,
    /// Sends claims, where another account is owed the rewards.
    pub owner: Option<SignerHandle>,
    /// Draws scores under VRF scoring.
    pub bls: Option<BlsSecretKey>,
}

/// The keys of a prover.
#[derive(Debug)]
pub struct ProverKeys {
    /// Signs quotes.
    pub quotes: SignerHandle,
    /// Sends transactions; the key of the quotes without it.
    pub transactions: Option<SignerHandle>,
    /// Sends claims, where another account is owed the rewards.
    pub payee: Option<SignerHandle>,
}

/// How a role runs.
#[derive(Debug)]
pub struct Running {
    /// How often a new L1 block is looked for.
    pub pause: Duration,
    /// Asks for the end.
    pub shutdown: watch::Receiver<Shutdown>,
}

/// A sequencer that is ready to run.
///
/// # Errors
/// When a file can't be used, or the settings contradict each other or the deployment.
pub fn sequencer(
    process: &Process,
    network: Arc<dyn Network>,
    settings: fernet_sequencer::Settings,
    keys: SequencerKeys,
) -> Result<SequencerDriver, OperatorError> {
    let SequencerKeys { attester, blobs, owner, bls } = keys;
    let mut senders = Accounts::new(attester.clone());
    if let Some(blobs) = blobs {
        senders = senders.with_blob_account(blobs);
    }
    let owner = owner.map(|owner| process.transactions("owner", Accounts::new(owner))).transpose()?;
    let dependencies = fernet_sequencer::Dependencies {
        follower: Arc::clone(&process.follower),
        network,
        transactions: process.transactions("sequencer", senders)?,
        owner,
        attester: Arc::new(attester),
        bls,
        journal: process.storage.journal("sequencer")?,
        policy: fernet_sequencer::allow_all(),
    };
    SequencerDriver::new(&process.rollup.deployment, settings, dependencies).map_err(OperatorError::Sequencer)
}

/// A prover that is ready to run.
///
/// # Errors
/// When a file can't be used, or the settings contradict each other or the deployment.
pub fn prover(
    process: &Process,
    network: Arc<dyn Network>,
    settings: fernet_prover::Settings,
    keys: ProverKeys,
    worker: Arc<dyn ProofWorker>,
) -> Result<ProverDriver, OperatorError> {
    let ProverKeys { quotes, transactions, payee } = keys;
    let senders = Accounts::new(transactions.unwrap_or_else(|| quotes.clone()));
    let payee = payee.map(|payee| process.transactions("payee", Accounts::new(payee))).transpose()?;
    let dependencies = fernet_prover::Dependencies {
        follower: Arc::clone(&process.follower),
        network,
        transactions: process.transactions("prover", senders)?,
        payee,
        signer: Arc::new(quotes),
        journal: process.storage.journal("prover")?,
        worker,
        policy: fernet_prover::allow_all(),
    };
    Ok(ProverDriver::new(&process.rollup.deployment, settings, dependencies)?)
}

/// A node that is ready to run.
///
/// # Errors
/// When a file can't be used.
pub fn node(
    process: &Process,
    network: &dyn Network,
    limits: MempoolLimits,
) -> Result<NodeDriver, OperatorError> {
    let (rollup, follower) = (&process.rollup, Arc::clone(&process.follower));
    let journal = process.storage.journal("node")?;
    NodeDriver::new(rollup, follower, network, limits, journal).map_err(OperatorError::Node)
}

/// Runs a sequencer until the process is asked to end. `watch` gets the report of every step.
///
/// # Errors
/// With the first error that isn't retryable.
pub async fn run_sequencer(
    driver: &mut SequencerDriver,
    running: Running,
    watch: impl FnMut(&L1Block, &Follower, fernet_sequencer::StepReport),
) -> Result<(), OperatorError> {
    driver.run(running.pause, running.shutdown, watch).await.map_err(OperatorError::Sequencer)
}

/// Runs a prover until the process is asked to end. `watch` gets the report of every step.
///
/// # Errors
/// With the first error that isn't retryable.
pub async fn run_prover(
    driver: &mut ProverDriver,
    running: Running,
    watch: impl FnMut(&L1Block, &Follower, fernet_prover::StepReport),
) -> Result<(), OperatorError> {
    Ok(driver.run(running.pause, running.shutdown, watch).await?)
}

/// Runs a node until the process is asked to end. `watch` gets the report of every step.
///
/// # Errors
/// With the first error that isn't retryable.
pub async fn run_node(
    driver: &mut NodeDriver,
    running: Running,
    watch: impl FnMut(&L1Block, &Follower, NodeReport),
) -> Result<(), OperatorError> {
    let run = fernet_roles::run(driver, running.pause, running.shutdown, watch);
    run.await.map_err(OperatorError::Node)
}
