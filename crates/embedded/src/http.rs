//! The node over HTTP: JSON-RPC by POST or WebSocket to `/`, and the part of the beacon API that serves blobs.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{B256, Bytes},
};
use axum::{
    Json, Router,
    body::Bytes as Body,
    extract::{DefaultBodyLimit, FromRef, Path, RawQuery, State, WebSocketUpgrade},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
    task::JoinHandle,
};

use crate::{
    chain::{Chain, MinedBlock},
    node::Node,
    rpc,
};

/// Most bytes of a request: room for a transaction with the most blobs, in hexadecimal, and then some.
const BODY_LIMIT: usize = 16 << 20;

/// A running HTTP server; it stops when this is dropped.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl HttpServer {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, as clients take it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops accepting, finishes the requests under way and returns.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        // an error means that the task was aborted or panicked: stopped either way
        let _ = (&mut self.task).await;
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

impl Node {
    /// Answers the body of a JSON-RPC request as the server does: a request or a batch. Notifications get no answer.
    /// Blocks the thread while a call executes.
    #[must_use]
    pub fn answer(&self, body: &[u8]) -> Option<String> {
        rpc::handle(self, body)
    }

    /// Serves the node over HTTP. Bind to a loopback address unless everybody on the network may drive the chain;
    /// port 0 takes a free one.
    ///
    /// # Errors
    /// The address can't be bound.
    pub async fn serve(&self, address: SocketAddr) -> io::Result<HttpServer> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (close, closing) = watch::channel(());
        let app = router(App { node: self.clone(), closing });
        let task = tokio::spawn(async move {
            let until = async move {
                let _ = stopped.await;
                drop(close);
            };
            if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(until).await {
                tracing::error!(%error, "HTTP server failed");
            }
        });
        Ok(HttpServer { address, stop: Some(stop), task })
    }
}

/// What the handlers share.
#[derive(Clone)]
struct App {
    node: Node,
    /// Its sender is dropped when the server stops.
    closing: watch::Receiver<()>,
}

impl FromRef<App> for Node {
    fn from_ref(app: &App) -> Self {
        app.node.clone()
    }
}

fn router(app: App) -> Router {
    Router::new()
        .route("/", post(json_rpc).get(web_socket))
        .route("/eth/v1/beacon/genesis", get(genesis))
        .route("/eth/v1/beacon/blobs/{block_id}", get(blobs))
        .route("/eth/v1/config/spec", get(spec))
        .route("/eth/v1/node/version", get(version))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(app)
}

