//! What a process knows of its roles, and the metrics that follow from it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, B256, TxHash, U256};
use fernet_follower::Follower;
use fernet_l1::{EndpointHealth, L1Block, Pool, RollupEvent};
use fernet_protocol::L1Slot;
use fernet_roles::{ActionKind, ProverDuties, SequencerDuties};
use prometheus_client::registry::Registry;

use crate::causes;
use crate::liveness::{Liveness, RoleGuard};
use crate::logs::LogCounter;
use crate::metrics::amount;
use crate::metrics::chain::ChainMetrics;
use crate::metrics::labels::{
    AccountKind, OfAccount, OfEndpoint, OfPurpose, OfSlot, OfStore, RankOf, StoreKind,
};
use crate::metrics::node::{NetworkStats, NodeMetrics, set_sum};
use crate::metrics::prover::ProverMetrics;
use crate::metrics::sequencer::SequencerMetrics;
use crate::metrics::transactions::{CountedInclusions, TransactionMetrics};
use crate::readiness::{EndpointFacts, Facts, HeadFacts, Readiness, Reason, StatedReason, reasons};
use crate::settings::{Role, Settings};
use crate::status::{EndpointStatus, L1Status, RollupStatus, Status};
use crate::system;

/// Claims that are remembered, so that one that a reorg repeats counts once.
const REMEMBERED_CLAIMS: usize = 64;

/// The metrics and the health of a process. Clones share them.
#[derive(Clone)]
pub struct Telemetry(Arc<Inner>);

struct Inner {
    settings: Settings,
    registry: Registry,
    chain: ChainMetrics,
    transactions: TransactionMetrics,
    node: NodeMetrics,
    sequencer: Option<SequencerMetrics>,
    prover: Option<ProverMetrics>,
    liveness: Liveness,
    started: Instant,
    state: Mutex<State>,
}

/// What becomes of the role's duties.
#[derive(Debug)]
enum Duties {
    Sequencer(Box<SequencerDuties>),
    Prover(Box<ProverDuties>),
}

/// What was told last.
#[derive(Debug, Default)]
struct State {
    duties: Option<Duties>,
    pool: Option<Pool>,
    head: Option<SeenHead>,
    last_step: Option<Instant>,
    rollup: Option<RollupStatus>,
    counted: CountedInclusions,
    counted_claims: Vec<TxHash>,
    network: Option<NetworkStats>,
    signer: Option<String>,
    suspended: Option<String>,
    stores: Vec<(StoreKind, PathBuf)>,
    folder: Option<PathBuf>,
}

