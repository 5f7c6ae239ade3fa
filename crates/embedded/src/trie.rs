//! A persistent Merkle Patricia trie: a copy costs one reference count, so that the chain keeps one per
//! block.
//!
//! Keys are 32 byte hashes, hence no branch ever carries a value (Yellow Paper, appendix D). Every node
//! remembers its encoding, and an update copies only the nodes on the way to the leaf; the root of a block
//! that touched n leaves costs O(n log size) hashes whatever the size of the state.

use std::sync::{Arc, OnceLock};

use alloy::{
    primitives::{B256, Bytes, U256, keccak256},
    rlp::Encodable,
    trie::{
        EMPTY_ROOT_HASH, Nibbles, TrieMask,
        nodes::{BranchNodeRef, ExtensionNodeRef, LeafNodeRef, RlpNode},
    },
};

/// What a leaf holds.
pub(crate) trait Leaf: Clone {
    /// Appends the RLP encoding that the leaf's hash is made of.
    fn encode_leaf(&self, out: &mut Vec<u8>);
}

impl Leaf for U256 {
    fn encode_leaf(&self, out: &mut Vec<u8>) {
        self.encode(out);
    }
}

type Link<V> = Arc<Node<V>>;

#[derive(Debug)]
enum Kind<V> {
    Leaf { path: Nibbles, value: V },
    Extension { path: Nibbles, child: Link<V> },
    Branch { children: [Option<Link<V>>; 16] },
}

#[derive(Debug)]
struct Node<V> {
    kind: Kind<V>,
    /// The node's encoding, or its hash if that is shorter; filled on first use.
    reference: OnceLock<RlpNode>,
}

/// A trie from hashed keys to `V`.
#[derive(Debug)]
pub(crate) struct Trie<V> {
    root: Option<Link<V>>,
}

impl<V> Clone for Trie<V> {
    fn clone(&self) -> Self {
        Self { root: self.root.clone() }
    }
}

impl<V> Default for Trie<V> {
    fn default() -> Self {
        Self { root: None }
    }
}

impl<V: Leaf> Trie<V> {
    /// The value under a key that is already hashed.
    pub(crate) fn get(&self, key: B256) -> Option<&V> {
        let mut rest = Nibbles::unpack(key);
        let mut node = self.root.as_deref()?;
        loop {
            match &node.kind {
                Kind::Leaf { path, value } => return (*path == rest).then_some(value),
                Kind::Extension { path, child } => {
                    if !rest.starts_with(path) {
                        return None;
                    }
                    rest = rest.slice(path.len()..);
                    node = child;
                }
                Kind::Branch { children } => {
                    let index = usize::from(rest.first()?);
                    node = children.get(index)?.as_deref()?;
                    rest = rest.slice(1..);
                }
            }
        }
    }

    /// Sets the value under a hashed key.
    pub(crate) fn insert(&mut self, key: B256, value: V) {
        let path = Nibbles::unpack(key);
        self.root = Some(match self.root.take() {
            None => Node::leaf(path, value),
            Some(root) => insert(&root, path, value),
        });
    }

    /// Removes a hashed key, present or not.
    pub(crate) fn remove(&mut self, key: B256) {
        if let Some(root) = &self.root
            && let Some(replacement) = remove(root, Nibbles::unpack(key))
        {
            self.root = replacement;
        }
    }

    /// The Merkle root.
    pub(crate) fn root(&self) -> B256 {
        match &self.root {
            None => EMPTY_ROOT_HASH,
            Some(root) => {
                let reference = root.reference();
                reference.as_hash().unwrap_or_else(|| keccak256(reference.as_slice()))
            }
        }
    }

