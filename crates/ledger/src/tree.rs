//! The state tree: a sparse Merkle tree of arity four whose leaves are the accounts.

use std::sync::OnceLock;

use alloy_primitives::map::{HashMap, HashSet};
use ark_ff::AdditiveGroup;
use rayon::prelude::*;

use crate::{
    account::{Account, AccountIndex, leaf},
    field::Fr,
    poseidon,
};

/// Children of a node.
pub const ARITY: usize = 4;
/// Bits of an index that one level consumes.
pub const ARITY_BITS: u32 = 2;
/// Levels of a tree that has a leaf for every 32-bit index.
pub const MAX_LEVELS: u8 = 16;

/// Number of levels of nodes above the leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Levels(u8);

/// A number of levels that no tree has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {MAX_LEVELS} tree levels, got {0}")]
pub struct LevelsError(u8);

impl Levels {
    /// The number of levels in production, for 2^32 accounts.
    pub const PRODUCTION: Self = Self(MAX_LEVELS);

    /// A tree of `levels` levels.
    ///
    /// # Errors
    /// Fails if `levels` is 0 or more than [`MAX_LEVELS`].
    pub const fn new(levels: u8) -> Result<Self, LevelsError> {
        if levels == 0 || levels > MAX_LEVELS { Err(LevelsError(levels)) } else { Ok(Self(levels)) }
    }

    /// The number of levels.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The number of leaves, 4^levels.
    #[must_use]
    pub fn leaves(self) -> u64 {
        // The number is at most 2^32.
        1u64.checked_shl(u32::from(self.0).saturating_mul(ARITY_BITS)).unwrap_or(u64::MAX)
    }
}

/// Position of a node. Level 0 has the leaves, the last level the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodePosition {
    /// Number of levels above the leaves.
    pub level: u8,
    /// Index within the level, from the left.
    pub index: u32,
}

impl NodePosition {
    fn leaf(index: AccountIndex) -> Self {
        Self { level: 0, index: index.get() }
    }

    fn parent(self) -> Self {
        Self { level: self.level.saturating_add(1), index: self.index >> ARITY_BITS }
    }

    /// The four children; `None` for a leaf.
    fn children(self) -> Option<[Self; ARITY]> {
        let level = self.level.checked_sub(1)?;
        Some([0, 1, 2, 3].map(|child| Self { level, index: (self.index << ARITY_BITS) | child }))
    }

    /// The node and its siblings: the four children of its parent.
    fn with_siblings(self) -> [Self; ARITY] {
        [0, 1, 2, 3].map(|child| Self { level: self.level, index: (self.index & !3) | child })
    }
}

/// Storage that a state reads. A store contains only what differs from the empty tree.
pub trait Store {
    /// The account at `index`, if it exists.
    fn account(&self, index: AccountIndex) -> Option<Account>;

    /// The hash at `position`, or `None` if its subtree is empty.
    fn node(&self, position: NodePosition) -> Option<Fr>;
}

impl<S: Store + ?Sized> Store for &S {
    fn account(&self, index: AccountIndex) -> Option<Account> {
        (**self).account(index)
    }

    fn node(&self, position: NodePosition) -> Option<Fr> {
        (**self).node(position)
    }
}

impl<S: Store + ?Sized> Store for std::sync::Arc<S> {
    fn account(&self, index: AccountIndex) -> Option<Account> {
        (**self).account(index)
    }

    fn node(&self, position: NodePosition) -> Option<Fr> {
        (**self).node(position)
    }
}

/// Accounts and nodes that a state has changed on top of its store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// New values of accounts.
    pub accounts: HashMap<AccountIndex, Account>,
    /// New values of nodes.
    pub nodes: HashMap<NodePosition, Fr>,
}

/// A store in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    contents: Changes,
}

impl MemoryStore {
    /// Writes the changes of a state on top of this store.
    pub fn commit(&mut self, changes: Changes) {
        self.contents.accounts.extend(changes.accounts);
        self.contents.nodes.extend(changes.nodes);
    }

    /// All accounts in arbitrary order.
    pub fn accounts(&self) -> impl Iterator<Item = (&AccountIndex, &Account)> {
        self.contents.accounts.iter()
    }
}

impl Store for MemoryStore {
    fn account(&self, index: AccountIndex) -> Option<Account> {
        self.contents.accounts.get(&index).copied()
    }

    fn node(&self, position: NodePosition) -> Option<Fr> {
        self.contents.nodes.get(&position).copied()
    }
}

