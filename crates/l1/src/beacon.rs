//! Reads blobs from the beacon API of a consensus client. Anvil and the embedded L1 serve the same route.

use alloy::{
    eips::eip4844::{BYTES_PER_BLOB, Blob},
    primitives::{B256, Bytes},
};
use serde::Deserialize;
use url::Url;

use crate::{
    blobs::{BlobError, BlobFuture, BlobLocation, BlobSource, arrange, blob_from_bytes},
    endpoint::{
        ConnectError,
        http::http_client,
        redact::{Secrets, origin},
    },
};

/// How the endpoint identifies a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockIds {
    /// By the beacon chain's slot number. The deployment's L1 slots must count from the beacon chain's
    /// genesis.
    BeaconSlot,
    /// By the hash of the execution block, as anvil and the embedded L1 do.
    ExecutionHash,
}

/// A client of `GET {endpoint}/eth/v1/beacon/blobs/{block}?versioned_hashes=…&versioned_hashes=…`.
#[derive(Clone, Debug)]
pub struct BeaconBlobs {
    endpoint: Url,
    client: reqwest::Client,
    ids: BlockIds,
    secrets: Secrets,
}

/// Which blobs a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// Those with the hashes.
    Some,
    /// All of the block, for nodes that don't understand the hashes.
    All,
}

/// Blobs accepted in one answer. An L1 block holds at most 21 since BPO2; the rest is room for later forks.
/// The limit doesn't depend on the request, because several transactions of a block can carry the same blob.
const BLOBS_PER_BLOCK: usize = 72;
/// Bytes of JSON accepted around the blobs of an answer.
const ENVELOPE_LIMIT: usize = 4096;

#[derive(Deserialize)]
struct Answer {
    data: Vec<Bytes>,
}

impl BeaconBlobs {
    /// A client of the beacon API at `endpoint`. Nothing is sent yet. An address for WebSocket stands for the
    /// same one over HTTP: nodes have both at one port.
    ///
    /// # Errors
    /// If the endpoint is neither of both.
    pub fn new(mut endpoint: Url, ids: BlockIds) -> Result<Self, ConnectError> {
        let scheme = match endpoint.scheme() {
            "ws" => "http",
            "wss" => "https",
            other => other,
        };
        let scheme = scheme.to_owned();
        // Each of these four schemes may replace any other; what else there is stays, and is refused.
        let _ = endpoint.set_scheme(&scheme);
        let client = http_client(&endpoint)?;
        Ok(Self { secrets: Secrets::of(&endpoint), endpoint, client, ids })
    }

    fn url(&self, at: BlobLocation, hashes: &[B256], wanted: Wanted) -> Result<Url, BlobError> {
        let block = match self.ids {
            BlockIds::BeaconSlot => at.l1_slot.get().to_string(),
            BlockIds::ExecutionHash => at.hash.to_string(),
        };
        let mut url = self.endpoint.clone();
        url.path_segments_mut()
            .map_err(|()| BlobError::Unreachable(format!("{} can't have a path", origin(&self.endpoint))))?
            .pop_if_empty()
            .extend(["eth", "v1", "beacon", "blobs", &block]);
        if wanted == Wanted::Some {
            // The beacon API repeats the parameter; not every client takes a list.
            let mut query = url.query_pairs_mut();
            for hash in hashes {
                query.append_pair("versioned_hashes", &hash.to_string());
            }
        }
        Ok(url)
    }

    async fn fetch(&self, at: BlobLocation, hashes: &[B256]) -> Result<Vec<Blob>, BlobError> {
        if hashes.is_empty() {
            return Ok(Vec::new());
        }
        // Some nodes refuse the hashes, and others read one of them only.
        let asked = self.ask(self.url(at, hashes, Wanted::Some)?).await;
        match asked.and_then(|blobs| arrange(blobs, at, hashes)) {
            Err(
                error @ (BlobError::Refused { status: 400 | 414 | 422, .. } | BlobError::Unavailable { .. }),
            ) => {
                tracing::debug!(%error, "asking the blob source for all blobs of the block");
                arrange(self.ask(self.url(at, hashes, Wanted::All)?).await?, at, hashes)
            }
            arranged => arranged,
        }
    }

    async fn ask(&self, url: Url) -> Result<Vec<Blob>, BlobError> {
        let unreachable = |error: reqwest::Error| {
            BlobError::Unreachable(self.secrets.scrub(&error.without_url().to_string()))
        };
        let request = self.client.get(url).header("accept", "application/json");
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        // Each blob is a hexadecimal string with prefix, quotes and comma.
        let limit = BLOBS_PER_BLOCK.saturating_mul(2 * BYTES_PER_BLOB + 8).saturating_add(ENVELOPE_LIMIT);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len().saturating_add(chunk.len()) > limit {
                return Err(BlobError::TooLong { limit });
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            let message = self.secrets.scrub(&String::from_utf8_lossy(&body));
            return Err(BlobError::Refused { status: status.as_u16(), message });
        }
        parse_answer(&body)
    }
}

/// Reads the body of a beacon API's answer. The blobs are not checked against their hashes.
///
/// # Errors
/// When the body is not such an answer, or one of its blobs has a wrong length.
pub fn parse_answer(body: &[u8]) -> Result<Vec<Blob>, BlobError> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| BlobError::Unreachable(error.to_string()))?;
    answer.data.iter().map(|bytes| blob_from_bytes(bytes)).collect()
}

impl BlobSource for BeaconBlobs {
    fn blobs<'a>(&'a self, at: BlobLocation, hashes: &'a [B256]) -> BlobFuture<'a> {
        Box::pin(self.fetch(at, hashes))
    }
}
