//! The lease of a role: at most one process acts for it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use fernet_roles::Shutdown;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// How often a waiting process asks for the lease.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// Most bytes of a holder's description that are read.
const MAX_HOLDER_BYTES: u64 = 4096;

/// The process that holds a lease, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// Its machine's name; empty if the system doesn't tell.
    pub host: String,
}

impl Holder {
    fn this_process() -> Self {
        let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
        Self { pid: std::process::id(), host: host.trim().to_owned() }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = if self.host.is_empty() { "an unknown machine" } else { &self.host };
        write!(formatter, "process {} on {host}", self.pid)
    }
}

/// Why there is no lease.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another process has it.
    #[error("{} is held by {}: expected one process for each role", path.display(),
        holder.as_ref().map_or_else(|| "another process".to_owned(), ToString::to_string))]
    Held {
        /// The lease's file.
        path: PathBuf,
        /// Who holds it, if it says so.
        holder: Option<Holder>,
    },
    /// The system refused.
    #[error("lease {}: {source}", path.display())]
    Io {
        /// The lease's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A lease, held until it is dropped or the process ends, however it ends.
///
/// It is a lock on a file, which the system releases with its process. On a folder that machines share, with
/// locks (NFS has them since version 4), it holds between machines. Where nothing is shared, copies of a
/// sequencer notice each other on L1: [`fernet_sequencer::Availability::Standby`].
#[derive(Debug)]
pub struct Lease {
    _file: File,
}

impl Lease {
    /// Takes the lease at `path`.
    ///
    /// # Errors
    /// When another process holds it, or the system refuses.
    pub fn take(path: &Path) -> Result<Self, LeaseError> {
        let failed = |source| LeaseError::Io { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LeaseError::Held { path: path.to_owned(), holder: read_holder(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let text = serde_json::to_string(&Holder::this_process()).map_err(io::Error::other);
        text.and_then(|text| {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .map_err(failed)?;
        Ok(Self { _file: file })
    }

    /// Waits for the lease at `path`, as a spare does; `None` if it is asked to end meanwhile.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn wait(
        path: &Path,
        shutdown: &mut watch::Receiver<Shutdown>,
    ) -> Result<Option<Self>, LeaseError> {
        let mut told = false;
        loop {
            if *shutdown.borrow_and_update() != Shutdown::None {
                return Ok(None);
            }
            match Self::take(path) {
                Ok(lease) => return Ok(Some(lease)),
                Err(error @ LeaseError::Held { .. }) => {
                    if !told {
                        tracing::info!(%error, "waiting for the lease");
                        told = true;
                    }
                }
                Err(error) => return Err(error),
            }
            tokio::select! {
                changed = shutdown.changed() => if changed.is_err() { return Ok(None) },
                () = tokio::time::sleep(ASK_EVERY) => {}
            }
        }
    }
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.take(MAX_HOLDER_BYTES).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_holds_a_lease_and_the_next_one_learns_which() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lease");
        let lease = Lease::take(&path).unwrap();
        // A lock belongs to its open file, so this process is refused as another one would be.
        let error = Lease::take(&path).unwrap_err();
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        drop(lease);
        Lease::take(&path).unwrap();
        let missing = Lease::take(&folder.path().join("no/lease")).unwrap_err();
        assert!(matches!(missing, LeaseError::Io { .. }), "{missing}");
    }

    #[test]
    fn a_lease_with_other_contents_is_still_a_lease() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lease");
        for contents in ["", "{", "not a holder", &"x".repeat(10_000)] {
            std::fs::write(&path, contents).unwrap();
            let held = File::open(&path).unwrap();
            held.lock().unwrap();
            let error = Lease::take(&path).unwrap_err();
            assert!(error.to_string().contains("held by another process"), "{error}");
            drop(held);
            Lease::take(&path).unwrap();
        }
    }

    #[tokio::test]
    async fn a_spare_waits_until_the_lease_is_free_or_it_is_asked_to_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lease");
        let held = Lease::take(&path).unwrap();
        let (ask, mut shutdown) = watch::channel(Shutdown::None);
        let waiting = tokio::spawn({
            let path = path.clone();
            let mut shutdown = shutdown.clone();
            async move { Lease::wait(&path, &mut shutdown).await.unwrap() }
        });
        tokio::task::yield_now().await;
        drop(held);
        let lease = waiting.await.unwrap();
        assert!(lease.is_some());
        ask.send(Shutdown::WhenFinished).unwrap();
        assert!(Lease::wait(&path, &mut shutdown).await.unwrap().is_none());
    }
}
