//! The driver: feeds blocks to the view, and blobs to the ledger.

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::{
    eips::{BlockNumberOrTag, eip4844::Blob},
    primitives::B256,
};
use fernet_l1::{
    BlobLocation, BlobSource, Deployment, Feed, FeedError, FeedUpdate, HeaderError, L1Block, L1Provider,
    SeedProof, arrange, find_header, seed_proof, seed_proof_at,
};
use fernet_ledger::{FeeBurn, Lanes, Layout, Levels, fees::FeeBurnError, layout::LayoutError};
use fernet_protocol::{L1Clock, L1Slot, Lane, Slot};

use futures_util::future::join_all;

use crate::{
    ledger::{BlockData, Ledger, ReplayFailure, Replayed, Settling, UNDOABLE, queued_operation},
    snapshot::{Snapshot, SnapshotError},
    store::{Contents, FollowerStore, error::StoreError},
    view::{FinalizedBlock, RollupView, ViewConfig, ViewError},
};

/// Most L1 blocks of one poll, so that a long catch-up shows progress.
const POLL_LIMIT: usize = 512;
/// How long a poll executes blocks, at least one, so that whoever waits for the follower gets a turn.
const POLL_TIME: Duration = Duration::from_millis(250);
/// The same for blocks that no reorg undoes, whose state root is computed once for all.
const SETTLING_TIME: Duration = Duration::from_millis(750);
/// Blocks whose data is fetched at the same time.
const FETCHED_AT_ONCE: u64 = 16;
/// Changed accounts after which a state root is computed in a catch-up: a fraction of a second of hashing.
const HASHED_AT_ONCE: usize = 16_384;

