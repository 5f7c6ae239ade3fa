//! The model's answers to the Reader's views.

use alloy::primitives::{B256, U256, aliases::U96};
use fernet_bindings::{
    self as abi, Candidate, EscrowAccount, EscrowView, Overview, RewardsView, SequencerView, SlotView,
};
use fernet_protocol::{L1Slot, Proposal, SequencerId, seed, seed_at};

use super::{Model, rollup::Recorded};

impl Model {
    /// `Reader.overview`.
    pub(crate) fn overview(&self, now: L1Slot) -> Overview {
        let found = self.locate_at(now);
        let slot = self.slot_view(now);
        Overview {
            l1Slot: now.get(),
            pausedUntil: self.paused_until(now),
            rates: self
                .rewards
                .rates_of(found.current.timeline.slot)
                .try_into()
                .unwrap_or_else(|error: abi::InvalidValue| unreachable!("{error}")),
            slot,
            tip: self.rollup.tip.clone(),
            pendingDeposits: self.bridge.count() - self.rollup.tip.depositsEnd,
            unsettled: found.expired.is_some(),
        }
    }

    fn slot_view(&self, now: L1Slot) -> SlotView {
        let at = self.locate_at(now).current;
        let (timeline, status) = (at.timeline, at.status);
        let record = self.rollup.in_flight().filter(|r| r.slot == timeline.slot);
        let seed_at = seed_at(timeline.previous_start, &self.rules.parameters);
        let proven = self.randomness.mixes.get(&seed_at).map(|mix| seed(*mix, timeline.slot));
        SlotView {
            slot: timeline.slot.get(),
            phase: status.phase.into(),
            start: timeline.start.get(),
            previousStart: timeline.previous_start.get(),
            seedAt: seed_at.get(),
            seed: record.map_or(proven.unwrap_or_default(), |r| r.seed),
            phaseEnd: status.end.get(),
            rank: status.rank.get(),
            candidates: record.map(candidates).unwrap_or_default(),
        }
    }

    /// `Reader.sequencers(1, all)`.
    pub(crate) fn sequencers(&self, now: L1Slot) -> Vec<SequencerView> {
        let of = |(id, s)| SequencerView {
            id,
            status: abi::Status::None,
            candidate: self.rollup.is_candidate(SequencerId::new(id)),
            registration: self.sequencer_view(s, now.get()),
        };
        let mut views: Vec<_> = (1..).zip(&self.staking.registered).map(of).collect();
        for view in &mut views {
            view.status = view.registration.status;
        }
        views
    }

    /// `Reader.escrow`.
    pub(crate) fn escrow_view(&self, account: alloy::primitives::Address, now: L1Slot) -> EscrowView {
        let none = EscrowAccount { free: 0, locked: 0, withdrawing: 0, withdrawableFrom: 0 };
        let account = self.escrow.accounts.get(&account).cloned().unwrap_or(none);
        EscrowView {
            affordableBonds: U256::from(account.free / self.rules.parameters.min_bond.get()),
            withdrawable: account.withdrawing != 0 && account.withdrawableFrom <= now.get(),
            account,
        }
    }

    /// `Reader.rewards`.
    pub(crate) fn rewards_view(&self, account: alloy::primitives::Address) -> RewardsView {
        let owed = U256::from(self.rewards.owed.get(&account).copied().unwrap_or_default());
        let pot = U256::from(self.balance(self.at.rewards));
        RewardsView { owed, claimable: owed.min(pot), pot }
    }
}

/// Candidates in the order of ranks.
fn candidates(record: &Recorded) -> Vec<Candidate> {
    let last = record.commitments.iter().max_by_key(|(_, c)| c.at).map(|(sequencer, _)| *sequencer);
    let of = |p: &Proposal| {
        let committed = record.commitments.get(&p.sequencer);
        let amount = |value: u128| U96::from(value);
        Candidate {
            sequencer: p.sequencer.get(),
            score: p.score.get(),
            headerHash: B256::from(p.header_hash),
            committedAt: committed.map(|c| c.at.get()).unwrap_or_default(),
            revealedAt: record.revealed_at.get(&p.sequencer).map(|at| at.get()).unwrap_or_default(),
            blobsSeen: if last == Some(p.sequencer) { record.blobs_seen } else { 0 },
            prover: committed.map(|c| c.prover).unwrap_or_default(),
            payee: committed.map(|c| c.payee).unwrap_or_default(),
            bond: amount(committed.map(|c| c.bond.get()).unwrap_or_default()),
            price: amount(committed.map(|c| c.price.get()).unwrap_or_default()),
        }
    };
    record.list.as_slice().iter().map(of).collect()
}
