//! Opening and update of a leaf of the state tree.

use ark_ff::{BigInteger, PrimeField};
use fernet_ledger::{Fr, tree::ARITY};

use super::poseidon;
use crate::system::{Num, System};

/// Roots of a tree before and after the update of a leaf.
#[derive(Debug)]
pub(crate) struct Roots {
    pub(crate) before: Num,
    pub(crate) after: Num,
}

/// The roots of the two trees with `old` and `new` as the leaf at the index with these `bits`, least
/// significant first, and with `siblings` on its Merkle path. 601 constraints per level.
pub(crate) fn update(
    system: &mut System,
    bits: &[Num],
    siblings: &[[Fr; ARITY - 1]],
    old: &Num,
    new: &Num,
) -> Roots {
    let mut roots = Roots { before: old.clone(), after: new.clone() };
    for (position, siblings) in bits.as_chunks::<2>().0.iter().zip(siblings) {
        system.enter("merkle selection");
        let children = children(system, position, siblings, &roots.before);
        let changed = replace(system, &children.nums, &children.selectors, &(&roots.after - &roots.before));
        system.enter("merkle hashes");
        roots =
            Roots { before: poseidon::node(system, &children.nums), after: poseidon::node(system, &changed) };
    }
    roots
}

struct Children {
    nums: [Num; ARITY],
    /// For the children 1 to 3: one if the child is on the path.
    selectors: [Num; ARITY - 1],
}

/// Four children, of which the one at `position` is equal to `own`. 4 constraints.
fn children(system: &mut System, position: &[Num; 2], siblings: &[Fr; ARITY - 1], own: &Num) -> Children {
    let [low, high] = position;
    let both = system.multiply(low, high);
    let selectors = [low - &both, high - &both, both];

    let is_set = |bit: &Num| bit.value.into_bigint().is_odd();
    let selected = usize::from(is_set(low)) + 2 * usize::from(is_set(high));
    let mut others = siblings.iter();
    let nums: [Num; ARITY] = std::array::from_fn(|child| {
        let value = if child == selected { Some(&own.value) } else { others.next() };
        system.witness(value.copied().unwrap_or_default())
    });

    // own = c0 + Σ s_j · (c_j − c0)
    let [first, rest @ ..] = &nums;
    let mut left = own - first;
    for (selector, child) in selectors.iter().zip(rest).take(ARITY - 2) {
        left = &left - &system.multiply(selector, &(child - first));
    }
    if let (Some(selector), Some(child)) = (selectors.last(), rest.last()) {
        system.enforce(selector, &(child - first), &left);
    }
    Children { nums, selectors }
}

/// The children with `difference` added to the selected one. 3 constraints.
fn replace(
    system: &mut System,
    children: &[Num; ARITY],
    selectors: &[Num; ARITY - 1],
    difference: &Num,
) -> [Num; ARITY] {
    let mut changed = children.clone();
    let mut left = difference.clone();
    for (child, selector) in changed.iter_mut().skip(1).zip(selectors) {
        let added = system.multiply(selector, difference);
        left = &left - &added;
        *child = &*child + &added;
    }
    changed[0] = &changed[0] + &left;
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gadgets::bits;
    use fernet_ledger::poseidon::node;

    fn root_of(index: usize, siblings: &[[Fr; 3]], leaf: Fr) -> Fr {
        siblings.iter().enumerate().fold(leaf, |hash, (level, siblings)| {
            let mut children = siblings.to_vec();
            children.insert(index >> (2 * level) & 3, hash);
            node(children.try_into().unwrap())
        })
    }

    // rule: J3
    #[test]
    fn both_roots_are_the_trees() {
        let siblings: Vec<[Fr; 3]> =
            (0..3u64).map(|level| [1, 2, 3].map(|i| Fr::from(10 * level + i))).collect();
        let (old, new) = (Fr::from(100u64), Fr::from(200u64));
        for index in 0..64usize {
            let mut system = System::evaluating();
            let bits = bits::bits(&mut system, &Fr::from(index as u64), 6);
            let leaves = (system.witness(old), system.witness(new));
            let before = system.constraints();
            let roots = update(&mut system, &bits, &siblings, &leaves.0, &leaves.1);
            assert_eq!(system.violated(), None);
            assert_eq!(roots.before.value, root_of(index, &siblings, old));
            assert_eq!(roots.after.value, root_of(index, &siblings, new));
            assert_eq!(system.constraints() - before, 3 * 601);
        }
    }
}
