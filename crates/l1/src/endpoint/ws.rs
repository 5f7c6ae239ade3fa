//! JSON-RPC over a WebSocket: one connection for all requests, with the limits of the HTTP transport.
//!
//! The connection is made for the first request, and made again for the first one after it broke. A request
//! that is under way when it breaks fails: nobody knows whether it took effect, and the pool knows what to do
//! about that. A connection on which nothing at all comes for the time of a request is given up.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task,
    time::{Duration, Instant},
};

use alloy::{
    rpc::json_rpc::{
        ErrorPayload, RequestPacket, Response, ResponsePacket, ResponsePayload, SerializedRequest,
    },
    transports::{Authorization, TransportError, TransportErrorKind, TransportFut, TransportResult},
};
use futures_util::{SinkExt as _, StreamExt as _, future::try_join_all};
use rustls_platform_verifier::BuilderVerifierExt as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc, oneshot},
    time::timeout,
};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{
        self, Message,
        client::IntoClientRequest as _,
        handshake::client::Request as Handshake,
        http::{HeaderValue, header},
        protocol::WebSocketConfig,
    },
};
use tower::Service;
use url::Url;

use super::{
    http::ConnectError,
    limits::{ANSWER_LIMIT, CONNECT_TIMEOUT, TOO_LONG, time_limit},
    redact::{Secrets, origin},
};

/// Requests that wait to be written.
const QUEUE: usize = 64;
/// How often a request looks for a connection. One that breaks before anything was sent costs nothing.
const ATTEMPTS: usize = 2;

type Payload = ResponsePayload;

/// A transport to one endpoint. Clones share its connection.
#[derive(Clone)]
pub(crate) struct WsTransport(Arc<Endpoint>);

struct Endpoint {
    url: Url,
    secrets: Arc<Secrets>,
    handshake: Handshake,
    tls: Connector,
    /// The newest connection, which may be broken.
    connection: tokio::sync::Mutex<Option<Connection>>,
}

impl fmt::Debug for WsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WsTransport").field(&self.name()).finish()
    }
}

impl WsTransport {
    /// A transport to `url`. Nothing is sent yet.
    pub(crate) fn new(url: &Url) -> Result<Self, ConnectError> {
        let secrets = Secrets::of(url);
        let handshake = handshake(url).map_err(|text| ConnectError::Client(secrets.scrub(&text)))?;
        Ok(Self(Arc::new(Endpoint {
            url: url.clone(),
            secrets: Arc::new(secrets),
            handshake,
            tls: tls()?,
            connection: tokio::sync::Mutex::default(),
        })))
    }

    /// The endpoint's name in logs.
    pub(crate) fn name(&self) -> String {
        origin(&self.0.url)
    }

    async fn request(self, packet: RequestPacket) -> TransportResult<ResponsePacket> {
        let limit = time_limit(&packet);
        match packet {
            RequestPacket::Single(one) => self.0.ask(&one, limit).await.map(ResponsePacket::Single),
            RequestPacket::Batch(all) => {
                try_join_all(all.iter().map(|one| self.0.ask(one, limit))).await.map(ResponsePacket::Batch)
            }
        }
    }
}

/// The request that opens a connection. What is before the host of the URL becomes a header, as over HTTP.
fn handshake(url: &Url) -> Result<Handshake, String> {
    let mut bare = url.clone();
    // It has a host, so both parts can be removed.
    let _ = (bare.set_username(""), bare.set_password(None));
    bare.set_fragment(None);
    let mut handshake = bare.as_str().into_client_request().map_err(|error| error.to_string())?;
    if let Some(authorization) = Authorization::extract_from_url(url) {
        let mut value =
            HeaderValue::from_str(&authorization.to_string()).map_err(|error| error.to_string())?;
        value.set_sensitive(true);
        handshake.headers_mut().insert(header::AUTHORIZATION, value);
    }
    Ok(handshake)
}

/// The system's certificates, as the HTTP client takes them.
fn tls() -> Result<Connector, ConnectError> {
    let failed = |error: rustls::Error| ConnectError::Client(error.to_string());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_platform_verifier())
        .map_err(failed)?
        .with_no_client_auth();
    Ok(Connector::Rustls(Arc::new(config)))
}