/// A Merkle opening: an account and the siblings on the path from its leaf to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Index of the leaf.
    pub index: AccountIndex,
    /// Account of the leaf; `None` if the leaf is empty.
    pub account: Option<Account>,
    /// For each level, leaves first, the three siblings from the left.
    pub siblings: Vec<[Fr; ARITY - 1]>,
}

/// A state: a store and the changes on top of it. The changes stay in the state until they are committed, so
/// dropping a state undoes them. A state is itself a store, so that states can be stacked.
///
/// Nodes above changed accounts are hashed when they are read: most are read once per chunk, not once per
/// operation.
#[derive(Debug, Clone)]
pub struct State<S> {
    store: S,
    levels: Levels,
    changes: Changes,
    /// Nodes whose hashes in `changes` are missing or out of date. All nodes above a stale node are stale
    /// too.
    stale: HashSet<NodePosition>,
    openings: Openings,
}

/// Whether a state makes the Merkle openings of the accounts that operations touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Openings {
    /// It does: they are part of the witness of a proof.
    Made,
    /// Openings have no siblings, and nothing is hashed before the root is read.
    LeftOut,
}

impl<S: Store> State<S> {
    /// The state in `store`, without changes.
    pub fn new(store: S, levels: Levels) -> Self {
        let openings = Openings::Made;
        Self { store, levels, changes: Changes::default(), stale: HashSet::default(), openings }
    }

    /// The same for blocks that nobody proves again: their witnesses have neither siblings nor state roots.
    /// Each node is hashed once for all blocks, when the root is read.
    pub fn without_openings(store: S, levels: Levels) -> Self {
        Self { openings: Openings::LeftOut, ..Self::new(store, levels) }
    }

    /// Levels of the tree.
    pub const fn levels(&self) -> Levels {
        self.levels
    }

    /// The state root.
    pub fn root(&self) -> Fr {
        self.hash(self.top())
    }

    /// The Merkle opening of the account at `index`.
    pub fn opening(&mut self, index: AccountIndex) -> Opening {
        if self.openings == Openings::LeftOut {
            return Opening { index, account: self.account(index), siblings: Vec::new() };
        }
        let mut position = NodePosition::leaf(index);
        let siblings = (0..self.levels.get())
            .map(|_| {
                let mut others = position.with_siblings().into_iter().filter(|member| *member != position);
                let siblings = [(); ARITY - 1].map(|()| others.next().map_or(Fr::ZERO, |p| self.refresh(p)));
                position = position.parent();
                siblings
            })
            .collect();
        Opening { index, account: self.account(index), siblings }
    }

    /// Writes `account` to the leaf at `index`.
    pub(crate) fn set(&mut self, index: AccountIndex, account: Account) {
        self.changes.accounts.insert(index, account);
        let mut position = NodePosition::leaf(index);
        while self.stale.insert(position) && position.level < self.levels.get() {
            position = position.parent();
        }
    }

    /// Computes all stale hashes, so that reading them again is free.
    pub fn rehash(&mut self) {
        self.refresh(self.top());
    }

    /// The same on all processors, level by level.
    pub fn rehash_in_parallel(&mut self)
    where
        S: Sync,
    {
        let mut by_level: Vec<Vec<NodePosition>> = Vec::new();
        by_level.resize(usize::from(self.levels.get()).saturating_add(1), Vec::new());
        for position in std::mem::take(&mut self.stale) {
            if let Some(level) = by_level.get_mut(usize::from(position.level)) {
                level.push(position);
            }
        }
        for positions in by_level {
            let state = &*self;
            let hashed = positions.into_par_iter().map(|position| {
                let hash = match position.children() {
                    None => state.leaf(position),
                    // Those that were stale are in the changes: the level below is done.
                    Some(children) => poseidon::node(children.map(|child| state.hash(child))),
                };
                (position, hash)
            });
            let hashed: Vec<(NodePosition, Fr)> = hashed.collect();
            self.changes.nodes.extend(hashed);
        }
    }

    /// The root between two chunks, as a witness has it; zero without openings.
    pub(crate) fn witness_root(&mut self) -> Fr {
        match self.openings {
            Openings::Made => self.refresh(self.top()),
            Openings::LeftOut => Fr::ZERO,
        }
    }

    /// Number of accounts that changed.
    pub fn changed_accounts(&self) -> usize {
        self.changes.accounts.len()
    }

    /// The changes, to be committed to the store.
    pub fn into_changes(mut self) -> Changes {
        self.rehash();
        self.changes
    }

    fn top(&self) -> NodePosition {
        NodePosition { level: self.levels.get(), index: 0 }
    }

    fn hash(&self, position: NodePosition) -> Fr {
        self.node(position).unwrap_or_else(|| empty(position.level))
    }

