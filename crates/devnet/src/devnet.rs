//! Runs a devnet: sets it up, moves L1 and the roles block by block, and ends with a withdrawal and the
//! summary.

use std::{sync::Arc, time::Duration};

use fernet_circuit::ProverKey;
use fernet_follower::Follower;
use fernet_l1::Deployment;
use fernet_ledger::block::PendingWithdrawal;
use fernet_protocol::{L1Slot, Slot};
use fernet_prover::ProofWorker as _;
use fernet_roles::{NetworkPeers, Storage};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::{
    actors::Actors,
    apart,
    backend::L1Backend,
    claim::claim,
    endpoints::Endpoints,
    environment::Environment,
    error::DevnetError,
    history::History,
    observer::Observer,
    options::DevnetOptions,
    policies::{FaultPolicies, RolePolicies},
    processes::Processes,
    record::{Amount, Summary, Withdrawal},
    recorder::Recorder,
    roles::{Roles, RolesReport},
    setup::USER_DEPOSIT,
    stop::Stop,
    summary,
    timings::{Lap, Timings},
    traffic::Traffic,
    view::{L1Status, RunState},
    workload::{Schedule, Workload},
};

/// Slots after the last planned one, or after the request to stop, until the withdrawal must be final.
const CLOSING_SLOTS: u64 = 3;
/// How often following L1 may fail at a block where the endpoints are faulty.
const PATIENCE: u32 = 100;
/// Time between two looks at a proof's progress.
const PROGRESS_POLL: Duration = Duration::from_millis(100);
/// How long an L1 with its own clock may take to answer after the request to stop.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// How long an anvil of somebody else may take to be given back.
const RELEASE_LIMIT: Duration = Duration::from_secs(2);

/// How a run ended.
#[derive(Debug)]
pub enum RunEnd {
    /// With a summary.
    Finished(Box<Summary>),
    /// At the request of the user, at a moment at which there is nothing to sum up.
    Stopped {
        /// What the devnet was doing.
        during: String,
    },
}

/// Runs a devnet to its end.
///
/// # Errors
/// When it can't be set up, or something fails for good while it runs. Faults of the plan are no failures.
pub async fn run(
    options: DevnetOptions,
    keys: Arc<ProverKey>,
    observer: Observer,
    stop: Stop,
) -> Result<RunEnd, DevnetError> {
    let stopped = || Ok(RunEnd::Stopped { during: observer.current_activity() });
    let backend = tokio::select! {
        backend = start_backend(&options, &observer) => Arc::new(backend?),
        () = stop.asked() => return stopped(),
    };
    let end = tokio::select! {
        end = run_on(Arc::clone(&backend), options, keys, observer.clone(), &stop) => end,
        () = stop.left() => stopped(),
    };
    match timeout(RELEASE_LIMIT, backend.release()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "could not give anvil back as it was found"),
        Err(_) => tracing::warn!("could not give anvil back as it was found: it doesn't answer"),
    }
    end
}

async fn run_on(
    backend: Arc<L1Backend>,
    options: DevnetOptions,
    keys: Arc<ProverKey>,
    observer: Observer,
    stop: &Stop,
) -> Result<RunEnd, DevnetError> {
    let set_up = Devnet::set_up(backend, options, keys, observer.clone());
    let mut devnet = tokio::select! {
        devnet = set_up => devnet?,
        () = stop.asked() => return Ok(RunEnd::Stopped { during: observer.current_activity() }),
    };
    devnet.stop = stop.clone();
    devnet.run().await
}

async fn start_backend(options: &DevnetOptions, observer: &Observer) -> Result<L1Backend, DevnetError> {
    options.faults.require_within(options.slots)?;
    if let Some(processes) = &options.processes {
        apart::make_folder(processes)?;
    }
    observer.activity("starting L1");
    let DevnetOptions { l1, root, rpc_port, chain_id, seed, .. } = options;
    let backend = L1Backend::start(l1, root, *rpc_port, *chain_id, *seed, observer).await?;
    observer.update(|view| view.l1 = l1_status(&backend));
    tracing::info!(
        l1 = backend.name(),
        rpc = %backend.name_of_host(),
        chain = backend.chain_id(),
        "L1 is ready"
    );
    Ok(backend)
}

/// A devnet that is set up. [`run`] is the usual way to use it; tests move it step by step.
#[derive(Debug)]
pub struct Devnet {
    options: DevnetOptions,
    observer: Observer,
    stop: Stop,
    environment: Environment,
    actors: Actors,
    workload: Workload,
    recorder: Recorder,
    timings: Timings,
}

/// Whether a step was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It was.
    Made,
    /// The user asked for the end while L1 was waited for.
    Stopped,
    /// The same, and L1 didn't answer in time: the step was broken off half-way.
    BrokenOff,
}

