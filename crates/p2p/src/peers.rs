//! What is known about each peer: budgets, faults and bans. No IO; the time is an argument.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fernet_network::PeerId;

use crate::config::Limits;
use crate::status::Ban;

/// A budget that fills steadily.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    capacity: u64,
    /// Time in which an empty bucket fills.
    period: Duration,
    left: f64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn new(capacity: u64, period: Duration, now: Instant) -> Self {
        Self { capacity, period, left: capacity as f64, at: now }
    }

    /// Takes `amount`, if there is so much.
    pub(crate) fn take(&mut self, amount: u64, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f64() / self.period.as_secs_f64();
        let capacity = self.capacity as f64;
        self.left = (self.left + passed * capacity).min(capacity);
        self.at = now;
        let amount = amount as f64;
        let is_enough = self.left >= amount;
        if is_enough {
            self.left -= amount;
        }
        is_enough
    }
}

/// A peer that is connected, or was until recently.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) gossip: Bucket,
    pub(crate) served: Bucket,
    pub(crate) quotes: Bucket,
    pub(crate) gossip_bytes: u64,
    pub(crate) served_bytes: u64,
    /// Wrong answers, halved every [`FAULT_HALF_LIFE`].
    faults: f64,
    faults_at: Instant,
    seen_at: Instant,
}

/// Time in which half of a peer's faults are forgotten.
const FAULT_HALF_LIFE: Duration = Duration::from_secs(300);

/// Time that a peer is remembered after its last message, so that it can't begin anew by connecting again.
const REMEMBERED: Duration = Duration::from_secs(900);

/// Peers that are remembered.
const MAX_REMEMBERED: usize = 4096;

/// Peers and bans.
#[derive(Debug)]
pub(crate) struct Peers {
    limits: Limits,
    peers: BTreeMap<PeerId, Peer>,
    bans: BTreeMap<PeerId, Instant>,
    /// Budget of all peers together.
    served: Bucket,
}

impl Peers {
    pub(crate) fn new(limits: Limits, now: Instant) -> Self {
        let served = Bucket::new(limits.served_bytes, Duration::from_secs(60), now);
        Self { limits, peers: BTreeMap::new(), bans: BTreeMap::new(), served }
    }

    /// The peer, which was seen at `now`.
    pub(crate) fn get(&mut self, peer: PeerId, now: Instant) -> &mut Peer {
        if self.peers.len() >= MAX_REMEMBERED && !self.peers.contains_key(&peer) {
            let oldest = self.peers.iter().min_by_key(|(_, peer)| peer.seen_at).map(|(peer, _)| *peer);
            if let Some(oldest) = oldest {
                self.peers.remove(&oldest);
            }
        }
        let limits = self.limits;
        let minute = Duration::from_secs(60);
        let peer = self.peers.entry(peer).or_insert_with(|| Peer {
            gossip: Bucket::new(limits.gossip_bytes_per_peer * 10, Duration::from_secs(10), now),
            served: Bucket::new(limits.served_bytes_per_peer, minute, now),
            quotes: Bucket::new(limits.quote_requests_per_peer, minute, now),
            gossip_bytes: 0,
            served_bytes: 0,
            faults: 0.0,
            faults_at: now,
            seen_at: now,
        });
        peer.seen_at = now;
        peer
    }

    /// Whether `bytes` of bodies may be served to `peer` now.
    pub(crate) fn may_serve(&mut self, peer: PeerId, bytes: u64, now: Instant) -> bool {
        // The peer's own budget comes first: what it is refused doesn't burden the others.
        let may = self.get(peer, now).served.take(bytes, now) && self.served.take(bytes, now);
        if may {
            self.get(peer, now).served_bytes += bytes;
        }
        may
    }

    /// Counts a wrong answer, and returns the part of the score that all of the peer's faults give.
    pub(crate) fn blame(&mut self, peer: PeerId, now: Instant) -> f64 {
        let peer = self.get(peer, now);
        let passed = now.saturating_duration_since(peer.faults_at).as_secs_f64();
        peer.faults = peer.faults * 0.5_f64.powf(passed / FAULT_HALF_LIFE.as_secs_f64()) + 1.0;
        peer.faults_at = now;
        fault_score(peer.faults)
    }