impl Endpoint {
    fn failed(&self, text: &str) -> TransportError {
        TransportErrorKind::custom_str(&self.secrets.scrub(text))
    }

    /// The connection; a new one if there is none or it is broken.
    async fn connection(&self) -> TransportResult<Connection> {
        let mut newest = self.connection.lock().await;
        if let Some(connection) = newest.as_ref().filter(|connection| connection.waiting.is_open()) {
            return Ok(connection.clone());
        }
        let config = WebSocketConfig::default()
            .max_message_size(Some(ANSWER_LIMIT))
            .max_frame_size(Some(ANSWER_LIMIT));
        let connecting =
            connect_async_tls_with_config(self.handshake.clone(), Some(config), true, Some(self.tls.clone()));
        let (socket, _) = timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| self.failed("the endpoint did not take the connection in time"))?
            .map_err(|error| self.refused(error))?;
        let connection = Connection::new(socket, Arc::clone(&self.secrets));
        *newest = Some(connection.clone());
        Ok(connection)
    }

    /// Why there is no connection.
    fn refused(&self, error: tungstenite::Error) -> TransportError {
        let tungstenite::Error::Http(answer) = error else { return self.failed(&describe(&error)) };
        let seconds = answer.headers().get(header::RETRY_AFTER);
        let retry_after = seconds
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.trim().parse().ok())
            .map(Duration::from_secs);
        let body = answer.body().as_deref().unwrap_or_default();
        let text = self.secrets.scrub(&String::from_utf8_lossy(body));
        TransportErrorKind::http_error_with_retry_after(answer.status().as_u16(), text, retry_after)
    }

    async fn ask(&self, request: &SerializedRequest, limit: Duration) -> TransportResult<Response> {
        let mut attempts = 0;
        let (connection, ticket) = loop {
            let connection = self.connection().await?;
            attempts += 1;
            match connection.waiting.register() {
                Some(ticket) => break (connection, ticket),
                None if attempts < ATTEMPTS => {}
                None => return Err(self.failed("the endpoint closed the connection")),
            }
        };
        let began = Instant::now();
        let message = Outgoing {
            jsonrpc: "2.0",
            // Clients of one pool count from 0 each.
            id: ticket.id,
            method: request.method(),
            params: request.params(),
        };
        let message = serde_json::to_string(&message).map_err(TransportError::ser_err)?;
        match timeout(limit, connection.exchange(message, ticket)).await {
            Ok(Ok(payload)) => Ok(Response { id: request.id().clone(), payload: self.scrubbed(payload) }),
            Ok(Err(text)) => Err(self.failed(&text)),
            Err(_) => {
                connection.give_up_if_silent(began);
                Err(self.failed(&format!("no answer within {} ms", limit.as_millis())))
            }
        }
    }

    fn scrubbed(&self, payload: Payload) -> Payload {
        self.secrets.scrub_payload(payload)
    }
}

/// A request as it is sent.
#[derive(Serialize)]
struct Outgoing<'a> {
    jsonrpc: &'static str,
    id: u64,
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<&'a RawValue>,
}

/// A message as it comes.
#[derive(Deserialize)]
struct Incoming {
    id: Option<serde_json::Value>,
    /// Only notifications have it.
    method: Option<serde::de::IgnoredAny>,
    result: Option<Box<RawValue>>,
    error: Option<ErrorPayload>,
}

