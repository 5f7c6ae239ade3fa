//! The key that names a node.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use alloy::primitives::hex;
use fernet_network::PeerId;
use libp2p::identity::{Keypair, ed25519};

use crate::error::P2pError;

/// A node's Ed25519 key. It names the node and authenticates its connections, and nothing else.
#[derive(Clone)]
pub struct Identity(Keypair);

impl std::fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Identity").field(&self.libp2p_id()).finish()
    }
}

impl Identity {
    /// A new key of the system's randomness, which no file keeps.
    #[must_use]
    pub fn generate() -> Self {
        Self(Keypair::generate_ed25519())
    }

    /// The key of these 32 secret bytes.
    #[must_use]
    pub fn from_secret(mut secret: [u8; 32]) -> Option<Self> {
        Keypair::ed25519_from_bytes(&mut secret).ok().map(Self)
    }

    /// The node's name as its peers see it.
    #[must_use]
    pub fn id(&self) -> PeerId {
        // An `Identity` has an Ed25519 key.
        let public = self.0.public().try_into_ed25519().map(|public| public.to_bytes());
        PeerId::new(public.unwrap_or_default())
    }

    /// The node's name in addresses, after `/p2p/`.
    #[must_use]
    pub fn libp2p_id(&self) -> libp2p::PeerId {
        self.0.public().to_peer_id()
    }

    pub(crate) const fn keypair(&self) -> &Keypair {
        &self.0
    }
}

/// The bytes before the key in the id of an Ed25519 key: the identity hash of 36 bytes, of type and length.
const ED25519_PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// A peer as the roles name it; `None` if its key isn't an Ed25519 key.
pub(crate) fn peer_id(peer: &libp2p::PeerId) -> Option<PeerId> {
    let bytes = peer.to_bytes();
    let key = bytes.strip_prefix(&ED25519_PREFIX)?;
    key.try_into().ok().map(PeerId::new)
}

/// A peer as libp2p names it; `None` if the bytes are no public key.
pub(crate) fn libp2p_id(peer: &PeerId) -> Option<libp2p::PeerId> {
    let key = ed25519::PublicKey::try_from_bytes(peer.get()).ok()?;
    Some(libp2p::identity::PublicKey::from(key).to_peer_id())
}

/// Reads the key of the file at `path`: its 32 secret bytes in hexadecimal. Without a file, writes a new key
/// there that only this user can read.
///
/// # Errors
/// When the file can't be read or written, has something else, or others can read it.
pub fn load_or_create_identity(path: &Path) -> Result<Identity, P2pError> {
    let failed = |source| P2pError::IdentityFile { path: path.to_owned(), source };
    match fs::read_to_string(path) {
        Ok(text) => {
            let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(P2pError::IdentityMode { path: path.to_owned(), mode });
            }
            let malformed = || P2pError::IdentityFormat { path: path.to_owned() };
            let secret: [u8; 32] = hex::decode_to_array(text.trim()).map_err(|_| malformed())?;
            Identity::from_secret(secret).ok_or_else(malformed)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let identity = Identity::generate();
            create(path, &identity).map_err(failed)?;
            Ok(identity)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Writes the whole file or none: first under another name, then under its own, unless it exists meanwhile.
fn create(path: &Path, identity: &Identity) -> std::io::Result<()> {
    let secret = identity.0.clone().try_into_ed25519().map_err(std::io::Error::other)?.secret();
    let temporary = path.with_extension("new");
    let _ = fs::remove_file(&temporary);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    writeln!(file, "{}", hex::encode(secret.as_ref()))?;
    file.sync_all()?;
    let linked = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    linked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_created_once_and_only_for_its_user() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity");
        let created = load_or_create_identity(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(load_or_create_identity(&path).unwrap().id(), created.id());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = load_or_create_identity(&path).unwrap_err();
        assert!(matches!(error, P2pError::IdentityMode { mode: 0o640, .. }), "{error}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        for text in ["", "00", "zz", &"ff".repeat(33)] {
            fs::write(&path, text).unwrap();
            let error = load_or_create_identity(&path).unwrap_err();
            assert!(matches!(error, P2pError::IdentityFormat { .. }), "{text:?}: {error}");
        }
        let error = load_or_create_identity(&folder.path().join("nowhere").join("identity")).unwrap_err();
        assert!(matches!(error, P2pError::IdentityFile { .. }), "{error}");
    }

    #[test]
    fn names_of_peers_are_the_same_on_both_sides() {
        let identity = Identity::from_secret([7; 32]).unwrap();
        assert_eq!(peer_id(&identity.libp2p_id()), Some(identity.id()));
        assert_eq!(libp2p_id(&identity.id()), Some(identity.libp2p_id()));
        // A peer whose key is hashed into its id has another kind of key.
        let other = libp2p::PeerId::random();
        assert_eq!(peer_id(&other), None);
    }
}