impl Devnet {
    /// Starts the L1, deploys, funds and registers all accounts, and makes the roles.
    ///
    /// # Errors
    /// When any of it fails.
    pub async fn start(
        options: DevnetOptions,
        keys: Arc<ProverKey>,
        observer: Observer,
    ) -> Result<Self, DevnetError> {
        let backend = start_backend(&options, &observer).await?;
        Self::set_up(Arc::new(backend), options, keys, observer).await
    }

    async fn set_up(
        backend: Arc<L1Backend>,
        options: DevnetOptions,
        keys: Arc<ProverKey>,
        observer: Observer,
    ) -> Result<Self, DevnetError> {
        let environment = Environment::new(backend, &options, keys, &observer).await?;
        let policies = FaultPolicies::new(options.faults.clone());
        let actors = match &options.processes {
            None => Actors::Here(Roles::new(&environment.role_deps(&options, &policies, &Storage::Memory))?),
            Some(processes) => {
                Actors::Apart(apart::start(&environment, &options, processes, &observer).await?)
            }
        };
        let peers = NetworkPeers::new(actors.network());
        environment.follower.lock().await.ask_peers(Arc::new(peers));
        let domain = environment.deployment.rollup_id().into();
        let users = environment.setup.users.iter().zip(&environment.accounts.users);
        let users = users.map(|(index, user)| (*index, Arc::clone(&user.l2), USER_DEPOSIT));
        let traffic = Traffic::new(options.seed, domain, users);
        let receiver = environment.accounts.users.first().map(|user| user.l1.address());
        let workload = Workload::new(traffic, options.transfers_per_slot, receiver.unwrap_or_default());
        Ok(Self {
            recorder: Recorder::new(observer.clone(), options.endpoint_faults.map_or(0, |_| PATIENCE)),
            stop: Stop::default(),
            timings: Timings::default(),
            options,
            observer,
            environment,
            actors,
            workload,
        })
    }

    /// The L1.
    #[must_use]
    pub fn backend(&self) -> &L1Backend {
        &self.environment.backend
    }

    /// What is deployed on it.
    #[must_use]
    pub fn deployment(&self) -> &Deployment {
        &self.environment.deployment
    }