/// The newest L1 block that a role acted on.
#[derive(Debug, Clone, Copy)]
struct SeenHead {
    number: u64,
    hash: B256,
    l1_slot: L1Slot,
    timestamp: u64,
    /// When it was seen first.
    since: Instant,
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Telemetry").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Telemetry {
    /// The telemetry of a process that has done nothing yet: it is live, and not ready.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let mut registry = Registry::with_prefix("fernet");
        let chain = ChainMetrics::register(&mut registry);
        let transactions = TransactionMetrics::register(&mut registry);
        let node = NodeMetrics::register(&mut registry, &settings.role, &settings.build);
        registry.register("log_events", "Warnings and errors in the log", LogCounter::counted());
        let (mut sequencer, mut prover) = (None, None);
        match settings.role {
            Role::Sequencer { .. } => sequencer = Some(SequencerMetrics::register(&mut registry)),
            Role::Prover { .. } => prover = Some(ProverMetrics::register(&mut registry)),
            Role::Node => {}
        }
        let duties = match settings.role {
            Role::Sequencer { id, .. } => Some(Duties::Sequencer(Box::new(SequencerDuties::new(id)))),
            Role::Prover { prover, payee } => {
                Some(Duties::Prover(Box::new(ProverDuties::new(prover, payee))))
            }
            Role::Node => None,
        };
        Self(Arc::new(Inner {
            settings,
            registry,
            chain,
            transactions,
            node,
            sequencer,
            prover,
            liveness: Liveness::default(),
            started: Instant::now(),
            state: Mutex::new(State { duties, ..State::default() }),
        }))
    }

    /// What the process tells about itself.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Watches a role's task: `/livez` fails once the guard is dropped without [`RoleGuard::finish`].
    pub fn watch(&self, name: &'static str) -> RoleGuard {
        self.0.liveness.guard(name)
    }

    /// Says which L1 endpoints the process uses. Their health is read whenever somebody asks.
    pub fn set_endpoints(&self, pool: Pool) {
        self.state().pool = Some(pool);
    }

    /// Says what the network knows about peers and traffic.
    pub fn set_network(&self, stats: NetworkStats) {
        self.0.node.set_network(&stats);
        self.state().network = Some(stats);
    }

    /// Says the balance of an account, in wei.
    pub fn set_balance(&self, account: AccountKind, balance: U256) {
        self.0.transactions.balance.get_or_create(&OfAccount { account }).set(amount(balance));
    }

    /// Says where the role's files are. Their sizes, and the free space of the disk with `folder`, are read
    /// whenever somebody asks.
    pub fn set_files(&self, folder: &Path, stores: Vec<(StoreKind, PathBuf)>) {
        let mut state = self.state();
        state.folder = Some(folder.to_owned());
        state.stores = stores;
    }

    /// Says whether the signer signs: `None`, or why it doesn't.
    pub fn set_signer(&self, error: Option<String>) {
        self.0.node.signer_up.set(i64::from(error.is_none()));
        self.state().signer = error;
    }

    /// Takes note of a step of a sequencer with the L1 block `block`.
    pub fn observe_sequencer(
        &self,
        block: &L1Block,
        report: &fernet_sequencer::StepReport,
        follower: &Follower,
    ) {
        let mut state = self.state();
        self.observe_step(&mut state, block, report, follower);
        let (Some(metrics), Role::Sequencer { id, .. }) = (&self.0.sequencer, self.0.settings.role) else {
            return;
        };
        let view = follower.view();
        let ranks =
            report.slot.map(|slot| [(RankOf::Current, slot.own_rank), (RankOf::Next, slot.next_rank)]);
        for (slot, rank) in ranks.into_iter().flatten() {
            let of_slot = OfSlot { slot };
            match rank.and_then(|own| i64::try_from(own.rank).ok()) {
                Some(rank) => {
                    metrics.rank.get_or_create(&of_slot).set(rank);
                }
                None => {
                    metrics.rank.remove(&of_slot);
                }
            }
        }
        let next = view.slot(block.l1_slot.plus(1));
        metrics.active.set(i64::from(view.is_eligible(id, next.previous_start)));
        let stake = view.sequencer(id).map_or(U256::ZERO, |record| U256::from(record.stake.get()));
        metrics.stake.set(amount(stake));
        if let Some(Duties::Sequencer(duties)) = &mut state.duties {
            causes::note(duties, report, follower);
            duties.observe(view).iter().for_each(|duty| metrics.note_duty(duty));
            metrics.unobserved.set(i64::try_from(duties.unobserved()).unwrap_or(i64::MAX));
        }
    }

    /// Takes note of a step of a prover with the L1 block `block`.
    pub fn observe_prover(&self, block: &L1Block, report: &fernet_prover::StepReport, follower: &Follower) {
        let mut state = self.state();
        self.observe_step(&mut state, block, &report.common, follower);
        state.suspended.clone_from(&report.suspended);
        let (Some(metrics), Role::Prover { prover, .. }) = (&self.0.prover, self.0.settings.role) else {
            return;
        };
        metrics.suspended.set(i64::from(report.suspended.is_some()));
        metrics.requested.inc_by(report.requested);
        metrics.offered.inc_by(count(report.offered.len()));
        report.declined.iter().for_each(|reason| metrics.note_declined(reason));
        let view = follower.view();
        if let Some(Duties::Prover(duties)) = &mut state.duties {
            duties.observe(view).iter().for_each(|duty| metrics.note_duty(duty));
        }
        let escrow = view.escrow(prover);
        metrics.escrow_free.set(amount(U256::from(escrow.free.get())));
        metrics.escrow_locked.set(amount(U256::from(escrow.locked.get())));
        metrics.proving.set(signed(report.proving.len()));
        let now = block.l1_slot;
        let bonds = bonds_out(follower, prover, now);
        metrics.bonds.set(signed(bonds.len()));
        let left = |deadline: L1Slot| i64::try_from(deadline.since(now)).unwrap_or(i64::MAX);
        metrics.nearest_deadline.set(bonds.iter().map(|bond| left(bond.deadline)).min().unwrap_or(-1));
        for proof in &report.proven {
            let of_purpose = OfPurpose { purpose: proof.purpose.into() };
            metrics.proofs.get_or_create(&of_purpose).observe(proof.elapsed.as_secs_f64());
            let bond = bonds.iter().find(|bond| bond.header_hash == proof.header_hash);
            let Some(bond) = bond else { continue };
            let seconds = self.seconds(bond.deadline) - self.seconds(now);
            metrics.last_margin.set(seconds);
            metrics.margin.observe(seconds.max(0.0));
            if seconds <= 0.0 {
                metrics.late.inc();
            }
        }
    }

    /// Takes note of the L1 block `block`, in a process without a role.
    pub fn observe_node(&self, block: &L1Block, follower: &Follower) {
        self.observe_chain(&mut self.state(), block, follower);
    }

    /// What every role reports.
    fn observe_step<K: ActionKind, E, S>(
        &self,
        state: &mut State,
        block: &L1Block,
        report: &fernet_roles::StepReport<K, E, S>,
        follower: &Follower,
    ) {
        self.observe_chain(state, block, follower);
        let chain = &self.0.chain;
        chain.step.observe(report.took.as_secs_f64());
        if let Some(decided) = report.decided_after {
            chain.decision.observe(decided.as_secs_f64());
        }
        chain.step_errors.inc_by(count(report.retryable_errors.len()));
        chain.held.inc_by(count(report.held.len()));
        self.0.node.mempool.set(signed(report.waiting_operations));
        let transactions = &self.0.transactions;
        report.sent.iter().for_each(|(action, _)| transactions.note_sent(action.name()));
        report.expired.iter().for_each(|action| transactions.note_expired(action.name()));
        report.failed.iter().for_each(|(action, reason)| transactions.note_failed(action.name(), reason));
        transactions.set_open(&report.open);
        for inclusion in &report.included {
            transactions.note_included(inclusion, follower.view(), &mut state.counted);
        }
    }

    /// What the newest L1 block tells about L1 and the rollup.
    fn observe_chain(&self, state: &mut State, block: &L1Block, follower: &Follower) {
        let now = Instant::now();
        let (chain, view) = (&self.0.chain, follower.view());
        let is_new = state.head.is_none_or(|seen| seen.hash != block.hash);
        if is_new {
            let undone = state.head.filter(|seen| match view.l1_block(seen.number) {
                Some(known) => known.hash != seen.hash,
                None => block.number < seen.number,
            });
            if undone.is_some() {
                chain.reorgs.inc();
            }
            state.head = Some(SeenHead {
                number: block.number,
                hash: block.hash,
                l1_slot: block.l1_slot,
                timestamp: block.header.timestamp,
                since: now,
            });
        }
        state.last_step = Some(now);
        chain.steps.inc();
        chain.head_block.set(i64::try_from(block.number).unwrap_or(i64::MAX));
        chain.head_slot.set(i64::try_from(block.l1_slot.get()).unwrap_or(i64::MAX));
        let slot = view.slot(block.l1_slot.plus(1));
        let progress = follower.progress();
        let left = slot.phase_end.since(block.l1_slot.plus(1));
        chain.slot.set(i64::try_from(slot.slot.get()).unwrap_or(i64::MAX));
        chain.phase.set(i64::from(slot.phase.number()));
        chain.phase_ends.set(i64::try_from(left).unwrap_or(i64::MAX));
        chain.tip_height.set(i64::try_from(progress.tip).unwrap_or(i64::MAX));
        chain.executed_height.set(i64::try_from(progress.height).unwrap_or(i64::MAX));
        let tip_at = view.finalized_blocks().last().map(|finalized| finalized.l1_slot);
        if let Some(at) = tip_at {
            chain.since_tip.set(self.seconds(block.l1_slot) - self.seconds(at));
        }
        let account = match self.0.settings.role {
            Role::Sequencer { owner, .. } => Some(owner),
            Role::Prover { payee, .. } => Some(payee),
            Role::Node => None,
        };
        if let Some(account) = account {
            self.0.node.owed.set(amount(view.owed(account)));
            self.note_claims(state, block, account);
        }
        state.rollup = Some(RollupStatus {
            slot: slot.slot.get(),
            phase: slot.phase,
            phase_end: slot.phase_end.get(),
            tip_height: progress.tip,
            executed_height: progress.height,
        });
    }

    /// Counts the claims of `account` in a block, each once.
    fn note_claims(&self, state: &mut State, block: &L1Block, account: Address) {
        for logged in &block.events {
            let RollupEvent::RewardClaimed { account: claimant, amount: claimed, .. } = logged.event else {
                continue;
            };
            if claimant == account && !state.counted_claims.contains(&logged.tx) {
                state.counted_claims.push(logged.tx);
                self.0.node.claimed.inc_by(amount(claimed));
            }
        }
        let surplus = state.counted_claims.len().saturating_sub(REMEMBERED_CLAIMS);
        state.counted_claims.drain(..surplus);
    }

    /// Whether the role is ready now.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let reasons = self.reasons();
        let stated = |reason: &Reason| StatedReason { code: reason.code(), reason: reason.to_string() };
        Readiness { ready: reasons.is_empty(), reasons: reasons.iter().map(stated).collect() }
    }

    fn reasons(&self) -> Vec<Reason> {
        reasons(&self.facts(), &self.0.settings.limits)
    }

    /// Why the process isn't live; `None` if it is.
    #[must_use]
    pub fn ended(&self) -> Option<String> {
        self.0.liveness.ended()
    }

    fn facts(&self) -> Facts {
        let state = self.state();
        let now = Instant::now();
        let since = |then: Instant| now.saturating_duration_since(then);
        let head = state.head.map(|head| HeadFacts {
            number: head.number,
            age_seconds: age_seconds(head.timestamp),
            since_new: since(head.since),
        });
        let rollup = state.rollup.as_ref();
        Facts {
            ended: self.ended(),
            head,
            since_step: since(state.last_step.unwrap_or(self.0.started)),
            executed_height: rollup.map_or(0, |rollup| rollup.executed_height),
            tip_height: rollup.map_or(0, |rollup| rollup.tip_height),
            endpoints: state.pool.as_ref().map(|pool| endpoint_facts(&pool.health())),
            peers: state.network.map(|stats| stats.peers),
            disk_free: state.folder.as_deref().and_then(system::free_space),
            signer: state.signer.clone(),
            suspended: state.suspended.clone(),
        }
    }

    /// Everything that is known, for `/status`.
    #[must_use]
    pub fn status(&self) -> Status {
        let facts = self.facts();
        let readiness = self.readiness();
        let settings = &self.0.settings;
        let state = self.state();
        Status {
            role: settings.role.name(),
            identity: match settings.role {
                Role::Sequencer { id, .. } => Some(id.to_string()),
                Role::Prover { prover, .. } => Some(prover.to_string()),
                Role::Node => None,
            },
            version: settings.build.version,
            commit: settings.build.commit,
            uptime_seconds: self.0.started.elapsed().as_secs(),
            live: facts.ended.is_none(),
            ready: readiness.ready,
            reasons: readiness.reasons,
            l1: facts.head.map(|head| L1Status {
                block: head.number,
                l1_slot: state.head.map_or(0, |head| head.l1_slot.get()),
                age_seconds: head.age_seconds,
                still_seconds: head.since_new.as_secs(),
            }),
            rollup: state.rollup,
            endpoints: state.pool.iter().flat_map(Pool::health).map(EndpointStatus::from).collect(),
            network: state.network.map(Into::into),
            disk_free_bytes: facts.disk_free,
        }
    }

    /// Every metric, as OpenMetrics text.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.refresh();
        let mut text = String::new();
        // Writing to a string can't fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.0.registry);
        text
    }

    /// Sets what changes without a step.
    fn refresh(&self) {
        let (chain, node) = (&self.0.chain, &self.0.node);
        let reasons = self.reasons();
        node.ready.set(i64::from(reasons.is_empty()));
        node.live.set(i64::from(self.ended().is_none()));
        node.set_reasons(&reasons);
        let state = self.state();
        if let Some(head) = state.head {
            #[allow(clippy::cast_precision_loss, reason = "an age in seconds")]
            chain.head_age.set(age_seconds(head.timestamp) as f64);
            chain.head_still.set(head.since.elapsed().as_secs_f64());
        }
        for health in state.pool.iter().flat_map(Pool::health) {
            self.set_endpoint(&health);
        }
        for (store, path) in &state.stores {
            let bytes = i64::try_from(system::size(path)).unwrap_or(i64::MAX);
            node.stores.get_or_create(&OfStore { store: *store }).set(bytes);
        }
        if let Some(free) = state.folder.as_deref().and_then(system::free_space) {
            node.disk_free.set(i64::try_from(free).unwrap_or(i64::MAX));
        }
        if let Some(bytes) = system::resident_memory() {
            node.memory.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
        let cpu = system::cpu_time().as_secs_f64();
        let counted = node.cpu.get();
        node.cpu.inc_by((cpu - counted).max(0.0));
    }

    fn set_endpoint(&self, health: &EndpointHealth) {
        let chain = &self.0.chain;
        let of = OfEndpoint { endpoint: health.name.clone() };
        chain.endpoint_up.get_or_create(&of).set(i64::from(is_answering(health)));
        chain.endpoint_head.get_or_create(&of).set(i64::try_from(health.head).unwrap_or(i64::MAX));
        let seconds = |time: Option<Duration>| time.unwrap_or_default().as_secs_f64();
        chain.endpoint_latency.get_or_create(&of).set(seconds(health.latency));
        chain.endpoint_left_alone.get_or_create(&of).set(seconds(health.left_alone));
        set_sum(&chain.endpoint_answers.get_or_create(&of), health.answers);
        set_sum(&chain.endpoint_errors.get_or_create(&of), health.errors);
    }

    /// The begin of an L1 slot, in seconds since that of L1 slot 0.
    #[allow(clippy::cast_precision_loss, reason = "slots and seconds are far below 2^53")]
    fn seconds(&self, l1_slot: L1Slot) -> f64 {
        l1_slot.get() as f64 * self.0.settings.l1_slot.as_secs_f64()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A bond that isn't released or slashed.
struct BondOut {
    header_hash: B256,
    /// First L1 slot in which the proof is late. Before the reveal: if the reveal lands at once.
    deadline: L1Slot,
}

fn bonds_out(follower: &Follower, prover: Address, now: L1Slot) -> Vec<BondOut> {
    let view = follower.view();
    let exclusive = u64::from(view.parameters().exclusive_proving);
    let next = now.plus(1);
    let in_turn = view.slot(next).candidates;
    let unsettled = view.unsettled_candidates(next).map(|(_, candidates)| candidates).unwrap_or_default();
    let bond = |candidate: &fernet_follower::CandidateView| {
        candidate.commitment.filter(|commitment| commitment.prover == prover)?;
        let revealed = candidate.revealed_at.unwrap_or(next);
        Some(BondOut {
            header_hash: candidate.header_hash,
            deadline: revealed.plus(exclusive.saturating_add(1)),
        })
    };
    in_turn.iter().chain(unsettled).filter_map(bond).collect()
}

fn is_answering(health: &EndpointHealth) -> bool {
    health.failures == 0 && health.latency.is_some()
}

fn endpoint_facts(health: &[EndpointHealth]) -> EndpointFacts {
    EndpointFacts {
        count: health.len(),
        answering: health.iter().filter(|health| is_answering(health)).count(),
        best_head: health.iter().map(|health| health.head).max().unwrap_or_default(),
        last_error: health.iter().find_map(|health| health.last_error.clone()),
    }
}

/// Seconds since `timestamp` on the system's clock.
fn age_seconds(timestamp: u64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let seconds = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
    seconds(now).saturating_sub(seconds(timestamp))
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