/// A connection. It ends when it breaks, and when nobody has it any more.
#[derive(Clone)]
struct Connection {
    outgoing: mpsc::Sender<Message>,
    waiting: Arc<Waiting>,
    giving_up: Arc<Notify>,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Connection {
    fn new(socket: Socket, secrets: Arc<Secrets>) -> Self {
        let (outgoing, queue) = mpsc::channel(QUEUE);
        let (waiting, giving_up) = (Arc::new(Waiting::new()), Arc::new(Notify::new()));
        tokio::spawn(run(socket, queue, Arc::clone(&waiting), Arc::clone(&giving_up), secrets));
        Self { outgoing, waiting, giving_up }
    }

    async fn exchange(&self, message: String, mut ticket: Ticket) -> Result<Payload, String> {
        // If the connection is over, the ticket says why.
        let _ = self.outgoing.send(Message::text(message)).await;
        match (&mut ticket.answer).await {
            Ok(answer) => answer,
            Err(_) => Err("the connection broke".to_owned()),
        }
    }

    /// Ends a connection on which nothing came since `began`.
    fn give_up_if_silent(&self, began: Instant) {
        if self.waiting.lock().heard < began {
            self.giving_up.notify_one();
        }
    }
}

/// Moves messages until the connection breaks, and then fails whatever has no answer.
async fn run(
    socket: Socket,
    mut queue: mpsc::Receiver<Message>,
    waiting: Arc<Waiting>,
    giving_up: Arc<Notify>,
    secrets: Arc<Secrets>,
) {
    let (mut sink, mut stream) = socket.split();
    let writing = async {
        while let Some(message) = queue.recv().await {
            if let Err(error) = sink.send(message).await {
                return describe(&error);
            }
        }
        let _ = sink.close().await;
        "nobody needs the connection any more".to_owned()
    };
    let reading = async {
        loop {
            let taken = match stream.next().await {
                Some(Ok(Message::Text(text))) => waiting.take_in(text.as_bytes()),
                Some(Ok(Message::Binary(bytes))) => waiting.take_in(&bytes),
                Some(Ok(Message::Close(frame))) => {
                    let reason = frame.map(|frame| format!(": {frame}")).unwrap_or_default();
                    Err(format!("the endpoint closed the connection{reason}"))
                }
                Some(Ok(_)) => {
                    waiting.lock().heard = Instant::now();
                    Ok(())
                }
                Some(Err(error)) => Err(describe(&error)),
                None => Err("the endpoint closed the connection".to_owned()),
            };
            if let Err(text) = taken {
                return text;
            }
        }
    };
    let text = tokio::select! {
        text = reading => text,
        text = writing => text,
        () = giving_up.notified() => "the endpoint is silent".to_owned(),
    };
    tracing::debug!(reason = secrets.scrub(&text), "connection to an L1 endpoint is over");
    waiting.end(&text);
}

/// What an error of the protocol means.
fn describe(error: &tungstenite::Error) -> String {
    match error {
        tungstenite::Error::Capacity(_) => TOO_LONG.to_owned(),
        error => {
            // The cause says more.
            let mut text = error.to_string();
            let mut cause = std::error::Error::source(error);
            while let Some(next) = cause {
                let more = next.to_string();
                if !text.contains(&more) {
                    text = format!("{text}: {more}");
                }
                cause = next.source();
            }
            text
        }
    }
}

type Answer = Result<Payload, String>;

/// Requests of a connection that have no answer.
struct Waiting(Mutex<Requests>);

struct Requests {
    open: bool,
    next: u64,
    answers: HashMap<u64, oneshot::Sender<Answer>>,
    /// When anything came last.
    heard: Instant,
}

/// A request that waits for its answer.
struct Ticket {
    id: u64,
    answer: oneshot::Receiver<Answer>,
    waiting: Arc<Waiting>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.waiting.lock().answers.remove(&self.id);
    }
}

impl Waiting {
    fn new() -> Self {
        Self(Mutex::new(Requests { open: true, next: 0, answers: HashMap::new(), heard: Instant::now() }))
    }

