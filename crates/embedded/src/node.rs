//! A chain shared between tasks, and its clock.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use alloy::{network::Ethereum, primitives::B256, rpc::client::RpcClient};
use tokio::sync::{Notify, mpsc, watch};

use crate::{
    chain::{Chain, MinedBlock, Reorg, ReorgOutcome},
    config::ChainConfig,
    error::{ChainError, PoolError},
    mempool::Incoming,
    rpc::Filters,
    state::State,
    transport::InProcess,
};

/// What moves a node's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// Nothing: slots pass when somebody calls [`Node::mine_slot`], [`Node::next_slot`] or `fernet_mine`.
    #[default]
    Manual,
    /// Real time: a slot every so often, later if a [`WorkGuard`] is held then.
    Interval(Duration),
    /// As fast as the work allows: a slot whenever no [`WorkGuard`] is held, but no two within this time.
    Fast(Duration),
}

/// How to run a node.
#[derive(Clone, Debug, Default)]
pub struct NodeConfig {
    /// The chain.
    pub chain: ChainConfig,
    /// The clock.
    pub clock: Clock,
    /// Mine a slot at once whenever a transaction arrives, like anvil without `--block-time`.
    pub mine_on_transaction: bool,
}

/// The newest block, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Block number.
    pub number: u64,
    /// Block hash.
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
    /// Stops the clock.
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

#[derive(Debug, Default)]
struct Work {
    guards: AtomicUsize,
    idle: Notify,
}

impl Work {
    /// Waits until no guard is held.
    async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            if self.guards.load(Ordering::SeqCst) == 0 {
                return;
            }
            idle.await;
        }
    }
}

/// While one of these exists, the clock stands still: its holder has work to do in the current slot.
/// That is what makes a run the same on a slow machine as on a fast one.
#[derive(Debug)]
pub struct WorkGuard(Arc<Work>);

impl WorkGuard {
    fn new(work: &Arc<Work>) -> Self {
        work.guards.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(work))
    }
}

impl Clone for WorkGuard {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for WorkGuard {
    fn drop(&mut self) {
        if self.0.guards.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}

type PendingKey = (B256, u64, u64);

#[derive(Debug)]
struct Shared {
    chain: Mutex<Chain>,
    filters: Mutex<Filters>,
    /// The pending state, and the head, slot and pool version that it belongs to.
    pending: Mutex<Option<(PendingKey, State)>>,
    listeners: Mutex<Vec<mpsc::UnboundedSender<Tick>>>,
    head: watch::Sender<Head>,
    work: Arc<Work>,
    mine_on_transaction: AtomicBool,
}

/// A handle on a running chain; clones are handles on the same one. The clock stops with the last handle.
#[derive(Clone, Debug)]
pub struct Node(Arc<Shared>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // every change of the chain either happens or doesn't; a panic elsewhere leaves it whole
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Node {
    /// Starts a node. A clock other than [`Clock::Manual`] needs a tokio runtime around.
    ///
    /// # Errors
    /// [`ChainError::Config`].
    pub fn start(config: NodeConfig) -> Result<Self, ChainError> {
        let chain = Chain::new(config.chain)?;
        let head = Head::from(chain.head().as_ref());
        let node = Self(Arc::new(Shared {
            chain: Mutex::new(chain),
            filters: Mutex::default(),
            pending: Mutex::default(),
            listeners: Mutex::default(),
            head: watch::Sender::new(head),
            work: Arc::default(),
            mine_on_transaction: AtomicBool::new(config.mine_on_transaction),
        }));
        let shared = Arc::downgrade(&node.0);
        let work = Arc::clone(&node.0.work);
        match config.clock {
            Clock::Manual => {}
            Clock::Interval(period) => drop(tokio::spawn(run_interval(shared, work, period))),
            Clock::Fast(pause) => drop(tokio::spawn(run_fast(shared, work, pause))),
        }
        Ok(node)
    }

    /// A transport to this node for alloy's `RpcClient`.
    #[must_use]
    pub fn transport(&self) -> InProcess {
        InProcess::new(self.clone())
    }

    /// An RPC client on the in-process transport, as `ProviderBuilder::connect_client` takes it.
    #[must_use]
    pub fn client(&self) -> RpcClient {
        RpcClient::new(self.transport(), true)
    }

    /// Reads the chain. Nothing else happens to it meanwhile, so be brief.
    pub fn read<R>(&self, read: impl FnOnce(&Chain) -> R) -> R {
        read(&lock(&self.0.chain))
    }

    pub(crate) fn filters(&self) -> MutexGuard<'_, Filters> {
        lock(&self.0.filters)
    }

    /// The state with the pool's transactions executed on top, as far as the next block has room.
    pub(crate) fn pending_state(&self) -> State {
        self.read(|chain| {
            let key = (chain.head().hash, chain.slot(), chain.pool_version());
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

    /// Changes the chain and tells everybody.
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

    /// Chooses a RANDAO value.
    ///
    /// # Errors
    /// See [`Chain::set_prevrandao`].
    pub fn set_prevrandao(&self, slot: u64, mix: B256) -> Result<(), ChainError> {
        lock(&self.0.chain).set_prevrandao(slot, mix)
    }

    /// Removes a transaction from the pool.
    ///
    /// # Errors
    /// See [`Chain::drop_tx`].
    pub fn drop_tx(&self, hash: B256) -> Result<(), ChainError> {
        lock(&self.0.chain).drop_tx(hash)
    }

    /// Keeps a transaction out of the next slots.
    ///
    /// # Errors
    /// See [`Chain::delay_tx`].
    pub fn delay_tx(&self, hash: B256, slots: u64) -> Result<(), ChainError> {
        lock(&self.0.chain).delay_tx(hash, slots)
    }

    /// From now on, mines a slot at once whenever a transaction arrives, or doesn't.
    pub fn set_mine_on_transaction(&self, mine: bool) {
        self.0.mine_on_transaction.store(mine, Ordering::SeqCst);
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
        let hash = lock(&self.0.chain).admit(incoming)?;
        if self.0.mine_on_transaction.load(Ordering::SeqCst) {
            self.mine_slot();
        }
        Ok(hash)
    }
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
