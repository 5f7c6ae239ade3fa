//! The node over HTTP: JSON-RPC by POST or WebSocket to `/`, and the part of the beacon API that serves
//! blobs.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{B256, Bytes},
};
use axum::{
    Json, Router,
    body::Bytes as Body,
    extract::{DefaultBodyLimit, FromRef, Path, RawQuery, State, WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
    task::JoinHandle,
};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::{block::MinedBlock, chain::Chain, node::Node, rpc};

/// Most bytes of a request: more than a transaction with the most blobs takes in hexadecimal.
const BODY_LIMIT: usize = 16 << 20;

/// How long a browser may remember that a page may send requests.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(3600);

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
    /// Answers the body of a JSON-RPC request as the server does: a request or a batch. Notifications get no
    /// answer. Blocks the thread while a call executes.
    #[must_use]
    pub fn answer(&self, body: &[u8]) -> Option<String> {
        rpc::handle(self, body)
    }

    /// Serves the node over HTTP. On an address that isn't a loopback one, everybody on the network may drive
    /// the chain. Port 0 takes a free one.
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
        .layer(cors())
        .with_state(app)
}

/// Lets pages of this machine and browser extensions read the answers; browsers keep all other pages out.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(|origin: &HeaderValue, _: &Parts| is_local_origin(origin)))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(PREFLIGHT_MAX_AGE)
}

async fn json_rpc(State(node): State<Node>, headers: HeaderMap, body: Body) -> Response {
    // browsers send POSTs of other types to other sites without asking first: a web page must not drive the
    // chain
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("application/json"));
    if !is_json {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "expected content-type: application/json\n")
            .into_response();
    }
    if let Err(refused) = check_caller(&headers) {
        return refused;
    }
    match tokio::task::spawn_blocking(move || node.answer(&body)).await {
        Ok(Some(answer)) => ([(header::CONTENT_TYPE, "application/json")], answer).into_response(),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            tracing::error!(%error, "request failed");
            let error = json!({ "code": -32603, "message": "internal error" });
            Json(json!({ "jsonrpc": "2.0", "id": null, "error": error })).into_response()
        }
    }
}

async fn web_socket(State(app): State<App>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    // browsers let every page open a connection, but they tell where the page came from
    if let Err(refused) = check_caller(&headers) {
        return refused;
    }
    upgrade
        .max_message_size(BODY_LIMIT)
        .max_frame_size(BODY_LIMIT)
        .on_upgrade(move |socket| rpc::serve(socket, app.node, app.closing))
}

/// Refuses requests under a domain that was pointed at this machine (DNS rebinding), and those of web pages
/// from elsewhere.
#[allow(clippy::result_large_err)] // it is the answer
fn check_caller(headers: &HeaderMap) -> Result<(), Response> {
    let refused = |reason: &'static str| Err((StatusCode::FORBIDDEN, reason).into_response());
    if headers.get(header::HOST).is_some_and(|host| !host.to_str().is_ok_and(is_direct)) {
        return refused("invalid host specified: expected localhost or an IP address\n");
    }
    if headers.get(header::ORIGIN).is_some_and(|origin| !is_local_origin(origin)) {
        return refused("invalid origin specified: expected a page of this machine or a browser extension\n");
    }
    Ok(())
}

/// Whether a page is served by this machine, or belongs to an extension that the browser's user installed.
fn is_local_origin(origin: &HeaderValue) -> bool {
    match origin.to_str().ok().and_then(|origin| origin.split_once("://")) {
        Some(("http" | "https", host)) => {
            let name = host_name(host);
            let is_loopback = name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
            is_loopback || is_localhost(name)
        }
        Some(("chrome-extension" | "moz-extension" | "safari-web-extension", _)) => true,
        _ => false,
    }
}

/// Whether a host is named in a way that no one else can point here.
fn is_direct(host: &str) -> bool {
    let name = host_name(host);
    is_localhost(name) || name.parse::<IpAddr>().is_ok()
}

/// A host without its port, an IPv6 address without its brackets.
fn host_name(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// `localhost` and the names under it, which resolve to this machine (RFC 6761).
fn is_localhost(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
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