    /// Nothing is left half done under the lock, so a panic elsewhere doesn't matter.
    fn lock(&self) -> MutexGuard<'_, Requests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_open(&self) -> bool {
        self.lock().open
    }

    /// A place for an answer; `None` if the connection is over.
    fn register(self: &Arc<Self>) -> Option<Ticket> {
        let mut requests = self.lock();
        if !requests.open {
            return None;
        }
        let id = requests.next;
        requests.next = id.wrapping_add(1);
        let (sender, answer) = oneshot::channel();
        requests.answers.insert(id, sender);
        drop(requests);
        Some(Ticket { id, answer, waiting: Arc::clone(self) })
    }

    /// Gives a message to the request that it answers. Fails if it can't be one of JSON-RPC.
    fn take_in(&self, message: &[u8]) -> Result<(), String> {
        self.lock().heard = Instant::now();
        let Ok(incoming) = serde_json::from_slice::<Incoming>(message) else {
            let text = String::from_utf8_lossy(message.get(..message.len().min(1_024)).unwrap_or_default());
            return Err(format!("the answer is not JSON-RPC: {text}"));
        };
        if incoming.method.is_some() {
            return Ok(());
        }
        let id = incoming.id.as_ref().and_then(serde_json::Value::as_u64);
        let payload = match (incoming.error, incoming.result) {
            (Some(error), _) => Payload::Failure(error),
            (None, Some(result)) => Payload::Success(result),
            // `null` is a result as well.
            (None, None) => Payload::Success(RawValue::NULL.to_owned()),
        };
        match (id, payload) {
            (Some(id), payload) => {
                // An answer that nobody waits for any more came too late.
                if let Some(sender) = self.lock().answers.remove(&id) {
                    let _ = sender.send(Ok(payload));
                }
                Ok(())
            }
            // The endpoint doesn't say which request it refuses, such as one that it couldn't read.
            (None, Payload::Failure(error)) => {
                let answers = std::mem::take(&mut self.lock().answers);
                for sender in answers.into_values() {
                    let _ = sender.send(Ok(Payload::Failure(error.clone())));
                }
                Ok(())
            }
            (None, Payload::Success(_)) => Err("the answer is not JSON-RPC: it has no id".to_owned()),
        }
    }

    /// Fails every request that has no answer.
    fn end(&self, text: &str) {
        let mut requests = self.lock();
        requests.open = false;
        let answers = std::mem::take(&mut requests.answers);
        drop(requests);
        for sender in answers.into_values() {
            let _ = sender.send(Err(text.to_owned()));
        }
    }
}

impl Service<RequestPacket> for WsTransport {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), Self::Error>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        Box::pin(self.clone().request(packet))
    }
}

#[cfg(test)]
mod tests {
    use alloy::rpc::json_rpc::{Id, Request};
    use serde_json::json;
    use tokio::net::TcpListener;
    use tokio_tungstenite::accept_async;

    use super::*;

    fn request(id: u64) -> SerializedRequest {
        Request::new("eth_blockNumber", Id::Number(id), ()).try_into().unwrap()
    }

    /// A request has a time limit, and a connection on which nothing comes for that time is given up.
    #[tokio::test]
    async fn an_endpoint_that_never_answers_is_given_up() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("ws://127.0.0.1:{}", listener.local_addr().unwrap().port()).parse().unwrap();
        let (accepted, mut connections) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepted.send(()).unwrap();
                let mut socket = accept_async(stream).await.unwrap();
                tokio::spawn(async move {
                    // Only the first request of a connection is answered.
                    let first = socket.next().await.unwrap().unwrap();
                    let first: serde_json::Value = serde_json::from_str(first.to_text().unwrap()).unwrap();
                    let answer = json!({"jsonrpc": "2.0", "id": first["id"], "result": "0x7"});
                    socket.send(Message::text(answer.to_string())).await.unwrap();
                    while let Some(Ok(_)) = socket.next().await {}
                });
            }
        });
        let transport = WsTransport::new(&url).unwrap();
        let (long, short) = (Duration::from_secs(60), Duration::from_millis(50));
        for id in [5, 6] {
            let answer = transport.0.ask(&request(id), long).await.unwrap();
            assert_eq!((answer.id, answer.payload.is_success()), (Id::Number(id), true));
            let error = transport.0.ask(&request(9), short).await.unwrap_err();
            assert!(error.to_string().contains("no answer within"), "{error}");
            // Whatever else waits fails with the connection, long before its own time.
            let connection = transport.0.connection.lock().await.clone().unwrap();
            while connection.waiting.is_open() {
                tokio::task::yield_now().await;
            }
            connections.recv().await.unwrap();
        }
        assert!(connections.try_recv().is_err(), "two connections");
    }

    /// Requests that nobody waits for any more leave nothing behind.
    #[tokio::test]
    async fn a_request_that_is_dropped_is_forgotten() {
        let waiting = Arc::new(Waiting::new());
        let (first, second) = (waiting.register().unwrap(), waiting.register().unwrap());
        assert_eq!((first.id, second.id), (0, 1));
        drop(first);
        assert_eq!(waiting.lock().answers.len(), 1);
        waiting.take_in(br#"{"jsonrpc": "2.0", "id": 0, "result": null}"#).unwrap();
        waiting.end("over");
        assert!(waiting.register().is_none());
        let mut second = second;
        assert_eq!((&mut second.answer).await.unwrap().unwrap_err(), "over");
    }
}
