//! Requests of the system to end, as a [`Shutdown`].

use std::io;

use fernet_roles::Shutdown;
use tokio::sync::watch;

/// Listens to the system from now on: the first SIGINT or SIGTERM asks for the end when nothing is
/// outstanding, the second one for the end at once.
///
/// # Errors
/// When the system doesn't tell of them.
#[cfg(unix)]
pub fn listen() -> io::Result<watch::Receiver<Shutdown>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (end, shutdown) = watch::channel(Shutdown::None);
    tokio::spawn(async move {
        loop {
            let name = tokio::select! {
                _ = interrupt.recv() => "SIGINT",
                _ = terminate.recv() => "SIGTERM",
            };
            end.send_modify(|asked| *asked = next(*asked));
            let asked = *end.borrow();
            tracing::info!(signal = name, ?asked, "asked to end");
        }
    });
    Ok(shutdown)
}

/// Listens to Ctrl-C from now on: the first one asks for the end when nothing is outstanding, the second one
/// for the end at once.
///
/// # Errors
/// When the system doesn't tell of it.
#[cfg(not(unix))]
pub fn listen() -> io::Result<watch::Receiver<Shutdown>> {
    let (end, shutdown) = watch::channel(Shutdown::None);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            end.send_modify(|asked| *asked = next(*asked));
        }
    });
    Ok(shutdown)
}

const fn next(asked: Shutdown) -> Shutdown {
    match asked {
        Shutdown::None => Shutdown::WhenFinished,
        Shutdown::WhenFinished | Shutdown::Now => Shutdown::Now,
    }
}