    /// The hash at `position`, computed and stored if it is stale.
    fn refresh(&mut self, position: NodePosition) -> Fr {
        if !self.stale.remove(&position) {
            return self.hash(position);
        }
        let hash = match position.children() {
            None => self.leaf(position),
            Some(children) => poseidon::node(children.map(|child| self.refresh(child))),
        };
        self.changes.nodes.insert(position, hash);
        hash
    }

    fn leaf(&self, position: NodePosition) -> Fr {
        leaf(self.account(AccountIndex::new(position.index)).as_ref())
    }
}

impl State<MemoryStore> {
    /// The state without accounts in a store in memory.
    #[must_use]
    pub fn empty(levels: Levels) -> Self {
        Self::new(MemoryStore::default(), levels)
    }
}

impl<S: Store> Store for State<S> {
    fn account(&self, index: AccountIndex) -> Option<Account> {
        self.changes.accounts.get(&index).copied().or_else(|| self.store.account(index))
    }

    fn node(&self, position: NodePosition) -> Option<Fr> {
        if self.stale.contains(&position) {
            return Some(match position.children() {
                None => self.leaf(position),
                Some(children) => poseidon::node(children.map(|child| self.hash(child))),
            });
        }
        self.changes.nodes.get(&position).copied().or_else(|| self.store.node(position))
    }
}

/// Root of an empty subtree of `level` levels.
#[must_use]
pub fn empty(level: u8) -> Fr {
    static EMPTY: OnceLock<Vec<Fr>> = OnceLock::new();
    let hashes = EMPTY.get_or_init(|| {
        let above = |below: &Fr| Some(poseidon::node([*below; ARITY]));
        std::iter::successors(Some(Fr::ZERO), above).take(usize::from(MAX_LEVELS).saturating_add(1)).collect()
    });
    hashes.get(usize::from(level)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SecretKey;

    fn account(balance: u64) -> Account {
        Account { key: SecretKey::from_seed(b"tree").public_key(), balance, nonce: 3 }
    }

    /// Recomputes a root from an opening, independently of the tree.
    fn root_of(opening: &Opening, leaf: Fr) -> Fr {
        opening.siblings.iter().enumerate().fold(leaf, |hash, (level, siblings)| {
            let mut children = siblings.to_vec();
            children.insert((opening.index.get() >> (2 * level) & 3) as usize, hash);
            poseidon::node(children.try_into().unwrap())
        })
    }

    // rule: J3
    #[test]
    fn openings_lead_to_the_root_before_and_after_an_update() {
        let mut state = State::empty(Levels::new(5).unwrap());
        assert_eq!(state.root(), empty(5));
        for (number, index) in [0u32, 1, 3, 4, 17, 1023, 17].into_iter().enumerate() {
            let index = AccountIndex::new(index);
            let opening = state.opening(index);
            assert_eq!(root_of(&opening, leaf(opening.account.as_ref())), state.root());
            let new = account(number as u64);
            state.set(index, new);
            assert_eq!(root_of(&opening, new.leaf()), state.root());
            if number % 2 == 0 {
                let mut parallel = state.clone();
                state.rehash();
                parallel.rehash_in_parallel();
                assert_eq!(parallel.into_changes(), state.clone().into_changes());
                assert_eq!(root_of(&opening, new.leaf()), state.root());
            }
            assert_eq!(state.account(index), Some(new));
        }
    }

    // rule: J3
    #[test]
    fn the_full_tree_has_room_for_every_index() {
        let mut state = State::empty(Levels::PRODUCTION);
        let index = AccountIndex::new(u32::MAX);
        let opening = state.opening(index);
        state.set(index, account(1));
        assert_eq!(root_of(&opening, account(1).leaf()), state.root());
        assert_eq!(Levels::PRODUCTION.leaves(), 1 << 32);
    }

    #[test]
    fn a_dropped_state_changes_nothing_and_a_committed_one_does() {
        let levels = Levels::new(3).unwrap();
        let mut store = MemoryStore::default();
        let before = State::new(&store, levels).root();
        let mut state = State::new(&store, levels);
        state.set(AccountIndex::new(5), account(9));
        let after = state.root();
        assert_eq!(State::new(&store, levels).root(), before);
        let stacked = State::new(&state, levels);
        assert_eq!(stacked.root(), after);
        let changes = state.into_changes();
        store.commit(changes);
        assert_eq!(State::new(&store, levels).root(), after);
        assert_ne!(before, after);
    }

    #[test]
    fn levels_are_bounded() {
        assert_eq!(Levels::new(0), Err(LevelsError(0)));
        assert_eq!(Levels::new(17), Err(LevelsError(17)));
    }
}
