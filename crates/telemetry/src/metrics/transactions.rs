//! Metrics of L1 transactions.

use std::collections::{BTreeMap, VecDeque};

use alloy_primitives::TxHash;
use fernet_follower::RollupView;
use fernet_l1::{FailureReason, IntentKey, NonceUse, PendingStage};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::labels::{
    Inclusion, OfAccount, OfFailed, OfIncluded, OfKind, OfOpen, OpenStage, TxFailure, TxKind,
};
use super::{Buckets, FloatCounter, FloatGauge, amount, histograms, initialize, register};

/// Ends of the buckets of inclusion, in L1 slots: 0 is the first possible one.
const INCLUSION: [f64; 8] = [0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 16.0, 32.0];
/// Inclusions that are remembered, so that one that a reorg repeats counts once.
const REMEMBERED: usize = 1024;

#[derive(Debug)]
pub(crate) struct TransactionMetrics {
    open: Family<OfOpen, Gauge>,
    sent: Family<OfKind, Counter>,
    replaced: Family<OfKind, Counter>,
    included: Family<OfIncluded, Counter>,
    failed: Family<OfFailed, Counter>,
    expired: Family<OfKind, Counter>,
    inclusion: Family<OfKind, Histogram, Buckets>,
    fees: Family<OfKind, FloatCounter>,
    at_stake: Family<OfKind, FloatCounter>,
    pub(crate) balance: Family<OfAccount, FloatGauge>,
}

impl TransactionMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let open =
            register(registry, "transactions_open", "Transactions that may be included", Family::default());
        let sent = register(
            registry,
            "transactions_sent",
            "Transactions sent, replacements and no-ops included",
            Family::default(),
        );
        let replaced = register(
            registry,
            "transactions_replaced",
            "Transactions that another one with the same nonce replaced, counted at inclusion",
            Family::default(),
        );
        let included =
            register(registry, "transactions_included", "Transactions included on L1", Family::default());
        let failed =
            register(registry, "transactions_failed", "Transactions that failed for good", Family::default());
        let expired = register(
            registry,
            "transactions_expired",
            "Transactions that weren't included in their window",
            Family::default(),
        );
        let inclusion = register(
            registry,
            "transaction_inclusion_l1_slots",
            "L1 slots from the first possible one to that of the inclusion",
            histograms(&INCLUSION),
        );
        let fees = register(registry, "fees_paid_wei", "Fees of included transactions", Family::default());
        let at_stake = register(
            registry,
            "fees_at_stake_wei",
            "What was at stake with the included transactions, in wei",
            Family::default(),
        );
        let balance =
            register(registry, "account_balance_wei", "Balance of an account of the role", Family::default());
        let kinds = || TxKind::ALL.iter().map(|&kind| OfKind { kind });
        initialize(&sent, kinds());
        initialize(&replaced, kinds());
        initialize(&expired, kinds());
        initialize(&inclusion, kinds());
        initialize(&fees, kinds());
        initialize(&at_stake, kinds());
        for &kind in TxKind::ALL {
            initialize(&open, OpenStage::ALL.iter().map(|&stage| OfOpen { kind, stage }));
            initialize(&included, Inclusion::ALL.iter().map(|&result| OfIncluded { kind, result }));
            initialize(&failed, TxFailure::ALL.iter().map(|&reason| OfFailed { kind, reason }));
        }
        Self { open, sent, replaced, included, failed, expired, inclusion, fees, at_stake, balance }
    }

    pub(crate) fn note_sent(&self, kind: &str) {
        self.sent.get_or_create(&OfKind { kind: TxKind::of(kind) }).inc();
    }

    pub(crate) fn note_expired(&self, kind: &str) {
        self.expired.get_or_create(&OfKind { kind: TxKind::of(kind) }).inc();
    }

    pub(crate) fn note_failed(&self, kind: &str, reason: &FailureReason) {
        let reason = match reason {
            FailureReason::WouldRevert { .. } => TxFailure::WouldRevert,
            FailureReason::Reverted { .. } => TxFailure::Reverted,
            FailureReason::Withdrawn => TxFailure::Withdrawn,
        };
        self.failed.get_or_create(&OfFailed { kind: TxKind::of(kind), reason }).inc();
    }

    /// Sets the number of open transactions.
    pub(crate) fn set_open(&self, open: &[(IntentKey, PendingStage)]) {
        let mut counts: BTreeMap<(TxKind, OpenStage), i64> = BTreeMap::new();
        for (key, stage) in open {
            let stage = match stage {
                PendingStage::Waiting(_) => OpenStage::Waiting,
                PendingStage::Sent { .. } => OpenStage::Sent,
                PendingStage::Cancelling { .. } => OpenStage::Cancelling,
            };
            let count = counts.entry((TxKind::of(key.kind()), stage)).or_default();
            *count = count.saturating_add(1);
        }
        for &kind in TxKind::ALL {
            for &stage in OpenStage::ALL {
                let count = counts.get(&(kind, stage)).copied().unwrap_or_default();
                self.open.get_or_create(&OfOpen { kind, stage }).set(count);
            }
        }
    }

    /// Counts an inclusion that wasn't counted before.
    pub(crate) fn note_included(
        &self,
        inclusion: &fernet_l1::Inclusion,
        view: &RollupView,
        counted: &mut CountedInclusions,
    ) {
        if !counted.is_new(inclusion.outcome.hash) {
            return;
        }
        let kind = TxKind::of(inclusion.key.kind());
        let result = match inclusion.nonce_use {
            NonceUse::Mined => Inclusion::Mined,
            NonceUse::Reverted => Inclusion::Reverted,
            NonceUse::Cancelled => Inclusion::Cancelled,
        };
        let of_kind = OfKind { kind };
        self.included.get_or_create(&OfIncluded { kind, result }).inc();
        let replaced = inclusion.attempts.saturating_sub(1);
        self.replaced.get_or_create(&of_kind).inc_by(u64::try_from(replaced).unwrap_or(u64::MAX));
        self.fees.get_or_create(&of_kind).inc_by(amount(inclusion.outcome.fee()));
        if result == Inclusion::Cancelled {
            return;
        }
        self.at_stake.get_or_create(&of_kind).inc_by(amount(inclusion.at_stake));
        if let Some(block) = view.l1_block(inclusion.outcome.block_number) {
            // No more than a few dozen.
            let slots = block.l1_slot.since(inclusion.not_before);
            self.inclusion
                .get_or_create(&of_kind)
                .observe(f64::from(u32::try_from(slots).unwrap_or(u32::MAX)));
        }
    }
}

/// Inclusions that were counted. A reorg may bring them back.
#[derive(Debug, Default)]
pub(crate) struct CountedInclusions(VecDeque<TxHash>);

impl CountedInclusions {
    fn is_new(&mut self, hash: TxHash) -> bool {
        if self.0.contains(&hash) {
            return false;
        }
        self.0.push_back(hash);
        if self.0.len() > REMEMBERED {
            self.0.pop_front();
        }
        true
    }
}
