//! The driver: feeds blocks to the view, and blobs to the ledger.

use std::sync::Arc;

use alloy::{eips::eip4844::Blob, primitives::B256};
use fernet_l1::{
    BlobLocation, BlobSource, Deployment, Feed, FeedError, FeedUpdate, HeaderError, L1Block, L1Provider,
    SeedProof, seed_proof, seed_proof_at,
};
use fernet_ledger::{FeeBurn, Lanes, Layout, Levels, fees::FeeBurnError, layout::LayoutError};
use fernet_protocol::{L1Clock, L1Slot, Lane};

use crate::{
    ledger::{Ledger, ReplayFailure, Replayed, queued_operation},
    view::{FinalizedBlock, RollupView, ViewConfig, ViewError},
};

/// Most L1 blocks of one poll, so that a long catch-up shows progress.
const POLL_LIMIT: usize = 512;

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
    failure: Option<ReplayFailure>,
    replayed: Vec<Replayed>,
    head: Option<Arc<L1Block>>,
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
    /// A follower that starts at the deployment's first block.
    ///
    /// # Errors
    ///
    /// If the ledger can't have the verifier's layout, or starts from another state.
    pub fn new(
        provider: L1Provider,
        deployment: &Deployment,
        blobs: Arc<dyn BlobSource>,
    ) -> Result<Self, FollowerError> {
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
        let feed = Feed::new(provider.clone(), deployment);
        let view = RollupView::new(ViewConfig::of(deployment));
        Ok(Self::from_parts(provider, deployment.clock(), feed, view, ledger, blobs))
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
            failure: None,
            replayed: Vec::new(),
            head: None,
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
        let mut updates = self.feed.poll(POLL_LIMIT).await?;
        let mut applied = 0;
        for update in &updates {
            match update {
                FeedUpdate::Block(block) => {
                    if let Err(error) = self.view.apply(block) {
                        // A node that leaves events out, or garbles them, isn't believed before the receipts
                        // say the same.
                        if !self.feed.doubt(block.number) {
                            return Err(error.into());
                        }
                        tracing::warn!(%error, "the L1 node's events are compared with the receipts root");
                        break;
                    }
                    self.head = Some(block.clone());
                }
                FeedUpdate::Rollback { to } => {
                    self.head = None;
                    self.view.rollback(*to)?;
                    self.undo()?;
                }
            }
            applied += 1;
        }
        updates.truncate(applied);
        self.failure = None;
        match self.execute().await {
            Ok(()) => {}
            Err(failure) if failure.is_retryable() => {
                tracing::warn!(%failure, "the ledger is behind");
                self.failure = Some(failure);
            }
            Err(failure) => {
                tracing::error!(%failure, "a finalized block can't be executed");
                return Err(failure.into());
            }
        }
        Ok(updates)
    }

    /// Undoes replayed blocks that aren't finalized any more.
    fn undo(&mut self) -> Result<(), FollowerError> {
        let height = self.view.tip().height;
        let replaced = |follower: &Self| {
            let root = match follower.ledger.height().checked_sub(1) {
                None => return false,
                Some(last) => follower
                    .view
                    .finalized_blocks()
                    .get(usize::try_from(last).unwrap_or(usize::MAX))
                    .map(|block| block.header.state_root),
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
        while let Some(block) = self.next_block() {
            let blobs = self.fetch(&block).await?;
            let slot = block.header.slot;
            let parent_root = match block.number.checked_sub(1) {
                None => self.ledger.root(),
                Some(last) => self
                    .view
                    .finalized_blocks()
                    .get(usize::try_from(last).unwrap_or(usize::MAX))
                    .map(|block| block.header.state_root)
                    .unwrap_or_default(),
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
            let replayed =
                Arc::make_mut(&mut self.ledger).replay(&block.header, parent_root, &blobs, &lanes)?;
            let (height, root) = (self.ledger.height(), block.header.state_root);
            tracing::info!(%slot, height, %root, "block executed");
            self.replayed.push(replayed);
        }
        Ok(())
    }

    fn next_block(&self) -> Option<FinalizedBlock> {
        let next = usize::try_from(self.ledger.height()).ok()?;
        self.view.finalized_blocks().get(next).cloned()
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

    /// The clock of L1 slots.
    pub fn clock(&self) -> &L1Clock {
        &self.clock
    }

    /// The rollup as of the newest polled L1 block.
    pub fn view(&self) -> &RollupView {
        &self.view
    }

    /// The newest polled L1 block; `None` before the first one, and after a reorg until the next one.
    pub fn head_block(&self) -> Option<&Arc<L1Block>> {
        self.head.as_ref()
    }

    /// Root of the L2 state after the newest replayed block.
    pub fn state_root(&self) -> B256 {
        self.ledger.root()
    }

    /// The L2 state after the newest replayed block, which is the tip unless [`Self::ledger_status`] says
    /// otherwise. A clone that is kept across the next poll makes that poll copy the whole state.
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

    /// Blocks replayed since the last call, oldest first, with their operations.
    pub fn take_replayed(&mut self) -> Vec<Replayed> {
        std::mem::take(&mut self.replayed)
    }

    /// Header proof of the RANDAO mix as of L1 slot `target`.
    pub async fn seed_proof(&self, target: L1Slot) -> Result<SeedProof, HeaderError> {
        match self.view.mix_block(target) {
            Some(child) => seed_proof_at(&self.provider, &self.clock, target, child).await,
            None => seed_proof(&self.provider, &self.clock, target).await,
        }
    }
}
