//! The transport, and what can happen to a request.

use std::{fmt, sync::Arc, task, time::Duration};

use alloy::{
    primitives::U64,
    rpc::json_rpc::{
        ErrorPayload, Id, RequestMeta, RequestPacket, Response, ResponsePacket, ResponsePayload,
        SerializedRequest,
    },
    transports::{BoxTransport, TransportError, TransportErrorKind, TransportFut, TransportResult},
};
use serde_json::{Value, value::RawValue};
use tower::Service;

/// A request, as hooks see it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method, such as `eth_call`.
    pub method: String,
    /// Parameters; `null` without any.
    pub params: Value,
}

/// How a request fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// With a JSON-RPC error.
    Error {
        /// Its code.
        code: i64,
        /// Its words.
        message: String,
    },
    /// With an HTTP status and a body that is no JSON-RPC.
    Http {
        /// The status.
        status: u16,
        /// The body.
        body: String,
    },
    /// Without an answer.
    Broken,
}

/// What happens to a request.
#[derive(Clone)]
pub enum Hook {
    /// It is delivered, and answered.
    Deliver,
    /// It is answered in the node's place.
    Answer(Value),
    /// It fails, and the node doesn't hear of it.
    Fail(Failure),
    /// It is delivered, and fails on the way back.
    DeliverThenFail(Failure),
    /// It is delivered, and its result is changed.
    Change(Arc<dyn Fn(Value) -> Value + Send + Sync>),
    /// It waits, and then the other thing happens.
    Delay(Duration, Box<Hook>),
    /// It is answered as by a node that is so many blocks behind.
    Behind(u64),
    /// It is never answered.
    Silence,
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deliver => f.write_str("Deliver"),
            Self::Answer(value) => f.debug_tuple("Answer").field(value).finish(),
            Self::Fail(failure) => f.debug_tuple("Fail").field(failure).finish(),
            Self::DeliverThenFail(failure) => f.debug_tuple("DeliverThenFail").field(failure).finish(),
            Self::Change(_) => f.write_str("Change"),
            Self::Delay(time, then) => f.debug_tuple("Delay").field(time).field(then).finish(),
            Self::Behind(blocks) => f.debug_tuple("Behind").field(blocks).finish(),
            Self::Silence => f.write_str("Silence"),
        }
    }
}

/// Chooses what happens to each request.
pub trait Hooks: Send + Sync {
    /// What happens to this one.
    fn hook(&self, request: &Request) -> Hook;
}

impl<F: Fn(&Request) -> Hook + Send + Sync> Hooks for F {
    fn hook(&self, request: &Request) -> Hook {
        self(request)
    }
}

/// A transport with hooks. Requests of a batch are hooked one by one.
#[derive(Clone)]
pub struct Hooked {
    inner: BoxTransport,
    hooks: Arc<dyn Hooks>,
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooked").finish_non_exhaustive()
    }
}

impl Hooked {
    /// The transport `inner` behind `hooks`.
    pub fn new(inner: BoxTransport, hooks: Arc<dyn Hooks>) -> Self {
        Self { inner, hooks }
    }

    async fn one(self, request: SerializedRequest) -> TransportResult<Response> {
        let params = request.params().and_then(|params| serde_json::from_str(params.get()).ok());
        let seen = Request { method: request.method().to_owned(), params: params.unwrap_or_default() };
        let mut hook = self.hooks.hook(&seen);
        loop {
            tracing::trace!(method = seen.method, ?hook, "hooked");
            let id = request.id().clone();
            return match hook {
                Hook::Deliver => self.deliver(request).await,
                Hook::Answer(value) => success(id, &value),
                Hook::Fail(failure) => fail(id, failure),
                Hook::DeliverThenFail(failure) => {
                    // Whatever the node says is lost.
                    let _ = self.deliver(request).await;
                    fail(id, failure)
                }
                Hook::Change(change) => match self.deliver(request).await? {
                    Response { id, payload: ResponsePayload::Success(value) } => {
                        let value = serde_json::from_str(value.get()).map_err(TransportErrorKind::custom)?;
                        success(id, &change(value))
                    }
                    refused => Ok(refused),
                },
                Hook::Delay(time, then) => {
                    tokio::time::sleep(time).await;
                    hook = *then;
                    continue;
                }
                Hook::Behind(blocks) => self.behind(request, seen, blocks).await,
                Hook::Silence => std::future::pending().await,
            };
        }
    }

