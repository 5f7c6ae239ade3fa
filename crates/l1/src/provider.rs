//! Access to the L1: HTTP endpoints, or a transport in this process.

use alloy::{providers::RootProvider, rpc::client::RpcClient, transports::BoxTransport};
use url::Url;

use crate::endpoint::{ConnectError, Pool};

/// An L1 behind JSON-RPC, without fillers: [`TxManager`](crate::TxManager) manages nonces, gas and fees.
pub type L1Provider = RootProvider;

/// A provider of the JSON-RPC endpoint at `url`. Nothing is sent yet.
///
/// # Errors
/// If the URL is neither HTTP nor HTTPS.
pub fn connect_http(url: &Url) -> Result<L1Provider, ConnectError> {
    Ok(connect_pool(&Pool::of_urls(std::slice::from_ref(url))?))
}

/// A provider over several endpoints. Nothing is sent yet.
pub fn connect_pool(pool: &Pool) -> L1Provider {
    connect_transport(BoxTransport::new(pool.clone()))
}

/// A provider over a transport in this process, such as the embedded L1's.
pub fn connect_transport(transport: BoxTransport) -> L1Provider {
    RootProvider::new(RpcClient::new(transport, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_other_schemes() {
        let error = connect_http(&"ws://127.0.0.1:1".parse().unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "expected an http or https endpoint, got the scheme ws");
        assert!(connect_http(&"https://127.0.0.1:1".parse().unwrap()).is_ok());
        assert_eq!(Pool::of_urls(&[]).unwrap_err().to_string(), "expected at least one L1 endpoint");
    }
}
