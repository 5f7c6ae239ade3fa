//! The L2 state at the tip. Blocks can be undone one by one.

use std::{collections::VecDeque, sync::Arc};

use alloy::primitives::{
    B256,
    map::{DefaultHashBuilder, HashSet},
};
use fernet_l1::BlobError;
use fernet_ledger::{
    Account, AccountIndex, Blob, BlockRules, BlockWitness, Changes, Domain, FeeBurn, Fr, Lanes, Layout,
    Levels, QueuedOperation, State, Store, field,
    keys::KeyError,
    replay::{ReplayError, Signatures, replay},
    tree::NodePosition,
};
use fernet_protocol::{Header, Slot};
use imbl::GenericHashMap;

use crate::view::QueueRecord;

/// Number of finalized blocks that can be undone. Each takes a few kilobytes a chunk. An L1 reorg undoes one
/// or two.
pub(crate) const UNDOABLE: usize = 256;

/// A map that shares what didn't change with its clones, so that a clone costs nothing.
type SharedMap<K, V> = GenericHashMap<K, V, DefaultHashBuilder, imbl::shared_ptr::DefaultSharedPtr>;

/// Why a finalized block can't be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayFailure {
    /// The key of a deposit is malformed. The Bridge should have refused it.
    #[error("deposit {number} has a malformed key: {error}")]
    DepositKey { number: u64, error: KeyError },
    /// The blobs don't have the ledger's encoding.
    #[error("data of slot {slot}: {error}")]
    Data { slot: Slot, error: fernet_ledger::blob::BlobError },
    /// The block breaks a rule of the ledger.
    #[error("block of slot {slot}: {error}")]
    Replay { slot: Slot, error: Box<ReplayError> },
    /// The block results in another state than the proven one.
    #[error("block of slot {slot} gives state root {actual}, its header says {expected}")]
    StateRoot { slot: Slot, expected: B256, actual: B256 },
    /// The block's parent isn't the ledger's newest block.
    #[error("block of slot {slot} has parent root {expected}, the ledger is at {actual}")]
    ParentRoot { slot: Slot, expected: B256, actual: B256 },
    /// The blobs aren't available.
    #[error("blobs of slot {slot}: {error}")]
    Blobs { slot: Slot, error: BlobError },
}

impl ReplayFailure {
    /// Whether another attempt may succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Blobs { error, .. } if error.is_retryable())
    }
}

/// A replayed block.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// Slot of the block.
    pub slot: Slot,
    /// The executed block. It has no signatures, so it can't be proven.
    pub block: BlockWitness,
}

/// What a block replaced: accounts and nodes before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undo {
    pub(crate) accounts: Vec<(AccountIndex, Option<Account>)>,
    pub(crate) nodes: Vec<(NodePosition, Option<Fr>)>,
}

/// What changed since the last commit to disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    pub(crate) accounts: HashSet<AccountIndex>,
    pub(crate) nodes: HashSet<NodePosition>,
    /// The lowest height since then: blocks from here on are others.
    pub(crate) from: u64,
    /// What is on disk is of no use.
    pub(crate) everything: bool,
}

/// The data of a finalized block.
#[derive(Clone, Debug)]
pub(crate) struct BlockData {
    /// Its header.
    pub(crate) header: Header,
    /// Its blobs, in order.
    pub(crate) blobs: Vec<Blob>,
    /// What it consumes of the queues.
    pub(crate) lanes: Lanes,
}

/// The L2 state after the newest replayed block. It is a [`Store`]: a [`State`] on top of it builds or checks
/// blocks. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Ledger {
    domain: Domain,
    layout: Layout,
    fee_burn: FeeBurn,
    levels: Levels,
    accounts: SharedMap<AccountIndex, Account>,
    nodes: SharedMap<NodePosition, Fr>,
    height: u64,
    undo: VecDeque<Undo>,
    /// `None` if nothing is written to disk.
    touched: Option<Touched>,
}

impl Store for Ledger {
    fn account(&self, index: AccountIndex) -> Option<Account> {
        self.accounts.get(&index).copied()
    }

    fn node(&self, position: NodePosition) -> Option<Fr> {
        self.nodes.get(&position).copied()
    }
}

impl Ledger {
    /// The empty ledger.
    pub fn new(domain: Domain, layout: Layout, fee_burn: FeeBurn, levels: Levels) -> Self {
        Self {
            domain,
            layout,
            fee_burn,
            levels,
            accounts: SharedMap::default(),
            nodes: SharedMap::default(),
            height: 0,
            undo: VecDeque::new(),
            touched: None,
        }
    }

    /// This ledger with other contents, as a store or a snapshot has them.
    pub(crate) fn with_contents(
        mut self,
        height: u64,
        accounts: impl Iterator<Item = (AccountIndex, Account)>,
        nodes: impl Iterator<Item = (NodePosition, Fr)>,
        undo: VecDeque<Undo>,
    ) -> Self {
        self.accounts = accounts.collect();
        self.nodes = nodes.collect();
        self.height = height;
        self.undo = undo;
        self
    }

