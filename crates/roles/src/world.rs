//! What a role sees and keeps: the rollup, the peers' messages, and the blocks that it deals with.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy::eips::eip4844::Blob;
use alloy::primitives::{Address, B256};
use fernet_follower::{Follower, FollowerError, Ledger, RollupView, SlotView, Tip, ledger_operation};
use fernet_l1::{BlobError, Deployment, L1Block, versioned_hash};
use fernet_ledger::{AccountIndex, Domain, L1Address, L1Operation, Mempool, State, block, mempool};
use fernet_network::{BlockBody, Gossip, HeaderFields, Inbox, Network};
use fernet_protocol::{Header, L1Slot, QueueRange, Rates, Slot};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::error::RoleError;
use crate::journal::{Journal, OwnBlock};
use crate::report::Built;

/// Whether the state after the tip was replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParentState {
    /// It was.
    Known,
    /// Its data is missing yet.
    Missing,
}

/// What every role wants to know at an L1 block.
#[derive(Debug, Clone)]
pub struct ChainSnapshot {
    /// L1 slot of the newest block.
    pub now: L1Slot,
    /// The slot in turn in the L1 slot after `now`, the first in which a transaction can land.
    pub next: SlotView,
    /// What a block of that slot pays.
    pub rates: Rates,
    /// The last finalized block.
    pub tip: Tip,
    /// Whether the state after the tip is there to build on.
    pub state: ParentState,
}

impl ChainSnapshot {
    /// At the newest L1 block; `None` before the deployment.
    #[must_use]
    pub fn at(follower: &Follower) -> Option<Self> {
        let view = follower.view();
        let now = view.head()?.l1_slot;
        let state = match follower.ledger_at_tip() {
            Some(_) => ParentState::Known,
            None => ParentState::Missing,
        };
        let next = view.slot(now.plus(1));
        Some(Self { now, rates: view.rates(next.slot)?, next, tip: *view.tip(), state })
    }
}

/// What a block is to be like.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// For which slot.
    pub slot: Slot,
    /// Hash of the tip's header.
    pub parent: B256,
    /// What was queued in the Bridge before this L1 slot must be consumed.
    pub cutoff: L1Slot,
    /// The newest L1 block's slot.
    pub now: L1Slot,
    /// L1 slots that a deposit must be old before the block takes it without having to.
    pub deposit_depth: u64,
    /// Most chunks, beside the deployment's limit.
    pub max_chunks: usize,
    /// Most blobs, beside the deployment's limit.
    pub max_blobs: usize,
    /// L2 account that gets its fees.
    pub fee_recipient: u32,
    /// Payload that it signals to governance; zero for none.
    pub vote: Address,
}

/// What a role sees and keeps.
pub struct World {
    follower: Arc<Mutex<Follower>>,
    inbox: Box<dyn Inbox>,
    mempool: Mempool,
    journal: Journal,
    /// Blocks of this process, by header hash, so that the disk is read only after a restart.
    bodies: BTreeMap<B256, BlockBody>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("World").field("mempool", &self.mempool.len()).finish_non_exhaustive()
    }
}

impl World {
    /// Listens to `network` from now on.
    #[must_use]
    pub fn new(
        deployment: &Deployment,
        follower: Arc<Mutex<Follower>>,
        network: &dyn Network,
        journal: Journal,
        limits: mempool::Limits,
    ) -> Self {
        let rollup = L1Address(deployment.contracts().rollup.into_array());
        let domain = Domain::new(deployment.chain_id(), rollup);
        let (inbox, mempool) = (network.subscribe(), Mempool::new(domain, limits));
        Self { follower, inbox, mempool, journal, bodies: BTreeMap::new() }
    }

    /// The rollup as seen from L1.
    #[must_use]
    pub const fn follower(&self) -> &Arc<Mutex<Follower>> {
        &self.follower
    }

    /// What must survive a restart.
    #[must_use]
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Operations waiting for a block.
    #[must_use]
    pub fn waiting_operations(&self) -> usize {
        self.mempool.len()
    }

    /// Follows L1 to `block` and reads the peers' messages; returns the rollup as it is then, and the bodies that peers
    /// announced, unchecked.
    ///
    /// # Errors
    /// When L1 can't be followed.
    pub async fn follow(
        &mut self,
        block: &L1Block,
    ) -> Result<(OwnedMutexGuard<Follower>, Vec<BlockBody>), RoleError> {
        let mut follower = Arc::clone(&self.follower).lock_owned().await;
        let seen = follower.view().head().is_some_and(|head| head.hash == block.hash);
        if !seen || follower.ledger_at_tip().is_none() {
            while !follower.poll().await?.is_empty() {}
        }
        let gossip = self.inbox.drain();
        let mut bodies = Vec::new();
        if !gossip.is_empty() {
            let state = upcoming(follower.ledger(), follower.view());
            for gossip in gossip {
                match gossip {
                    Gossip::Operation(operation) => {
                        if let Err(error) = self.mempool.insert(&state, operation) {
                            tracing::debug!(%error, "operation refused");
                        }
                    }
                    Gossip::Body(body) => bodies.push(body),
                }
            }
        }
        self.mempool.prune(&**follower.ledger());
        Ok((follower, bodies))
    }

    /// Writes a block down.
    ///
    /// # Errors
    /// When the disk doesn't take it.
    pub fn keep(&mut self, header_hash: B256, body: BlockBody) -> Result<(), RoleError> {
        self.journal.put(&body)?;
        self.bodies.insert(header_hash, body);
        Ok(())
    }

