//! Where provers can be reached, as the roles accepted it.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use fernet_network::{PeerId, SignedContact};

/// Provers that are remembered. Each has escrow on L1, or its contact wasn't accepted.
const MAX_CONTACTS: usize = 256;

/// Seconds that a contact is valid.
pub(crate) const CONTACT_SECONDS: u64 = 3600;

/// Seconds before the end of a contact in which a new one is signed.
pub(crate) const RENEWAL_SECONDS: u64 = 1800;

/// Seconds that clocks may differ.
const CLOCK_SKEW: u64 = 600;

/// Contacts by prover.
#[derive(Debug, Default)]
pub(crate) struct Contacts(BTreeMap<Address, SignedContact>);

/// Whether a contact says anything at `now`: it isn't over, and doesn't last longer than contacts do.
pub(crate) const fn is_current(expires_at: u64, now: u64) -> bool {
    expires_at > now && expires_at <= now.saturating_add(CONTACT_SECONDS + CLOCK_SKEW)
}

impl Contacts {
    /// Adds a contact, in place of an earlier one of the prover. If there is no room, the one that ends first
    /// makes it.
    pub(crate) fn insert(&mut self, signed: SignedContact) {
        let prover = signed.contact.prover;
        if self.0.get(&prover).is_some_and(|known| known.contact.expires_at >= signed.contact.expires_at) {
            return;
        }
        self.0.insert(prover, signed);
        while self.0.len() > MAX_CONTACTS {
            let first = self.0.iter().min_by_key(|(_, known)| known.contact.expires_at);
            if let Some(first) = first.map(|(prover, _)| *prover) {
                self.0.remove(&first);
            }
        }
    }

    /// Whether this contact, or a later one of the prover, is known.
    pub(crate) fn is_known(&self, signed: &SignedContact) -> bool {
        let known = self.0.get(&signed.contact.prover);
        known.is_some_and(|known| known.contact.expires_at >= signed.contact.expires_at)
    }

    /// Removes contacts that are over.
    pub(crate) fn prune(&mut self, now: u64) {
        self.0.retain(|_, known| known.contact.expires_at > now);
    }

    pub(crate) fn get(&self, prover: Address) -> Option<&SignedContact> {
        self.0.get(&prover)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &SignedContact> {
        self.0.values()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether `peer` answers for `prover`.
    pub(crate) fn is_peer_of(&self, peer: PeerId, prover: Address) -> bool {
        self.0.get(&prover).is_some_and(|known| known.contact.peer == peer)
    }
}

#[cfg(test)]
mod tests {
    use fernet_network::ProverContact;

    use super::*;

    fn contact(prover: u64, expires_at: u64) -> SignedContact {
        let prover = Address::left_padding_from(&prover.to_be_bytes());
        let peer = PeerId::new([1; 32]);
        let contact = ProverContact { prover, peer, addresses: Vec::new(), expires_at };
        SignedContact { contact, signature: vec![1; 65].into() }
    }

    #[test]
    fn the_latest_contact_of_a_prover_counts_until_it_ends() {
        let mut contacts = Contacts::default();
        contacts.insert(contact(1, 20));
        contacts.insert(contact(1, 10));
        assert_eq!(contacts.iter().collect::<Vec<_>>(), [&contact(1, 20)]);
        assert!(contacts.is_known(&contact(1, 15)) && !contacts.is_known(&contact(1, 21)));
        contacts.prune(19);
        assert_eq!(contacts.len(), 1);
        contacts.prune(20);
        assert_eq!(contacts.len(), 0);
        for prover in 0..=MAX_CONTACTS as u64 {
            contacts.insert(contact(prover, 100 + prover));
        }
        assert_eq!(contacts.len(), MAX_CONTACTS);
        assert!(contacts.get(contact(0, 0).contact.prover).is_none());
    }

    #[test]
    fn a_contact_may_not_last_for_ever() {
        assert!(is_current(1 + 100, 100) && is_current(100 + CONTACT_SECONDS, 100));
        assert!(!is_current(100, 100) && !is_current(u64::MAX, 100));
    }
}