    /// Domain of the rollup's signatures and data.
    pub fn domain(&self) -> Domain {
        self.domain
    }

    /// Layout of blocks in blobs.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Share of the fees that is burned.
    pub fn fee_burn(&self) -> FeeBurn {
        self.fee_burn
    }

    /// Levels of the state tree.
    pub fn levels(&self) -> Levels {
        self.levels
    }

    /// Blocks executed since genesis.
    pub fn height(&self) -> u64 {
        self.height
    }

    /// The state root.
    pub fn root(&self) -> B256 {
        root(&self.state())
    }

    /// A state on top of this one, which changes don't write through.
    pub fn state(&self) -> State<&Self> {
        State::new(self, self.levels)
    }

    /// All accounts, in no particular order.
    pub fn accounts(&self) -> impl Iterator<Item = (&AccountIndex, &Account)> {
        self.accounts.iter()
    }

    /// Number of accounts.
    pub fn account_count(&self) -> usize {
        self.accounts.len()
    }

    /// The rules for the block of a header.
    pub fn rules(&self, header: &Header) -> BlockRules {
        self.rules_for(AccountIndex::new(header.fee_recipient))
    }

    /// The rules for a block that pays its fees to `fee_recipient`.
    pub fn rules_for(&self, fee_recipient: AccountIndex) -> BlockRules {
        BlockRules { domain: self.domain, layout: self.layout, fee_burn: self.fee_burn, fee_recipient }
    }

    /// Replays the next block from its data, and returns it with all that it did. After an error the ledger
    /// is unchanged.
    ///
    /// # Errors
    ///
    /// If the data is malformed, breaks a rule, or results in another state root.
    pub fn replay(
        &mut self,
        header: &Header,
        parent_root: B256,
        blobs: &[Blob],
        lanes: &Lanes,
    ) -> Result<Replayed, ReplayFailure> {
        let (block, changes) = self.run(self.state(), header, parent_root, blobs, lanes)?;
        self.commit(changes);
        Ok(Replayed { slot: header.slot, block })
    }

    /// The same several times as fast, without what it did.
    ///
    /// # Errors
    ///
    /// As [`Self::replay`].
    pub fn execute(
        &mut self,
        header: &Header,
        parent_root: B256,
        blobs: &[Blob],
        lanes: &Lanes,
    ) -> Result<(), ReplayFailure> {
        let state = State::without_openings(&*self, self.levels);
        let (_, changes) = self.run(state, header, parent_root, blobs, lanes)?;
        self.commit(changes);
        Ok(())
    }

    fn run(
        &self,
        mut state: State<&Self>,
        header: &Header,
        parent_root: B256,
        blobs: &[Blob],
        lanes: &Lanes,
    ) -> Result<(BlockWitness, Changes), ReplayFailure> {
        let slot = header.slot;
        let actual = self.root();
        if actual != parent_root {
            return Err(ReplayFailure::ParentRoot { slot, expected: parent_root, actual });
        }
        let chunks = usize::try_from(header.chunks).unwrap_or(usize::MAX);
        let block = replay(&mut state, self.rules(header), chunks, blobs, lanes, Signatures::Proven)
            .map_err(|error| ReplayFailure::Replay { slot, error: Box::new(error) })?;
        state.rehash_in_parallel();
        let actual = root(&state);
        if actual != header.state_root {
            return Err(ReplayFailure::StateRoot { slot, expected: header.state_root, actual });
        }
        Ok((block, state.into_changes()))
    }

    /// Goes on after blocks that are never undone.
    pub(crate) fn settle(&mut self, settled: Settled) {
        self.write(settled.changes);
        self.undo.clear();
        self.height = self.height.saturating_add(settled.blocks);
    }

    fn commit(&mut self, changes: Changes) {
        let undo = self.write(changes);
        self.undo.push_back(undo);
        if self.undo.len() > UNDOABLE {
            self.undo.pop_front();
        }
        self.height = self.height.saturating_add(1);
    }

    /// Writes changes, and returns what they replaced.
    fn write(&mut self, changes: Changes) -> Undo {
        if let Some(touched) = &mut self.touched {
            touched.accounts.extend(changes.accounts.keys());
            touched.nodes.extend(changes.nodes.keys());
        }
        let accounts = changes.accounts.into_iter().map(|(at, new)| (at, self.accounts.insert(at, new)));
        let accounts = accounts.collect();
        let nodes = changes.nodes.into_iter().map(|(at, new)| (at, self.nodes.insert(at, new))).collect();
        Undo { accounts, nodes }
    }

