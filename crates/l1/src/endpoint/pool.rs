//! One L1 behind several endpoints.
//!
//! - A *read* goes to the endpoint that answered last, so that the requests of one step see one node. If it
//!   fails, the next one is asked at once; if it is silent, after some milliseconds. The first answer counts.
//! - A *transaction* goes to all of them.
//! - An endpoint that fails isn't asked again before its back-off is over, or the time that it asked for.
//! - `null`, or an older head, is no answer from an endpoint that is behind another one.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task,
    time::{Duration, Instant},
};

use alloy::{
    primitives::U64,
    rpc::json_rpc::{RequestPacket, ResponsePacket, ResponsePayload},
    transports::{BoxTransport, RpcError, TransportError, TransportErrorKind, TransportFut, TransportResult},
};
use serde::Deserialize;
use tokio::{sync::mpsc, task::JoinSet};
use tower::Service;
use url::Url;

use super::{
    class::{is_about_the_request, is_rate_limit, means_known, retry_after},
    http::{ConnectError, HttpTransport},
    redact::redact,
    ws::WsTransport,
};

/// First pause after a failure. It doubles with each further one.
const FIRST_BACK_OFF: Duration = Duration::from_millis(100);
/// Longest pause after failures.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);
/// Longest pause that an endpoint may ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);
/// Longest pause that a request waits for, when there is no other endpoint.
const PATIENCE: Duration = Duration::from_secs(1);
/// Time after which another endpoint is asked as well: a multiple of the usual time, within limits.
const HEDGE_FACTOR: u32 = 4;
const SHORTEST_HEDGE: Duration = Duration::from_millis(40);
const LONGEST_HEDGE: Duration = Duration::from_millis(800);
/// The same for an endpoint that hasn't answered yet.
const FIRST_HEDGE: Duration = Duration::from_millis(80);
/// How often other endpoints are asked whether there is a newer block.
const CROSS_CHECK: Duration = Duration::from_secs(3);

/// What is known about an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointHealth {
    /// Scheme, host and port.
    pub name: String,
    /// Failures since the last answer.
    pub failures: u32,
    /// Mean time of recent answers.
    pub latency: Option<Duration>,
    /// Highest L1 block that it gave out.
    pub head: u64,
    /// Its last failure or refusal.
    pub last_error: Option<String>,
    /// Answers so far, refusals that every endpoint would repeat included.
    pub answers: u64,
    /// Failures and refusals of its own so far, and answers that came later than another endpoint's.
    pub errors: u64,
    /// Time for which it isn't asked; `None` if it is.
    pub left_alone: Option<Duration>,
}

#[derive(Debug)]
struct Health {
    known: EndpointHealth,
    blocked_until: Option<Instant>,
}

struct Endpoint {
    transport: BoxTransport,
    health: Mutex<Health>,
}

/// Several endpoints of one L1, as one transport. Cheap to clone.
#[derive(Clone)]
pub struct Pool {
    endpoints: Arc<[Endpoint]>,
    /// The endpoint that answered last.
    preferred: Arc<AtomicUsize>,
    cross_checked: Arc<Mutex<Instant>>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.health()).finish()
    }
}

/// The name and the transport of the endpoint at `url`.
fn endpoint(url: &Url) -> Result<(String, BoxTransport), ConnectError> {
    Ok(match url.scheme() {
        "http" | "https" => {
            let transport = HttpTransport::new(url)?;
            (transport.name(), BoxTransport::new(transport))
        }
        "ws" | "wss" => {
            let transport = WsTransport::new(url)?;
            (transport.name(), BoxTransport::new(transport))
        }
        scheme => {
            let expected = "http, https, ws or wss";
            return Err(ConnectError::Scheme { expected, scheme: scheme.to_owned() });
        }
    })
}

/// How an endpoint answered.
enum Verdict {
    /// With an answer, or a refusal that every endpoint would repeat.
    Answer,
    /// With `null`, for a block or a transaction.
    Null,
    /// With a refusal of its own.
    Refusal,
    /// Not at all.
    Failure,
}

impl Pool {
    /// A pool of endpoints, each over HTTP or WebSocket. Nothing is sent yet.
    ///
    /// # Errors
    /// If there is no URL, or one has another scheme than `http`, `https`, `ws` and `wss`.
    pub fn of_urls(urls: &[Url]) -> Result<Self, ConnectError> {
        Self::new(urls.iter().map(endpoint).collect::<Result<_, _>>()?)
    }

