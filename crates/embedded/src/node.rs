//! A chain that tasks share, with its clock.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use alloy::{consensus::transaction::Recovered, network::Ethereum, primitives::B256};
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
    task::AbortHandle,
};

use crate::{
    block::MinedBlock,
    chain::{Chain, Reorg, ReorgOutcome},
    clock::{Clock, Work, WorkGuard},
    config::ChainConfig,
    development::Development,
    error::{ChainError, PoolError},
    filters::Filters,
    mempool::Incoming,
    state::State,
    transaction::Transaction,
};

/// How to run a node.
#[derive(Clone, Debug, Default)]
pub struct NodeConfig {
    /// The chain's configuration.
    pub chain: ChainConfig,
    /// What makes blocks.
    pub clock: Clock,
    /// Mine a slot at once whenever a transaction arrives, like anvil without `--block-time`.
    pub mine_on_transaction: bool,
}

/// The newest block, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of the block.
    pub number: u64,
    /// Hash of the block.
    pub hash: B256,
    /// The slot the block was mined in.
    pub slot: u64,
    /// Its timestamp, in seconds.
    pub timestamp: u64,
}

impl From<&MinedBlock> for Head {
    fn from(block: &MinedBlock) -> Self {
        Self { number: block.number(), hash: block.hash, slot: block.slot, timestamp: block.header.timestamp }
    }
}

/// Something happened to the chain. Its guard stops the clock until the receiver drops it.
#[derive(Debug)]
pub struct Tick {
    /// The current slot.
    pub slot: u64,
    /// The newest block; older than the slot if slots were missed.
    pub head: Head,
    /// Hashes of the blocks that a reorg removed, oldest first.
    pub removed: Vec<B256>,
    /// Holds the clock while the receiver works on this block.
    pub guard: WorkGuard,
}

/// The chain's events, in order.
#[derive(Debug)]
pub struct Ticks(mpsc::UnboundedReceiver<Tick>);

impl Ticks {
    /// The next event; `None` when the node is gone.
    pub async fn next(&mut self) -> Option<Tick> {
        self.0.recv().await
    }

    /// The next event if it is here already.
    pub fn try_next(&mut self) -> Option<Tick> {
        self.0.try_recv().ok()
    }
}

type PendingKey = (B256, (u64, u64, u64));

/// The clock that runs, and its task.
#[derive(Debug, Default)]
struct RunningClock {
    clock: Clock,
    task: Option<AbortHandle>,
}

#[derive(Debug)]
struct Shared {
    chain: Mutex<Chain>,
    filters: Mutex<Filters>,
    development: Mutex<Development>,
    /// The pending state, and the head and version that it belongs to.
    pending: Mutex<Option<(PendingKey, State)>>,
    listeners: Mutex<Vec<mpsc::UnboundedSender<Tick>>>,
    head: watch::Sender<Head>,
    /// How many transactions have entered the pool.
    arrivals: watch::Sender<u64>,
    work: Arc<Work>,
    clock: Mutex<RunningClock>,
    mine_on_transaction: AtomicBool,
}

