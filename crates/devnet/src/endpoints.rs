//! The roles' ways to the L1: as it is, or behind endpoints that do what real ones do.

use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use alloy::{primitives::keccak256, providers::Provider as _, transports::BoxTransport};
use fernet_hooks::{Hook, Hooked, Hooks, Rates, Request, Seeded};
use fernet_l1::{
    BlobError, BlobFuture, BlobLocation, BlobSource, L1Provider, Pool, connect_pool, connect_transport,
};

/// Requests after which the good one of two endpoints changes.
const TURN: u64 = 60;
/// The bad one of two endpoints: hardly anything works.
const BAD: Rates = Rates { faults: 600, outages: 300 };

/// What the roles' endpoints of the L1 do wrong: refuse, lie, stall, break and lag, at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointFaults {
    /// Where the faults come from.
    pub seed: u64,
    /// How many endpoints a role has.
    pub count: EndpointCount,
}

/// How many endpoints a role has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointCount {
    /// One, on which every fifteenth request goes wrong.
    One,
    /// Two, of which one is good at any time.
    Two,
}

/// Not a plan of endpoint faults.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected SEED for one endpoint or SEED/2 for two, such as 7 or 7/2, got {0:?}")]
pub struct EndpointFaultsError(String);

impl FromStr for EndpointFaults {
    type Err = EndpointFaultsError;

    fn from_str(text: &str) -> Result<Self, EndpointFaultsError> {
        let (seed, count) = match text.split_once('/') {
            None => (text, EndpointCount::One),
            Some((seed, "2")) => (seed, EndpointCount::Two),
            Some(_) => return Err(EndpointFaultsError(text.to_owned())),
        };
        let seed = seed.parse().map_err(|_| EndpointFaultsError(text.to_owned()))?;
        Ok(Self { seed, count })
    }
}

impl fmt::Display for EndpointFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            EndpointCount::One => write!(f, "{}", self.seed),
            EndpointCount::Two => write!(f, "{}/2", self.seed),
        }
    }
}

impl EndpointFaults {
    /// A seed for a role.
    pub(crate) fn seed_of(&self, role: &str) -> u64 {
        let hash = keccak256([&self.seed.to_be_bytes(), role.as_bytes()].concat());
        hash.0.into_iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(byte))
    }
}

/// Ways to the L1.
#[derive(Debug, Clone)]
pub struct Endpoints {
    direct: L1Provider,
    faults: Option<EndpointFaults>,
    /// The hooks of all roles.
    hooks: Arc<Mutex<Vec<Arc<Seeded>>>>,
}

impl Endpoints {
    /// Ways to the L1 behind `direct`.
    #[must_use]
    pub fn new(direct: L1Provider, faults: Option<EndpointFaults>) -> Self {
        Self { direct, faults, hooks: Arc::default() }
    }

    fn hooks(&self, seed: u64, rates: Rates) -> Arc<Seeded> {
        let hooks = Arc::new(Seeded::new(seed, rates));
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&hooks));
        hooks
    }

    /// Requests so far to which something happened.
    #[must_use]
    pub fn happened(&self) -> u64 {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|hooks| hooks.faults()).sum()
    }

    /// The way of a role.
    #[must_use]
    pub fn provider(&self, role: &str) -> L1Provider {
        let Some(faults) = self.faults else { return self.direct.clone() };
        let seed = faults.seed_of(role);
        let inner = || BoxTransport::new(self.direct.client().transport().clone());
        let hooked = |hooks: Arc<dyn Hooks>| BoxTransport::new(Hooked::new(inner(), hooks));
        match faults.count {
            EndpointCount::One => connect_transport(hooked(self.hooks(seed, Rates::USUAL))),
            EndpointCount::Two => {
                let turns = Arc::new(AtomicU64::new(0));
                let endpoint = |side: u64| {
                    let hooks = Turns { side, turns: Arc::clone(&turns), bad: self.hooks(seed ^ side, BAD) };
                    (format!("{role} {side}"), hooked(Arc::new(hooks)))
                };
                match Pool::new(vec![endpoint(0), endpoint(1)]) {
                    Ok(pool) => connect_pool(&pool),
                    // It has two.
                    Err(error) => unreachable!("{error}"),
                }
            }
        }
    }

    /// A source of blobs that fails as the endpoints do.
    #[must_use]
    pub fn blobs(&self, source: Arc<dyn BlobSource>) -> Arc<dyn BlobSource> {
        match self.faults {
            None => source,
            Some(faults) => {
                let hooks = self.hooks(faults.seed_of("blobs"), Rates::HEAVY);
                Arc::new(FaultyBlobs { source, hooks })
            }
        }
    }
}

/// Hooks of one of two endpoints.
struct Turns {
    side: u64,
    /// Requests to both.
    turns: Arc<AtomicU64>,
    bad: Arc<Seeded>,
}

impl Hooks for Turns {
    fn hook(&self, request: &Request) -> Hook {
        let is_good = self.turns.fetch_add(1, Ordering::Relaxed) / TURN % 2 == self.side;
        if is_good { Hook::Deliver } else { self.bad.hook(request) }
    }
}

/// Blobs behind hooks.
struct FaultyBlobs {
    source: Arc<dyn BlobSource>,
    hooks: Arc<Seeded>,
}

impl BlobSource for FaultyBlobs {
    fn blobs<'a>(&'a self, at: BlobLocation, hashes: &'a [alloy::primitives::B256]) -> BlobFuture<'a> {
        let request = Request { method: "blobs".to_owned(), params: serde_json::Value::Null };
        match self.hooks.hook(&request) {
            Hook::Fail(failure) => Box::pin(async move {
                let status = if at.number.is_multiple_of(2) { 400 } else { 500 };
                Err(BlobError::Refused { status, message: format!("{failure:?}") })
            }),
            _ => self.source.blobs(at, hashes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_read_and_written() {
        for text in ["0", "7", "18446744073709551615/2"] {
            assert_eq!(text.parse::<EndpointFaults>().unwrap().to_string(), text);
        }
        for wrong in ["", "x", "7/1", "7/", "/2", "-1", "7/2/2"] {
            let error = wrong.parse::<EndpointFaults>().unwrap_err().to_string();
            assert!(error.starts_with("expected SEED"), "{error}");
        }
    }
}
