//! The answer of `/status`.

use fernet_l1::EndpointHealth;
use fernet_protocol::Phase;
use serde::Serialize;

use crate::metrics::node::NetworkStats;
use crate::readiness::StatedReason;

/// Everything that a process knows about itself.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// Name of the role.
    pub role: &'static str,
    /// The sequencer's number or the prover's address.
    pub identity: Option<String>,
    /// Version of the binary.
    pub version: &'static str,
    /// Commit that it was built from.
    pub commit: &'static str,
    /// Time since the start, in seconds.
    pub uptime_seconds: u64,
    /// Whether all roles of the process run.
    pub live: bool,
    /// Whether the role is ready.
    pub ready: bool,
    /// Why it isn't.
    pub reasons: Vec<StatedReason>,
    /// The newest L1 block; `None` before the first step.
    pub l1: Option<L1Status>,
    /// The rollup; `None` before the first step.
    pub rollup: Option<RollupStatus>,
    /// The L1 endpoints, in the order of the configuration.
    pub endpoints: Vec<EndpointStatus>,
    /// Peers and traffic; `None` without a network.
    pub network: Option<NetworkStatus>,
    /// Free space of the disk with the role's files; `None` if it isn't known.
    pub disk_free_bytes: Option<u64>,
}

/// The newest L1 block that the role acted on.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct L1Status {
    /// Number.
    pub block: u64,
    /// L1 slot.
    pub l1_slot: u64,
    /// Age on the wall clock.
    pub age_seconds: i64,
    /// Time since the role saw it first.
    pub still_seconds: u64,
}

/// The rollup as of that block.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct RollupStatus {
    /// The slot in turn.
    pub slot: u64,
    /// Its phase.
    pub phase: Phase,
    /// First L1 slot after the phase.
    pub phase_end: u64,
    /// Finalized blocks.
    pub tip_height: u64,
    /// Finalized blocks that the role has executed.
    pub executed_height: u64,
}

/// An L1 endpoint.
#[derive(Debug, Clone, Serialize)]
pub struct EndpointStatus {
    /// Scheme, host and port.
    pub name: String,
    /// Highest L1 block that it gave out.
    pub head: u64,
    /// Mean time of recent answers, in milliseconds.
    pub latency_ms: Option<u64>,
    /// Failures since the last answer.
    pub failures: u32,
    /// Answers so far.
    pub answers: u64,
    /// Failures, refusals and late answers so far.
    pub errors: u64,
    /// Time for which it isn't asked, in milliseconds.
    pub left_alone_ms: Option<u64>,
    /// Its last failure or refusal.
    pub last_error: Option<String>,
}

impl From<EndpointHealth> for EndpointStatus {
    fn from(health: EndpointHealth) -> Self {
        let milliseconds = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            name: health.name,
            head: health.head,
            latency_ms: health.latency.map(milliseconds),
            failures: health.failures,
            answers: health.answers,
            errors: health.errors,
            left_alone_ms: health.left_alone.map(milliseconds),
            last_error: health.last_error,
        }
    }
}

/// Peers and traffic.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct NetworkStatus {
    /// Connected peers.
    pub peers: usize,
    /// Banned peers.
    pub banned: usize,
}

impl From<NetworkStats> for NetworkStatus {
    fn from(stats: NetworkStats) -> Self {
        Self { peers: stats.peers, banned: stats.banned }
    }
}
