//! The network between machines: [`P2p`] implements the traits of `fernet-network` over libp2p.
//!
//! Operations, announcements of bodies and contacts of provers are gossip: gossipsub, anonymous, with ids
//! from content and the verdicts of the roles. Bodies and quotes are requests and responses. Everything that
//! strangers can make this node hold has a budget of bytes ([`Limits`]); a peer that sends what is wrong in
//! itself is disconnected and banned for a while. `docs/network.md` has the protocols, limits and scores.
//!
//! One task owns the sockets ([`P2p::start`] spawns it). Bounded channels lead to it, and dropping the last
//! handle ends it.

mod behaviour;
mod codec;
mod config;
mod contacts;
mod error;
mod handle;
mod holders;
mod identity;
mod node;
mod peers;
mod shared;
mod status;

pub use config::{Config, Limits, Nat};
pub use error::P2pError;
pub use handle::P2p;
pub use identity::{Identity, load_or_create_identity};
pub use libp2p::Multiaddr;
pub use status::{Ban, Counters, Direction, PeerStatus, Status};
