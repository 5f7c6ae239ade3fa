//! What operators see of a role: metrics, liveness, readiness and status over HTTP.
//!
//! A process has one [`Telemetry`]. The loop over L1 blocks gives it the report of every step, and it answers
//! over HTTP ([`Telemetry::serve`]):
//!
//! ```text
//!   step ──report──▶ Telemetry::observe_… ──▶ metrics, facts
//!                       pool, files, network ──▶ read when somebody asks
//!   GET /metrics /livez /readyz /status ◀── facts and limits, by the wall clock
//! ```
//!
//! Readiness follows from facts and [`Limits`] alone ([`reasons`]); no code sets a role ready.

mod causes;
mod liveness;
mod logs;
mod metrics;
mod readiness;
mod server;
mod settings;
mod status;
mod system;
mod telemetry;

pub use liveness::RoleGuard;
pub use logs::{CodedFields, LogCounter, LogFormat, UnknownLogFormat};
pub use metrics::labels::{
    AccountKind, Decline, Direction, Inclusion, LogLevel, MessageVerdict, Missed, MissedBecause, OpenStage,
    ProverResult, Purpose, RankOf, Reached, StoreKind, TxFailure, TxKind,
};
pub use metrics::node::NetworkStats;
pub use readiness::{EndpointFacts, Facts, HeadFacts, Readiness, Reason, StatedReason, reasons};
pub use settings::{BuildInfo, Limits, Role, Settings};
pub use status::{EndpointStatus, L1Status, NetworkStatus, RollupStatus, Status};
pub use system::cpu_time;
pub use telemetry::Telemetry;
