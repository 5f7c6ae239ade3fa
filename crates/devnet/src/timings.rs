//! Where a run's wall time goes.

use std::time::Duration;

use tokio::time::Instant;

/// Where a run's wall time went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// L1 blocks made or waited for.
    pub blocks: u64,
    /// Making them: executing transactions, precompiles included, and storing the state.
    pub l1: Duration,
    /// Following L1: events, and executing finalized blocks again.
    pub following: Duration,
    /// Sequencers: building blocks, blob proofs, simulating and signing transactions, quotes.
    pub sequencers: Duration,
    /// Provers: checking blocks, simulating and signing transactions; without proofs.
    pub provers: Duration,
    /// Waiting for proofs.
    pub proofs: Duration,
    /// Reporting.
    pub reporting: Duration,
}

/// A stopwatch that is read in laps.
#[derive(Debug)]
pub(crate) struct Lap(Instant);

impl Lap {
    /// A stopwatch whose first lap began at `began`.
    pub(crate) fn since(began: Instant) -> Self {
        Self(began)
    }

    /// Adds the time since the last reading to `to`.
    pub(crate) fn add(&mut self, to: &mut Duration) {
        let now = Instant::now();
        *to = to.saturating_add(now - self.0);
        self.0 = now;
    }
}
