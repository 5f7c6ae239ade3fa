//! Metrics that every process has: readiness, peers, mempool, stores, rewards, the build and the process.

use std::sync::atomic::Ordering;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::labels::{Direction, MessageVerdict, OfCode, OfDirection, OfStore, OfVerdict};
use super::{FloatCounter, FloatGauge, initialize, register};
use crate::readiness::Reason;
use crate::settings::{BuildInfo, Role};

/// What a network knows about its peers and its traffic. All but the first two are sums since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NetworkStats {
    /// Connected peers.
    pub peers: usize,
    /// Peers that are banned now.
    pub banned: usize,
    /// Messages that were valid and new.
    pub accepted: u64,
    /// Messages that were valid, but of no use.
    pub ignored: u64,
    /// Messages that were invalid.
    pub rejected: u64,
    /// Bytes from peers.
    pub inbound_bytes: u64,
    /// Bytes to peers.
    pub outbound_bytes: u64,
}

#[derive(Debug)]
pub(crate) struct NodeMetrics {
    pub(crate) ready: Gauge,
    pub(crate) live: Gauge,
    not_ready: Family<OfCode, Gauge>,
    peers: Gauge,
    banned: Gauge,
    messages: Family<OfVerdict, Counter>,
    bytes: Family<OfDirection, Counter>,
    pub(crate) mempool: Gauge,
    pub(crate) stores: Family<OfStore, Gauge>,
    pub(crate) disk_free: Gauge,
    pub(crate) owed: FloatGauge,
    pub(crate) claimed: FloatCounter,
    pub(crate) cpu: FloatCounter,
    pub(crate) memory: Gauge,
    pub(crate) signer_up: Gauge,
}

impl NodeMetrics {
    pub(crate) fn register(registry: &mut Registry, role: &Role, build: &BuildInfo) -> Self {
        let info = [("role", role.name()), ("version", build.version), ("commit", build.commit)];
        registry.register("build", "What runs", Info::new(info.to_vec()));
        let mut gauge = |name: &str, help: &str| register(registry, name, help, Gauge::default());
        let ready = gauge("ready", "1 if the role is ready, as /readyz says");
        let live = gauge("live", "0 after a role of the process ended by itself");
        let peers = gauge("peers", "Connected peers; -1 without a network");
        peers.set(-1);
        let banned = gauge("peers_banned", "Peers that are banned now");
        let mempool = gauge("mempool_operations", "Operations that wait for a block");
        let disk_free = gauge("disk_free_bytes", "Free space of the disk with the role's files");
        let memory = gauge("process_resident_memory_bytes", "Memory of the process");
        let signer_up = gauge("signer_up", "0 if the signer doesn't sign");
        signer_up.set(1);
        let not_ready = register(
            registry,
            "not_ready",
            "1 for each reason not to be ready, by its code",
            Family::default(),
        );
        let messages = register(registry, "network_messages", "Messages from peers", Family::default());
        let bytes = register(registry, "network_bytes", "Traffic with peers, in bytes", Family::default());
        let stores = register(registry, "store_bytes", "Size of a file of the role", Family::default());
        let owed = register(
            registry,
            "rewards_owed_tokens",
            "Rewards to claim, in token units",
            FloatGauge::default(),
        );
        let claimed = register(
            registry,
            "rewards_claimed_tokens",
            "Rewards paid out, in token units",
            FloatCounter::default(),
        );
        let cpu =
            register(registry, "process_cpu_seconds", "CPU time of the process", FloatCounter::default());
        initialize(&not_ready, Reason::CODES.map(|code| OfCode { code }));
        initialize(&messages, MessageVerdict::ALL.iter().map(|&verdict| OfVerdict { verdict }));
        initialize(&bytes, Direction::ALL.iter().map(|&direction| OfDirection { direction }));
        Self {
            ready,
            live,
            not_ready,
            peers,
            banned,
            messages,
            bytes,
            mempool,
            stores,
            disk_free,
            owed,
            claimed,
            cpu,
            memory,
            signer_up,
        }
    }

    pub(crate) fn set_reasons(&self, reasons: &[Reason]) {
        for code in Reason::CODES {
            let is_reason = reasons.iter().any(|reason| reason.code() == code);
            self.not_ready.get_or_create(&OfCode { code }).set(i64::from(is_reason));
        }
    }

    pub(crate) fn set_network(&self, stats: &NetworkStats) {
        self.peers.set(i64::try_from(stats.peers).unwrap_or(i64::MAX));
        self.banned.set(i64::try_from(stats.banned).unwrap_or(i64::MAX));
        let messages = [
            (MessageVerdict::Accepted, stats.accepted),
            (MessageVerdict::Ignored, stats.ignored),
            (MessageVerdict::Rejected, stats.rejected),
        ];
        for (verdict, sum) in messages {
            set_sum(&self.messages.get_or_create(&OfVerdict { verdict }), sum);
        }
        let bytes = [(Direction::Inbound, stats.inbound_bytes), (Direction::Outbound, stats.outbound_bytes)];
        for (direction, sum) in bytes {
            set_sum(&self.bytes.get_or_create(&OfDirection { direction }), sum);
        }
    }
}

/// Sets a counter to a sum that is counted elsewhere.
pub(crate) fn set_sum(counter: &Counter, sum: u64) {
    counter.inner().fetch_max(sum, Ordering::Relaxed);
}