    /// A block that was written down.
    ///
    /// # Errors
    /// When it isn't there or can't be read.
    pub fn body(&self, slot: Slot, header_hash: B256) -> Result<BlockBody, RoleError> {
        if let Some(body) = self.bodies.get(&header_hash) {
            return Ok(body.clone());
        }
        let body = self.journal.get(slot, header_hash)?;
        body.ok_or(RoleError::UnknownBlock { slot, header_hash })
    }

    /// Builds a block on the tip, and writes it down as the role's own.
    ///
    /// # Errors
    /// When the tip is another one, its state is missing, or no block can be built.
    pub async fn build(&mut self, plan: Plan) -> Result<(Built, Header), RoleError> {
        let Plan { slot, parent, cutoff, now, .. } = plan;
        let follower = Arc::clone(&self.follower).lock_owned().await;
        let view = follower.view();
        let tip = view.tip().header_hash;
        if tip != parent {
            return Err(RoleError::TipMoved { expected: parent, actual: tip });
        }
        let parameters = view.parameters();
        let range = consumed(view, cutoff, now, plan.deposit_depth);
        let queued = queued(view, range)?;
        let ledger = ledger_at_tip(&follower)?;
        let layout = ledger.layout();
        let rules = ledger.rules_for(AccountIndex::new(plan.fee_recipient));
        let max_blobs = usize::from(parameters.max_blobs).min(plan.max_blobs);
        let max_chunks = plan
            .max_chunks
            .min(usize::from(parameters.max_chunks))
            .min(max_blobs.saturating_mul(layout.chunks_per_blob()));
        let candidates =
            self.mempool.candidates(&upcoming(ledger, view), max_chunks.saturating_mul(layout.operations()));
        let ledger = Arc::clone(ledger);
        drop(follower);
        let fields = HeaderFields { slot, parent, deposits_end: range.to, vote: plan.vote };
        // Executing a block and committing to its data takes a good part of a second.
        let built = tokio::task::spawn_blocking(move || {
            let built = block::build(&mut ledger.state(), rules, max_chunks, &queued, &candidates)?.block;
            Ok::<_, RoleError>((BlockBody::assemble(fields, &built, versioned_blob_hash)?, built))
        });
        let (body, built) = built.await??;
        let (header, header_hash) = (body.header.clone(), body.header_hash());
        let batch = self.journal.batch()?;
        batch.put(&body)?;
        batch.put(&OwnBlock { slot, header_hash, parent })?;
        batch.commit()?;
        self.bodies.insert(header_hash, body);
        let built = Built {
            slot,
            header_hash,
            transfers: built.transfers(),
            withdrawals: built.withdrawals().len(),
            deposits: built.deposits().count(),
            chunks: built.chunks.len(),
        };
        Ok((built, header))
    }

    /// Blocks that the role built on `parent` for `slot` before a restart.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub fn built_before(&self, slot: Slot, parent: B256) -> Result<Vec<OwnBlock>, RoleError> {
        let mut blocks: Vec<OwnBlock> = self.journal.all()?;
        blocks.retain(|own| {
            own.slot == slot && own.parent == parent && !self.bodies.contains_key(&own.header_hash)
        });
        Ok(blocks)
    }

    /// Drops what is about slots before `oldest`.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn forget_before(&mut self, oldest: Slot) -> Result<(), RoleError> {
        let before = self.bodies.len();
        self.bodies.retain(|_, body| body.header.slot >= oldest);
        if self.bodies.len() < before {
            self.journal.forget_before(oldest)?;
        }
        Ok(())
    }
}

/// A blob's versioned hash, as headers list it.
///
/// # Errors
/// When it is no blob.
pub fn versioned_blob_hash(blob: &fernet_ledger::Blob) -> Result<B256, BlobError> {
    versioned_hash(&Blob::new(*blob.as_bytes()))
}

/// What a block consumes of the queue: all it must, and beyond that what is at least `depth` L1 slots old.
fn consumed(view: &RollupView, cutoff: L1Slot, now: L1Slot, depth: u64) -> QueueRange {
    let required = view.queue_required(cutoff);
    let available = view.queue_available();
    let records = view.queue_in(available).unwrap_or_default();
    let old = records.partition_point(|record| record.l1_slot.plus(depth) <= now) as u64;
    QueueRange { from: available.from, to: required.to.max(available.from.saturating_add(old)) }
}

/// The state as operations will find it: with what the next block can take of L1's queue.
fn upcoming<'a>(ledger: &'a Ledger, view: &RollupView) -> State<&'a Ledger> {
    let mut state = ledger.state();
    for record in view.queue_in(view.queue_available()).unwrap_or_default() {
        // What can't be applied here is reported when the block is built.
        let applied = ledger_operation(record).map(|queued| state.apply_queued(&queued));
        if !matches!(applied, Ok(Ok(_))) {
            break;
        }
    }
    state
}

/// A range of L1's queue, as the ledger takes it.
///
/// # Errors
/// When L1 has queued something that the ledger can't read.
pub fn queued(view: &RollupView, range: QueueRange) -> Result<Vec<L1Operation>, RoleError> {
    let records = view.queue_in(range).unwrap_or_default();
    let queued: Result<_, _> = records.iter().map(ledger_operation).collect();
    Ok(queued.map_err(FollowerError::from)?)
}

/// The state after the tip.
///
/// # Errors
/// When it isn't known yet.
pub fn ledger_at_tip(follower: &Follower) -> Result<&Arc<Ledger>, RoleError> {
    let tip = follower.view().tip();
    follower.ledger_at_tip().ok_or(RoleError::StateMissing { slot: tip.slot })
}