/// Why the rollup can't be followed. After a retryable error, poll again.
#[derive(Debug, thiserror::Error)]
pub enum FollowerError {
    /// The ledger can't have the verifier's layout.
    #[error("the deployment's verifier has an impossible layout: {0}")]
    Layout(#[from] LayoutError),
    /// The verifier's burned share of the fees is invalid.
    #[error("the deployment's verifier burns an impossible share of the fees: {0}")]
    FeeBurn(#[from] FeeBurnError),
    /// A number of the verifier's layout is out of range.
    #[error("the deployment's verifier has an impossible layout: {name} is {actual}")]
    LayoutTooLarge { name: &'static str, actual: u64 },
    /// The verifier starts from another state than the empty ledger.
    #[error("the deployment's verifier starts from state root {actual}, the empty ledger has {expected}")]
    GenesisRoot { expected: B256, actual: B256 },
    /// The chain can't be followed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// An event contradicts the view.
    #[error(transparent)]
    View(#[from] ViewError),
    /// A finalized block can't be replayed, or results in another state. Don't build on it.
    #[error(transparent)]
    Replay(#[from] ReplayFailure),
    /// An L1 reorg undid more finalized blocks than the ledger can undo.
    #[error("an L1 reorg undid block {height}, further back than the ledger remembers")]
    UndoneTooDeep { height: u64 },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The snapshot can't be used.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

impl FollowerError {
    /// Whether polling again may succeed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Feed(error) => error.is_retryable(),
            Self::Replay(error) => error.is_retryable(),
            Self::Layout(_)
            | Self::FeeBurn(_)
            | Self::LayoutTooLarge { .. }
            | Self::GenesisRoot { .. }
            | Self::View(_)
            | Self::Store(_)
            | Self::Snapshot(_)
            | Self::UndoneTooDeep { .. } => false,
        }
    }
}

/// Progress of the ledger relative to the view.
#[derive(Debug)]
pub enum LedgerStatus {
    /// The ledger is at the tip.
    AtTip,
    /// Finalized blocks wait to be replayed.
    Behind {
        /// Number of replayed blocks.
        height: u64,
        /// Finalized blocks.
        tip: u64,
        /// The reason, if there was an error.
        failure: Option<ReplayFailure>,
    },
}

/// Follows the rollup.
pub struct Follower {
    provider: L1Provider,
    clock: L1Clock,
    feed: Feed,
    view: RollupView,
    ledger: Arc<Ledger>,
    blobs: Arc<dyn BlobSource>,
    /// Asked for what `blobs` lacks.
    peers: Option<Arc<dyn Peers>>,
    failure: Option<ReplayFailure>,
    /// Replayed blocks for [`Self::take_replayed`]; `None` if nobody takes them.
    replayed: Option<Vec<Replayed>>,
    head: Option<Arc<L1Block>>,
    store: Option<FollowerStore>,
    /// View or ledger differ from the store.
    is_dirty: bool,
    /// The last poll found something, or left something undone.
    has_more: bool,
    /// A snapshot that waits for its block to be final on L1. Until then no block is executed.
    snapshot: Option<Snapshot>,
    /// The view before the first block that came in a range.
    before_ranges: Option<Box<RollupView>>,
    /// Several blocks at a time gave a wrong root: they are replayed one by one, which tells which one.
    one_by_one: bool,
}

/// Peers that may have a block's data: the newest blocks, of which no archive knows yet.
pub trait Peers: Send + Sync {
    /// The blobs of the block with this header; `None` if no peer has them. The follower compares them with
    /// the header.
    fn blobs(&self, header_hash: B256) -> Pin<Box<dyn Future<Output = Option<Vec<Blob>>> + Send + '_>>;
}

/// How far a follower is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Newest L1 block of the view; 0 before the first one.
    pub l1_block: u64,
    /// Finalized blocks of the view.
    pub tip: u64,
    /// Executed blocks.
    pub height: u64,
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower")
            .field("head", &self.view.head())
            .field("tip", self.view.tip())
            .field("height", &self.ledger.height())
            .finish_non_exhaustive()
    }
}

impl Follower {
    /// A follower that starts at the deployment's first block, and keeps nothing on disk.
    ///
    /// # Errors
    ///
    /// If the ledger can't have the verifier's layout, or starts from another state.
    pub fn new(
        provider: L1Provider,
        deployment: &Deployment,
        blobs: Arc<dyn BlobSource>,
    ) -> Result<Self, FollowerError> {
        let ledger = Self::empty_ledger(deployment)?;
        let feed = Feed::new(provider.clone(), deployment);
        let view = RollupView::new(ViewConfig::of(deployment));
        Ok(Self::from_parts(provider, deployment.clock(), feed, view, ledger, blobs))
    }

    /// A follower that goes on from what is in `store`, and writes to it after each poll.
    ///
    /// # Errors
    ///
    /// As [`Self::new`], or if the store fails or belongs to another deployment.
    pub fn open(
        provider: L1Provider,
        deployment: &Deployment,
        blobs: Arc<dyn BlobSource>,
        store: FollowerStore,
    ) -> Result<Self, FollowerError> {
        let ledger = Self::empty_ledger(deployment)?;
        let feed = Feed::new(provider.clone(), deployment);
        let view = RollupView::new(ViewConfig::of(deployment));
        Self::from_parts(provider, deployment.clock(), feed, view, ledger, blobs).with_store(store)
    }

    /// This follower, before its first poll, from what is in `store`, which it writes to after each poll.
    ///
    /// # Errors
    ///
    /// If the store fails or belongs to another deployment.
    pub fn with_store(mut self, mut store: FollowerStore) -> Result<Self, FollowerError> {
        if let Some(Contents { view, ledger }) = store.load(self.view.setup(), (*self.ledger).clone())? {
            self.feed = self.feed.resumed_after(view.remembered());
            self.view = view;
            self.ledger = Arc::new(ledger);
            // A reorg may have undone blocks while the process was down; the feed will tell.
        }
        self.store = Some(store);
        Ok(self)
    }

    /// Writes everything to an empty `store` now, and what changes after each poll.
    ///
    /// # Errors
    ///
    /// If the store fails, or has something already.
    pub fn persist_to(&mut self, mut store: FollowerStore) -> Result<(), FollowerError> {
        if store.load(self.view.setup(), (*self.ledger).clone())?.is_some() {
            return Err(StoreError::Inconsistent("expected an empty one".to_owned()).into());
        }
        self.store = Some(store);
        self.is_dirty = true;
        self.write()
    }

    /// Closes the store, so that another follower can open it. Nothing is written from now on.
    pub fn close_store(&mut self) {
        self.store = None;
    }

    /// This follower, before it executes its first block, from a snapshot of the L2 state. The snapshot is
    /// used once L1 has finalized its block; what the block's header says must be what the snapshot says.
    /// Where the store has a state already, the snapshot is left alone.
    ///
    /// # Errors
    ///
    /// If the snapshot is of another rollup.
    pub fn with_snapshot(mut self, snapshot: Snapshot) -> Result<Self, FollowerError> {
        let (expected, actual) = (self.view.rollup(), snapshot.manifest().rollup);
        if expected != actual {
            return Err(SnapshotError::OtherRollup { expected, actual }.into());
        }
        if self.ledger.height() == 0 {
            self.snapshot = Some(snapshot);
        }
        Ok(self)
    }

    /// This follower with every replayed block kept for [`Self::take_replayed`].
    #[must_use]
    pub fn keeping_replayed(mut self) -> Self {
        self.replayed = Some(Vec::new());
        self
    }

    /// From now on, `peers` are asked for blobs that the source lacks.
    pub fn ask_peers(&mut self, peers: Arc<dyn Peers>) {
        self.peers = Some(peers);
    }

    /// The ledger before the first block of a deployment.
    ///
    /// # Errors
    ///
    /// If the ledger can't have the verifier's layout, or starts from another state.
    fn empty_ledger(deployment: &Deployment) -> Result<Ledger, FollowerError> {
        let circuit = deployment.circuit();
        let size = |name, actual| {
            usize::try_from(actual).map_err(|_| FollowerError::LayoutTooLarge { name, actual })
        };
        let layout = Layout::new(
            size("operations", circuit.operations)?,
            size("elements", circuit.elements)?,
            size("chunksPerBlob", circuit.chunks_per_blob)?,
        )?;
        let ledger = Ledger::new(
            deployment.rollup_id().into(),
            layout,
            FeeBurn::new(circuit.fee_burn.get().into())?,
            Levels::PRODUCTION,
        );
        let (expected, actual) = (ledger.root(), circuit.genesis_root);
        if expected != actual {
            return Err(FollowerError::GenesisRoot { expected, actual });
        }
        Ok(ledger)
    }

    /// A follower of a feed, and of a view and a ledger before the feed's first block.
    pub fn from_parts(
        provider: L1Provider,
        clock: L1Clock,
        feed: Feed,
        view: RollupView,
        ledger: Ledger,
        blobs: Arc<dyn BlobSource>,
    ) -> Self {
        Self {
            provider,
            clock,
            feed,
            view,
            ledger: Arc::new(ledger),
            blobs,
            peers: None,
            failure: None,
            replayed: None,
            head: None,
            store: None,
            is_dirty: false,
            has_more: true,
            snapshot: None,
            before_ranges: None,
            one_by_one: false,
        }
    }

    /// Applies new L1 blocks, at most some hundred a call, and replays newly finalized blocks. The result is
    /// empty once the head is reached. Missing blobs don't delay the view: [`Self::ledger_status`] reports
    /// them, and the next call tries again.
    ///
    /// # Errors
    ///
    /// If L1 can't be followed, an event contradicts the view, or a finalized block results in another state
    /// than the proven one. The last error is repeated at every call.
    pub async fn poll(&mut self) -> Result<Vec<FeedUpdate>, FollowerError> {
        // What an earlier poll found and could not write, or left half done when it was dropped.
        self.write()?;
        let mut updates = self.feed.poll(POLL_LIMIT).await?;
        self.is_dirty |= !updates.is_empty();
        self.has_more = !updates.is_empty();
        let mut applied = 0;
        for update in &updates {
            match update {
                FeedUpdate::Block(block) => {
                    if let Err(error) = self.view.apply(block) {
                        // A node that leaves events out, or garbles them, isn't believed before the receipts
                        // say the same, nor before all blocks were taken one by one.
                        if !self.feed.doubt(block.number) && !self.doubt_ranges() {
                            return Err(error.into());
                        }
                        tracing::warn!(
                            code = "FOL-001", %error,
                            "the L1 node's events are compared with the receipts root"
                        );
                        break;
                    }
                    self.head = Some(block.clone());
                }
                FeedUpdate::Settled(block) => {
                    if self.before_ranges.is_none() {
                        self.before_ranges = Some(Box::new(self.view.clone()));
                    }
                    if let Err(error) = self.view.apply_settled(block) {
                        tracing::warn!(
                            code = "FOL-002", %error,
                            "the L1 node's events are read again, block by block"
                        );
                        if !self.doubt_ranges() {
                            return Err(error.into());
                        }
                        break;
                    }
                    self.head = Some(block.clone());
                }
                FeedUpdate::Rollback { to } => {
                    self.head = None;
                    // While everything is read again, the ledger is ahead, and nothing of it is undone.
                    let is_ahead = self.ledger.height() > self.view.tip().height;
                    self.view.rollback(*to)?;
                    if !is_ahead {
                        self.undo()?;
                    }
                }
            }
            applied += 1;
        }
        updates.truncate(applied);
        if self.head.is_none() && !self.has_more {
            // After a restart, or after a reorg that only took blocks away.
            self.head = self.feed.newest().await?.map(Arc::new);
        }
        self.failure = None;
        if !self.adopt_snapshot().await? {
            self.write()?;
            return Ok(updates);
        }
        let executed = self.execute().await;
        self.write()?;
        match executed {
            Ok(()) => {}
            Err(failure) if failure.is_retryable() => {
                tracing::warn!(code = "FOL-003", %failure, "the ledger is behind");
                self.failure = Some(failure);
            }
            Err(failure) => {
                tracing::error!(code = "FOL-004", %failure, "a finalized block can't be executed");
                return Err(failure.into());
            }
        }
        Ok(updates)
    }

    /// Takes the snapshot's state if its block is final on L1. Returns whether blocks may be executed: not
    /// while a snapshot waits.
    async fn adopt_snapshot(&mut self) -> Result<bool, FollowerError> {
        let Some(manifest) = self.snapshot.as_ref().map(Snapshot::manifest) else { return Ok(true) };
        let height = manifest.height;
        let block = height.checked_sub(1).and_then(|last| self.view.finalized_blocks().get(index(last)));
        let Some(block) = block else {
            if !self.has_more {
                tracing::warn!(
                    code = "FOL-005",
                    height,
                    tip = self.view.tip().height,
                    "the snapshot is of a later block"
                );
            }
            return Ok(false);
        };
        let (expected, actual) = (block.header_hash, manifest.header_hash);
        if expected != actual || block.header.state_root != manifest.state_root {
            return Err(SnapshotError::OtherBlock { height, expected, actual }.into());
        }
        if self.has_more {
            return Ok(false);
        }
        let l1_block = block.l1_block;
        let finalized = find_header(&self.provider, BlockNumberOrTag::Finalized).await;
        let finalized = finalized.map_err(FeedError::from)?.map_or(0, |found| found.header.number);
        if finalized < l1_block {
            tracing::info!(height, l1_block, finalized, "the snapshot's block is not final on L1 yet");
            return Ok(false);
        }
        if let Some(snapshot) = self.snapshot.take() {
            let Snapshot { accounts, nodes, .. } = snapshot;
            let ledger = Arc::make_mut(&mut self.ledger);
            *ledger = ledger.clone().with_contents(
                height,
                accounts.into_iter(),
                nodes.into_iter(),
                Default::default(),
            );
            ledger.forget_written();
            self.is_dirty = true;
            tracing::info!(height, root = %ledger.root(), "the state of the snapshot is used");
        }
        Ok(true)
    }

    /// Whether a snapshot waits for its block to be final on L1.
    pub fn awaits_snapshot(&self) -> bool {
        self.snapshot.is_some()
    }

    /// Whether the next poll may find something at once: the last one did, or it left blocks to be executed.
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// Polls until the follower is at the head of L1, and has executed all that it has the data of.
    ///
    /// # Errors
    ///
    /// As [`Self::poll`].
    pub async fn catch_up(&mut self) -> Result<(), FollowerError> {
        loop {
            self.poll().await?;
            if !self.has_more {
                return Ok(());
            }
        }
    }

    /// How far the follower is.
    pub fn progress(&self) -> Progress {
        Progress {
            l1_block: self.view.head().map_or(0, |head| head.number),
            tip: self.view.tip().height,
            height: self.ledger.height(),
        }
    }

    /// Goes back to where the first range began: from there on, blocks are taken one by one. Returns whether
    /// that makes a difference. The ledger stays: its state has the root that a header names, and the next
    /// block that it executes must follow on that root.
    fn doubt_ranges(&mut self) -> bool {
        let Some(before) = self.before_ranges.take() else { return false };
        self.view = *before;
        self.feed.doubt_ranges(self.view.remembered());
        self.head = None;
        true
    }

    /// Writes what changed to the store, if there is one.
    fn write(&mut self) -> Result<(), FollowerError> {
        if let Some(store) = self.store.as_mut().filter(|_| self.is_dirty) {
            store.commit(&mut self.view, Arc::make_mut(&mut self.ledger))?;
        }
        self.is_dirty = false;
        Ok(())
    }

    /// Undoes replayed blocks that aren't finalized any more.
    fn undo(&mut self) -> Result<(), FollowerError> {
        let height = self.view.tip().height;
        let replaced = |follower: &Self| {
            let root = match follower.ledger.height().checked_sub(1) {
                None => return false,
                Some(last) => {
                    follower.view.finalized_blocks().get(index(last)).map(|block| block.header.state_root)
                }
            };
            follower.ledger.height() > height || root != Some(follower.ledger.root())
        };
        while replaced(self) {
            let height = self.ledger.height();
            Arc::make_mut(&mut self.ledger).undo().ok_or(FollowerError::UndoneTooDeep { height })?;
        }
        Ok(())
    }

    async fn execute(&mut self) -> Result<(), ReplayFailure> {
        let deadline = Instant::now() + POLL_TIME;
        while let Some(block) = self.next_block() {
            if self.replayed.is_none() && !self.one_by_one && self.settled_blocks() > 0 {
                match self.execute_settled(block.header.slot).await {
                    Err(failure) if !failure.is_retryable() => {
                        tracing::warn!(code = "FOL-006", %failure, "blocks are executed one by one");
                        self.one_by_one = true;
                    }
                    result => result?,
                }
            } else {
                let data = self.data(&block).await?;
                let parent_root = self.parent_root(block.number);
                let BlockData { header, blobs, lanes } = &data;
                let ledger = Arc::make_mut(&mut self.ledger);
                match &mut self.replayed {
                    Some(kept) => kept.push(ledger.replay(header, parent_root, blobs, lanes)?),
                    None => ledger.execute(header, parent_root, blobs, lanes)?,
                }
                self.is_dirty = true;
                let (height, root) = (self.ledger.height(), header.state_root);
                tracing::info!(slot = %header.slot, height, %root, "block executed");
            }
            if Instant::now() >= deadline && self.ledger.height() < self.view.tip().height {
                self.has_more = true;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Executes blocks that no reorg undoes, all together, for a while.
    async fn execute_settled(&mut self, slot: Slot) -> Result<(), ReplayFailure> {
        let deadline = Instant::now() + SETTLING_TIME;
        let height = self.ledger.height();
        let mut settling = Settling::new(&self.ledger, slot, self.parent_root(height))?;
        let mut failure = None;
        let count = self.settled_blocks();
        while settling.blocks() < count && failure.is_none() {
            let first = height.saturating_add(settling.blocks());
            let end = height.saturating_add(count).min(first.saturating_add(FETCHED_AT_ONCE));
            let blocks = (first..end).filter_map(|number| self.view.finalized_blocks().get(index(number)));
            for data in join_all(blocks.map(|block| self.data(block))).await {
                match data {
                    Ok(data) => settling.add(&data)?,
                    Err(missing) => {
                        failure = Some(missing);
                        break;
                    }
                }
            }
            if Instant::now() >= deadline || settling.changed_accounts() >= HASHED_AT_ONCE {
                break;
            }
        }
        if settling.blocks() > 0 {
            let settled = settling.finish()?;
            Arc::make_mut(&mut self.ledger).settle(settled);
            self.is_dirty = true;
        }
        let height = self.ledger.height();
        tracing::info!(height, tip = self.view.tip().height, "blocks executed");
        failure.map_or(Ok(()), Err)
    }

    /// Number of the next blocks that no reorg undoes: the view can't undo them either, or there are too many
    /// newer ones.
    fn settled_blocks(&self) -> u64 {
        let oldest = self.view.oldest_undoable();
        let final_on_l1 = self.view.finalized_blocks().partition_point(|block| block.l1_block < oldest);
        let old = self.view.tip().height.saturating_sub(UNDOABLE as u64);
        (final_on_l1 as u64).max(old).saturating_sub(self.ledger.height())
    }

    /// The state root before a block.
    fn parent_root(&self, number: u64) -> B256 {
        match number.checked_sub(1) {
            None => self.view.setup().genesis_root,
            Some(last) => {
                let block = self.view.finalized_blocks().get(index(last));
                block.map(|block| block.header.state_root).unwrap_or_default()
            }
        }
    }

    /// What is needed to execute a block.
    async fn data(&self, block: &FinalizedBlock) -> Result<BlockData, ReplayFailure> {
        let slot = block.header.slot;
        let blobs = match self.fetch(block).await {
            Err(failure) => self.fetch_from_peers(block).await.ok_or(failure)?,
            fetched => fetched?,
        };
        let blobs = blobs
            .iter()
            .map(|blob| fernet_ledger::Blob::from_bytes(blob.as_slice()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| ReplayFailure::Data { slot, error })?;
        let records = Lane::ALL
            .iter()
            .flat_map(|lane| self.view.queue_in(*lane, block.queue.of(*lane)).unwrap_or_default());
        let lanes = records.map(queued_operation).collect::<Result<Lanes, _>>()?;
        Ok(BlockData { header: block.header.clone(), blobs, lanes })
    }

    fn next_block(&self) -> Option<FinalizedBlock> {
        self.view.finalized_blocks().get(index(self.ledger.height())).cloned()
    }

    /// The block's blobs in order, from the L1 blocks in which they were published.
    async fn fetch(&self, block: &FinalizedBlock) -> Result<Vec<Blob>, ReplayFailure> {
        let slot = block.header.slot;
        let mut blobs: Vec<Blob> = Vec::with_capacity(block.blobs.len());
        let hashes = &block.header.blob_hashes;
        while let Some(at) = block.blobs.get(blobs.len()).copied() {
            // Blobs that were published together are fetched together.
            let rest = block.blobs.get(blobs.len()..).unwrap_or_default();
            let together = rest.iter().take_while(|other: &&BlobLocation| **other == at).count();
            let end = blobs.len().saturating_add(together);
            let wanted = hashes.get(blobs.len()..end).unwrap_or_default();
            let got =
                self.blobs.blobs(at, wanted).await.map_err(|error| ReplayFailure::Blobs { slot, error })?;
            blobs.extend(got);
            if blobs.len() != end {
                let hash = wanted.last().copied().unwrap_or_default();
                let error = fernet_l1::BlobError::Unavailable { hash, number: at.number };
                return Err(ReplayFailure::Blobs { slot, error });
            }
        }
        Ok(blobs)
    }

    /// The way to L1.
    pub fn provider(&self) -> &L1Provider {
        &self.provider
    }

    /// The block's blobs in order, if a peer has them.
    async fn fetch_from_peers(&self, block: &FinalizedBlock) -> Option<Vec<Blob>> {
        let given = self.peers.as_ref()?.blobs(block.header_hash).await?;
        // More than the header names isn't worth computing the hashes of.
        if given.len() != block.header.blob_hashes.len() {
            return None;
        }
        arrange(given, *block.blobs.last()?, &block.header.blob_hashes).ok()
    }

    /// The clock of L1 slots.
    pub fn clock(&self) -> &L1Clock {
        &self.clock
    }

    /// The rollup as of the newest polled L1 block.
    pub fn view(&self) -> &RollupView {
        &self.view
    }

    /// The newest polled L1 block; `None` before the first one, and between the polls that follow a reorg.
    pub fn head_block(&self) -> Option<&Arc<L1Block>> {
        self.head.as_ref()
    }

    /// Root of the L2 state after the newest replayed block.
    pub fn state_root(&self) -> B256 {
        self.ledger.root()
    }

    /// The L2 state after the newest replayed block, which is the tip unless [`Self::ledger_status`] says
    /// otherwise. Clones are cheap, also when they are kept.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// The ledger, if it is at the view's tip.
    pub fn ledger_at_tip(&self) -> Option<&Arc<Ledger>> {
        (self.ledger.height() == self.view.tip().height).then_some(&self.ledger)
    }

    /// Whether the ledger is at the tip, and the reason if it isn't.
    pub fn ledger_status(&mut self) -> LedgerStatus {
        let (height, tip) = (self.ledger.height(), self.view.tip().height);
        if height == tip {
            LedgerStatus::AtTip
        } else {
            LedgerStatus::Behind { height, tip, failure: self.failure.take() }
        }
    }

    /// Blocks replayed since the last call, oldest first, with their operations. None unless they are kept:
    /// [`Self::keeping_replayed`].
    pub fn take_replayed(&mut self) -> Vec<Replayed> {
        self.replayed.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Header proof of the RANDAO mix as of L1 slot `target`.
    pub async fn seed_proof(&self, target: L1Slot) -> Result<SeedProof, HeaderError> {
        match self.view.mix_block(target) {
            Some(child) => seed_proof_at(&self.provider, &self.clock, target, child).await,
            None => seed_proof(&self.provider, &self.clock, target).await,
        }
    }
}

/// A number of blocks as an index.
fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
