//! Whether a role is ready, from facts.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::settings::Limits;

/// The newest L1 block that the role acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadFacts {
    /// Its number.
    pub number: u64,
    /// Its age on the wall clock, in seconds; negative if its time is still to come.
    pub age_seconds: i64,
    /// Time since the role saw it first.
    pub since_new: Duration,
}

/// How the L1 endpoints do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointFacts {
    /// Endpoints.
    pub count: usize,
    /// Those that answered the last request.
    pub answering: usize,
    /// Highest L1 block that one of them gave out.
    pub best_head: u64,
    /// The last error of one that doesn't answer.
    pub last_error: Option<String>,
}

/// What readiness follows from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Why a role of the process ended.
    pub ended: Option<String>,
    /// The newest L1 block; `None` before the first step.
    pub head: Option<HeadFacts>,
    /// Time since the last step, or since the start.
    pub since_step: Duration,
    /// Executed blocks.
    pub executed_height: u64,
    /// Finalized blocks.
    pub tip_height: u64,
    /// The L1 endpoints; `None` if they aren't known yet.
    pub endpoints: Option<EndpointFacts>,
    /// Connected peers; `None` without a network.
    pub peers: Option<usize>,
    /// Free space of the disk, in bytes; `None` if it isn't known.
    pub disk_free: Option<u64>,
    /// Why the signer doesn't sign; `None` if it does.
    pub signer: Option<String>,
    /// Why the prover takes no new work; `None` if it does.
    pub suspended: Option<String>,
}

/// A reason not to be ready. Its code is on the page of errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A role ended.
    Ended { why: String },
    /// No step was made yet.
    NoStep,
    /// No step was finished for too long.
    StepsStopped { since: Duration, limit: Duration },
    /// No new L1 block was seen for too long.
    L1StandsStill { since: Duration, limit: Duration },
    /// The newest L1 block is old.
    HeadOld { number: u64, age: Duration, limit: Duration },
    /// The newest L1 block is of the future: the system's clock is wrong.
    HeadOfFuture { number: u64, ahead: Duration, limit: Duration },
    /// The role is behind its endpoints.
    BehindEndpoints { number: u64, best: u64, limit: u64 },
    /// No endpoint answers.
    NoEndpoint { count: usize, last_error: String },
    /// Blocks that L1 has finalized aren't executed.
    NotExecuted { executed: u64, tip: u64 },
    /// There are too few peers.
    FewPeers { peers: usize, least: usize },
    /// The disk is nearly full.
    DiskLow { free: u64, least: u64 },
    /// The signer doesn't sign.
    Signer { error: String },
    /// The prover takes no new work.
    Suspended { why: String },
}

impl Reason {
    /// Codes of all reasons.
    pub const CODES: [&'static str; 13] = [
        "RDY-001", "RDY-002", "RDY-003", "RDY-004", "RDY-005", "RDY-006", "RDY-007", "RDY-008", "RDY-009",
        "RDY-010", "RDY-011", "RDY-012", "RDY-013",
    ];

