//! Metrics of a prover.

use alloy_primitives::U256;
use fernet_protocol::TokenAmount;
use fernet_prover::{DeclineReason, ProofPurpose};
use fernet_roles::ProverDuty;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::labels::{Decline, OfPurpose, OfReason, OfResult, ProverResult, Purpose};
use super::{Buckets, FloatCounter, FloatGauge, amount, histograms, initialize, register};

/// Ends of the buckets of proofs, in seconds.
const PROOF: [f64; 12] = [1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0, 2560.0];

#[derive(Debug)]
pub(crate) struct ProverMetrics {
    pub(crate) requested: Counter,
    pub(crate) offered: Counter,
    pub(crate) declined: Family<OfReason, Counter>,
    pub(crate) escrow_free: FloatGauge,
    pub(crate) escrow_locked: FloatGauge,
    pub(crate) bonds: Gauge,
    pub(crate) nearest_deadline: Gauge,
    pub(crate) proving: Gauge,
    pub(crate) proofs: Family<OfPurpose, Histogram, Buckets>,
    pub(crate) margin: Histogram,
    pub(crate) last_margin: FloatGauge,
    pub(crate) late: Counter,
    pub(crate) suspended: Gauge,
    blocks: Family<OfResult, Counter>,
    slashes: Counter,
    slashed: FloatCounter,
}

impl ProverMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let mut counter = |name: &str, help: &str| register(registry, name, help, Counter::default());
        let requested = counter("prover_quotes_requested", "Quote requests that were looked at");
        let offered = counter("prover_quotes_offered", "Quotes that were offered");
        let late = counter("prover_proofs_late", "Proofs that were ready after the deadline of their bond");
        let declined = register(
            registry,
            "prover_quotes_declined",
            "Quote requests that were declined",
            Family::default(),
        );
        let mut float = |name: &str, help: &str| register(registry, name, help, FloatGauge::default());
        let escrow_free = float("prover_escrow_free_tokens", "Free escrow, in token units");
        let escrow_locked = float("prover_escrow_locked_tokens", "Bonds out, in token units");
        let last_margin = float(
            "prover_last_proof_seconds_left",
            "Seconds between the last proof with a bond and its deadline; negative if it was late",
        );
        let mut gauge = |name: &str, help: &str| register(registry, name, help, Gauge::default());
        let bonds = gauge("prover_bonds_out", "Commitments whose bonds are out");
        let nearest_deadline = gauge(
            "prover_deadline_l1_slots_left",
            "L1 slots until the deadline of the nearest bond, at the earliest; -1 without a bond",
        );
        let proving = gauge("prover_proofs_running", "Blocks that the worker has");
        let suspended = gauge("prover_suspended", "1 if the prover takes no new work");
        let proofs = register(registry, "prover_proof_seconds", "Wall time of proofs", histograms(&PROOF));
        let margin = register(
            registry,
            "prover_proof_seconds_left",
            "Seconds between a proof with a bond and its deadline; 0 if it was late",
            Histogram::new(PROOF),
        );
        let blocks = register(
            registry,
            "prover_blocks",
            "Blocks of this prover, by what became of them, 12 L1 slots after the end of their slot",
            Family::default(),
        );
        let slashes = register(registry, "prover_slashes", "Bonds that were slashed", Counter::default());
        let slashed = register(
            registry,
            "prover_slashed_tokens",
            "What was slashed of bonds, in token units",
            FloatCounter::default(),
        );
        initialize(&blocks, ProverResult::ALL.iter().map(|&result| OfResult { result }));
        initialize(&declined, Decline::ALL.iter().map(|&reason| OfReason { reason }));
        initialize(&proofs, Purpose::ALL.iter().map(|&purpose| OfPurpose { purpose }));
        nearest_deadline.set(-1);
        Self {
            requested,
            offered,
            declined,
            escrow_free,
            escrow_locked,
            bonds,
            nearest_deadline,
            proving,
            proofs,
            margin,
            last_margin,
            late,
            suspended,
            blocks,
            slashes,
            slashed,
        }
    }

    pub(crate) fn note_duty(&self, duty: &ProverDuty) {
        self.blocks.get_or_create(&OfResult { result: duty.outcome.into() }).inc();
        if duty.slashed > TokenAmount::ZERO {
            self.slashes.inc();
            self.slashed.inc_by(amount(U256::from(duty.slashed.get())));
        }
    }

    pub(crate) fn note_declined(&self, reason: &DeclineReason) {
        let reason = match reason {
            DeclineReason::Finishing => Decline::Finishing,
            DeclineReason::Suspended { .. } => Decline::Suspended,
            DeclineReason::WrongSlot { .. } | DeclineReason::WrongPhase(_) => Decline::WrongTime,
            DeclineReason::WrongParent { .. } | DeclineReason::StateMissing(_) => Decline::Parent,
            DeclineReason::NotACandidate { .. } => Decline::NotACandidate,
            DeclineReason::ShareTooLow { .. } => Decline::Price,
            DeclineReason::KeyNotNamed => Decline::Key,
            DeclineReason::NotCovered { .. } => Decline::NotCovered,
        };
        self.declined.get_or_create(&OfReason { reason }).inc();
    }
}

impl From<ProofPurpose> for Purpose {
    fn from(purpose: ProofPurpose) -> Self {
        match purpose {
            ProofPurpose::Commitment => Self::Commitment,
            ProofPurpose::Rescue => Self::Rescue,
            ProofPurpose::Backup => Self::Backup,
        }
    }
}
