//! Metrics of L1 and of the rollup, as a role sees them.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::labels::OfEndpoint;
use super::{FloatGauge, register};

/// Ends of the buckets of a step, in seconds.
const STEP: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 12.0];

#[derive(Debug)]
pub(crate) struct ChainMetrics {
    pub(crate) head_block: Gauge,
    pub(crate) head_slot: Gauge,
    pub(crate) head_age: FloatGauge,
    pub(crate) head_still: FloatGauge,
    pub(crate) reorgs: Counter,
    pub(crate) endpoint_up: Family<OfEndpoint, Gauge>,
    pub(crate) endpoint_head: Family<OfEndpoint, Gauge>,
    pub(crate) endpoint_latency: Family<OfEndpoint, FloatGauge>,
    pub(crate) endpoint_answers: Family<OfEndpoint, Counter>,
    pub(crate) endpoint_errors: Family<OfEndpoint, Counter>,
    pub(crate) endpoint_left_alone: Family<OfEndpoint, FloatGauge>,
    pub(crate) slot: Gauge,
    pub(crate) phase: Gauge,
    pub(crate) phase_ends: Gauge,
    pub(crate) tip_height: Gauge,
    pub(crate) executed_height: Gauge,
    pub(crate) since_tip: FloatGauge,
    pub(crate) steps: Counter,
    pub(crate) step: Histogram,
    pub(crate) decision: Histogram,
    pub(crate) step_errors: Counter,
    pub(crate) held: Counter,
}

impl ChainMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let mut gauge = |name: &str, help: &str| register(registry, name, help, Gauge::default());
        let head_block = gauge("l1_head_block", "Number of the newest L1 block that the role acted on");
        let head_slot = gauge("l1_head_slot", "L1 slot of that block");
        let slot = gauge("slot", "The rollup's slot in turn");
        let phase = gauge("slot_phase", "Its phase, numbered as in the contracts");
        let phase_ends = gauge("slot_phase_l1_slots_left", "L1 slots until the phase ends");
        let tip_height = gauge("tip_height", "Blocks of the rollup that L1 has finalized");
        let executed_height = gauge("executed_height", "Finalized blocks that the role has executed");
        let mut float = |name: &str, help: &str| register(registry, name, help, FloatGauge::default());
        let head_age = float("l1_head_age_seconds", "Age of the newest L1 block on the wall clock");
        let head_still = float("l1_head_still_seconds", "Time since the role saw that block first");
        let since_tip =
            float("tip_age_seconds", "Time on L1 since the last block of the rollup was finalized");
        let mut counter = |name: &str, help: &str| register(registry, name, help, Counter::default());
        let reorgs = counter("l1_reorgs", "Reorgs of L1 between two steps");
        let steps = counter("steps", "Steps, each with a new L1 block");
        let step_errors = counter("step_errors", "Failures in steps after which the role tries again");
        let held = counter("effects_held", "Effects that the operator's policy held");
        let mut times = |name: &str, help: &str| register(registry, name, help, Histogram::new(STEP));
        let step = times("step_duration_seconds", "Wall time of a step");
        let decision =
            times("decision_duration_seconds", "Wall time from the begin of a step to the role's decision");
        let mut of_endpoint = |name: &str, help: &str| register(registry, name, help, Family::default());
        let endpoint_up = of_endpoint("l1_endpoint_up", "1 if the L1 endpoint answered the last request");
        let endpoint_head = of_endpoint("l1_endpoint_head_block", "Highest L1 block that it gave out");
        let mut of_endpoint = |name: &str, help: &str| register(registry, name, help, Family::default());
        let endpoint_latency = of_endpoint("l1_endpoint_latency_seconds", "Mean time of recent answers");
        let endpoint_left_alone =
            of_endpoint("l1_endpoint_left_alone_seconds", "Time for which it isn't asked, after failures");
        let mut of_endpoint = |name: &str, help: &str| register(registry, name, help, Family::default());
        let endpoint_answers = of_endpoint("l1_endpoint_answers", "Answers");
        let endpoint_errors = of_endpoint("l1_endpoint_errors", "Failures, refusals and late answers");
        Self {
            head_block,
            head_slot,
            head_age,
            head_still,
            reorgs,
            endpoint_up,
            endpoint_head,
            endpoint_latency,
            endpoint_answers,
            endpoint_errors,
            endpoint_left_alone,
            slot,
            phase,
            phase_ends,
            tip_height,
            executed_height,
            since_tip,
            steps,
            step,
            decision,
            step_errors,
            held,
        }
    }
}
