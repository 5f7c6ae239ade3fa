//! Votes, and the calls of governance.

use alloy::primitives::{Address, B256};
use fernet_bindings::{IGuardian, IRegistry, ITimelock, IVotes, PayloadStatus};
use fernet_protocol::L1Slot;

use super::Generator;
use crate::{
    call::Call,
    model::Model,
    payloads::{self, Act, Answer},
    rules::GUARDIAN,
};

impl Generator {
    /// The vote of a header: often none; in a campaign usually the same payload.
    pub(super) fn vote(&mut self) -> Address {
        if let Some(payload) = self.campaign
            && self.chance(85)
        {
            return payload;
        }
        if self.chance(75) { Address::ZERO } else { self.payload() }
    }

    /// A random payload; half of the time one that can be queued.
    pub(super) fn payload(&mut self) -> Address {
        let among: Vec<_> =
            if self.chance(50) { payloads::good().collect() } else { payloads::votable().collect() };
        self.one_of(&among)
    }

    /// Rounds and payloads that have the quorum and weren't pushed.
    fn decided(model: &Model) -> Vec<(u64, Address)> {
        let of = model.votes.ballots.iter().filter(|(_, ballot)| ballot.quorum_at.is_some());
        of.map(|(decided, _)| *decided).filter(|(_, payload)| !model.votes.pushed.contains(payload)).collect()
    }

    /// L1 slots at which a governance call becomes possible or impossible.
    pub(super) fn edges(model: &Model, now: L1Slot) -> Vec<L1Slot> {
        let closes =
            Self::decided(model).into_iter().filter_map(|key| model.votes.ballots.get(&key)?.quorum_at);
        let closes = closes.map(|quorum_at| model.push_closes(quorum_at));
        let entries =
            model.timelock.entries.values().flat_map(|entry| [entry.executable_from, entry.expires_at]);
        closes.chain(entries).filter(|edge| *edge > now).collect()
    }

    /// Whether a payload can be pushed.
    pub(super) fn can_push(model: &Model, now: L1Slot) -> bool {
        Self::decided(model).iter().any(|key| {
            let quorum_at = model.votes.ballots.get(key).and_then(|ballot| ballot.quorum_at);
            quorum_at.is_some_and(|at| now < model.push_closes(at))
        })
    }

    /// Usually the guardian.
    pub(super) fn guardian(&mut self, model: &Model) -> Address {
        let guardian = model.guardian.guardian;
        if guardian.is_zero() || self.chance(20) { self.anyone() } else { guardian }
    }

    pub(super) fn of_governance(&mut self, model: &Model, now: L1Slot) -> (Address, Vec<B256>, Call) {
        let anyone = self.anyone();
        let payload = self.payload();
        let is_ready = !Self::ready(model, now).is_empty();
        let timelock = if self.chance(80) { model.at.timelock } else { anyone };
        let (sender, call) = match self.below(20) {
            0 => {
                let slot = model.locate_at(now).current.timeline.slot.get();
                (anyone, Call::Signal(IVotes::signalCall { slot, payload }))
            }
            1 => (self.guardian(model), Call::GuardianPause),
            2 => (timelock, Call::Approve),
            3 => {
                let owner = self.owner();
                let guardian = self.one_of(&[GUARDIAN, GUARDIAN, owner, Address::ZERO]);
                (timelock, Call::SetGuardian(IGuardian::setGuardianCall { guardian }))
            }
            4 => self.version(model),
            5..11 if Self::can_push(model, now) => (anyone, self.push(model, now)),
            5..17 if is_ready || (!model.timelock.entries.is_empty() && self.chance(25)) => {
                (anyone, self.execution(model, now))
            }
            5..12 => (anyone, self.push(model, now)),
            // Usually from the address of Votes, as if there had been a quorum.
            _ => {
                let sender = if self.chance(80) { model.at.votes } else { anyone };
                let again = model.timelock.entries.keys().next().filter(|_| self.chance(30));
                let payload = again.copied().unwrap_or(payload);
                (sender, Call::Queue(ITimelock::queueCall { payload }))
            }
        };
        (sender, Vec::new(), call)
    }

    /// Payloads that can be executed.
    pub(super) fn ready(model: &Model, now: L1Slot) -> Vec<Address> {
        let is_ready = |payload: &Address| model.queued_view(*payload, now).status == PayloadStatus::Ready;
        model.timelock.entries.keys().copied().filter(is_ready).collect()
    }

    /// Usually of an executable payload, with its queued actions.
    fn execution(&mut self, model: &Model, now: L1Slot) -> Call {
        let queued: Vec<_> = model.timelock.entries.keys().copied().collect();
        let ready = Self::ready(model, now);
        let payload = match () {
            () if !ready.is_empty() && self.chance(85) => self.one_of(&ready),
            () if !queued.is_empty() && self.chance(85) => self.one_of(&queued),
            () => self.payload(),
        };
        let acts = model.timelock.entries.get(&payload).map(|entry| entry.acts.clone());
        let mut actions: Vec<_> = acts.unwrap_or_default().iter().map(Act::encode).collect();
        match self.below(20) {
            0 => drop(actions.pop()),
            1 => {
                if let Answer::Acts(acts) = payloads::answer(payload, now) {
                    actions = acts.iter().map(Act::encode).collect();
                }
            }
            2 => actions.reverse(),
            _ => {}
        }
        Call::Execute(ITimelock::executeCall { payload, actions })
    }

    fn version(&mut self, model: &Model) -> (Address, Call) {
        let (at, anyone) = (model.at, self.anyone());
        let sender = if self.chance(80) { model.last_version().governance } else { anyone };
        let (rollup, governance) = (self.payload(), self.payload());
        let rollup = self.one_of(&[at.rollup, at.reader, rollup, anyone]);
        let governance = self.one_of(&[at.timelock, at.timelock, governance, anyone]);
        (sender, Call::AddVersion(IRegistry::addVersionCall { rollup, governance }))
    }

    /// Usually of a payload with the quorum, or at least with votes.
    fn push(&mut self, model: &Model, now: L1Slot) -> Call {
        let decided = Self::decided(model);
        let voted: Vec<_> = model.votes.ballots.keys().copied().collect();
        let pushed: Vec<_> = model.votes.pushed.iter().copied().collect();
        let (round, payload) = match () {
            () if !pushed.is_empty() && self.chance(20) => (model.round_in_turn(now), self.one_of(&pushed)),
            () if !decided.is_empty() && self.chance(80) => self.one_of(&decided),
            () if !voted.is_empty() && self.chance(80) => self.one_of(&voted),
            () => (model.round_in_turn(now), self.payload()),
        };
        let round = if self.chance(4) { round + 1 } else { round };
        Call::Push(IVotes::pushCall { round, payload })
    }
}
