//! Metrics of a sequencer.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::OfSlot;
use super::{FloatGauge, register};

#[derive(Debug)]
pub(crate) struct SequencerMetrics {
    pub(crate) rank: Family<OfSlot, Gauge>,
    pub(crate) active: Gauge,
    pub(crate) stake: FloatGauge,
}

impl SequencerMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        Self {
            rank: register(
                registry,
                "sequencer_rank",
                "Rank among the eligible sequencers; absent if it isn't known or it isn't eligible",
                Family::default(),
            ),
            active: register(
                registry,
                "sequencer_eligible",
                "1 if the sequencer may propose in the slot in turn",
                Gauge::default(),
            ),
            stake: register(
                registry,
                "sequencer_stake_tokens",
                "Stake, in token units",
                FloatGauge::default(),
            ),
        }
    }
}
