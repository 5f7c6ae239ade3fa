//! The metrics, by what they are about. Every counter exists from the start, at zero: an alert on its
//! increase sees the first one.

pub(crate) mod chain;
pub(crate) mod labels;
pub(crate) mod node;
pub(crate) mod prover;
pub(crate) mod sequencer;
pub(crate) mod transactions;

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

/// A gauge of any number.
pub(crate) type FloatGauge = Gauge<f64, AtomicU64>;
/// A counter of any amount.
pub(crate) type FloatCounter = Counter<f64, AtomicU64>;

/// Registers a metric, and returns it.
pub(crate) fn register<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

/// Creates the series of `labels`.
pub(crate) fn initialize<L, M, C>(family: &Family<L, M, C>, labels: impl IntoIterator<Item = L>)
where
    L: Clone + Hash + Eq,
    C: MetricConstructor<M>,
    M: Clone,
{
    for label in labels {
        drop(family.get_or_create(&label));
    }
}

/// A new family of histograms with these buckets.
pub(crate) fn histograms<L: Clone + Hash + Eq + Debug + EncodeLabelSet>(
    buckets: &'static [f64],
) -> Family<L, Histogram, Buckets> {
    Family::new_with_constructor(Buckets(buckets))
}

/// Buckets of a family's histograms: their upper ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Buckets(&'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

/// An amount of wei or of token units as a number. It keeps 15 digits.
pub(crate) fn amount(value: alloy_primitives::U256) -> f64 {
    value.to_string().parse().unwrap_or(f64::MAX)
}