    /// The nodes from the root towards a hashed key, as `eth_getProof` lists them; nodes that are embedded in
    /// their parent (shorter than 32 bytes) aren't listed.
    pub(crate) fn proof(&self, key: B256) -> Vec<Bytes> {
        let mut proof = Vec::new();
        let mut rest = Nibbles::unpack(key);
        let mut next = self.root.as_deref();
        while let Some(node) = next {
            if proof.is_empty() || node.reference().is_hash() {
                proof.push(Bytes::from(node.encode()));
            }
            next = match &node.kind {
                Kind::Leaf { .. } => None,
                Kind::Extension { path, child } if rest.starts_with(path) => {
                    rest = rest.slice(path.len()..);
                    Some(child.as_ref())
                }
                Kind::Extension { .. } => None,
                Kind::Branch { children } => {
                    let child = rest.first().and_then(|nibble| children.get(usize::from(nibble)));
                    if child.is_some() {
                        rest = rest.slice(1..);
                    }
                    child.and_then(Option::as_deref)
                }
            };
        }
        proof
    }
}

impl<V: Leaf> Node<V> {
    fn new(kind: Kind<V>) -> Link<V> {
        Arc::new(Self { kind, reference: OnceLock::new() })
    }

    fn leaf(path: Nibbles, value: V) -> Link<V> {
        Self::new(Kind::Leaf { path, value })
    }

    /// A node with a path in front; no path leaves the node as it is.
    fn extension(path: Nibbles, child: Link<V>) -> Link<V> {
        if path.is_empty() { child } else { Self::new(Kind::Extension { path, child }) }
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match &self.kind {
            Kind::Leaf { path, value } => {
                let mut encoded = Vec::new();
                value.encode_leaf(&mut encoded);
                LeafNodeRef::new(path, &encoded).encode(&mut out);
            }
            Kind::Extension { path, child } => {
                ExtensionNodeRef::new(path, child.reference().as_slice()).encode(&mut out);
            }
            Kind::Branch { children } => {
                let mut mask = 0u16;
                let mut stack = Vec::with_capacity(16);
                for (index, child) in children.iter().enumerate() {
                    if let Some(child) = child {
                        mask |= 1 << index;
                        stack.push(child.reference().clone());
                    }
                }
                BranchNodeRef::new(&stack, TrieMask::new(mask)).encode(&mut out);
            }
        }
        out
    }

    fn reference(&self) -> &RlpNode {
        self.reference.get_or_init(|| RlpNode::from_rlp(&self.encode()))
    }
}

fn insert<V: Leaf>(node: &Link<V>, rest: Nibbles, value: V) -> Link<V> {
    match &node.kind {
        Kind::Leaf { path, .. } if *path == rest => Node::leaf(rest, value),
        Kind::Leaf { path, value: old } => {
            let shared = path.common_prefix_length(&rest);
            let mut children: [Option<Link<V>>; 16] = Default::default();
            for (path, value) in [(*path, old.clone()), (rest, value)] {
                if let Some(nibble) = path.get(shared) {
                    children[usize::from(nibble)] = Some(Node::leaf(path.slice(shared + 1..), value));
                }
            }
            Node::extension(rest.slice(..shared), Node::new(Kind::Branch { children }))
        }
        Kind::Extension { path, child } => {
            let shared = path.common_prefix_length(&rest);
            if shared == path.len() {
                return Node::extension(*path, insert(child, rest.slice(shared..), value));
            }
            let mut children: [Option<Link<V>>; 16] = Default::default();
            if let (Some(old), Some(new)) = (path.get(shared), rest.get(shared)) {
                children[usize::from(old)] =
                    Some(Node::extension(path.slice(shared + 1..), Arc::clone(child)));
                children[usize::from(new)] = Some(Node::leaf(rest.slice(shared + 1..), value));
            }
            Node::extension(rest.slice(..shared), Node::new(Kind::Branch { children }))
        }
        Kind::Branch { children } => {
            let mut children = children.clone();
            if let Some(nibble) = rest.first() {
                let slot = &mut children[usize::from(nibble)];
                let rest = rest.slice(1..);
                *slot = Some(match slot.take() {
                    None => Node::leaf(rest, value),
                    Some(child) => insert(&child, rest, value),
                });
            }
            Node::new(Kind::Branch { children })
        }
    }
}

