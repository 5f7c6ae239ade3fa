//! How an L1 is reached: an HTTP endpoint or a transport in this process.

use std::time::Duration;

use alloy::{
    providers::RootProvider,
    rpc::client::RpcClient,
    transports::{BoxTransport, RpcError, TransportErrorKind, TransportResult},
};
use url::Url;

/// An L1 behind its JSON-RPC. No fillers: nonces, gas and fees belong to [`TxManager`](crate::TxManager).
pub type L1Provider = RootProvider;

/// How long one HTTP request may take. An L1 slot has 12 seconds; an answer later than that is useless.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(12);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// Why an endpoint can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Neither `http` nor `https`.
    #[error("expected an http or https endpoint, got the scheme {scheme}")]
    Scheme {
        /// what the URL began with
        scheme: String,
    },
    /// The HTTP client couldn't be built.
    #[error("http client: {0}")]
    Client(#[from] reqwest::Error),
}

/// Connects to a JSON-RPC endpoint. Nothing is sent yet.
pub fn connect_http(url: &Url) -> Result<L1Provider, ConnectError> {
    let client = http_client(url)?;
    Ok(RootProvider::new(RpcClient::new_http_with_client(client, url.clone())))
}

/// Uses a transport in this process, such as that of the embedded L1.
pub fn connect_transport(transport: BoxTransport) -> L1Provider {
    RootProvider::new(RpcClient::new(transport, true))
}

/// An HTTP client for `url` with time limits.
pub(crate) fn http_client(url: &Url) -> Result<reqwest::Client, ConnectError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(ConnectError::Scheme { scheme: url.scheme().to_owned() });
    }
    Ok(reqwest::Client::builder().timeout(REQUEST_TIMEOUT).connect_timeout(CONNECT_TIMEOUT).build()?)
}

/// Why a request to the L1 failed.
#[derive(Debug, thiserror::Error)]
pub enum RpcFailure {
    /// No answer, or none that could be read: what was asked may have happened.
    #[error("l1 endpoint gave no usable answer: {0}")]
    Unreachable(String),
    /// The node answered with an error.
    #[error("l1 node refused: {message} (code {code})")]
    Refused {
        /// JSON-RPC error code
        code: i64,
        /// the node's words
        message: String,
        /// revert data, where the node gives any
        data: Option<alloy::primitives::Bytes>,
    },
}

impl RpcFailure {
    /// Whether the same request may succeed later. A refusal is final for that request.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            // -32005: limit exceeded (EIP-1474); 429: too many requests, as hosted endpoints put it
            Self::Refused { code, .. } => matches!(code, -32005 | 429),
        }
    }
}

impl From<RpcError<TransportErrorKind>> for RpcFailure {
    fn from(error: RpcError<TransportErrorKind>) -> Self {
        match error {
            RpcError::ErrorResp(payload) => Self::Refused {
                code: payload.code,
                data: payload.as_revert_data(),
                message: payload.message.into_owned(),
            },
            other => Self::Unreachable(other.to_string()),
        }
    }
}

/// Turns a node's answer into ours.
pub(crate) fn answered<T>(result: TransportResult<T>) -> Result<T, RpcFailure> {
    result.map_err(RpcFailure::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_other_schemes() {
        let error = connect_http(&"ws://127.0.0.1:1".parse().unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "expected an http or https endpoint, got the scheme ws");
        assert!(connect_http(&"https://127.0.0.1:1".parse().unwrap()).is_ok());
    }
}
