//! An endpoint over HTTP, for clients that are processes of their own.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy::{
    rpc::json_rpc::{Id, RequestMeta, RequestPacket, ResponsePacket, SerializedRequest},
    transports::{BoxTransport, RpcError, TransportErrorKind},
};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use reqwest::{Client, Url};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tower::Service;

use crate::transport::{Hooked, Hooks};

/// Most bytes of a request: more than a transaction with the most blobs takes in hexadecimal.
const BODY_LIMIT: usize = 16 << 20;

/// What an endpoint does with every request, before its hooks see any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EndpointState {
    /// It works.
    #[default]
    Up,
    /// It closes every connection without an answer.
    Down,
    /// It answers late.
    Slow(Duration),
    /// It works, but has no blobs.
    WithoutBlobs,
}

/// A running endpoint. It ends when this is dropped.
pub struct Endpoint {
    address: SocketAddr,
    state: Arc<Mutex<EndpointState>>,
    task: JoinHandle<()>,
    _end: watch::Sender<()>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("address", &self.address).field("state", &self.state()).finish()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct App {
    node: Hooked,
    /// Where blobs come from: the node's own address.
    upstream: Url,
    client: Client,
    state: Arc<Mutex<EndpointState>>,
}

/// A request of JSON-RPC, as it comes over the wire.
#[derive(Deserialize)]
struct Incoming {
    id: Id,
    method: String,
    #[serde(default)]
    params: Option<Box<RawValue>>,
}

impl Endpoint {
    /// Serves `node` behind `hooks` on a free port of 127.0.0.1. Its blobs are those at `upstream`.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn serve(node: BoxTransport, upstream: Url, hooks: Arc<dyn Hooks>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::<Mutex<EndpointState>>::default();
        let app = App {
            node: Hooked::new(node, hooks),
            upstream,
            client: Client::new(),
            state: Arc::clone(&state),
        };
        let router = Router::new()
            .route("/", post(json_rpc))
            .route("/eth/v1/beacon/blobs/{block}", get(blobs))
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .with_state(app);
        let (end, mut ended) = watch::channel(());
        let task = tokio::spawn(async move {
            let until = async move {
                // The drop of the sender is what is waited for.
                let _ = ended.changed().await;
            };
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(until).await {
                tracing::error!(%error, "the endpoint failed");
            }
        });
        Ok(Self { address, state, task, _end: end })
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it does with every request.
    #[must_use]
    pub fn state(&self) -> EndpointState {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets what it does with every request from now on.
    pub fn set_state(&self, state: EndpointState) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

impl App {
    /// Waits as long as the endpoint is slow. Breaks the connection if it is down.
    async fn enter(&self) -> EndpointState {
        let state = *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state {
            EndpointState::Slow(time) => tokio::time::sleep(time).await,
            EndpointState::Down => broken(),
            EndpointState::Up | EndpointState::WithoutBlobs => {}
        }
        state
    }
}

/// Ends the connection of the request without an answer: the server drops a connection whose handler
/// panics. `resume_unwind` prints nothing.
fn broken() -> ! {
    std::panic::resume_unwind(Box::new("the connection broke on purpose"))
}

async fn json_rpc(State(app): State<App>, body: Bytes) -> Response {
    app.enter().await;
    // The parameters are kept as they are, so the kind of body is told by its first byte.
    let is_batch = body.trim_ascii_start().first() == Some(&b'[');
    let requests = if is_batch {
        let batch = serde_json::from_slice::<Vec<Incoming>>(&body).ok();
        batch
            .and_then(|batch| batch.into_iter().map(serialized).collect::<Option<_>>())
            .map(RequestPacket::Batch)
    } else {
        serde_json::from_slice(&body).ok().and_then(serialized).map(RequestPacket::Single)
    };
    let Some(packet) = requests else {
        return (StatusCode::BAD_REQUEST, "expected JSON-RPC").into_response();
    };
    match app.node.clone().call(packet).await {
        Ok(ResponsePacket::Single(one)) => json(&one),
        Ok(ResponsePacket::Batch(all)) => json(&all),
        Err(RpcError::Transport(TransportErrorKind::HttpError(error))) => {
            let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_GATEWAY);
            (status, error.body).into_response()
        }
        Err(_) => broken(),
    }
}

fn serialized(request: Incoming) -> Option<SerializedRequest> {
    let meta = RequestMeta::new(request.method.into(), request.id);
    let params = request.params.or_else(|| RawValue::from_string("[]".to_owned()).ok())?;
    SerializedRequest::try_from(alloy::rpc::json_rpc::Request { meta, params }).ok()
}

fn json(value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Passes a request for blobs on to the node.
async fn blobs(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    if app.enter().await == EndpointState::WithoutBlobs {
        return (StatusCode::NOT_FOUND, "{\"code\":404,\"message\":\"blobs not found\"}").into_response();
    }
    let mut url = app.upstream.clone();
    url.set_path(uri.path());
    url.set_query(uri.query());
    let mut request = app.client.get(url);
    if let Some(accept) = headers.get(header::ACCEPT) {
        request = request.header(header::ACCEPT, accept);
    }
    let answered = async {
        let response = request.send().await?;
        let status = response.status();
        let kind = response.headers().get(header::CONTENT_TYPE).cloned();
        Ok::<_, reqwest::Error>((status, kind, response.bytes().await?))
    };
    match answered.await {
        Ok((status, kind, bytes)) => {
            let mut response = (status, bytes).into_response();
            if let Some(kind) = kind {
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
            }
            response
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.without_url().to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// Answers every request with its method and its parameters.
    #[derive(Clone)]
    struct Echo;

    impl Service<RequestPacket> for Echo {
        type Response = ResponsePacket;
        type Error = alloy::transports::TransportError;
        type Future = alloy::transports::TransportFut<'static>;

        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
            std::task::Poll::Ready(Ok(()))
        }

        fn call(&mut self, packet: RequestPacket) -> Self::Future {
            Box::pin(async move {
                let RequestPacket::Single(request) = packet else { panic!("one request at a time") };
                let params: Value = serde_json::from_str(request.params().unwrap().get()).unwrap();
                let value = json!([request.method(), params]);
                let payload = alloy::rpc::json_rpc::ResponsePayload::Success(
                    serde_json::value::to_raw_value(&value).unwrap(),
                );
                Ok(ResponsePacket::Single(alloy::rpc::json_rpc::Response {
                    id: request.id().clone(),
                    payload,
                }))
            })
        }
    }

    async fn endpoint() -> Endpoint {
        let hooks = |_: &crate::Request| crate::Hook::Deliver;
        let nowhere = Url::parse("http://127.0.0.1:1").unwrap();
        Endpoint::serve(BoxTransport::new(Echo), nowhere, Arc::new(hooks)).await.unwrap()
    }

    async fn post(endpoint: &Endpoint, body: &str) -> Result<(u16, String), reqwest::Error> {
        let answer = Client::new().post(endpoint.url()).body(body.to_owned()).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    #[tokio::test]
    async fn requests_and_batches_are_answered_and_other_bodies_refused() {
        let endpoint = endpoint().await;
        let one = r#"{"jsonrpc":"2.0","id":7,"method":"a","params":["0x1",{"b":2}]}"#;
        let (status, text) = post(&endpoint, one).await.unwrap();
        let expected = json!({"jsonrpc": "2.0", "id": 7, "result": ["a", ["0x1", {"b": 2}]]});
        assert_eq!((status, serde_json::from_str::<Value>(&text).unwrap()), (200, expected));
        let batch = r#" [{"jsonrpc":"2.0","id":"x","method":"a"},{"jsonrpc":"2.0","id":2,"method":"b"}]"#;
        let (status, text) = post(&endpoint, batch).await.unwrap();
        let answers: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &answers[0]["result"], &answers[1]["id"]), (200, &json!(["a", []]), &json!(2)));
        for wrong in ["", "{", "[1]", "null", r#"{"id":1}"#] {
            assert_eq!(post(&endpoint, wrong).await.unwrap().0, 400, "{wrong}");
        }
    }

    #[tokio::test]
    async fn an_endpoint_that_is_down_breaks_connections_and_comes_back() {
        let endpoint = endpoint().await;
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"a"}"#;
        endpoint.set_state(EndpointState::Down);
        post(&endpoint, body).await.unwrap_err();
        endpoint.set_state(EndpointState::WithoutBlobs);
        let blobs = format!("{}/eth/v1/beacon/blobs/0x1", endpoint.url());
        assert_eq!(reqwest::get(blobs).await.unwrap().status().as_u16(), 404);
        endpoint.set_state(EndpointState::Up);
        assert_eq!(post(&endpoint, body).await.unwrap().0, 200);
    }
}