    /// The roles' ways to the L1.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.environment.endpoints
    }

    /// The roles as sources of the newest blocks' data.
    #[must_use]
    pub fn peers(&self) -> Arc<NetworkPeers> {
        Arc::new(NetworkPeers::new(self.actors.network()))
    }

    /// The rollup as seen from L1.
    #[must_use]
    pub fn follower(&self) -> &Arc<Mutex<Follower>> {
        &self.environment.follower
    }

    /// Drops all roles and their follower, and makes them anew from what they left in `storage`. The first
    /// time, the follower goes on, and writes what it knows.
    ///
    /// # Errors
    /// When one can't be made.
    pub async fn restart_roles(
        &mut self,
        storage: &Storage,
        policies: &dyn RolePolicies,
    ) -> Result<(), DevnetError> {
        self.drop_roles();
        self.environment.restart_follower(storage).await?;
        self.follower().lock().await.ask_peers(self.peers());
        let deps = self.environment.role_deps(&self.options, policies, storage);
        match self.actors.here() {
            Some(roles) => Ok(roles.restart(&deps)?),
            None => Ok(()),
        }
    }

    /// Drops all roles that are in this process.
    pub fn drop_roles(&mut self) {
        if let Some(roles) = self.actors.here() {
            roles.drop_roles();
        }
    }

    /// The roles' processes, if they are processes of their own.
    pub fn processes(&mut self) -> Option<&mut Processes> {
        match &mut self.actors {
            Actors::Here(_) => None,
            Actors::Apart(apart) => Some(&mut apart.processes),
        }
    }

    /// Slots reported so far.
    #[must_use]
    pub fn slots(&self) -> u64 {
        self.recorder.totals.slots
    }

    /// What happened on L1.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.recorder.history
    }

    /// Start of the first slot whose sequencers may propose, and the current L1 slot.
    pub async fn first_start(&self) -> Option<(L1Slot, L1Slot)> {
        let start = self.recorder.next_start()?;
        let head = self.follower().lock().await.view().head()?;
        Some((start, head.l1_slot))
    }

    /// Sets all timings to zero.
    pub fn reset_timings(&mut self) {
        self.timings = Timings::default();
    }

    /// Where the time went since the roles were made.
    #[must_use]
    pub fn timings(&self) -> Timings {
        self.timings
    }

    /// Runs the planned slots, or until the user asks for the end; then the withdrawal and the summary.
    async fn run(mut self) -> Result<RunEnd, DevnetError> {
        self.observer.update(|view| view.state = RunState::Running);
        while !self.stop.is_asked() && self.options.slots.is_none_or(|slots| self.slots() < slots) {
            if self.step_until_stopped().await? == Step::BrokenOff {
                return Ok(self.broken_off());
            }
        }
        self.observer.update(|view| view.state = RunState::Closing);
        let last = self.slots().saturating_add(CLOSING_SLOTS);
        let mut missing = Vec::new();
        let found = loop {
            if let Some(found) = self.final_withdrawal() {
                break Some(found);
            }
            if self.stop.is_asked() && !self.backend().is_stepwise() {
                missing.push("the withdrawal: the run was stopped before its block was final".to_owned());
                break None;
            }
            if self.slots() > last {
                missing.push(format!(
                    "the withdrawal: its block was not final {CLOSING_SLOTS} slots after the end of the run"
                ));
                break None;
            }
            if self.step_until_stopped().await? == Step::BrokenOff {
                return Ok(self.broken_off());
            }
        };
        let withdrawal = match found {
            Some((slot, withdrawal)) => match self.claim(slot, &withdrawal).await {
                Ok(claimed) => Some(claimed),
                Err(reason) => {
                    missing.push(format!("the withdrawal: {reason}"));
                    None
                }
            },
            None => None,
        };
        let first = self.recorder.first_slot().unwrap_or_default().get();
        let played = first..first.saturating_add(self.slots());
        for fault in self.options.faults.after(0).filter(|fault| !played.contains(&fault.slot)) {
            missing.push(format!("the fault {fault}: its slot isn't one of the run's"));
        }
        let summary = self.summary(withdrawal, missing).await?;
        self.observer.update(|view| view.state = RunState::Done);
        Ok(RunEnd::Finished(Box::new(summary)))
    }

    fn broken_off(&self) -> RunEnd {
        RunEnd::Stopped {
            during: format!("waiting for an answer of the L1 at {}", self.backend().name_of_host()),
        }
    }

    /// One step, unless L1 has its own clock and the user asks for the end while it is waited for.
    async fn step_until_stopped(&mut self) -> Result<Step, DevnetError> {
        if self.backend().is_stepwise() {
            self.step().await?;
            return Ok(Step::Made);
        }
        let (stop, backend) = (self.stop.clone(), Arc::clone(&self.environment.backend));
        let began = Instant::now();
        tokio::select! {
            advanced = backend.advance() => advanced?,
            () = stop.asked() => return Ok(Step::Stopped),
        }
        tokio::select! {
            report = self.on_new_block(began) => report.map(|_| Step::Made),
            () = async { stop.asked().await; sleep(ANSWER_LIMIT).await } => Ok(Step::BrokenOff),
        }
    }

    /// Makes one L1 block, or waits for it, and lets the roles act on it. Returns what they did.
    ///
    /// # Errors
    /// When something fails for good.
    pub async fn step(&mut self) -> Result<RolesReport, DevnetError> {
        let began = Instant::now();
        self.environment.backend.advance().await?;
        self.on_new_block(began).await
    }

    async fn on_new_block(&mut self, began: Instant) -> Result<RolesReport, DevnetError> {
        self.timings.blocks = self.timings.blocks.saturating_add(1);
        let mut lap = Lap::since(began);
        lap.add(&mut self.timings.l1);
        self.follow().await?;
        lap.add(&mut self.timings.following);
        {
            let Environment { backend, deployment, follower, .. } = &self.environment;
            let follower = follower.lock().await;
            self.recorder.report_slots(&follower, deployment, backend.provider()).await?;
        }
        self.send_operations().await?;
        lap.add(&mut self.timings.reporting);
        let report = self.act().await?;
        if self.backend().is_stepwise() {
            tokio::select! {
                () = sleep_until(began + self.options.pace) => {}
                () = self.stop.asked() => {}
            }
        }
        Ok(report)
    }

    /// Lets the roles act on the newest L1 block: again, if they have already.
    ///
    /// # Errors
    /// When something fails for good.
    pub async fn act(&mut self) -> Result<RolesReport, DevnetError> {
        let mut lap = Lap::since(Instant::now());
        let mut report = RolesReport::default();
        if let Some(block) = self.recorder.history.head().cloned() {
            let provers = self.actors.step_provers(&block).await?;
            lap.add(&mut self.timings.provers);
            let sequencers = self.actors.step_sequencers(&block).await?;
            lap.add(&mut self.timings.sequencers);
            report = RolesReport { sequencers, provers };
            report.log();
            self.recorder.note(&report);
            let Environment { backend, follower, worker, .. } = &self.environment;
            let follower = follower.lock().await;
            let (faults, mempool) = (&self.options.faults, self.actors.waiting_operations());
            self.recorder.update_view(&block, &follower, backend.provider(), faults, worker, mempool).await;
            lap.add(&mut self.timings.reporting);
        }
        if self.backend().is_stepwise() && self.actors.here().is_some() {
            self.wait_for_proofs().await;
            lap.add(&mut self.timings.proofs);
        }
        Ok(report)
    }

    /// Follows L1 to its head.
    async fn follow(&mut self) -> Result<(), DevnetError> {
        let mut follower = self.environment.follower.lock().await;
        self.recorder.follow(&mut follower).await?;
        self.workload.settle(&**follower.ledger());
        Ok(())
    }

    /// Sends the operations of the next L1 block's slot. Sequencers act one L1 slot ahead of a transaction's
    /// landing, and so does this.
    async fn send_operations(&mut self) -> Result<(), DevnetError> {
        let Some(first) = self.recorder.first_slot() else { return Ok(()) };
        let Some(head) = self.recorder.history.head() else { return Ok(()) };
        let slot = self.environment.follower.lock().await.view().slot(head.l1_slot.plus(1)).slot;
        let schedule = if self.stop.is_asked() {
            Schedule::Stopping
        } else {
            Schedule::Planned { first, slots: self.options.slots }
        };
        let network = self.actors.network();
        for operation in self.workload.operations(slot, schedule, &self.options.faults) {
            network.publish_operation(operation).await?;
        }
        Ok(())
    }

    /// The withdrawal that ends the run, once its block is final.
    fn final_withdrawal(&self) -> Option<(Slot, PendingWithdrawal)> {
        let mut withdrawals = self.recorder.audit.withdrawals();
        withdrawals
            .find(|(_, withdrawal)| self.workload.is_sent(withdrawal))
            .map(|(slot, withdrawal)| (slot, *withdrawal))
    }

    /// An L1 that waits for the devnet makes no block until every proof is done.
    async fn wait_for_proofs(&self) {
        let worker = &self.environment.worker;
        let idle = worker.idle();
        tokio::pin!(idle);
        loop {
            tokio::select! {
                () = &mut idle => break,
                () = sleep(PROGRESS_POLL) => {
                    let progress = worker.progress();
                    self.observer.update(|view| view.proof = progress);
                }
            }
        }
        self.observer.update(|view| view.proof = None);
    }

    /// Claims the withdrawal on L1.
    async fn claim(&self, slot: Slot, withdrawal: &PendingWithdrawal) -> Result<Withdrawal, String> {
        self.observer.activity("claiming the withdrawal on L1");
        let Environment { backend, deployment, accounts, follower, blobs, .. } = &self.environment;
        let block = follower.lock().await.view().finalized(slot).cloned();
        let block = block.ok_or_else(|| format!("slot {} has no finalized block any more", slot.get()))?;
        let user = accounts.users.first().ok_or("there is no user")?;
        let transaction = tokio::select! {
            claimed = claim(backend, deployment, blobs, &block, withdrawal, &user.l1) => {
                claimed.map_err(|error| format!("it could not be claimed: {error}"))?
            }
            () = self.stop.asked(), if !backend.is_stepwise() => {
                return Err("the run was stopped before it was claimed".to_owned());
            }
        };
        Ok(Withdrawal {
            slot: slot.get(),
            to: withdrawal.target,
            amount: Amount(
                deployment.unit().saturating_mul(alloy::primitives::U256::from(withdrawal.amount)),
            ),
            transaction,
        })
    }

    /// Sums up what happened so far, and compares all token balances.
    ///
    /// # Errors
    /// When L1 doesn't answer.
    pub async fn totals(&mut self) -> Result<Summary, DevnetError> {
        self.summary(None, Vec::new()).await
    }

    async fn summary(
        &mut self,
        withdrawal: Option<Withdrawal>,
        missing: Vec<String>,
    ) -> Result<Summary, DevnetError> {
        self.observer.activity("comparing the token balances");
        if self.options.endpoint_faults.is_some() {
            let requests = self.endpoints().happened();
            tracing::info!(requests, "requests of the roles to L1 that went wrong on purpose");
        }
        self.follow().await?;
        let ended =
            summary::Ended { seed: self.options.seed, stopped: self.stop.is_asked(), withdrawal, missing };
        let Environment { backend, deployment, follower, .. } = &self.environment;
        let follower = follower.lock().await;
        Ok(summary::summary(&self.recorder, follower.view(), deployment, backend.provider(), ended).await?)
    }
}

fn l1_status(backend: &L1Backend) -> L1Status {
    L1Status {
        backend: backend.name().to_owned(),
        rpc: Some(backend.name_of_host()),
        chain_id: backend.chain_id(),
        slot_seconds: backend.slot_seconds(),
        is_stepwise: backend.is_stepwise(),
        ..L1Status::default()
    }
}