    /// The code, which never changes its meaning.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        let [
            ended,
            no_step,
            steps,
            still,
            old,
            future,
            behind,
            endpoint,
            executed,
            peers,
            disk,
            signer,
            work,
        ] = Self::CODES;
        match self {
            Self::Ended { .. } => ended,
            Self::NoStep => no_step,
            Self::StepsStopped { .. } => steps,
            Self::L1StandsStill { .. } => still,
            Self::HeadOld { .. } => old,
            Self::HeadOfFuture { .. } => future,
            Self::BehindEndpoints { .. } => behind,
            Self::NoEndpoint { .. } => endpoint,
            Self::NotExecuted { .. } => executed,
            Self::FewPeers { .. } => peers,
            Self::DiskLow { .. } => disk,
            Self::Signer { .. } => signer,
            Self::Suspended { .. } => work,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended { why } => write!(formatter, "the role ended: {why}"),
            Self::NoStep => formatter.write_str("no L1 block was processed yet: the role is catching up"),
            Self::StepsStopped { since, limit } => write!(
                formatter,
                "no step was finished for {} s, expected one within {} s",
                since.as_secs(),
                limit.as_secs()
            ),
            Self::L1StandsStill { since, limit } => write!(
                formatter,
                "no new L1 block for {} s, expected one within {} s",
                since.as_secs(),
                limit.as_secs()
            ),
            Self::HeadOld { number, age, limit } => write!(
                formatter,
                "the newest L1 block {number} is {} s old, expected at most {} s",
                age.as_secs(),
                limit.as_secs()
            ),
            Self::HeadOfFuture { number, ahead, limit } => write!(
                formatter,
                "the newest L1 block {number} is {} s in the future, expected at most {} s: check the clock",
                ahead.as_secs(),
                limit.as_secs()
            ),
            Self::BehindEndpoints { number, best, limit } => write!(
                formatter,
                "at L1 block {number}, an endpoint has {best}: expected at most {limit} blocks behind"
            ),
            Self::NoEndpoint { count, last_error } => {
                write!(formatter, "none of {count} L1 endpoints answers: {last_error}")
            }
            Self::NotExecuted { executed, tip } => {
                write!(formatter, "executed {executed} of {tip} finalized blocks")
            }
            Self::FewPeers { peers, least } => write!(formatter, "{peers} peers, expected at least {least}"),
            Self::DiskLow { free, least } => {
                write!(formatter, "{free} bytes of the disk are free, expected at least {least}")
            }
            Self::Signer { error } => write!(formatter, "the signer doesn't sign: {error}"),
            Self::Suspended { why } => write!(formatter, "the prover takes no new work: {why}"),
        }
    }
}

/// A reason in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatedReason {
    /// Its code.
    pub code: &'static str,
    /// Its text.
    pub reason: String,
}

/// Whether a role is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether it is.
    pub ready: bool,
    /// Why it isn't; empty if it is.
    pub reasons: Vec<StatedReason>,
}

/// Why a role with these facts isn't ready; empty if it is.
#[must_use]
pub fn reasons(facts: &Facts, limits: &Limits) -> Vec<Reason> {
    let mut reasons = Vec::new();
    reasons.extend(facts.ended.clone().map(|why| Reason::Ended { why }));
    match &facts.head {
        None => reasons.push(Reason::NoStep),
        Some(head) => reasons.extend(about_head(head, facts, limits)),
    }
    if facts.since_step > limits.quiet {
        reasons.push(Reason::StepsStopped { since: facts.since_step, limit: limits.quiet });
    }
    if let Some(EndpointFacts { count, answering: 0, last_error, .. }) = &facts.endpoints {
        let last_error = last_error.clone().unwrap_or_else(|| "not asked yet".to_owned());
        reasons.push(Reason::NoEndpoint { count: *count, last_error });
    }
    let (executed, tip) = (facts.executed_height, facts.tip_height);
    if executed < tip {
        reasons.push(Reason::NotExecuted { executed, tip });
    }
    let peers = facts.peers.unwrap_or_default();
    if peers < limits.peers {
        reasons.push(Reason::FewPeers { peers, least: limits.peers });
    }
    if let Some(free) = facts.disk_free.filter(|free| *free < limits.disk) {
        reasons.push(Reason::DiskLow { free, least: limits.disk });
    }
    reasons.extend(facts.signer.clone().map(|error| Reason::Signer { error }));
    reasons.extend(facts.suspended.clone().map(|why| Reason::Suspended { why }));
    reasons
}

