//! JSON-RPC over HTTP: with time limits, a limit for the size of answers, and errors without secrets.

use std::{sync::Arc, task, time::Duration};

use alloy::{
    rpc::json_rpc::{RequestPacket, Response, ResponsePacket},
    transports::{TransportError, TransportErrorKind, TransportFut, TransportResult},
};
use tower::Service;
use url::Url;

use super::{
    limits::{ANSWER_LIMIT, CONNECT_TIMEOUT, REQUEST_TIMEOUT, TOO_LONG, time_limit},
    redact::{Secrets, origin},
};

/// Why an endpoint can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is no transport for the scheme.
    #[error("expected an endpoint of the scheme {expected}, got {scheme}")]
    Scheme { expected: &'static str, scheme: String },
    /// The client couldn't be built.
    #[error("client of an endpoint: {0}")]
    Client(String),
    /// There is no endpoint to choose from.
    #[error("expected at least one L1 endpoint")]
    None,
}

/// An HTTP client for `url` with time limits.
pub(crate) fn http_client(url: &Url) -> Result<reqwest::Client, ConnectError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(ConnectError::Scheme { expected: "http or https", scheme: url.scheme().to_owned() });
    }
    let builder = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).connect_timeout(CONNECT_TIMEOUT);
    builder.build().map_err(|error| ConnectError::Client(error.without_url().to_string()))
}

/// A transport to one endpoint.
#[derive(Clone, Debug)]
pub(crate) struct HttpTransport {
    client: reqwest::Client,
    url: Url,
    secrets: Arc<Secrets>,
}

impl HttpTransport {
    pub(crate) fn new(url: &Url) -> Result<Self, ConnectError> {
        Ok(Self { client: http_client(url)?, url: url.clone(), secrets: Arc::new(Secrets::of(url)) })
    }

    /// The endpoint's name in logs.
    pub(crate) fn name(&self) -> String {
        origin(&self.url)
    }

    fn failed(&self, error: reqwest::Error) -> TransportError {
        let error = error.without_url();
        // The cause says more than "error sending request".
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(next) = cause {
            text = format!("{text}: {next}");
            cause = next.source();
        }
        TransportErrorKind::custom_str(&self.secrets.scrub(&text))
    }

    /// The answer without the endpoint's secrets in the words of its errors.
    fn scrubbed(&self, answer: ResponsePacket) -> ResponsePacket {
        let scrub = |response: Response| Response {
            payload: self.secrets.scrub_payload(response.payload),
            ..response
        };
        match answer {
            ResponsePacket::Single(one) => ResponsePacket::Single(scrub(one)),
            ResponsePacket::Batch(all) => ResponsePacket::Batch(all.into_iter().map(scrub).collect()),
        }
    }

    async fn request(self, packet: RequestPacket) -> TransportResult<ResponsePacket> {
        let request = self.client.post(self.url.clone()).headers(packet.headers());
        let body = serde_json::to_vec(&packet).map_err(TransportError::ser_err)?;
        let limit = time_limit(&packet);
        let request = request.header("content-type", "application/json").timeout(limit).body(body);
        let mut response = request.send().await.map_err(|error| self.failed(error))?;
        let status = response.status();
        let seconds = response.headers().get(reqwest::header::RETRY_AFTER);
        let retry_after = seconds
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.trim().parse().ok())
            .map(Duration::from_secs);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(error))? {
            if body.len().saturating_add(chunk.len()) > ANSWER_LIMIT {
                return Err(TransportErrorKind::custom_str(TOO_LONG));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return serde_json::from_slice(&body).map(|answer| self.scrubbed(answer)).map_err(|_| {
                let text = self.secrets.scrub(&String::from_utf8_lossy(&body));
                TransportErrorKind::custom_str(&format!("the answer is not JSON-RPC: {text}"))
            });
        }
        // An answer to a single request is an answer under any status, unless the server asks for patience.
        if retry_after.is_none()
            && let Ok(answer) = serde_json::from_slice::<ResponsePacket>(&body)
            && answer.as_error().is_some()
        {
            return Ok(self.scrubbed(answer));
        }
        let text = self.secrets.scrub(&String::from_utf8_lossy(&body));
        Err(TransportErrorKind::http_error_with_retry_after(status.as_u16(), text, retry_after))
    }
}

impl Service<RequestPacket> for HttpTransport {
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