    /// A pool of named transports.
    ///
    /// # Errors
    /// If there is none.
    pub fn new(endpoints: Vec<(String, BoxTransport)>) -> Result<Self, ConnectError> {
        if endpoints.is_empty() {
            return Err(ConnectError::None);
        }
        let endpoint = |(name, transport)| Endpoint {
            transport,
            health: Mutex::new(Health {
                known: EndpointHealth { name, ..EndpointHealth::default() },
                blocked_until: None,
            }),
        };
        Ok(Self {
            endpoints: endpoints.into_iter().map(endpoint).collect(),
            preferred: Arc::default(),
            cross_checked: Arc::new(Mutex::new(Instant::now())),
        })
    }

    /// What is known about each endpoint, in the order in which they were given.
    pub fn health(&self) -> Vec<EndpointHealth> {
        let now = Instant::now();
        let health = |endpoint: &Endpoint| {
            let health = endpoint.lock();
            let left_alone = health.blocked_until.and_then(|until| until.checked_duration_since(now));
            EndpointHealth { left_alone, ..health.known.clone() }
        };
        self.endpoints.iter().map(health).collect()
    }

    /// The endpoints in the order in which they are asked: first the one that answered last, then those that
    /// fail less, then the faster ones. Those in a back-off come last.
    fn order(&self) -> Vec<usize> {
        let now = Instant::now();
        let preferred = self.preferred.load(Ordering::Relaxed);
        let mut order: Vec<usize> = (0..self.endpoints.len()).collect();
        order.sort_by_cached_key(|index| {
            let Some(endpoint) = self.endpoints.get(*index) else { return (None, true, 0, None) };
            let health = endpoint.lock();
            let blocked = health.blocked_until.filter(|until| *until > now);
            (blocked, *index != preferred, health.known.failures, health.known.latency)
        });
        order
    }

    fn best_head(&self) -> u64 {
        self.endpoints.iter().map(|endpoint| endpoint.lock().known.head).max().unwrap_or_default()
    }

    /// Whether others are asked after an endpoint answered `null`.
    fn doubts_null(&self, index: usize, packet: &RequestPacket) -> bool {
        if self.endpoints.len() < 2 {
            return false;
        }
        let own = self.endpoints.get(index).map_or(0, |endpoint| endpoint.lock().known.head);
        let best = self.best_head();
        if let Some(number) = block_number(packet)
            && number <= best
        {
            return true;
        }
        own < best || self.is_cross_check_due()
    }

    /// Whether others are asked for the head after an endpoint said `answer`: it is behind another one, or it
    /// is time to ask whether there is a newer block. `known` is what others said already.
    fn doubts_head(
        &self,
        answer: &TransportResult<ResponsePacket>,
        known: Option<&(u8, TransportResult<ResponsePacket>)>,
    ) -> bool {
        let number = |answer: &TransportResult<ResponsePacket>| answer.as_ref().ok().and_then(number_in);
        let Some(own) = number(answer).filter(|_| self.endpoints.len() > 1) else { return false };
        // In the middle of a cross-check only a newer block ends it.
        if let Some((0, known)) = known {
            return Some(own) <= number(known);
        }
        own < self.best_head() || self.is_cross_check_due()
    }

    fn is_cross_check_due(&self) -> bool {
        let mut last = lock(&self.cross_checked);
        let is_due = last.elapsed() >= CROSS_CHECK;
        if is_due {
            *last = Instant::now();
        }
        is_due
    }

    async fn read(self, packet: RequestPacket) -> TransportResult<ResponsePacket> {
        let mut waiting = self.order().into_iter();
        let mut running = JoinSet::new();
        // Those that were asked and haven't answered.
        let mut started: Vec<usize> = Vec::new();
        let mut best: Option<(u8, TransportResult<ResponsePacket>)> = None;
        let mut hedge = self.begin(&mut waiting, &mut running, &mut started, &packet).await?;
        loop {
            let finished = tokio::select! {
                Some(joined) = running.join_next() => joined,
                () = tokio::time::sleep(hedge), if waiting.len() > 0 => {
                    let begun = self.begin(&mut waiting, &mut running, &mut started, &packet).await;
                    hedge = begun.unwrap_or(hedge);
                    continue;
                }
                else => break,
            };
            let Ok((index, result, took)) = finished else { continue };
            let verdict = judge(&packet, &result);
            self.note(index, &verdict, &result, took);
            let rank = match verdict {
                Verdict::Null if self.doubts_null(index, &packet) => 0,
                Verdict::Answer if asks_for_head(&packet) && self.doubts_head(&result, best.as_ref()) => 0,
                Verdict::Answer | Verdict::Null => {
                    self.preferred.store(index, Ordering::Relaxed);
                    // Whoever was asked and hasn't answered is slow.
                    started.retain(|other| *other != index);
                    self.note_lost(&started);
                    return result;
                }
                Verdict::Refusal => 1,
                Verdict::Failure => 2,
            };
            started.retain(|other| *other != index);
            if best.as_ref().is_none_or(|(known, _)| rank < *known) {
                best = Some((rank, result));
            }
            if running.is_empty() && waiting.len() > 0 {
                hedge = self.begin(&mut waiting, &mut running, &mut started, &packet).await.unwrap_or(hedge);
            }
        }
        best.map_or_else(
            || Err(TransportErrorKind::custom_str("no L1 endpoint answered")),
            |(_, result)| result,
        )
    }