    async fn deliver(&self, request: SerializedRequest) -> TransportResult<Response> {
        match self.inner.clone().call(RequestPacket::Single(request)).await? {
            ResponsePacket::Single(response) => Ok(response),
            ResponsePacket::Batch(_) => Err(TransportErrorKind::custom_str("expected one answer")),
        }
    }

    async fn ask(&self, method: &'static str, params: Value) -> TransportResult<Value> {
        let params = serde_json::value::to_raw_value(&params).map_err(TransportErrorKind::custom)?;
        let meta = RequestMeta::new(method.into(), Id::Number(0));
        let request = alloy::rpc::json_rpc::Request { meta, params };
        let request = SerializedRequest::try_from(request).map_err(TransportErrorKind::custom)?;
        match self.deliver(request).await?.payload {
            ResponsePayload::Success(value) => {
                serde_json::from_str(value.get()).map_err(TransportErrorKind::custom)
            }
            ResponsePayload::Failure(error) => Err(TransportError::ErrorResp(error)),
        }
    }

    /// Answers as a node whose head is `blocks` blocks before that of the inner one.
    async fn behind(
        &self,
        request: SerializedRequest,
        seen: Request,
        blocks: u64,
    ) -> TransportResult<Response> {
        let id = request.id().clone();
        let head = number(&self.ask("eth_blockNumber", Value::Array(Vec::new())).await?).unwrap_or_default();
        let head = head.saturating_sub(blocks);
        let shown = Value::from(format!("{head:#x}"));
        let mut params = seen.params.as_array().cloned().unwrap_or_default();
        // The last parameter of a request for a state is its block.
        let is_latest = |value: &Value| matches!(value.as_str(), Some("latest" | "pending"));
        match seen.method.as_str() {
            "eth_blockNumber" => return success(id, &shown),
            "eth_getBlockByNumber" if params.first().and_then(number).is_some_and(|asked| asked > head) => {
                return success(id, &Value::Null);
            }
            "eth_getTransactionReceipt" | "eth_getTransactionByHash" => {
                let found = self.deliver(request).await?;
                let ResponsePayload::Success(value) = &found.payload else { return Ok(found) };
                let value: Value = serde_json::from_str(value.get()).map_err(TransportErrorKind::custom)?;
                let at = value.get("blockNumber").and_then(number);
                return if at.is_some_and(|at| at > head) { success(id, &Value::Null) } else { Ok(found) };
            }
            _ => {}
        }
        let mut is_changed = false;
        for parameter in params.iter_mut().filter(|parameter| is_latest(parameter)) {
            *parameter = shown.clone();
            is_changed = true;
        }
        if !is_changed {
            return self.deliver(request).await;
        }
        let params = serde_json::value::to_raw_value(&params).map_err(TransportErrorKind::custom)?;
        let meta = RequestMeta::new(seen.method.into(), id);
        let request = alloy::rpc::json_rpc::Request { meta, params };
        self.deliver(SerializedRequest::try_from(request).map_err(TransportErrorKind::custom)?).await
    }
}

fn number(value: &Value) -> Option<u64> {
    let number: U64 = serde_json::from_value(value.clone()).ok()?;
    Some(number.to())
}

fn success(id: Id, value: &Value) -> TransportResult<Response> {
    let value: Box<RawValue> = serde_json::value::to_raw_value(value).map_err(TransportErrorKind::custom)?;
    Ok(Response { id, payload: ResponsePayload::Success(value) })
}

fn fail(id: Id, failure: Failure) -> TransportResult<Response> {
    match failure {
        Failure::Error { code, message } => {
            let error = ErrorPayload { code, message: message.into(), data: None };
            Ok(Response { id, payload: ResponsePayload::Failure(error) })
        }
        Failure::Http { status, body } => Err(TransportErrorKind::http_error(status, body)),
        Failure::Broken => Err(TransportErrorKind::custom_str("the connection broke")),
    }
}

impl Service<RequestPacket> for Hooked {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, context: &mut task::Context<'_>) -> task::Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            match packet {
                RequestPacket::Single(request) => this.one(request).await.map(ResponsePacket::Single),
                RequestPacket::Batch(requests) => {
                    let mut answers = Vec::with_capacity(requests.len());
                    for request in requests {
                        answers.push(this.clone().one(request).await?);
                    }
                    Ok(ResponsePacket::Batch(answers))
                }
            }
        })
    }
}
