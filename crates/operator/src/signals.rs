//! Requests of the system to end, as a [`Shutdown`].

use std::io;

use fernet_roles::Shutdown;
use tokio::sync::watch;

/// What the system's signals ask a process to do.
#[derive(Debug)]
pub struct Requests {
    /// Ends the process: the first SIGINT or SIGTERM when nothing is outstanding, the second one at once.
    pub shutdown: watch::Receiver<Shutdown>,
    /// Counts the requests to read the keys again (SIGHUP).
    pub reload: watch::Receiver<u64>,
}

/// Listens to the system's signals from now on.
///
/// # Errors
/// When the system doesn't tell of them.
#[cfg(unix)]
pub fn listen() -> io::Result<Requests> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let (end, shutdown) = watch::channel(Shutdown::None);
    let (again, reload) = watch::channel(0_u64);
    tokio::spawn(async move {
        loop {
            let name = tokio::select! {
                _ = interrupt.recv() => "SIGINT",
                _ = terminate.recv() => "SIGTERM",
                _ = hangup.recv() => {
                    again.send_modify(|count| *count = count.saturating_add(1));
                    continue;
                }
            };
            end.send_modify(|asked| *asked = next(*asked));
            let asked = *end.borrow();
            tracing::info!(signal = name, ?asked, "asked to end");
        }
    });
    Ok(Requests { shutdown, reload })
}

/// Listens to Ctrl-C from now on.
///
/// # Errors
/// When the system doesn't tell of it.
#[cfg(not(unix))]
pub fn listen() -> io::Result<Requests> {
    let (end, shutdown) = watch::channel(Shutdown::None);
    let (again, reload) = watch::channel(0_u64);
    tokio::spawn(async move {
        // Nobody asks to read the keys again there.
        let _again = again;
        while tokio::signal::ctrl_c().await.is_ok() {
            end.send_modify(|asked| *asked = next(*asked));
        }
    });
    Ok(Requests { shutdown, reload })
}

const fn next(asked: Shutdown) -> Shutdown {
    match asked {
        Shutdown::None => Shutdown::WhenFinished,
        Shutdown::WhenFinished | Shutdown::Now => Shutdown::Now,
    }
}
