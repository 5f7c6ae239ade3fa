//! The model's answers to the Reader's views.

use alloy::primitives::{
    Address, B256, U256,
    aliases::{I96, U96},
};
use fernet_bindings::{
    self as abi, Candidate, EscrowAccount, EscrowView, Overview, RewardsView, SequencerView, SlotView,
};
use fernet_protocol::{L1Slot, Lane, Proposal, SequencerId, seed, seed_at};

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
            pendingDeposits: self.pending(Lane::Deposits),
            pendingExits: self.pending(Lane::Exits),
            unsettled: found.expired.is_some(),
        }
    }

    fn slot_view(&self, now: L1Slot) -> SlotView {
        let found = self.locate_at(now);
        let paid = self.paid_l1_slots(&found);
        let at = found.current;
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
            turnStart: status.turn_start.map(L1Slot::get).unwrap_or_default(),
            paidL1Slots: paid,
            candidates: record.map(candidates).unwrap_or_default(),
        }
    }

    /// Operations of a lane that no block has consumed.
    fn pending(&self, lane: Lane) -> u64 {
        self.bridge.count(lane) - self.consumed(lane)
    }

    /// The named key that binds an account, the one that will, and from when.
    pub(crate) fn signers(&self, account: Address, now: L1Slot) -> (Address, Address, u64) {
        let (next, from) = self.escrow.pending_signer(account, now);
        (self.escrow.signer_of(account, now), next, from)
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
    pub(crate) fn escrow_view(&self, account: Address, now: L1Slot) -> EscrowView {
        let signer = self.escrow.signer_of(account, now);
        let none = EscrowAccount { free: 0, locked: 0, withdrawing: 0, withdrawableFrom: 0 };
        let account = self.escrow.accounts.get(&account).cloned().unwrap_or(none);
        EscrowView {
            affordableBonds: U256::from(account.free / self.rules.parameters.min_bond.get()),
            withdrawable: account.withdrawing != 0 && account.withdrawableFrom <= now.get(),
            account,
            signer,
        }
    }

    /// `Reader.rewards`.
    pub(crate) fn rewards_view(&self, account: Address) -> RewardsView {
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
        Candidate {
            sequencer: p.sequencer.get(),
            score: p.score.get(),
            headerHash: B256::from(p.header_hash),
            committedAt: committed.map(|c| c.at.get()).unwrap_or_default(),
            revealedAt: record.revealed_at.get(&p.sequencer).map(|at| at.get()).unwrap_or_default(),
            blobsSeen: if last == Some(p.sequencer) { record.blobs_seen } else { 0 },
            prover: committed.map(|c| c.prover).unwrap_or_default(),
            payee: committed.map(|c| c.payee).unwrap_or_default(),
            bond: U96::from(committed.map(|c| c.bond.get()).unwrap_or_default()),
            price: committed.and_then(|c| I96::try_from(c.price.get()).ok()).unwrap_or_default(),
        }
    };
    record.list.as_slice().iter().map(of).collect()
}
