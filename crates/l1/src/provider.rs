//! Access to the L1: endpoints over HTTP or WebSocket, or a transport in this process.

use alloy::{providers::RootProvider, rpc::client::RpcClient, transports::BoxTransport};
use url::Url;

use crate::endpoint::{ConnectError, Pool};

/// An L1 behind JSON-RPC, without fillers: [`TxManager`](crate::TxManager) manages nonces, gas and fees.
pub type L1Provider = RootProvider;

/// A provider of the JSON-RPC endpoint at `url`. Nothing is sent yet.
///
/// # Errors
/// If the URL's scheme isn't `http`, `https`, `ws` or `wss`.
pub fn connect_url(url: &Url) -> Result<L1Provider, ConnectError> {
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
        let error = connect_url(&"ftp://127.0.0.1:1".parse().unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "expected an endpoint of the scheme http, https, ws or wss, got ftp");
        for scheme in ["http", "https", "ws", "wss"] {
            let url = format!("{scheme}://user:secret@127.0.0.1:1/v3/key").parse().unwrap();
            assert!(connect_url(&url).is_ok(), "{scheme}");
        }
        assert_eq!(Pool::of_urls(&[]).unwrap_err().to_string(), "expected at least one L1 endpoint");
    }
}
