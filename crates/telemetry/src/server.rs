//! The HTTP server of an operator's tools.
//!
//! | path | answer |
//! | --- | --- |
//! | `/metrics` | every metric, as OpenMetrics text |
//! | `/livez` | 200 while all roles of the process run, else 503 with the reason |
//! | `/readyz` | 200 if the role is ready, else 503 with the reasons and their codes |
//! | `/status` | what the process knows about itself, as JSON |
//!
//! `/livez` and `/readyz` answer text, or JSON to a request that accepts it.

use std::future::Future;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Json, Response};
use axum::routing::get;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::telemetry::Telemetry;

/// Content type of OpenMetrics text.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Time that open requests have after a shutdown began.
const GRACE: Duration = Duration::from_secs(1);

impl Telemetry {
    /// Serves metrics, health and status on `listener`, until `shutdown` is done. They need no secrets and
    /// change nothing, but they tell strangers what to aim at: listen on a loopback or private address.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let (stop, stopped) = oneshot::channel::<()>();
        let until = async move {
            shutdown.await;
            // The receiver lives as long as the server below.
            let _ = stop.send(());
        };
        let server = axum::serve(listener, router(self)).with_graceful_shutdown(until);
        let late = async move {
            // A sender that is dropped means a server that has ended.
            let _ = stopped.await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            served = async { server.await } => served,
            () = late => Ok(()),
        }
    }
}

fn router(telemetry: Telemetry) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/status", get(status))
        .with_state(telemetry)
}

async fn metrics(State(telemetry): State<Telemetry>) -> Response {
    ([(header::CONTENT_TYPE, OPEN_METRICS)], telemetry.metrics()).into_response()
}

async fn status(State(telemetry): State<Telemetry>) -> Response {
    Json(telemetry.status()).into_response()
}

#[derive(Debug, Serialize)]
struct Live {
    live: bool,
    reason: Option<String>,
}

async fn livez(State(telemetry): State<Telemetry>, headers: HeaderMap) -> Response {
    let reason = telemetry.ended();
    let code = code(reason.is_none());
    if wants_json(&headers) {
        return (code, Json(Live { live: reason.is_none(), reason })).into_response();
    }
    (code, reason.map_or_else(|| "live\n".to_owned(), |reason| format!("not live: {reason}\n")))
        .into_response()
}

async fn readyz(State(telemetry): State<Telemetry>, headers: HeaderMap) -> Response {
    let readiness = telemetry.readiness();
    let code = code(readiness.ready);
    if wants_json(&headers) {
        return (code, Json(readiness)).into_response();
    }
    let mut text = if readiness.ready { "ready\n" } else { "not ready\n" }.to_owned();
    for reason in readiness.reasons {
        text.push_str(&format!("[{}] {}\n", reason.code, reason.reason));
    }
    (code, text).into_response()
}

const fn code(is_good: bool) -> StatusCode {
    if is_good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepts.is_some_and(|accepts| accepts.contains("application/json"))
}