async fn json_rpc(State(node): State<Node>, headers: HeaderMap, body: Body) -> Response {
    // browsers send cross-site POSTs of other types without asking first: a web page must not drive the chain
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("application/json"));
    if !is_json {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "expected content-type: application/json\n")
            .into_response();
    }
    if !is_direct(&headers) {
        return (StatusCode::FORBIDDEN, "invalid host specified: expected localhost or an IP address\n")
            .into_response();
    }
    match tokio::task::spawn_blocking(move || node.answer(&body)).await {
        Ok(Some(answer)) => ([(header::CONTENT_TYPE, "application/json")], answer).into_response(),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            tracing::error!(%error, "request failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn web_socket(State(app): State<App>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    // browsers let every page open a connection, but they tell where the page came from
    if !is_direct(&headers) || !is_local_origin(&headers) {
        return (StatusCode::FORBIDDEN, "invalid host or origin specified\n").into_response();
    }
    upgrade
        .max_message_size(BODY_LIMIT)
        .max_frame_size(BODY_LIMIT)
        .on_upgrade(move |socket| rpc::subscriptions::serve(socket, app.node, app.closing))
}

fn is_local_origin(headers: &HeaderMap) -> bool {
    match headers.get(header::ORIGIN).map(|origin| origin.to_str()) {
        None => true,
        Some(Ok(origin)) => origin.split_once("://").is_some_and(|(_, host)| is_local_name(host)),
        Some(Err(_)) => false,
    }
}

/// Whether the request names this machine rather than some domain that was pointed at it (DNS rebinding).
fn is_direct(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else {
        return true;
    };
    is_local_name(host)
}

fn is_local_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

fn beacon_error(code: StatusCode, message: String) -> Response {
    (code, Json(json!({ "code": code.as_u16(), "message": message }))).into_response()
}

async fn genesis(State(node): State<Node>) -> Json<Value> {
    let time = node.read(|chain| chain.config().genesis_timestamp);
    Json(json!({ "data": {
        "genesis_time": time.to_string(),
        "genesis_validators_root": B256::ZERO,
        "genesis_fork_version": "0x00000000",
    } }))
}

async fn spec(State(node): State<Node>) -> Json<Value> {
    let (seconds, blobs, chain_id) = node.read(|chain| {
        let config = chain.config();
        (config.slot_seconds, config.blob_params.max_blob_count, config.chain_id)
    });
    Json(json!({ "data": {
        "SECONDS_PER_SLOT": seconds.to_string(),
        "SLOTS_PER_EPOCH": "32",
        "MAX_BLOBS_PER_BLOCK": blobs.to_string(),
        "DEPOSIT_CHAIN_ID": chain_id.to_string(),
        "DEPOSIT_NETWORK_ID": chain_id.to_string(),
    } }))
}

async fn version() -> Json<Value> {
    Json(json!({ "data": { "version": concat!("fernet-embedded/", env!("CARGO_PKG_VERSION")) } }))
}

/// The block that a beacon API id means: a slot, a tag, a beacon block root or an execution block hash.
fn find<'a>(chain: &'a Chain, id: &str) -> Result<Option<&'a MinedBlock>, ()> {
    let tag = |tag: BlockNumberOrTag| chain.resolve(tag.into());
    let found = match id {
        "head" => tag(BlockNumberOrTag::Latest),
        "genesis" => tag(BlockNumberOrTag::Earliest),
        "finalized" => tag(BlockNumberOrTag::Finalized),
        "justified" => tag(BlockNumberOrTag::Safe),
        id => match (id.parse::<u64>(), id.parse::<B256>()) {
            (Ok(slot), _) => chain.block_in_slot(slot),
            (_, Ok(root)) => chain.block_by_beacon_root(root).or_else(|| chain.block_by_hash(root)),
            _ => return Err(()),
        },
    };
    Ok(found.map(AsRef::as_ref))
}

async fn blobs(State(node): State<Node>, Path(id): Path<String>, RawQuery(query): RawQuery) -> Response {
    let mut wanted = Vec::new();
    for pair in query.iter().flat_map(|query| query.split('&')).filter(|pair| !pair.is_empty()) {
        let Some(("versioned_hashes", hashes)) = pair.split_once('=') else { continue };
        for hash in hashes.split(',').flat_map(|hashes| hashes.split("%2C")) {
            match hash.parse::<B256>() {
                Ok(hash) => wanted.push(hash),
                Err(error) => {
                    return beacon_error(
                        StatusCode::BAD_REQUEST,
                        format!("Invalid versioned hash: {hash}: {error}"),
                    );
                }
            }
        }
    }
    let found = node.read(|chain| {
        let block = match find(chain, &id) {
            Ok(Some(block)) => block,
            Ok(None) => return Err((StatusCode::NOT_FOUND, "Block not found".to_owned())),
            Err(()) => return Err((StatusCode::BAD_REQUEST, format!("Invalid block ID: {id}"))),
        };
        let finalized = chain.resolve(BlockNumberOrTag::Finalized.into());
        Ok((
            chain.block_blobs(block),
            finalized.is_some_and(|finalized| finalized.number() >= block.number()),
        ))
    });
    match found {
        Err((code, message)) => beacon_error(code, message),
        Ok((stored, finalized)) => {
            let data: Vec<Bytes> = stored
                .iter()
                .filter(|blob| wanted.is_empty() || wanted.contains(&blob.versioned_hash))
                .filter_map(|blob| blob.blob())
                .map(|blob| Bytes::copy_from_slice(blob.as_slice()))
                .collect();
            Json(json!({ "execution_optimistic": false, "finalized": finalized, "data": data }))
                .into_response()
        }
    }
}
