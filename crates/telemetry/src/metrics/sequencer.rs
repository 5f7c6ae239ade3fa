//! Metrics of a sequencer.

use fernet_roles::{SequencerDuty, SequencerOutcome};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{Missed, MissedBecause, OfMissed, OfReached, OfSlot, Reached};
use super::{FloatGauge, initialize, register};

#[derive(Debug)]
pub(crate) struct SequencerMetrics {
    pub(crate) rank: Family<OfSlot, Gauge>,
    pub(crate) active: Gauge,
    pub(crate) stake: FloatGauge,
    reached: Family<OfReached, Counter>,
    missed: Family<OfMissed, Counter>,
    pub(crate) unobserved: Gauge,
}

impl SequencerMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let rank = register(
            registry,
            "sequencer_rank",
            "Rank among the eligible sequencers; absent if it isn't known or it isn't eligible",
            Family::default(),
        );
        let active = register(
            registry,
            "sequencer_eligible",
            "1 if the sequencer may propose in the slot in turn",
            Gauge::default(),
        );
        let stake =
            register(registry, "sequencer_stake_tokens", "Stake, in token units", FloatGauge::default());
        let reached = register(
            registry,
            "sequencer_slots",
            "Slots with a duty, by how far they got, 12 L1 slots after their end",
            Family::default(),
        );
        let missed = register(
            registry,
            "sequencer_missed",
            "Missed duties, 12 L1 slots after the end of their slot",
            Family::default(),
        );
        let unobserved = register(
            registry,
            "sequencer_slots_unobserved",
            "Slots without a block that passed between two L1 blocks that the role saw",
            Gauge::default(),
        );
        initialize(&reached, Reached::ALL.iter().map(|&reached| OfReached { reached }));
        for &duty in Missed::ALL {
            initialize(&missed, MissedBecause::ALL.iter().map(|&cause| OfMissed { duty, cause }));
        }
        Self { rank, active, stake, reached, missed, unobserved }
    }

    pub(crate) fn note_duty(&self, duty: &SequencerDuty) {
        let SequencerDuty { place, in_turn, committed, revealed, outcome, .. } = *duty;
        let finalized = matches!(outcome, SequencerOutcome::Finalized { .. });
        let all = [
            (place.is_some(), Reached::Proposed),
            (place == Some(0), Reached::Won),
            (in_turn, Reached::InTurn),
            (committed, Reached::Committed),
            (revealed, Reached::Revealed),
            (finalized, Reached::Finalized),
            (outcome == SequencerOutcome::StandBy, Reached::StandBy),
            (outcome == SequencerOutcome::Voided, Reached::Voided),
        ];
        for (_, reached) in all.into_iter().filter(|(is_reached, _)| *is_reached) {
            self.reached.get_or_create(&OfReached { reached }).inc();
        }
        if let SequencerOutcome::Missed { stage, cause } = outcome {
            self.missed.get_or_create(&OfMissed { duty: stage.into(), cause: cause.into() }).inc();
        }
    }
}
