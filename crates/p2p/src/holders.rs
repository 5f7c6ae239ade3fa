//! Which peers said that they have a body.

use std::collections::{BTreeMap, VecDeque};

use alloy::primitives::B256;
use fernet_network::PeerId;

/// Headers that are remembered.
const MAX_HEADERS: usize = 256;

/// Peers that are remembered for a header.
const MAX_PEERS: usize = 8;

/// Peers by the hash of the header whose body they may have. The oldest headers make room for new ones.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    peers: BTreeMap<B256, Vec<PeerId>>,
    order: VecDeque<B256>,
}

impl Holders {
    /// Remembers that `peer` may have a body.
    pub(crate) fn insert(&mut self, header_hash: B256, peer: PeerId) {
        let peers = self.peers.entry(header_hash).or_insert_with(|| {
            self.order.push_back(header_hash);
            Vec::new()
        });
        if peers.len() < MAX_PEERS && !peers.contains(&peer) {
            peers.push(peer);
        }
        while self.order.len() > MAX_HEADERS {
            if let Some(oldest) = self.order.pop_front() {
                self.peers.remove(&oldest);
            }
        }
    }

    /// Peers that may have the body, first come first.
    pub(crate) fn of(&self, header_hash: B256) -> &[PeerId] {
        self.peers.get(&header_hash).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_claim_takes_bounded_memory() {
        let mut holders = Holders::default();
        let hash = |number: u64| B256::left_padding_from(&number.to_be_bytes());
        for number in 0..1000 {
            for peer in 0..20 {
                holders.insert(hash(number), PeerId::new([peer; 32]));
                holders.insert(hash(number), PeerId::new([peer; 32]));
            }
        }
        assert_eq!((holders.peers.len(), holders.order.len()), (MAX_HEADERS, MAX_HEADERS));
        assert_eq!(holders.of(hash(0)), []);
        assert_eq!(holders.of(hash(999)).len(), MAX_PEERS);
    }
}