    /// Undoes the newest block; `None` if it is too old.
    pub fn undo(&mut self) -> Option<u64> {
        let undo = self.undo.pop_back()?;
        let height = self.height.saturating_sub(1);
        if let Some(touched) = &mut self.touched {
            touched.accounts.extend(undo.accounts.iter().map(|(at, _)| at));
            touched.nodes.extend(undo.nodes.iter().map(|(at, _)| at));
            touched.from = touched.from.min(height);
        }
        for (at, old) in undo.accounts {
            match old {
                Some(old) => self.accounts.insert(at, old),
                None => self.accounts.remove(&at),
            };
        }
        for (at, old) in undo.nodes {
            match old {
                Some(old) => self.nodes.insert(at, old),
                None => self.nodes.remove(&at),
            };
        }
        self.height = height;
        Some(height)
    }

    /// Blocks that can be undone, oldest first. The last one is the newest block.
    pub(crate) fn undo_records(&self) -> &VecDeque<Undo> {
        &self.undo
    }

    /// What changed since the last call; everything the first time. From now on changes are recorded.
    pub(crate) fn take_touched(&mut self) -> Touched {
        let next = Touched { from: self.height, ..Touched::default() };
        self.touched.replace(next).unwrap_or_else(|| Touched {
            accounts: self.accounts.keys().copied().collect(),
            nodes: self.nodes.keys().copied().collect(),
            from: 0,
            everything: true,
        })
    }

    /// Marks what was taken as still to be written, after a commit that failed.
    pub(crate) fn put_back(&mut self, taken: Touched) {
        let touched = self.touched.get_or_insert_default();
        touched.accounts.extend(taken.accounts);
        touched.nodes.extend(taken.nodes);
        touched.from = touched.from.min(taken.from);
        touched.everything |= taken.everything;
    }

    /// Everything is to be written to disk.
    pub(crate) fn forget_written(&mut self) {
        self.touched = None;
    }

    /// From now on changes are recorded, as of a ledger that is on disk.
    pub(crate) fn record_changes(&mut self) {
        self.touched = Some(Touched { from: self.height, ..Touched::default() });
    }
}

/// Execution of blocks that are never undone: only the state root after the last one is computed, and
/// compared with its header. That is enough, since no other state has that root.
#[derive(Debug)]
pub(crate) struct Settling {
    ledger: Arc<Ledger>,
    state: State<Arc<Ledger>>,
    /// The newest block, and the number of blocks.
    last: Option<(Slot, B256)>,
    blocks: u64,
}

/// What such blocks changed.
#[derive(Debug)]
pub(crate) struct Settled {
    changes: Changes,
    blocks: u64,
}

impl Settling {
    /// Starts on a ledger whose state root must be `parent_root`.
    pub(crate) fn new(ledger: &Arc<Ledger>, slot: Slot, parent_root: B256) -> Result<Self, ReplayFailure> {
        let actual = ledger.root();
        if actual != parent_root {
            return Err(ReplayFailure::ParentRoot { slot, expected: parent_root, actual });
        }
        let state = State::without_openings(Arc::clone(ledger), ledger.levels);
        Ok(Self { ledger: Arc::clone(ledger), state, last: None, blocks: 0 })
    }

    /// Executes the next block. After an error, this must be dropped.
    pub(crate) fn add(&mut self, block: &BlockData) -> Result<(), ReplayFailure> {
        let BlockData { header, blobs, lanes } = block;
        let chunks = usize::try_from(header.chunks).unwrap_or(usize::MAX);
        let rules = self.ledger.rules(header);
        replay(&mut self.state, rules, chunks, blobs, lanes, Signatures::Proven)
            .map_err(|error| ReplayFailure::Replay { slot: header.slot, error: Box::new(error) })?;
        self.last = Some((header.slot, header.state_root));
        self.blocks = self.blocks.saturating_add(1);
        Ok(())
    }

    /// Number of blocks.
    pub(crate) const fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Number of accounts that changed, each of which costs some hashes at the end.
    pub(crate) fn changed_accounts(&self) -> usize {
        self.state.changed_accounts()
    }

    /// Compares the state root with that of the last block's header.
    pub(crate) fn finish(mut self) -> Result<Settled, ReplayFailure> {
        self.state.rehash_in_parallel();
        let actual = root(&self.state);
        if let Some((slot, expected)) = self.last.filter(|(_, expected)| *expected != actual) {
            return Err(ReplayFailure::StateRoot { slot, expected, actual });
        }
        Ok(Settled { changes: self.state.into_changes(), blocks: self.blocks })
    }
}

fn root<S: Store>(state: &State<S>) -> B256 {
    B256::new(field::to_bytes(&state.root()))
}

/// An operation of L1 in the ledger's type, with a checked key.
///
/// # Errors
/// Fails with [`ReplayFailure::DepositKey`] for a key that the Bridge should have refused.
pub fn queued_operation(record: &QueueRecord) -> Result<QueuedOperation, ReplayFailure> {
    QueuedOperation::try_from(record.operation)
        .map_err(|error| ReplayFailure::DepositKey { number: record.number, error })
}
