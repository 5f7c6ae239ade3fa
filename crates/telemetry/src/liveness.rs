//! Whether the roles of the process still run.

use std::sync::{Arc, Mutex, PoisonError};

/// Why a role ended that should run on; `None` while all run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Liveness(Arc<Mutex<Option<String>>>);

impl Liveness {
    pub(crate) fn ended(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Only the first reason is kept: later ones follow from it.
    fn end(&self, why: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
    }

    pub(crate) fn guard(&self, name: &'static str) -> RoleGuard {
        RoleGuard { liveness: self.clone(), name, is_watching: true }
    }
}

/// Lives as long as a role's task. If it is dropped before [`RoleGuard::finish`], by a panic or because the
/// task was dropped, the process isn't live any more.
#[derive(Debug)]
#[must_use = "the process counts as ended when the guard is dropped"]
pub struct RoleGuard {
    liveness: Liveness,
    name: &'static str,
    is_watching: bool,
}

impl RoleGuard {
    /// Ends the watch: the role was asked to stop, and did.
    pub fn finish(mut self) {
        self.is_watching = false;
    }

    /// Says that the role ended with an error.
    pub fn fail(mut self, error: &(impl std::fmt::Display + ?Sized)) {
        self.is_watching = false;
        self.liveness.end(format!("{}: {error}", self.name));
    }
}

impl Drop for RoleGuard {
    fn drop(&mut self) {
        if self.is_watching {
            let how = if std::thread::panicking() { "it panicked" } else { "its task was dropped" };
            self.liveness.end(format!("{}: {how}", self.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_role_that_panics_or_is_dropped_ends_the_process_and_one_that_finishes_does_not() {
        let liveness = Liveness::default();
        let guard = liveness.guard("sequencer");
        tokio::spawn(async move { guard.finish() }).await.unwrap();
        assert_eq!(liveness.ended(), None);

        let guard = liveness.guard("prover");
        let panicked = tokio::spawn(async move {
            let _guard = guard;
            panic!("on purpose");
        });
        assert!(panicked.await.unwrap_err().is_panic());
        assert_eq!(liveness.ended().as_deref(), Some("prover: it panicked"));

        let other = Liveness::default();
        drop(other.guard("sequencer"));
        assert_eq!(other.ended().as_deref(), Some("sequencer: its task was dropped"));
        other.guard("prover").fail("the disk is full");
        assert_eq!(other.ended().as_deref(), Some("sequencer: its task was dropped"), "the first reason");
    }
}