fn about_head(head: &HeadFacts, facts: &Facts, limits: &Limits) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let number = head.number;
    if head.since_new > limits.quiet {
        reasons.push(Reason::L1StandsStill { since: head.since_new, limit: limits.quiet });
    }
    if let Some(limit) = limits.head_age {
        let distance = Duration::from_secs(head.age_seconds.unsigned_abs());
        if distance > limit {
            reasons.push(if head.age_seconds > 0 {
                Reason::HeadOld { number, age: distance, limit }
            } else {
                Reason::HeadOfFuture { number, ahead: distance, limit }
            });
        }
    }
    let best = facts.endpoints.as_ref().map_or(0, |endpoints| endpoints.best_head);
    if best > number.saturating_add(limits.blocks_behind) {
        reasons.push(Reason::BehindEndpoints { number, best, limit: limits.blocks_behind });
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOT: Duration = Duration::from_secs(12);

    fn healthy() -> Facts {
        Facts {
            ended: None,
            head: Some(HeadFacts { number: 100, age_seconds: 3, since_new: Duration::from_secs(2) }),
            since_step: Duration::from_secs(2),
            executed_height: 7,
            tip_height: 7,
            endpoints: Some(EndpointFacts { count: 2, answering: 1, best_head: 101, last_error: None }),
            peers: Some(3),
            disk_free: Some(u64::MAX),
            signer: None,
            suspended: None,
        }
    }

    fn limits() -> Limits {
        Limits { peers: 1, ..Limits::new(SLOT) }
    }

    fn codes(change: impl FnOnce(&mut Facts)) -> Vec<&'static str> {
        let mut facts = healthy();
        change(&mut facts);
        reasons(&facts, &limits()).iter().map(Reason::code).collect()
    }

    fn head(facts: &mut Facts) -> &mut HeadFacts {
        facts.head.as_mut().unwrap()
    }

    #[test]
    fn a_role_is_ready_only_if_every_fact_is_in_its_limit() {
        assert_eq!(codes(|_| {}), [""; 0]);
        assert_eq!(codes(|facts| facts.ended = Some("panicked".into())), ["RDY-001"]);
        assert_eq!(codes(|facts| facts.head = None), ["RDY-002"]);
        assert_eq!(codes(|facts| facts.since_step = SLOT * 4 + SLOT / 12), ["RDY-003"]);
        assert_eq!(codes(|facts| head(facts).since_new = SLOT * 5), ["RDY-004"]);
        assert_eq!(codes(|facts| head(facts).age_seconds = 49), ["RDY-005"]);
        assert_eq!(codes(|facts| head(facts).age_seconds = -49), ["RDY-006"]);
        assert_eq!(codes(|facts| head(facts).number = 96), ["RDY-007"]);
        assert_eq!(codes(|facts| facts.endpoints.as_mut().unwrap().answering = 0), ["RDY-008"]);
        assert_eq!(codes(|facts| facts.executed_height = 6), ["RDY-009"]);
        assert_eq!(codes(|facts| facts.peers = Some(0)), ["RDY-010"]);
        assert_eq!(codes(|facts| facts.peers = None), ["RDY-010"]);
        assert_eq!(codes(|facts| facts.disk_free = Some((1 << 30) - 1)), ["RDY-011"]);
        assert_eq!(codes(|facts| facts.signer = Some("locked".into())), ["RDY-012"]);
        assert_eq!(codes(|facts| facts.suspended = Some("a proof failed".into())), ["RDY-013"]);
    }

    #[test]
    fn the_limits_themselves_are_ready() {
        let at = |facts: &mut Facts| {
            facts.since_step = SLOT * 4;
            *head(facts) = HeadFacts { number: 97, age_seconds: 48, since_new: SLOT * 4 };
            facts.peers = Some(1);
            facts.disk_free = Some(1 << 30);
        };
        assert_eq!(codes(at), [""; 0]);
    }

    #[test]
    fn several_reasons_are_all_stated() {
        let lost = |facts: &mut Facts| {
            facts.ended = Some("panicked".into());
            *head(facts) = HeadFacts { number: 1, age_seconds: 5_000, since_new: SLOT * 100 };
            facts.since_step = SLOT * 100;
            facts.executed_height = 0;
        };
        let expected = ["RDY-001", "RDY-004", "RDY-005", "RDY-007", "RDY-003", "RDY-009"];
        assert_eq!(codes(lost), expected);
    }

    #[test]
    fn an_l1_with_its_own_time_has_no_age() {
        let mut facts = healthy();
        head(&mut facts).age_seconds = -1_000_000;
        let limits = Limits { head_age: None, ..limits() };
        assert_eq!(reasons(&facts, &limits), []);
        head(&mut facts).since_new = SLOT * 5;
        assert_eq!(reasons(&facts, &limits).len(), 1, "its blocks still have to come");
    }
}