    /// Asks the next endpoint. Returns the time after which another one is asked, too.
    async fn begin(
        &self,
        waiting: &mut std::vec::IntoIter<usize>,
        running: &mut JoinSet<(usize, TransportResult<ResponsePacket>, Duration)>,
        started: &mut Vec<usize>,
        packet: &RequestPacket,
    ) -> TransportResult<Duration> {
        let Some((index, endpoint)) = waiting.next().and_then(|i| Some((i, self.endpoints.get(i)?))) else {
            return Ok(LONGEST_HEDGE);
        };
        let (blocked, hedge) = {
            let health = endpoint.lock();
            let usual =
                health.known.latency.map_or(FIRST_HEDGE, |latency| latency.saturating_mul(HEDGE_FACTOR));
            let now = Instant::now();
            let blocked = health.blocked_until.filter(|until| *until > now);
            (
                blocked.map(|until| (until.saturating_duration_since(now), health.known.last_error.clone())),
                usual.clamp(SHORTEST_HEDGE, LONGEST_HEDGE),
            )
        };
        if let Some((pause, error)) = blocked {
            if pause > PATIENCE || !running.is_empty() {
                let error = error.unwrap_or_default();
                let text = format!("no request for another {} ms after: {error}", pause.as_millis());
                return Err(TransportErrorKind::custom_str(&text));
            }
            tokio::time::sleep(pause).await;
        }
        started.push(index);
        let mut transport = endpoint.transport.clone();
        let packet = packet.clone();
        running.spawn(async move {
            let began = Instant::now();
            let result = transport.call(packet).await;
            (index, result, began.elapsed())
        });
        Ok(hedge)
    }

    /// Sends a transaction to every endpoint. The first that takes it decides; the others get it
    /// nevertheless.
    async fn send(self, packet: RequestPacket) -> TransportResult<ResponsePacket> {
        let (sender, mut answers) = mpsc::unbounded_channel();
        for (index, endpoint) in self.endpoints.iter().enumerate() {
            let mut transport = endpoint.transport.clone();
            let (packet, sender, pool) = (packet.clone(), sender.clone(), self.clone());
            tokio::spawn(async move {
                let began = Instant::now();
                let result = transport.call(packet.clone()).await;
                pool.note(index, &judge(&packet, &result), &result, began.elapsed());
                // Nobody listens any more if another endpoint took it.
                let _ = sender.send(result);
            });
        }
        drop(sender);
        let mut best: Option<(u8, TransportResult<ResponsePacket>)> = None;
        while let Some(result) = answers.recv().await {
            let rank = match &result {
                Ok(answer) if answer.is_success() => return result,
                Ok(answer) if answer.first_error_message().is_some_and(means_known) => 0,
                // It may have been taken.
                Err(_) => 1,
                Ok(_) => 2,
            };
            if best.as_ref().is_none_or(|(known, _)| rank < *known) {
                best = Some((rank, result));
            }
        }
        best.map_or_else(
            || Err(TransportErrorKind::custom_str("no L1 endpoint answered")),
            |(_, result)| result,
        )
    }