/// What stands in the node's place without the key: `None` if the key isn't there, `Some(None)` if nothing is
/// left.
#[allow(clippy::option_option)] // the two questions are distinct
fn remove<V: Leaf>(node: &Link<V>, rest: Nibbles) -> Option<Option<Link<V>>> {
    match &node.kind {
        Kind::Leaf { path, .. } => (*path == rest).then_some(None),
        Kind::Extension { path, child } => {
            if !rest.starts_with(path) {
                return None;
            }
            let child = remove(child, rest.slice(path.len()..))?;
            Some(child.map(|child| prefixed(*path, child)))
        }
        Kind::Branch { children } => {
            let nibble = usize::from(rest.first()?);
            let replacement = remove(children.get(nibble)?.as_ref()?, rest.slice(1..))?;
            let mut children = children.clone();
            children[nibble] = replacement;
            let mut present = (0u8..16).filter(|index| children[usize::from(*index)].is_some());
            match (present.next(), present.next()) {
                (None, _) => Some(None),
                (Some(only), None) => {
                    let child = children[usize::from(only)].take()?;
                    Some(Some(prefixed(Nibbles::from_nibbles([only]), child)))
                }
                _ => Some(Some(Node::new(Kind::Branch { children }))),
            }
        }
    }
}

/// A node moved down by a path, merged with the node's own path where it has one.
fn prefixed<V: Leaf>(path: Nibbles, node: Link<V>) -> Link<V> {
    match &node.kind {
        Kind::Leaf { path: own, value } => Node::leaf(path.join(own), value.clone()),
        Kind::Extension { path: own, child } => Node::extension(path.join(own), Arc::clone(child)),
        Kind::Branch { .. } => Node::extension(path, node),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use alloy::trie::{proof::verify_proof, root::storage_root};

    use super::*;

    /// A stream of numbers that never changes: the index hashed.
    fn number(index: u64) -> u64 {
        u64::from_be_bytes(keccak256(index.to_be_bytes())[..8].try_into().expect("eight bytes"))
    }

    #[test]
    fn agrees_with_the_reference_after_every_change() {
        let mut trie = Trie::<U256>::default();
        let mut model = BTreeMap::new();
        for step in 0..600u64 {
            let random = number(step);
            // few keys, so that removals hit, and neighbours share long prefixes
            let mut key = keccak256((random % 40).to_be_bytes());
            if random & 1 == 0 {
                key = B256::with_last_byte((random >> 8) as u8 % 24);
            }
            if (random >> 16).is_multiple_of(3) {
                trie.remove(key);
                model.remove(&key);
            } else {
                trie.insert(key, U256::from(random));
                model.insert(key, U256::from(random));
            }
            assert_eq!(trie.root(), storage_root(model.clone()), "after step {step}");
        }
        for (key, value) in &model {
            assert_eq!(trie.get(*key), Some(value));
        }
        for key in model.keys().copied().collect::<Vec<_>>() {
            trie.remove(key);
        }
        assert_eq!(trie.root(), EMPTY_ROOT_HASH);
    }

    #[test]
    fn proofs_verify_for_present_and_absent_keys() {
        let mut trie = Trie::<U256>::default();
        for index in 0..100u64 {
            trie.insert(keccak256(index.to_be_bytes()), U256::from(index + 1));
        }
        for index in 0..120u64 {
            let key = keccak256(index.to_be_bytes());
            let expected = (index < 100).then(|| alloy::rlp::encode(U256::from(index + 1)));
            let proof = trie.proof(key);
            verify_proof(trie.root(), Nibbles::unpack(key), expected, &proof).expect("proof holds");
        }
    }

    #[test]
    fn a_copy_keeps_its_contents() {
        let mut trie = Trie::<U256>::default();
        let key = keccak256(b"key");
        trie.insert(key, U256::ONE);
        let copy = trie.clone();
        trie.insert(key, U256::from(2));
        trie.insert(keccak256(b"other"), U256::from(3));
        assert_eq!(copy.get(key), Some(&U256::ONE));
        assert_eq!(copy.get(keccak256(b"other")), None);
        assert_ne!(copy.root(), trie.root());
    }
}
