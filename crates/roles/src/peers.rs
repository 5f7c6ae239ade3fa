//! Peers as a source of the newest blocks' data.

use std::{pin::Pin, sync::Arc};

use alloy::{eips::eip4844::Blob, primitives::B256};
use fernet_follower::Peers;
use fernet_network::Network;

/// Asks the peers of a network for the bodies that they announced.
pub struct NetworkPeers(Arc<dyn Network>);

impl NetworkPeers {
    /// The peers of `network`.
    #[must_use]
    pub fn new(network: Arc<dyn Network>) -> Self {
        Self(network)
    }
}

impl std::fmt::Debug for NetworkPeers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("NetworkPeers").finish_non_exhaustive()
    }
}

impl Peers for NetworkPeers {
    fn blobs(&self, header_hash: B256) -> Pin<Box<dyn Future<Output = Option<Vec<Blob>>> + Send + '_>> {
        Box::pin(async move {
            match self.0.fetch_body(header_hash).await {
                Ok(fetched) => {
                    let body = fetched?.body;
                    Some(body.blobs.iter().map(|blob| Blob::from(*blob.as_bytes())).collect())
                }
                Err(error) => {
                    tracing::debug!(%error, "no peer could be asked for a block's data");
                    None
                }
            }
        })
    }
}
