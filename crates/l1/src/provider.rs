//! Access to the L1: an HTTP endpoint, or a transport in this process.

use std::time::Duration;

use alloy::{
    providers::RootProvider,
    rpc::client::RpcClient,
    transports::{BoxTransport, RpcError, TransportErrorKind, TransportResult},
};
use url::Url;

/// An L1 behind JSON-RPC, without fillers: [`TxManager`](crate::TxManager) manages nonces, gas and fees.
pub type L1Provider = RootProvider;

/// Time limit of an HTTP request. An L1 slot has 12 seconds; a later answer is useless.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(12);
/// Time limit of connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// Why an endpoint can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The scheme is neither `http` nor `https`.
    #[error("expected an http or https endpoint, got the scheme {scheme}")]
    Scheme { scheme: String },
    /// The HTTP client couldn't be built.
    #[error("http client: {0}")]
    Client(#[from] reqwest::Error),
}

/// A provider of the JSON-RPC endpoint at `url`. Nothing is sent yet.
///
/// # Errors
/// If the URL is neither HTTP nor HTTPS.
pub fn connect_http(url: &Url) -> Result<L1Provider, ConnectError> {
    let client = http_client(url)?;
    Ok(RootProvider::new(RpcClient::new_http_with_client(client, url.clone())))
}

/// A provider over a transport in this process, such as the embedded L1's.
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
    /// The endpoint gave no answer, or an unreadable one. The request may have taken effect.
    #[error("the L1 endpoint gave no usable answer: {0}")]
    Unreachable(String),
    /// The node answered with an error.
    #[error("the L1 node refused: {message} (code {code})")]
    Refused { code: i64, message: String, data: Option<alloy::primitives::Bytes> },
}

impl RpcFailure {
    /// Whether the same request may succeed later. A refusal is final for that request.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            // -32005: limit exceeded (EIP-1474). 429: too many requests, used by hosted endpoints.
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

/// Converts the result of a request.
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
