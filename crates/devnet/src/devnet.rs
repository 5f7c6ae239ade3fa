//! Runs a devnet: sets it up, steps its roles with the L1, reports slot by slot, and closes the books.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alloy::{
    primitives::{B256, TxHash},
    transports::TransportError,
};
use fernet_circuit::{Prover, ProverKey};
use fernet_follower::{Follower, FollowerError};
use fernet_l1::{BeaconBlobs, BlockIds, ConnectError, Deployment, DeploymentError, DeploymentFile, L1Block};
use fernet_ledger::{Domain, L1Address, SignedOperation};
use fernet_network::{Network as _, NetworkError};
use fernet_protocol::{L1Slot, Slot};
use fernet_prover::{LocalWorker, ProofWorker};
use tokio::{sync::Mutex, time::Instant};

use crate::{
    accounts::{Accounts, BadFunderKey},
    audit::{self, Audit},
    backend::{BackendError, L1Backend, Mining},
    batch::BatchError,
    claim::{ClaimError, claim},
    crash::CrashPlan,
    deploy::{DeployError, deploy},
    fault::{FaultKind, FaultPlan},
    gas::GasMeter,
    history::History,
    observer::Observer,
    options::{DevnetOptions, ProofSource},
    picture::{self, Extras},
    record::{Amount, Conservation, GasUsed, Paid, Slashed, SlotOutcome, SlotRecord, Summary, Withdrawal},
    roles::{RoleDeps, Roles, RolesError, RolesReport},
    setup::{self, Setup, SetupError, USER_DEPOSIT},
    stop::Stop,
    stores::Stores,
    tokens::Books,
    traffic::Traffic,
    view::{self, BlockContents},
    worker::SharedWorker,
};

/// The deployment's configuration: `script/config/devnet.json`.
const NETWORK: &str = "devnet";
/// Share of a user's deposit that is withdrawn in the end: a tenth.
const WITHDRAWN_SHARE: u64 = 10;
/// Slots beyond the planned ones until the withdrawal must be final.
const CLOSING_SLOTS: u64 = 3;
/// Time between two looks at a proof's progress.
const PROGRESS_POLL: Duration = Duration::from_millis(100);

