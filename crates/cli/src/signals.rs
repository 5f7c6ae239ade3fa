//! Requests to end from a person or a supervisor.

use std::io;

/// Waits for the first such request, and names it.
///
/// # Errors
/// When the system doesn't tell of them.
#[cfg(unix)]
pub(crate) fn first() -> io::Result<impl Future<Output = &'static str>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
            _ = hangup.recv() => "SIGHUP",
        }
    })
}

/// Waits for the first such request, and names it.
///
/// # Errors
/// When the system doesn't tell of them.
#[cfg(not(unix))]
pub(crate) fn first() -> io::Result<impl Future<Output = &'static str>> {
    Ok(async {
        // Without a handler nobody ever asks.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "Ctrl-C"
    })
}
