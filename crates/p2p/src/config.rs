//! Settings of the network.

use std::time::Duration;

use fernet_network::bodies::KEPT_BODY_BYTES;
use fernet_network::inbox::INBOX_BYTES;
use fernet_network::message::MAX_BODY_BYTES;
use fernet_protocol::RollupId;
use libp2p::Multiaddr;

use crate::error::P2pError;
use crate::identity::Identity;

/// Whether the node asks its router and its peers how others reach it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nat {
    /// It doesn't.
    #[default]
    Ignored,
    /// It asks the router to forward its ports (UPnP), and peers to dial it (AutoNAT).
    Asked,
}

/// Settings of a node.
#[derive(Debug, Clone)]
pub struct Config {
    /// The rollup. Peers of another rollup or chain speak other protocols.
    pub rollup: RollupId,
    /// This node's key.
    pub identity: Identity,
    /// Addresses to listen at.
    pub listen: Vec<Multiaddr>,
    /// Addresses at which others reach this node, if they aren't those that it listens at.
    pub external: Vec<Multiaddr>,
    /// Addresses of peers to begin with, each ending with `/p2p/` and the peer's id.
    pub bootnodes: Vec<Multiaddr>,
    /// Whether router and peers are asked how others reach this node.
    pub nat: Nat,
    /// What peers may take of this machine.
    pub limits: Limits,
}

/// What peers may take of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most peers.
    pub peers: u32,
    /// Most peers that dialled this node. The others are those that it chose itself, so that strangers can't
    /// take every place.
    pub inbound_peers: u32,
    /// Peers below which bootnodes are dialled again, and more peers are looked for.
    pub wanted_peers: u32,
    /// Bytes of memory of each role's inbox.
    pub inbox_bytes: usize,
    /// Bytes of the bodies that are kept and served.
    pub body_bytes: usize,
    /// Bytes of bodies that one peer may fetch in a minute; more takes until the next.
    pub served_bytes_per_peer: u64,
    /// Bytes of bodies that all peers together may fetch in a minute.
    pub served_bytes: u64,
    /// Bytes of gossip that one peer may send in a second, on average over ten.
    pub gossip_bytes_per_peer: u64,
    /// Requests for quotes that one peer may send in a minute.
    pub quote_requests_per_peer: u64,
    /// How long a peer that sent what is wrong is banned.
    pub ban: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            peers: 64,
            inbound_peers: 48,
            wanted_peers: 8,
            inbox_bytes: INBOX_BYTES,
            body_bytes: KEPT_BODY_BYTES,
            served_bytes_per_peer: 12 * MAX_BODY_BYTES as u64,
            served_bytes: 64 * MAX_BODY_BYTES as u64,
            gossip_bytes_per_peer: 512 << 10,
            quote_requests_per_peer: 60,
            ban: Duration::from_secs(600),
        }
    }
}

impl Config {
    /// The port of the protocol, for TCP and for QUIC.
    pub const PORT: u16 = 40_500;

    /// A node that only this machine reaches, on [`Self::PORT`].
    #[must_use]
    pub fn new(rollup: RollupId, identity: Identity) -> Self {
        Self {
            rollup,
            identity,
            listen: Self::loopback(Self::PORT),
            external: Vec::new(),
            bootnodes: Vec::new(),
            nat: Nat::Ignored,
            limits: Limits::default(),
        }
    }

    /// TCP and QUIC on one port of the loopback interface; on ports of the system's choice if it is 0.
    #[must_use]
    pub fn loopback(port: u16) -> Vec<Multiaddr> {
        use libp2p::multiaddr::Protocol;
        let at = |protocol| Multiaddr::from(std::net::Ipv4Addr::LOCALHOST).with(protocol);
        vec![at(Protocol::Tcp(port)), at(Protocol::Udp(port)).with(Protocol::QuicV1)]
    }

    /// The start of every protocol's name: the chain and the Rollup contract.
    #[must_use]
    pub fn protocol(&self) -> String {
        let RollupId { chain_id, address } = self.rollup;
        format!("/fernet/{}/{address:#x}", chain_id.get())
    }

    pub(crate) fn check(&self) -> Result<(), P2pError> {
        let Limits { peers, inbound_peers, wanted_peers, .. } = self.limits;
        if self.listen.is_empty() {
            return Err(P2pError::NothingToListen);
        }
        let settings = [
            ("inbound_peers", "at most the number of peers", inbound_peers, inbound_peers <= peers),
            ("wanted_peers", "at most the number of peers", wanted_peers, wanted_peers <= peers),
            ("peers", "at least 1", peers, peers > 0),
        ];
        match settings.into_iter().find(|(.., is_valid)| !is_valid) {
            Some((setting, expected, actual, _)) => {
                Err(P2pError::Setting { setting, expected, actual: actual.to_string() })
            }
            None => Ok(()),
        }
    }
}