/// A handle on a running chain; clones are handles on the same one. The clock stops with the last handle.
#[derive(Clone, Debug)]
pub struct Node(Arc<Shared>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // a change of the chain happens completely or not at all, so a panic elsewhere leaves it whole
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Node {
    /// Starts a node.
    ///
    /// # Errors
    /// [`ChainError::Config`], or [`ChainError::NoRuntime`] for a clock other than [`Clock::Manual`] outside
    /// a tokio runtime.
    pub fn start(config: NodeConfig) -> Result<Self, ChainError> {
        let chain = Chain::new(config.chain)?;
        let head = Head::from(chain.head().as_ref());
        let node = Self(Arc::new(Shared {
            chain: Mutex::new(chain),
            filters: Mutex::default(),
            development: Mutex::default(),
            pending: Mutex::default(),
            listeners: Mutex::default(),
            head: watch::Sender::new(head),
            arrivals: watch::Sender::new(0),
            work: Arc::default(),
            clock: Mutex::default(),
            mine_on_transaction: AtomicBool::new(config.mine_on_transaction),
        }));
        node.set_clock(config.clock)?;
        Ok(node)
    }

    /// Replaces the clock.
    ///
    /// # Errors
    /// [`ChainError::NoRuntime`] for a clock other than [`Clock::Manual`] outside a tokio runtime.
    pub fn set_clock(&self, clock: Clock) -> Result<(), ChainError> {
        let shared = Arc::downgrade(&self.0);
        let work = Arc::clone(&self.0.work);
        let task = match clock {
            Clock::Manual => None,
            Clock::Interval(period) => Some(runtime()?.spawn(run_interval(shared, work, period))),
            Clock::Fast(pause) => Some(runtime()?.spawn(run_fast(shared, work, pause))),
        };
        let mut running = lock(&self.0.clock);
        if let Some(task) = running.task.take() {
            task.abort();
        }
        *running = RunningClock { clock, task: task.map(|task| task.abort_handle()) };
        Ok(())
    }

    #[must_use]
    pub fn clock(&self) -> Clock {
        lock(&self.0.clock).clock
    }

    /// Reads the chain, which is locked meanwhile.
    pub fn read<R>(&self, read: impl FnOnce(&Chain) -> R) -> R {
        read(&lock(&self.0.chain))
    }

    pub(crate) fn filters(&self) -> MutexGuard<'_, Filters> {
        lock(&self.0.filters)
    }

    pub(crate) fn development(&self) -> MutexGuard<'_, Development> {
        lock(&self.0.development)
    }

    /// The state after the pool's transactions, as many as the next block has room for.
    pub(crate) fn pending_state(&self) -> State {
        self.read(|chain| {
            let key = (chain.head().hash, chain.version());
            let mut cached = lock(&self.0.pending);
            match &*cached {
                Some((known, state)) if *known == key => state.clone(),
                _ => {
                    let state = chain.pending_state();
                    *cached = Some((key, state.clone()));
                    state
                }
            }
        })
    }

    /// Changes the chain without telling the listeners: its blocks stay as they are.
    pub(crate) fn edit<R>(&self, change: impl FnOnce(&mut Chain) -> R) -> R {
        change(&mut lock(&self.0.chain))
    }

    /// Changes the chain and tells the listeners.
    fn change<R>(&self, change: impl FnOnce(&mut Chain) -> (R, Vec<B256>)) -> R {
        let mut chain = lock(&self.0.chain);
        let (result, removed) = change(&mut chain);
        let head = Head::from(chain.head().as_ref());
        let slot = chain.slot();
        lock(&self.0.listeners).retain(|listener| {
            let guard = WorkGuard::new(&self.0.work);
            listener.send(Tick { slot, head, removed: removed.clone(), guard }).is_ok()
        });
        self.0.head.send_replace(head);
        result
    }

    /// The newest block.
    #[must_use]
    pub fn head(&self) -> Head {
        *self.0.head.borrow()
    }

    /// The newest block, and every later one.
    #[must_use]
    pub fn watch_head(&self) -> watch::Receiver<Head> {
        self.0.head.subscribe()
    }

    /// The number of transactions that have entered the pool, and every later one.
    #[must_use]
    pub fn watch_arrivals(&self) -> watch::Receiver<u64> {
        self.0.arrivals.subscribe()
    }

    /// Every change of the chain from now on, each with a guard that stops the clock until it is dropped.
    #[must_use]
    pub fn ticks(&self) -> Ticks {
        let (sender, receiver) = mpsc::unbounded_channel();
        lock(&self.0.listeners).push(sender);
        Ticks(receiver)
    }

    /// Stops the clock until the guard is dropped.
    #[must_use]
    pub fn guard(&self) -> WorkGuard {
        WorkGuard::new(&self.0.work)
    }

    /// Waits until no guard is held.
    pub async fn idle(&self) {
        self.0.work.idle().await;
    }

    /// Mines a slot now, guards or not.
    pub fn mine_slot(&self) -> Head {
        self.change(|chain| (Head::from(chain.mine_slot().as_ref()), Vec::new()))
    }

    /// Waits until no guard is held and mines a slot: the clock of a driver that runs a chain step by step.
    pub async fn next_slot(&self) -> Head {
        self.idle().await;
        self.mine_slot()
    }

    /// Lets slots pass without a block.
    ///
    /// # Errors
    /// See [`Chain::skip_slots`].
    pub fn skip_slots(&self, count: u64) -> Result<(), ChainError> {
        self.change(|chain| (chain.skip_slots(count), Vec::new()))
    }

    /// Removes the newest blocks.
    ///
    /// # Errors
    /// See [`Chain::reorg`].
    pub fn reorg(&self, reorg: Reorg) -> Result<ReorgOutcome, ChainError> {
        self.change(|chain| {
            let outcome = chain.reorg(reorg);
            let removed =
                outcome.iter().flat_map(|outcome| &outcome.removed).map(|block| block.hash).collect();
            (outcome, removed)
        })
    }

    /// Keeps a copy of the chain, with its clock and its pool, and returns its id.
    ///
    /// # Errors
    /// [`ChainError::TooManySnapshots`].
    pub fn snapshot(&self) -> Result<u64, ChainError> {
        let chain = self.read(Chain::clone);
        self.development().keep(chain)
    }

    /// Goes back to a snapshot and forgets it and the later ones; false if there is none of this id.
    pub fn revert(&self, snapshot: u64) -> bool {
        let Some(chain) = self.development().take(snapshot) else { return false };
        self.restore(chain);
        true
    }

    /// Goes back to the genesis block and forgets all snapshots. A gas limit and a fee recipient that were
    /// set since stay.
    ///
    /// # Errors
    /// See [`Chain::new`].
    pub fn reset(&self) -> Result<(), ChainError> {
        let chain = Chain::new(self.read(|chain| chain.config().clone()))?;
        self.development().forget_snapshots();
        self.restore(chain);
        Ok(())
    }

    fn restore(&self, snapshot: Chain) {
        self.change(|chain| ((), chain.restore(snapshot)));
    }

    /// Chooses a RANDAO value.
    ///
    /// # Errors
    /// See [`Chain::set_prevrandao`].
    pub fn set_prevrandao(&self, slot: u64, mix: B256) -> Result<(), ChainError> {
        self.edit(|chain| chain.set_prevrandao(slot, mix))
    }

    /// Removes a transaction from the pool.
    ///
    /// # Errors
    /// See [`Chain::drop_tx`].
    pub fn drop_tx(&self, hash: B256) -> Result<(), ChainError> {
        self.edit(|chain| chain.drop_tx(hash))
    }

    /// Keeps a transaction out of the next slots.
    ///
    /// # Errors
    /// See [`Chain::delay_tx`].
    pub fn delay_tx(&self, hash: B256, slots: u64) -> Result<(), ChainError> {
        self.edit(|chain| chain.delay_tx(hash, slots))
    }

    /// From now on, mines a slot at once whenever a transaction arrives, or doesn't.
    pub fn set_mine_on_transaction(&self, mine: bool) {
        self.0.mine_on_transaction.store(mine, Ordering::SeqCst);
    }

    /// Whether a slot is mined whenever a transaction arrives.
    #[must_use]
    pub fn mines_on_transaction(&self) -> bool {
        self.0.mine_on_transaction.load(Ordering::SeqCst)
    }

    /// Submits a signed transaction in the encoding of `eth_sendRawTransaction`.
    ///
    /// # Errors
    /// [`PoolError`] says what is wrong with it.
    pub fn submit(&self, raw: &[u8]) -> Result<B256, PoolError> {
        let incoming = Incoming::decode(raw)?;
        self.read(|chain| chain.check(&incoming))?;
        // outside the lock: checking cell proofs takes tens of milliseconds
        incoming.verify()?;
        self.admit(incoming)
    }

    /// Submits a transaction whose sender is known although no key signed it.
    pub(crate) fn submit_unsigned(&self, transaction: Recovered<Transaction>) -> Result<B256, PoolError> {
        self.admit(Incoming::unsigned(transaction))
    }

    fn admit(&self, incoming: Incoming) -> Result<B256, PoolError> {
        let (hash, arrivals) = {
            let mut chain = lock(&self.0.chain);
            (chain.admit(incoming)?, chain.arrivals())
        };
        self.0.arrivals.send_replace(arrivals);
        if self.mines_on_transaction() {
            self.mine_slot();
        }
        Ok(hash)
    }
}

fn runtime() -> Result<Handle, ChainError> {
    Handle::try_current().map_err(|_| ChainError::NoRuntime)
}

/// The network whose types the node speaks.
pub type Network = Ethereum;

async fn run_interval(shared: Weak<Shared>, work: Arc<Work>, period: Duration) {
    let mut interval = tokio::time::interval(period.max(Duration::from_millis(1)));
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    interval.tick().await;
    loop {
        interval.tick().await;
        work.idle().await;
        let Some(shared) = shared.upgrade() else { return };
        if mine(Node(shared)).await.is_err() {
            return;
        }
    }
}

async fn run_fast(shared: Weak<Shared>, work: Arc<Work>, pause: Duration) {
    loop {
        // those who were just told of the last block take their guards before they let the tick's go
        tokio::task::yield_now().await;
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        work.idle().await;
        let Some(shared) = shared.upgrade() else { return };
        if mine(Node(shared)).await.is_err() {
            return;
        }
    }
}

async fn mine(node: Node) -> Result<Head, tokio::task::JoinError> {
    tokio::task::spawn_blocking(move || node.mine_slot()).await
}
