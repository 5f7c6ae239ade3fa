//! A transport that loses or refuses transactions on the way to the L1, and one that answers by itself.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use alloy::{
    rpc::json_rpc::{
        ErrorPayload, RequestPacket, Response, ResponsePacket, ResponsePayload, SerializedRequest,
    },
    transports::{Transport, TransportError, TransportErrorKind, TransportFut},
};
use serde_json::value::RawValue;
use tokio::sync::Notify;
use tower::Service;

/// What happens to the next transaction that is sent.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is not delivered, and the connection breaks.
    Lost,
    /// It is delivered, but the answer isn't.
    AnswerLost,
    /// The node refuses it with these words.
    Refused(&'static str),
}

/// Faults to come, one a transaction, and whether the L1 can be reached and answers at all.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    next: Arc<Mutex<VecDeque<Fault>>>,
    is_offline: Arc<AtomicBool>,
    /// Requests that are answered before the L1 stalls; `None` if it doesn't stall.
    answers: Arc<Mutex<Option<u32>>>,
    stalled: Arc<Notify>,
}

impl Faults {
    pub fn next(&self, fault: Fault) {
        self.next.lock().unwrap().push_back(fault);
    }

    fn take(&self) -> Option<Fault> {
        self.next.lock().unwrap().pop_front()
    }

    /// While the L1 is offline, every request fails.
    pub fn set_offline(&self, is_offline: bool) {
        self.is_offline.store(is_offline, Ordering::SeqCst);
    }

    /// After this many answers, the L1 gives none until the next call.
    pub fn stall_after(&self, answers: Option<u32>) {
        *self.answers.lock().unwrap() = answers;
    }

    /// Waits until a request gets no answer.
    pub async fn stalled(&self) {
        self.stalled.notified().await;
    }

    fn takes_no_request(&self) -> bool {
        match &mut *self.answers.lock().unwrap() {
            None => false,
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
        }
    }
}

#[derive(Clone)]
pub struct Faulty<T> {
    inner: T,
    faults: Faults,
}

impl<T> Faulty<T> {
    pub fn new(inner: T, faults: Faults) -> Self {
        Self { inner, faults }
    }
}

impl<T> fmt::Debug for Faulty<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").finish_non_exhaustive()
    }
}

impl<T: Transport + Clone> Service<RequestPacket> for Faulty<T> {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let sends = packet.as_single().is_some_and(|request| request.method() == "eth_sendRawTransaction");
        let broken = || TransportErrorKind::custom_str("the connection broke");
        if self.faults.is_offline.load(Ordering::SeqCst) {
            return Box::pin(async move { Err(broken()) });
        }
        if self.faults.takes_no_request() {
            self.faults.stalled.notify_one();
            return Box::pin(std::future::pending());
        }
        match sends.then(|| self.faults.take()).flatten() {
            None => self.inner.call(packet),
            Some(Fault::Lost) => Box::pin(async move { Err(broken()) }),
            Some(Fault::AnswerLost) => {
                let answer = self.inner.call(packet);
                Box::pin(async move { answer.await.and(Err(broken())) })
            }
            Some(Fault::Refused(words)) => {
                let id = packet.as_single().unwrap().id().clone();
                let error = ErrorPayload { code: -32000, message: words.into(), data: None };
                let response = Response { id, payload: ResponsePayload::Failure(error) };
                Box::pin(async move { Ok(ResponsePacket::Single(response)) })
            }
        }
    }
}

/// Answers of a made-up L1: method and parameters to result.
type Answers = dyn Fn(&str, &serde_json::Value) -> serde_json::Value + Send + Sync;

/// A transport without an L1.
#[derive(Clone)]
pub struct Scripted(Arc<Answers>);

impl Scripted {
    pub fn new(
        answers: impl Fn(&str, &serde_json::Value) -> serde_json::Value + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(answers))
    }

    fn answer(&self, request: &SerializedRequest) -> Response {
        let params = request.params().map_or("[]", RawValue::get);
        let result = (self.0)(request.method(), &serde_json::from_str(params).unwrap());
        let result = serde_json::value::to_raw_value(&result).unwrap();
        Response { id: request.id().clone(), payload: ResponsePayload::Success(result) }
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripted").finish_non_exhaustive()
    }
}

impl Service<RequestPacket> for Scripted {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let answers = match packet {
            RequestPacket::Single(request) => ResponsePacket::Single(self.answer(&request)),
            RequestPacket::Batch(requests) => {
                ResponsePacket::Batch(requests.iter().map(|request| self.answer(request)).collect())
            }
        };
        Box::pin(async move { Ok(answers) })
    }
}
