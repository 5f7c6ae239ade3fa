//! What the node says about itself: for metrics, health checks and operators.

use std::time::Duration;

use fernet_network::PeerId;
use libp2p::Multiaddr;

/// The state of the network, at most a second old.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// This node.
    pub id: PeerId,
    /// This node's name in addresses.
    pub libp2p_id: String,
    /// Addresses at which it listens.
    pub listening: Vec<Multiaddr>,
    /// Addresses at which others reach it, as configured or found out.
    pub external: Vec<Multiaddr>,
    /// Connected peers.
    pub peers: Vec<PeerStatus>,
    /// Banned peers.
    pub bans: Vec<Ban>,
    /// Provers whose contacts are known.
    pub provers: usize,
    /// Bytes of the bodies that are kept.
    pub body_bytes: usize,
    /// What happened since the start.
    pub counters: Counters,
}

/// Who began a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The peer.
    Inbound,
    /// This node.
    Outbound,
}

/// A connected peer.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerStatus {
    /// The peer.
    pub id: PeerId,
    /// Its address.
    pub address: Multiaddr,
    /// Who began the connection.
    pub direction: Direction,
    /// What it calls itself.
    pub agent: Option<String>,
    /// Its score: 0 or above for one that did nothing wrong, and below -100 it is banned.
    pub score: f64,
    /// Bytes of gossip that it sent.
    pub gossip_bytes: u64,
    /// Bytes of bodies that it fetched.
    pub served_bytes: u64,
}

/// A banned peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ban {
    /// The peer.
    pub id: PeerId,
    /// Time until it may come back.
    pub left: Duration,
}

/// Numbers since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Messages of gossip that arrived, once each.
    pub received: u64,
    /// Bytes of gossip that arrived.
    pub gossip_bytes: u64,
    /// Bytes of bodies that were served.
    pub served_bytes: u64,
    /// Messages that a role accepted.
    pub accepted: u64,
    /// Those that every role ignored.
    pub ignored: u64,
    /// Those that a role rejected, or whose bytes are no message.
    pub rejected: u64,
    /// Those that were dropped because their peer sent too much.
    pub over_budget: u64,
    /// Operations that this node published.
    pub operations: u64,
    /// Messages in which it published them.
    pub batches: u64,
    /// Messages that were given up because no peer took them for a minute.
    pub unsent: u64,
    /// Bodies that this node served.
    pub bodies_served: u64,
    /// Requests for bodies that it refused because of a budget.
    pub bodies_refused: u64,
    /// Bodies that it fetched and found right.
    pub bodies_fetched: u64,
    /// Bodies that it fetched and found wrong.
    pub bodies_wrong: u64,
    /// Requests for quotes that it answered with a quote.
    pub quotes_given: u64,
    /// Requests for quotes that it declined.
    pub quotes_declined: u64,
    /// Peers of another rollup or chain, or without an Ed25519 key, that were disconnected.
    pub foreign_peers: u64,
    /// Bans.
    pub bans: u64,
    /// Attempts to reach a bootnode.
    pub bootnode_dials: u64,
}