/// Why a devnet failed.
#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    /// The L1.
    #[error(transparent)]
    Host(#[from] BackendError),
    /// The deployment script.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// What it deployed.
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    /// The funder's key.
    #[error(transparent)]
    Funder(#[from] BadFunderKey),
    /// Setting the stage.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A role.
    #[error(transparent)]
    Roles(#[from] RolesError),
    /// Following the rollup.
    #[error(transparent)]
    Follower(#[from] FollowerError),
    /// The blob source.
    #[error(transparent)]
    Blobs(#[from] ConnectError),
    /// The roles' network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A plain transaction.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The claim at the end.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The L1's answer to a question about a transaction.
    #[error("receipt of {transaction}: {source}")]
    Receipt {
        /// The transaction.
        transaction: TxHash,
        /// The L1's answer.
        source: TransportError,
    },
    /// The contracts' books.
    #[error("reading the books: {0}")]
    Books(#[from] alloy::contract::Error),
    /// The proof cache.
    #[error("proof cache {}: {source}", path.display())]
    Cache {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The withdrawal didn't become final.
    #[error(
        "expected the withdrawal in a finalized block {CLOSING_SLOTS} slots after the last one, it isn't"
    )]
    NoWithdrawal,
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
) -> Result<Summary, DevnetError> {
    Devnet::start(options, keys, observer).await?.run(&stop).await
}

/// A devnet that is set up. [`run`] is the usual way to use it; tests drive it step by step.
#[derive(Debug)]
pub struct Devnet {
    options: DevnetOptions,
    observer: Observer,
    backend: L1Backend,
    deployment: Deployment,
    accounts: Accounts,
    setup: Setup,
    follower: Arc<Mutex<Follower>>,
    blobs: BeaconBlobs,
    worker: Arc<SharedWorker>,
    roles: Roles,
    traffic: Traffic,
    history: History,
    audit: Audit,
    progress: Progress,
    meter: GasMeter,
    timings: Timings,
}

/// Where a run's wall time went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// L1 blocks made or waited for.
    pub blocks: u64,
    /// Making them: executing transactions, precompiles included, and storing the state.
    pub l1: Duration,
    /// Following L1: events, and executing finalized blocks again.
    pub following: Duration,
    /// Sequencers: building blocks, blob proofs, simulating and signing transactions, quotes.
    pub sequencers: Duration,
    /// Provers: checking blocks, simulating and signing transactions; without proofs.
    pub provers: Duration,
    /// Waiting for proofs.
    pub proofs: Duration,
    /// Reporting.
    pub reporting: Duration,
}

/// How far a run is.
#[derive(Debug, Default)]
struct Progress {
    /// The slot that `traffic` was last sent for.
    traffic: Option<Slot>,
    /// The next slot to report; none until a slot has a sequencer who may propose.
    next: Option<Slot>,
    /// Slots reported.
    reported: u64,
    /// Starts of slots seen.
    starts: BTreeMap<Slot, L1Slot>,
    /// Contents of blocks that their makers told of, by header hash.
    built: BTreeMap<B256, BlockContents>,
    /// Wall time of proofs, by header hash.
    proven: BTreeMap<B256, Duration>,
    /// What was reported so far.
    totals: Totals,
    /// The withdrawal that ends the run, once it was sent.
    withdrawal: Option<SignedOperation>,
}

/// Sums of the reported slots.
#[derive(Debug, Default)]
struct Totals {
    outcomes: crate::record::OutcomeCounts,
    contents: BlockContents,
    chunks: u64,
    proving_ms: u64,
    l1_slots: u64,
}

impl Devnet {
    /// Starts the L1, deploys, sets the stage and makes the roles.
    ///
    /// # Errors
    /// When any of it fails.
    pub async fn start(
        options: DevnetOptions,
        keys: Arc<ProverKey>,
        observer: Observer,
    ) -> Result<Self, DevnetError> {
        observer.doing("starting the L1");
        let accounts = Accounts::new(options.seed)?;
        let backend =
            L1Backend::start(&options.l1, &options.root, options.rpc_port, options.chain_id, options.seed)
                .await?;
        observer.update(|view| view.l1 = l1_status(&backend));
        tracing::info!(backend = backend.name(), rpc = %backend.url(), "L1 ready");

        observer.doing("deploying the contracts");
        backend.set_mining(Mining::EachTransaction).await?;
        let file = deploy(&options.root, &backend, NETWORK, options.scoring, &accounts.funder).await?;
        backend.set_mining(Mining::Stepwise).await?;
        let deployment = Deployment::verify(DeploymentFile::read(&file)?, backend.provider()).await?;

        observer.doing("registering sequencers, depositing bonds and money");
        let setup = setup::prepare(&backend, &deployment, &accounts).await?;

        let blobs = BeaconBlobs::new(backend.url().clone(), BlockIds::ExecutionHash)?;
        let follower = Follower::new(backend.provider().clone(), &deployment, Arc::new(blobs.clone()))?;
        let follower = Arc::new(Mutex::new(follower));
        let faults = Arc::new(options.faults.clone());
        let worker = worker(keys, &options.proofs)?;
        let deps = RoleDeps {
            provider: backend.provider(),
            deployment: &deployment,
            accounts: &accounts,
            setup: &setup,
            follower: &follower,
            faults: &faults,
            stores: &Stores::Memory,
            crashes: &Arc::default(),
            sidecars: options.sidecars,
            vote: options.vote,
        };
        let roles = Roles::new(&deps, &(Arc::clone(&worker) as Arc<dyn ProofWorker>))?;
        let rollup = L1Address(deployment.contracts().rollup.into_array());
        let users = setup.users.iter().zip(&accounts.users);
        let users = users.map(|(index, user)| (*index, Arc::clone(&user.l2), USER_DEPOSIT));
        let traffic = Traffic::new(options.seed, Domain::new(backend.chain_id(), rollup), users);
        Ok(Self {
            options,
            observer,
            backend,
            deployment,
            accounts,
            setup,
            follower,
            blobs,
            worker,
            roles,
            traffic,
            history: History::default(),
            audit: Audit::default(),
            progress: Progress::default(),
            meter: GasMeter::default(),
            timings: Timings::default(),
        })
    }

    /// The L1.
    #[must_use]
    pub fn backend(&self) -> &L1Backend {
        &self.backend
    }

    /// What is deployed on it.
    #[must_use]
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// The rollup as seen from L1.
    #[must_use]
    pub fn follower(&self) -> &Arc<Mutex<Follower>> {
        &self.follower
    }

    /// Drops all roles, and makes them anew from what they left in `stores`. `crashes` says when they die again.
    ///
    /// # Errors
    /// When one can't be made.
    pub fn restart_roles(&mut self, stores: &Stores, crashes: &Arc<CrashPlan>) -> Result<(), DevnetError> {
        let deps = RoleDeps {
            provider: self.backend.provider(),
            deployment: &self.deployment,
            accounts: &self.accounts,
            setup: &self.setup,
            follower: &self.follower,
            faults: &Arc::new(self.options.faults.clone()),
            stores,
            crashes,
            sidecars: self.options.sidecars,
            vote: self.options.vote,
        };
        Ok(self.roles.restart(&deps, &(Arc::clone(&self.worker) as Arc<dyn ProofWorker>))?)
    }

    /// Drops all roles.
    pub fn drop_roles(&mut self) {
        self.roles.drop_roles();
    }

    /// Slots reported so far.
    #[must_use]
    pub fn slots(&self) -> u64 {
        self.progress.reported
    }

    /// What happened on L1.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Start of the first slot whose sequencers may propose, and the current L1 slot.
    pub async fn first_start(&self) -> Option<(L1Slot, L1Slot)> {
        let start = *self.progress.starts.get(&self.progress.next?)?;
        let head = self.follower.lock().await.view().head()?;
        Some((start, head.l1_slot))
    }

    /// Forgets where the time went so far.
    pub fn reset_timings(&mut self) {
        self.timings = Timings::default();
    }

    /// Where the time went since the roles were made.
    #[must_use]
    pub fn timings(&self) -> Timings {
        self.timings
    }

    /// Runs to the end: the planned number of slots, or until `stop` is asked for; then the withdrawal and the books.
    ///
    /// # Errors
    /// When something fails for good.
    pub async fn run(mut self, stop: &Stop) -> Result<Summary, DevnetError> {
        self.observer.update(|view| view.state = view::RunState::Running);
        loop {
            let planned = self.options.slots.is_some_and(|slots| self.progress.reported >= slots);
            if planned || stop.is_asked() {
                break;
            }
            self.step().await?;
        }
        self.observer.update(|view| view.state = view::RunState::Closing);
        self.observer.doing("waiting for the withdrawal's block");
        let limit = self.progress.reported.saturating_add(CLOSING_SLOTS);
        let found = loop {
            if let Some(found) = self.final_withdrawal() {
                break found;
            }
            if self.progress.reported > limit {
                return Err(DevnetError::NoWithdrawal);
            }
            self.step().await?;
        };
        let observer = self.observer.clone();
        let summary = self.close(found).await?;
        observer.update(|view| view.state = view::RunState::Done);
        Ok(summary)
    }

    /// One L1 block: everybody acts on it, and what they did is returned; then the next one comes.
    ///
    /// # Errors
    /// When something fails for good.
    pub async fn step(&mut self) -> Result<RolesReport, DevnetError> {
        let began = Instant::now();
        self.backend.advance().await?;
        self.timings.blocks = self.timings.blocks.saturating_add(1);
        let mut lap = Lap(began);
        lap.add(&mut self.timings.l1);
        self.observe().await?;
        lap.add(&mut self.timings.following);
        self.report().await?;
        self.send_traffic().await?;
        lap.add(&mut self.timings.reporting);
        let report = self.act().await?;
        if self.backend.is_stepwise() {
            tokio::time::sleep_until(began + self.options.pace).await;
        }
        Ok(report)
    }

    /// Everybody acts on the newest L1 block: again, where they have already.
    ///
    /// # Errors
    /// When something fails for good.
    pub async fn act(&mut self) -> Result<RolesReport, DevnetError> {
        let mut lap = Lap(Instant::now());
        let mut report = RolesReport::default();
        if let Some(block) = self.history.head().cloned() {
            let provers = self.roles.step_provers(&block).await?;
            lap.add(&mut self.timings.provers);
            let sequencers = self.roles.step_sequencers(&block).await?;
            lap.add(&mut self.timings.sequencers);
            report = RolesReport { sequencers, provers };
            self.take(&report);
            self.update_view(&block).await;
            lap.add(&mut self.timings.reporting);
        }
        if self.backend.is_stepwise() {
            self.wait_for_proofs().await;
            lap.add(&mut self.timings.proofs);
        }
        Ok(report)
    }

    /// Follows L1 to its head.
    async fn observe(&mut self) -> Result<(), DevnetError> {
        let mut follower = self.follower.lock().await;
        loop {
            let updates = match follower.poll().await {
                Ok(updates) => updates,
                Err(error) if error.is_retryable() => {
                    tracing::warn!(%error, "following L1");
                    break;
                }
                Err(error) => return Err(error.into()),
            };
            updates.iter().for_each(|update| self.history.apply(update));
            if updates.is_empty() {
                break;
            }
        }
        let replayed = follower.take_replayed();
        self.audit.apply(replayed, follower.ledger());
        self.traffic.settle(&**follower.ledger());
        if let Some(head) = follower.view().head() {
            let slot = follower.view().slot(head.l1_slot);
            self.progress.starts.insert(slot.slot, slot.start);
            if self.progress.next.is_none() {
                let mut sequencers = follower.view().sequencers();
                let any = sequencers.any(|(_, record)| record.is_eligible(slot.previous_start, head.l1_slot));
                self.progress.next = any.then_some(slot.slot);
            }
        }
        Ok(())
    }

    /// Reports every slot that is over.
    async fn report(&mut self) -> Result<(), DevnetError> {
        let Some(head) = self.history.head().cloned() else { return Ok(()) };
        while let Some(slot) = self.progress.next {
            let current = self.follower.lock().await.view().slot(head.l1_slot).slot;
            if slot >= current {
                return Ok(());
            }
            let record = self.record(slot).await?;
            let totals = &mut self.progress.totals;
            totals.outcomes.count(record.outcome);
            totals.contents.transfers = totals.contents.transfers.saturating_add(record.transfers);
            totals.contents.deposits = totals.contents.deposits.saturating_add(record.deposits);
            totals.contents.withdrawals = totals.contents.withdrawals.saturating_add(record.withdrawals);
            totals.chunks = totals.chunks.saturating_add(u64::from(record.chunks));
            totals.proving_ms = totals.proving_ms.saturating_add(record.proving_ms);
            totals.l1_slots = totals.l1_slots.saturating_add(record.l1_slots);
            self.progress.reported = self.progress.reported.saturating_add(1);
            self.progress.next = Some(slot.plus(1));
            self.observer.record(record);
        }
        Ok(())
    }

    /// The record of a slot that is over.
    async fn record(&mut self, slot: Slot) -> Result<SlotRecord, DevnetError> {
        let start = |slot| self.progress.starts.get(&slot).copied();
        let (block, tip_root) = {
            let follower = self.follower.lock().await;
            let blocks = follower.view().finalized_blocks();
            let before = blocks.iter().rev().find(|block| block.header.slot <= slot);
            let root = before.map_or(self.deployment.circuit().genesis_root, |block| block.header.state_root);
            (follower.view().finalized(slot).cloned(), root)
        };
        let Some(block) = block else {
            let idle = self.deployment.parameters().idle();
            let end = start(slot.plus(1));
            let l1_slots = match (start(slot), end) {
                (Some(start), Some(end)) => end.get().saturating_sub(start.get()),
                _ => idle,
            };
            return Ok(SlotRecord {
                slot: slot.get(),
                outcome: SlotOutcome::Empty,
                sequencer: None,
                rank: None,
                prover: None,
                transfers: 0,
                deposits: 0,
                withdrawals: 0,
                chunks: 0,
                gas: GasUsed::default(),
                proving_ms: 0,
                l1_slots,
                state_root: tip_root,
                l1_block: end.and_then(|end| self.history.block_at(end)).unwrap_or_default(),
            });
        };
        let transactions = self.history.transactions(block.header_hash);
        let gas = self.meter.of(self.backend.provider(), &transactions, Some(block.tx)).await?;
        let contents = self.audit.contents(slot).unwrap_or_default();
        let proving = self.progress.proven.get(&block.header_hash).copied().unwrap_or_default();
        let l1_slots = block.l1_slot.get().saturating_sub(block.start.get()).saturating_add(1);
        Ok(SlotRecord {
            slot: slot.get(),
            outcome: block.outcome.into(),
            sequencer: block.candidate.as_ref().map(|candidate| candidate.sequencer.get()),
            rank: block.rank.and_then(|rank| u8::try_from(rank.index()).ok()),
            prover: Some(block.payee),
            transfers: contents.transfers,
            deposits: contents.deposits,
            withdrawals: contents.withdrawals,
            chunks: contents.chunks,
            gas,
            proving_ms: u64::try_from(proving.as_millis()).unwrap_or(u64::MAX),
            l1_slots,
            state_root: block.header.state_root,
            l1_block: block.l1_block,
        })
    }

    /// Sends each slot's transfers when the slot comes up, and the withdrawal when its time has come. Sequencers act one
    /// L1 slot ahead of a transaction's landing, and so do we.
    async fn send_traffic(&mut self) -> Result<(), DevnetError> {
        let (Some(first), Some(head)) = (self.progress.next, self.history.head()) else { return Ok(()) };
        let slot = self.follower.lock().await.view().slot(head.l1_slot.plus(1)).slot;
        if self.progress.traffic == Some(slot) {
            return Ok(());
        }
        self.progress.traffic = Some(slot);
        let mut operations = self.traffic.transfers(self.options.transfers_per_slot);
        if self.progress.withdrawal.is_none() && self.is_time_to_withdraw(first, slot) {
            operations.extend(self.withdraw());
        }
        for operation in operations {
            self.roles.network().publish_operation(operation).await?;
        }
        Ok(())
    }

    /// Whether the withdrawal belongs into this slot: the last planned one whose block no fault prevents.
    fn is_time_to_withdraw(&self, first: Slot, slot: Slot) -> bool {
        let Some(slots) = self.options.slots else { return false };
        let begin = first.get().saturating_sub(self.progress.reported);
        let planned = begin..begin.saturating_add(slots);
        slot.get() >= last_with_a_block(&self.options.faults, planned)
    }

    /// The withdrawal: the first user takes part of the deposit back to L1.
    fn withdraw(&mut self) -> Option<SignedOperation> {
        let target = self.accounts.users.first()?.l1.address();
        let operation =
            self.traffic.withdrawal(0, L1Address(target.into_array()), USER_DEPOSIT / WITHDRAWN_SHARE);
        self.progress.withdrawal = operation;
        operation
    }

    /// The withdrawal that ends the run, once its block is final.
    fn final_withdrawal(&self) -> Option<(Slot, fernet_ledger::block::PendingWithdrawal)> {
        self.progress.withdrawal?;
        self.audit.withdrawals().last().map(|(slot, withdrawal)| (slot, *withdrawal))
    }

    fn take(&mut self, report: &RolesReport) {
        report.log();
        let contents = |transfers, deposits, withdrawals, chunks: usize| BlockContents {
            transfers: number(transfers),
            deposits: number(deposits),
            withdrawals: number(withdrawals),
            chunks: u32::try_from(chunks).unwrap_or(u32::MAX),
        };
        for built in report.sequencers.iter().flat_map(|report| &report.built) {
            let contents = contents(built.transfers, built.deposits, built.withdrawals, built.chunks);
            self.progress.built.insert(built.header_hash, contents);
        }
        for report in &report.provers {
            for built in &report.built {
                let contents = contents(built.transfers, built.deposits, built.withdrawals, built.chunks);
                self.progress.built.insert(built.header_hash, contents);
            }
            for proven in &report.proven {
                self.progress.proven.insert(proven.header_hash, proven.elapsed);
            }
        }
    }

    /// Brings the view up to date.
    async fn update_view(&mut self, block: &L1Block) {
        let candidate = {
            let follower = self.follower.lock().await;
            follower.view().slot(block.l1_slot).in_turn().map(|candidate| candidate.header_hash)
        };
        let gas = match candidate {
            Some(header_hash) => {
                let transactions = self.history.transactions(header_hash);
                let gas = self.meter.of(self.backend.provider(), &transactions, None).await;
                // A watcher can do without: the next block asks again.
                gas.unwrap_or_else(|error| {
                    tracing::warn!(%error, "gas isn't shown");
                    GasUsed::default()
                })
            }
            None => GasUsed::default(),
        };
        let follower = self.follower.lock().await;
        let slot = follower.view().slot(block.l1_slot);
        let extras = Extras {
            faults: &self.options.faults,
            lost: self.history.lost_turns(slot.slot),
            block: candidate.and_then(|header_hash| self.progress.built.get(&header_hash)).copied(),
            gas,
            pending: number(self.roles.waiting_operations()),
        };
        self.observer.update(|view| {
            view.doing = picture::phase_name(slot.phase).to_owned();
            view.proof = self.worker.progress();
            picture::update(view, follower.view(), block.l1_slot, extras);
        });
    }

    /// On an L1 that waits for us, nothing happens until every proof is done.
    async fn wait_for_proofs(&self) {
        let idle = self.worker.idle();
        tokio::pin!(idle);
        loop {
            tokio::select! {
                () = &mut idle => break,
                () = tokio::time::sleep(PROGRESS_POLL) => {
                    let progress = self.worker.progress();
                    self.observer.update(|view| {
                        view.proof = progress;
                        view.doing = "proving".to_owned();
                    });
                }
            }
        }
        self.observer.update(|view| view.proof = None);
    }

    /// Claims the withdrawal and closes the books.
    async fn close(
        mut self,
        (slot, withdrawal): (Slot, fernet_ledger::block::PendingWithdrawal),
    ) -> Result<Summary, DevnetError> {
        self.observer.doing("claiming the withdrawal on L1");
        let block = self.follower.lock().await.view().finalized(slot).cloned();
        let claimed = match (block, self.accounts.users.first()) {
            (Some(block), Some(user)) => {
                let transaction =
                    claim(&self.backend, &self.deployment, &self.blobs, &block, &withdrawal, &user.l1)
                        .await?;
                let amount =
                    self.deployment.unit().saturating_mul(alloy::primitives::U256::from(withdrawal.amount));
                Some(Withdrawal {
                    slot: slot.get(),
                    to: withdrawal.target.0.into(),
                    amount: Amount(amount),
                    transaction,
                })
            }
            _ => None,
        };
        self.observer.doing("closing the books");
        self.observe().await?;
        let conservation = self.conservation().await?;
        self.backend.release().await?;
        let follower = self.follower.lock().await;
        let view = follower.view();
        let totals = view.totals();
        let taken = totals.stake_slashed.saturating_add(totals.bonds_slashed);
        let withdrawn =
            alloy::primitives::U256::from(audit::claimed(view)).saturating_mul(self.deployment.unit());
        let head = view.head();
        Ok(Summary {
            seed: self.options.seed,
            slots: self.progress.reported,
            outcomes: self.progress.totals.outcomes,
            height: view.tip().height,
            transfers: self.progress.totals.contents.transfers,
            deposits: self.progress.totals.contents.deposits,
            withdrawals: self.progress.totals.contents.withdrawals,
            chunks: self.progress.totals.chunks,
            proving_ms: self.progress.totals.proving_ms,
            l1_slots: self.progress.totals.l1_slots,
            l1_block: head.map(|head| head.number).unwrap_or_default(),
            l1_block_hash: head.map(|head| head.hash).unwrap_or_default(),
            state_root: view.tip().state_root,
            slashed: Slashed {
                stakes: Amount(totals.stake_slashed),
                bonds: Amount(totals.bonds_slashed),
                bond_shares: Amount(totals.bond_shares),
                burned: Amount(taken.saturating_sub(totals.bond_shares)),
            },
            paid: Paid {
                credited: Amount(totals.credited),
                claimed: Amount(totals.claimed),
                withdrawn: Amount(withdrawn),
            },
            withdrawal: claimed,
            conservation,
        })
    }

    async fn conservation(&self) -> Result<Conservation, DevnetError> {
        let ledger = {
            let follower = self.follower.lock().await;
            self.audit.books(follower.view())
        };
        let mut holders = self.history.holders().clone();
        holders.accounts.extend(&self.setup.holders);
        // The contracts' balances are counted by themselves.
        let contracts = self.deployment.contracts();
        for contract in [contracts.staking, contracts.escrow, contracts.rewards, contracts.bridge] {
            holders.accounts.remove(&contract);
        }
        let books = Books::read(self.backend.provider(), contracts, &holders, ledger).await?;
        let mut conservation = books.check();
        conservation.violations.extend_from_slice(self.audit.violations());
        conservation.holds = conservation.violations.is_empty();
        Ok(conservation)
    }
}

/// A stopwatch that is read in laps.
struct Lap(Instant);

impl Lap {
    fn add(&mut self, to: &mut Duration) {
        let now = Instant::now();
        *to = to.saturating_add(now - self.0);
        self.0 = now;
    }
}

/// The last of the planned slots in which no fault prevents every block; the first one if there is none.
fn last_with_a_block(faults: &FaultPlan, planned: std::ops::Range<u64>) -> u64 {
    let first = planned.start;
    planned.rev().find(|slot| !faults.has(*slot, FaultKind::NoBackup)).unwrap_or(first)
}

fn worker(keys: Arc<ProverKey>, proofs: &ProofSource) -> Result<Arc<SharedWorker>, DevnetError> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let local = LocalWorker::new(Arc::new(Prover::new(keys)), threads);
    let cache = match proofs {
        ProofSource::Made => None,
        ProofSource::Cached(folder) => Some(folder.clone()),
    };
    let path = cache.clone().unwrap_or_default();
    let worker = SharedWorker::new(Arc::new(local), cache);
    worker.map(Arc::new).map_err(|source| DevnetError::Cache { path, source })
}

fn l1_status(backend: &L1Backend) -> view::L1Status {
    view::L1Status {
        backend: backend.name().to_owned(),
        rpc: Some(backend.url().to_string()),
        chain_id: backend.chain_id(),
        slot_seconds: backend.slot_seconds(),
        ..view::L1Status::default()
    }
}

/// Where the development keys are kept in a working copy of the repository.
#[must_use]
pub fn keys_folder(root: &Path) -> PathBuf {
    root.join("target/keys")
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_withdrawal_goes_into_the_last_slot_that_gets_a_block() {
        let plan = |text: &str| text.parse::<FaultPlan>().unwrap();
        assert_eq!(last_with_a_block(&plan(""), 0..3), 2);
        assert_eq!(last_with_a_block(&plan("no-proof@2"), 0..3), 2);
        assert_eq!(last_with_a_block(&plan("no-proposal@2,no-backup@2"), 0..3), 1);
        assert_eq!(last_with_a_block(&plan("no-backup@0"), 0..1), 0);
    }
}
