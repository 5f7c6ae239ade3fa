//! Why the network can't start.

use std::path::PathBuf;

use libp2p::Multiaddr;

/// Why the network can't start.
#[derive(Debug, thiserror::Error)]
pub enum P2pError {
    /// The file of the identity key can't be read or written.
    #[error("identity key {}: {source}", path.display())]
    IdentityFile { path: PathBuf, source: std::io::Error },
    /// The file of the identity key has something else.
    #[error("identity key {}: expected an Ed25519 key in 64 hexadecimal digits", path.display())]
    IdentityFormat { path: PathBuf },
    /// Others can read the file of the identity key.
    #[error("identity key {}: expected mode 0600, got {mode:04o}: others can read the key", path.display())]
    IdentityMode { path: PathBuf, mode: u32 },
    /// An address of a bootnode doesn't say which peer is there.
    #[error("bootnode {0}: expected an address that ends with /p2p/ and the id of the peer")]
    BootnodeWithoutPeer(Multiaddr),
    /// A bootnode's id isn't the one of an Ed25519 key.
    #[error("bootnode {0}: expected the id of an Ed25519 key")]
    BootnodeKey(Multiaddr),
    /// The node can't listen at an address: it is taken, or not this machine's.
    #[error("can't listen at {address}: {reason}")]
    Listen { address: Multiaddr, reason: String },
    /// There is no address to listen at.
    #[error("expected at least one address to listen at, got none")]
    NothingToListen,
    /// A setting has an impossible value.
    #[error("expected {expected} for {setting}, got {actual}")]
    Setting { setting: &'static str, expected: &'static str, actual: String },
    /// The machine's configuration of DNS can't be read, or a protocol can't be set up.
    #[error("the network can't be set up: {0}")]
    Setup(String),
}
