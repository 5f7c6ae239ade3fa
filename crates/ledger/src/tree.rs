//! The state tree: accounts as leaves of a sparse tree of arity four.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use ark_ff::AdditiveGroup;

use crate::account::{Account, AccountIndex, leaf};
use crate::field::Fr;
use crate::poseidon;

/// Children of a node.
pub const ARITY: usize = 4;
/// Bits of an index that one level consumes.
pub const ARITY_BITS: u32 = 2;
/// Levels at which every 32-bit index has a leaf.
pub const MAX_LEVELS: u8 = 16;

/// How many levels of nodes a tree has above its leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Levels(u8);

/// A number of levels that no tree has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {MAX_LEVELS} tree levels, got {0}")]
pub struct LevelsError(u8);

impl Levels {
    /// The levels of a deployment: room for 2^32 accounts.
    pub const PRODUCTION: Self = Self(MAX_LEVELS);

    /// A tree of `levels` levels.
    ///
    /// # Errors
    /// When there would be none, or more than 16.
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
        // At most 2^32.
        1u64.checked_shl(u32::from(self.0).saturating_mul(ARITY_BITS)).unwrap_or(u64::MAX)
    }
}

/// A node: level 0 holds the leaves, the last level the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodePosition {
    /// Levels above the leaves.
    pub level: u8,
    /// Place within the level, from the left.
    pub index: u32,
}

impl NodePosition {
    fn leaf(index: AccountIndex) -> Self {
        Self { level: 0, index: index.get() }
    }

    fn parent(self) -> Self {
        Self { level: self.level.saturating_add(1), index: self.index >> ARITY_BITS }
    }

    /// The four children, none of a leaf.
    fn children(self) -> Option<[Self; ARITY]> {
        let level = self.level.checked_sub(1)?;
        Some([0, 1, 2, 3].map(|place| Self { level, index: (self.index << ARITY_BITS) | place }))
    }

    /// The four children of this node's parent, itself among them.
    fn family(self) -> [Self; ARITY] {
        [0, 1, 2, 3].map(|place| Self { level: self.level, index: (self.index & !3) | place })
    }
}

/// Where a state is read from. A store holds only what differs from the empty tree.
pub trait Store {
    /// The account at `index`, if there is one.
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

/// Accounts and nodes that a state has on top of its store.
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
    /// Takes over what a state changed on top of this store.
    pub fn commit(&mut self, changes: Changes) {
        self.contents.accounts.extend(changes.accounts);
        self.contents.nodes.extend(changes.nodes);
    }

    /// All accounts, in no order.
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

/// An account with the path from its leaf to the root, before an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Whose leaf.
    pub index: AccountIndex,
    /// What is there.
    pub account: Option<Account>,
    /// For each level, leaves first, the other three children of the parent, from the left.
    pub siblings: Vec<[Fr; ARITY - 1]>,
}

/// A state: a store and what was changed since. Changes stay here until the owner commits them, so dropping a state
/// undoes everything; a state is itself a store, so that states can be stacked.
///
/// Nodes above changed accounts are hashed when somebody asks for them: most are asked for once a chunk, not once an
/// operation.
#[derive(Debug, Clone)]
pub struct State<S> {
    store: S,
    levels: Levels,
    changes: Changes,
    /// Nodes whose hashes in `changes` are missing or out of date. What is above such a node is stale too.
    stale: HashSet<NodePosition>,
}

impl<S: Store> State<S> {
    /// The state that `store` holds.
    pub fn new(store: S, levels: Levels) -> Self {
        Self { store, levels, changes: Changes::default(), stale: HashSet::new() }
    }

    /// The tree's levels.
    pub const fn levels(&self) -> Levels {
        self.levels
    }

    /// The root.
    pub fn root(&self) -> Fr {
        self.hash(self.top())
    }

    /// The account at `index` with its path.
    pub fn opening(&mut self, index: AccountIndex) -> Opening {
        let mut position = NodePosition::leaf(index);
        let siblings = (0..self.levels.get())
            .map(|_| {
                let mut others = position.family().into_iter().filter(|member| *member != position);
                let siblings = [(); ARITY - 1].map(|()| others.next().map_or(Fr::ZERO, |p| self.refresh(p)));
                position = position.parent();
                siblings
            })
            .collect();
        Opening { index, account: self.account(index), siblings }
    }

    /// Puts `account` at `index`.
    pub(crate) fn set(&mut self, index: AccountIndex, account: Account) {
        self.changes.accounts.insert(index, account);
        let mut position = NodePosition::leaf(index);
        while self.stale.insert(position) && position.level < self.levels.get() {
            position = position.parent();
        }
    }

    /// Hashes everything above changed accounts, so that asking for it again costs nothing.
    pub(crate) fn settle(&mut self) {
        self.refresh(self.top());
    }

    /// What was changed, for the store to take over.
    pub fn into_changes(mut self) -> Changes {
        self.settle();
        self.changes
    }

    fn top(&self) -> NodePosition {
        NodePosition { level: self.levels.get(), index: 0 }
    }

    fn hash(&self, position: NodePosition) -> Fr {
        self.node(position).unwrap_or_else(|| empty(position.level))
    }

    /// The hash at `position`, kept from now on.
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
    /// The state without accounts, in memory.
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

/// Root of an empty subtree whose root is `level` levels above its leaves.
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
    fn climb(opening: &Opening, leaf: Fr) -> Fr {
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
            assert_eq!(climb(&opening, leaf(opening.account.as_ref())), state.root());
            let new = account(number as u64);
            state.set(index, new);
            assert_eq!(climb(&opening, new.leaf()), state.root());
            if number % 2 == 0 {
                state.settle();
                assert_eq!(climb(&opening, new.leaf()), state.root());
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
        assert_eq!(climb(&opening, account(1).leaf()), state.root());
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
