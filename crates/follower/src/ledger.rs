//! The L2 state at the tip. Blocks can be undone one by one.

use std::collections::{HashMap, VecDeque};

use alloy::primitives::B256;
use fernet_l1::BlobError;
use fernet_ledger::{
    Account, AccountIndex, Blob, BlockRules, BlockWitness, Changes, Domain, FeeBurn, Fr, Lanes, Layout,
    Levels, QueuedOperation, State, Store, field,
    keys::KeyError,
    replay::{ReplayError, Signatures, replay},
    tree::NodePosition,
};
use fernet_protocol::{Header, Slot};

use crate::view::QueueRecord;

/// Number of finalized blocks that can be undone. Each takes a few kilobytes a chunk. An L1 reorg undoes one
/// or two.
const UNDOABLE: usize = 256;

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

#[derive(Clone, Debug)]
struct Undo {
    accounts: Vec<(AccountIndex, Option<Account>)>,
    nodes: Vec<(NodePosition, Option<Fr>)>,
}

/// The L2 state after the newest replayed block. It is a [`Store`]: a [`State`] on top of it builds or checks
/// blocks.
#[derive(Clone, Debug)]
pub struct Ledger {
    domain: Domain,
    layout: Layout,
    fee_burn: FeeBurn,
    levels: Levels,
    accounts: HashMap<AccountIndex, Account>,
    nodes: HashMap<NodePosition, Fr>,
    height: u64,
    undo: VecDeque<Undo>,
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
            accounts: HashMap::new(),
            nodes: HashMap::new(),
            height: 0,
            undo: VecDeque::new(),
        }
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

    /// The rules for the block of a header.
    pub fn rules(&self, header: &Header) -> BlockRules {
        self.rules_for(AccountIndex::new(header.fee_recipient))
    }

    /// The rules for a block that pays its fees to `fee_recipient`.
    pub fn rules_for(&self, fee_recipient: AccountIndex) -> BlockRules {
        BlockRules { domain: self.domain, layout: self.layout, fee_burn: self.fee_burn, fee_recipient }
    }

    /// Replays the next block from its data. After an error the ledger is unchanged.
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
        let slot = header.slot;
        let actual = self.root();
        if actual != parent_root {
            return Err(ReplayFailure::ParentRoot { slot, expected: parent_root, actual });
        }
        let mut state = self.state();
        let chunks = usize::try_from(header.chunks).unwrap_or(usize::MAX);
        let block = replay(&mut state, self.rules(header), chunks, blobs, lanes, Signatures::Proven)
            .map_err(|error| ReplayFailure::Replay { slot, error: Box::new(error) })?;
        let actual = root(&state);
        if actual != header.state_root {
            return Err(ReplayFailure::StateRoot { slot, expected: header.state_root, actual });
        }
        let changes = state.into_changes();
        self.commit(changes);
        Ok(Replayed { slot, block })
    }

    fn commit(&mut self, changes: Changes) {
        let accounts = changes.accounts.into_iter().map(|(at, new)| (at, self.accounts.insert(at, new)));
        let accounts = accounts.collect();
        let nodes = changes.nodes.into_iter().map(|(at, new)| (at, self.nodes.insert(at, new))).collect();
        self.undo.push_back(Undo { accounts, nodes });
        if self.undo.len() > UNDOABLE {
            self.undo.pop_front();
        }
        self.height = self.height.saturating_add(1);
    }

    /// Undoes the newest block; `None` if it is too old.
    pub fn undo(&mut self) -> Option<u64> {
        let undo = self.undo.pop_back()?;
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
        self.height = self.height.saturating_sub(1);
        Some(self.height)
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
