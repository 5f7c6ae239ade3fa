//! The next nonce, and gaps between nonces.

use std::collections::BTreeSet;

/// The lowest nonce that neither the chain nor a pending transaction (`taken`) uses.
pub(crate) fn next_free(chain: u64, taken: &BTreeSet<u64>) -> u64 {
    let mut nonce = chain;
    while taken.contains(&nonce) {
        nonce = nonce.saturating_add(1);
    }
    nonce
}

/// Unused nonces below the highest taken one. Transactions above such a gap can't be mined.
pub(crate) fn gaps(chain: u64, taken: &BTreeSet<u64>) -> Vec<u64> {
    let Some(&highest) = taken.last() else { return Vec::new() };
    (chain..highest).filter(|nonce| !taken.contains(nonce)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unused_nonce_comes_before_a_new_one() {
        let taken = BTreeSet::from([4, 5, 7]);
        assert_eq!(next_free(4, &taken), 6);
        assert_eq!(next_free(3, &taken), 3);
        assert_eq!(next_free(8, &taken), 8);
        assert_eq!(gaps(3, &taken), [3, 6]);
        assert_eq!(gaps(5, &taken), [6]);
        assert!(gaps(8, &taken).is_empty());
        assert!(gaps(0, &BTreeSet::new()).is_empty());
    }
}