    fn note(
        &self,
        index: usize,
        verdict: &Verdict,
        result: &TransportResult<ResponsePacket>,
        took: Duration,
    ) {
        let Some(endpoint) = self.endpoints.get(index) else { return };
        let (message, hint, is_limited) = match result {
            Ok(answer) => match answer.as_error() {
                None => (None, None, false),
                Some(payload) => {
                    let error: TransportError = RpcError::ErrorResp(payload.clone());
                    let hint = retry_after(&error);
                    (Some(error.to_string()), hint, is_rate_limit(payload.code, &payload.message))
                }
            },
            Err(error) => (Some(error.to_string()), retry_after(error), true),
        };
        let mut health = endpoint.lock();
        match verdict {
            Verdict::Answer | Verdict::Null => {
                if health.known.failures > 0 {
                    tracing::info!(endpoint = health.known.name, "L1 endpoint answers again");
                }
                health.known.failures = 0;
                health.known.answers = health.known.answers.saturating_add(1);
                health.blocked_until = None;
                let usual = health.known.latency.map_or(took, |usual| (usual.saturating_mul(3) + took) / 4);
                health.known.latency = Some(usual);
                if let Some(number) = result.as_ref().ok().and_then(number_in) {
                    health.known.head = health.known.head.max(number);
                }
            }
            Verdict::Refusal | Verdict::Failure => {
                let message = redact(&message.unwrap_or_default());
                tracing::debug!(endpoint = health.known.name, error = message, "L1 endpoint failed");
                health.known.last_error = Some(message);
                health.known.errors = health.known.errors.saturating_add(1);
                if is_limited || hint.is_some() {
                    let doubled = 1_u32.checked_shl(health.known.failures.min(16)).unwrap_or(u32::MAX);
                    health.known.failures = health.known.failures.saturating_add(1);
                    let pause = jittered(FIRST_BACK_OFF.saturating_mul(doubled).min(LONGEST_BACK_OFF));
                    let pause = hint.map_or(pause, |hint| pause.max(hint.min(LONGEST_RETRY_AFTER)));
                    health.blocked_until = Instant::now().checked_add(pause);
                }
            }
        }
    }

    /// Notes that endpoints were silent while another one answered.
    fn note_lost(&self, silent: &[usize]) {
        for endpoint in silent.iter().filter_map(|index| self.endpoints.get(*index)) {
            let mut health = endpoint.lock();
            health.known.failures = health.known.failures.saturating_add(1);
            health.known.errors = health.known.errors.saturating_add(1);
            health.known.last_error = Some("slower than another endpoint".to_owned());
        }
    }
}

impl Endpoint {
    fn lock(&self) -> MutexGuard<'_, Health> {
        lock(&self.health)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Between half of `pause` and all of it.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 512;
    let part = u32::try_from(random).unwrap_or_default().saturating_add(512);
    pause.saturating_mul(part) / 1024
}

fn judge(packet: &RequestPacket, result: &TransportResult<ResponsePacket>) -> Verdict {
    let Ok(answer) = result else { return Verdict::Failure };
    let (Some(request), Some(answer)) = (packet.as_single(), answer.as_single()) else {
        return Verdict::Answer;
    };
    match &answer.payload {
        ResponsePayload::Success(value)
            if value.get() == "null" && request.method().starts_with("eth_get") =>
        {
            Verdict::Null
        }
        ResponsePayload::Success(_) => Verdict::Answer,
        ResponsePayload::Failure(error) if is_about_the_request(error) => Verdict::Answer,
        ResponsePayload::Failure(_) => Verdict::Refusal,
    }
}

/// Whether a request asks for the newest block.
fn asks_for_head(packet: &RequestPacket) -> bool {
    let Some(request) = packet.as_single().filter(|one| one.method() == "eth_getBlockByNumber") else {
        return false;
    };
    let parameters = request.params().map(|params| serde_json::from_str::<(String, bool)>(params.get()));
    matches!(parameters, Some(Ok((block, _))) if block == "latest")
}

/// The number that a request for a block asks for.
fn block_number(packet: &RequestPacket) -> Option<u64> {
    let request = packet.as_single()?;
    if request.method() != "eth_getBlockByNumber" {
        return None;
    }
    let (number, _): (U64, serde_json::Value) = serde_json::from_str(request.params()?.get()).ok()?;
    Some(number.to())
}

/// The number of the block in an answer.
fn number_in(answer: &ResponsePacket) -> Option<u64> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Numbered {
        number: U64,
        #[allow(dead_code, reason = "only blocks have it")]
        parent_hash: serde::de::IgnoredAny,
    }
    let ResponsePayload::Success(value) = &answer.as_single()?.payload else { return None };
    serde_json::from_str::<Numbered>(value.get()).ok().map(|block| block.number.to())
}

impl Service<RequestPacket> for Pool {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), Self::Error>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let is_transaction = packet.as_single().is_some_and(|one| one.method() == "eth_sendRawTransaction");
        let pool = self.clone();
        if is_transaction { Box::pin(pool.send(packet)) } else { Box::pin(pool.read(packet)) }
    }
}