    /// The part of a peer's score that its faults give.
    pub(crate) fn fault_score(&self, peer: PeerId, now: Instant) -> f64 {
        self.peers.get(&peer).map_or(0.0, |peer| {
            let passed = now.saturating_duration_since(peer.faults_at).as_secs_f64();
            fault_score(peer.faults * 0.5_f64.powf(passed / FAULT_HALF_LIFE.as_secs_f64()))
        })
    }

    pub(crate) fn ban(&mut self, peer: PeerId, now: Instant) {
        self.bans.insert(peer, now + self.limits.ban);
    }

    pub(crate) fn is_banned(&self, peer: PeerId) -> bool {
        self.bans.contains_key(&peer)
    }

    /// Ends bans that are over and forgets peers that weren't seen for long. Returns the former.
    pub(crate) fn prune(&mut self, now: Instant) -> Vec<PeerId> {
        let over: Vec<PeerId> =
            self.bans.iter().filter(|(_, until)| **until <= now).map(|(peer, _)| *peer).collect();
        over.iter().for_each(|peer| {
            self.bans.remove(peer);
            self.peers.remove(peer);
        });
        self.peers.retain(|_, peer| now.saturating_duration_since(peer.seen_at) < REMEMBERED);
        over
    }

    pub(crate) fn bans(&self, now: Instant) -> Vec<Ban> {
        let ban =
            |(id, until): (&PeerId, &Instant)| Ban { id: *id, left: until.saturating_duration_since(now) };
        self.bans.iter().map(ban).collect()
    }
}

/// A few wrong answers are forgiven; ten are a ban.
fn fault_score(faults: f64) -> f64 {
    -(faults * faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: PeerId = PeerId::new([1; 32]);

    #[test]
    fn a_budget_fills_steadily_and_never_overflows() {
        let start = Instant::now();
        let second = |seconds| start + Duration::from_secs(seconds);
        let mut bucket = Bucket::new(100, Duration::from_secs(10), start);
        assert!(bucket.take(100, start) && !bucket.take(1, start));
        assert!(bucket.take(20, second(2)) && !bucket.take(10, second(2)));
        assert!(!bucket.take(101, second(1000)) && bucket.take(100, second(1000)));
    }

    #[test]
    fn one_peer_cannot_take_what_all_may_have() {
        let start = Instant::now();
        let limits = Limits { served_bytes_per_peer: 10, served_bytes: 25, ..Limits::default() };
        let mut peers = Peers::new(limits, start);
        let peer = |number| PeerId::new([number; 32]);
        assert!(peers.may_serve(peer(1), 10, start) && !peers.may_serve(peer(1), 10, start));
        assert!(peers.may_serve(peer(2), 10, start) && !peers.may_serve(peer(3), 10, start));
        assert!(peers.may_serve(peer(4), 5, start));
    }

    #[test]
    fn ten_wrong_answers_are_a_ban_unless_they_are_long_ago() {
        let start = Instant::now();
        let mut peers = Peers::new(Limits::default(), start);
        for _ in 0..3 {
            assert!(peers.blame(PEER, start) > -100.0);
        }
        for _ in 3..10 {
            peers.blame(PEER, start);
        }
        assert!(peers.fault_score(PEER, start) <= -100.0);
        assert!(peers.fault_score(PEER, start + FAULT_HALF_LIFE) > -100.0);
    }

    #[test]
    fn a_ban_ends_and_memory_is_bounded() {
        let start = Instant::now();
        let mut peers = Peers::new(Limits { ban: Duration::from_secs(5), ..Limits::default() }, start);
        peers.ban(PEER, start);
        assert!(peers.is_banned(PEER));
        assert_eq!(peers.prune(start + Duration::from_secs(4)), []);
        assert_eq!(peers.prune(start + Duration::from_secs(5)), [PEER]);
        assert!(!peers.is_banned(PEER));
        for number in 0..2 * MAX_REMEMBERED as u64 {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            peers.get(PeerId::new(key), start);
        }
        assert_eq!(peers.peers.len(), MAX_REMEMBERED);
        peers.prune(start + REMEMBERED);
        assert_eq!(peers.peers.len(), 0);
    }
}
