//! The node as an alloy transport: requests never leave the process.

use std::task::{Context, Poll};

use alloy::{
    rpc::{
        client::RpcClient,
        json_rpc::{RequestPacket, Response, ResponsePacket, ResponsePayload, SerializedRequest},
    },
    transports::{TransportError, TransportErrorKind, TransportFut},
};
use tower::Service;

use crate::{node::Node, rpc};

/// An alloy transport to a [`Node`] in this process.
#[derive(Clone, Debug)]
pub struct InProcess {
    node: Node,
}

impl Node {
    /// A transport to this node for alloy's `RpcClient`.
    #[must_use]
    pub fn transport(&self) -> InProcess {
        InProcess { node: self.clone() }
    }

    /// An RPC client on the in-process transport, as `ProviderBuilder::connect_client` takes it.
    #[must_use]
    pub fn client(&self) -> RpcClient {
        RpcClient::new(self.transport(), true)
    }
}

impl Service<RequestPacket> for InProcess {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let node = self.node.clone();
        Box::pin(async move {
            // executing a call or checking a blob takes milliseconds, too long for an async worker
            tokio::task::spawn_blocking(move || match packet {
                RequestPacket::Single(request) => ResponsePacket::Single(answer(&node, &request)),
                RequestPacket::Batch(requests) => {
                    ResponsePacket::Batch(requests.iter().map(|request| answer(&node, request)).collect())
                }
            })
            .await
            .map_err(TransportErrorKind::custom)
        })
    }
}

fn answer(node: &Node, request: &SerializedRequest) -> Response {
    let payload = match rpc::call_serialized(node, request.serialized().get()) {
        Ok(result) => ResponsePayload::Success(result),
        Err(failure) => ResponsePayload::Failure(failure.into()),
    };
    Response { id: request.id().clone(), payload }
}
