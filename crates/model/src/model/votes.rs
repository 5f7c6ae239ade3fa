//! Votes of finalized blocks, and their way to the timelock.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::Address;
use fernet_bindings::{self as abi, IVotes};
use fernet_protocol::{L1Slot, Slot};

use super::{Model, Outcome, refuse};

/// Votes for one payload in one round.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ballot {
    votes: u64,
    /// L1 slot in which the payload reached the quorum.
    pub(crate) quorum_at: Option<L1Slot>,
}

/// All ballots by round and payload, and the pushed payloads.
#[derive(Debug, Clone, Default)]
pub(crate) struct Votes {
    pub(crate) ballots: BTreeMap<(u64, Address), Ballot>,
    pub(crate) pushed: BTreeSet<Address>,
}

impl Model {
    fn round_of(&self, slot: Slot) -> u64 {
        slot.get() / self.rules.governance.voting_round
    }

    /// Round of the current slot.
    pub(crate) fn round_in_turn(&self, now: L1Slot) -> u64 {
        self.round_of(self.locate_at(now).current.timeline.slot)
    }

    /// First L1 slot in which a payload with the quorum can no longer be pushed.
    pub(crate) fn push_closes(&self, quorum_at: L1Slot) -> L1Slot {
        quorum_at.plus(u64::from(self.rules.governance.push_period))
    }

    /// Counts the vote of a slot's finalized block.
    pub(super) fn signal(&mut self, slot: Slot, payload: Address) {
        let (at, round, now) = (self.at.votes, self.round_of(slot), self.frame.now);
        if self.votes.pushed.contains(&payload) {
            self.emit(at, IVotes::SignalIgnored { slot: slot.get(), payload });
            return;
        }
        let ballot = self.votes.ballots.entry((round, payload)).or_default();
        ballot.votes += 1;
        let votes = ballot.votes;
        let has_quorum = votes == self.rules.governance.voting_quorum;
        if has_quorum {
            ballot.quorum_at = Some(now);
        }
        self.emit(at, IVotes::Signalled { slot: slot.get(), round, payload, votes });
        if has_quorum {
            let closes = self.push_closes(now).get();
            self.emit(at, IVotes::QuorumReached { round, payload, closesAt: closes });
        }
    }

    /// Refuses callers other than the rollup.
    pub(super) fn signal_by_anyone(&mut self) -> Outcome {
        refuse(IVotes::NotRollup { expected: self.at.rollup, actual: self.frame.sender })
    }

    pub(super) fn push(&mut self, round: u64, payload: Address) -> Outcome {
        if self.votes.pushed.contains(&payload) {
            return refuse(IVotes::AlreadyPushed { payload });
        }
        let ballot = self.votes.ballots.get(&(round, payload)).copied().unwrap_or_default();
        let Some(quorum_at) = ballot.quorum_at else {
            let expected = self.rules.governance.voting_quorum;
            return refuse(IVotes::NoQuorum { expected, actual: ballot.votes });
        };
        let (closes, now_) = (self.push_closes(quorum_at).get(), self.frame.now.get());
        if now_ >= closes {
            return refuse(IVotes::PushClosed { closesAt: closes, now_ });
        }
        self.votes.pushed.insert(payload);
        self.emit(self.at.votes, IVotes::Pushed { round, payload });
        self.as_caller(self.at.votes, |model| model.queue(payload))
    }

    /// `Votes.ballot`.
    pub(crate) fn ballot_view(&self, round: u64, payload: Address) -> abi::Ballot {
        let ballot = self.votes.ballots.get(&(round, payload)).copied().unwrap_or_default();
        abi::Ballot { votes: ballot.votes, quorumAt: ballot.quorum_at.map(L1Slot::get).unwrap_or_default() }
    }
}
