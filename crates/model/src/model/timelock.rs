//! What was pushed waits here.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    sol_types::SolValue as _,
};
use fernet_bindings::{Action, ITimelock, PayloadStatus, QueuedPayload};
use fernet_protocol::L1Slot;

use super::{Model, Outcome, refuse};
use crate::payloads::{self, Act, Answer};

/// A payload as it was queued.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    hash: B256,
    pub(crate) executable_from: L1Slot,
    pub(crate) expires_at: L1Slot,
}

/// What was queued, by payload.
#[derive(Debug, Clone, Default)]
pub(crate) struct Timelock {
    pub(crate) entries: BTreeMap<Address, Entry>,
}

impl Model {
    pub(super) fn queue(&mut self, payload: Address) -> Outcome {
        let (sender, now) = (self.frame.sender, self.frame.now);
        if sender != self.at.votes {
            return refuse(ITimelock::NotVotes { expected: self.at.votes, actual: sender });
        }
        let actual = self.queued_view(payload, now).status;
        if actual != PayloadStatus::None {
            return refuse(ITimelock::WrongStatus { payload, expected: PayloadStatus::None, actual });
        }
        let acts = self.read(payload)?;
        let actions: Vec<Action> = acts.iter().map(Act::encode).collect();
        let rules = self.rules.governance;
        if actions.is_empty() {
            return refuse(ITimelock::NoActions { payload });
        }
        if actions.len() > rules.max_actions {
            let (maximum, actual) = (U256::from(rules.max_actions), U256::from(actions.len()));
            return refuse(ITimelock::TooManyActions { maximum, actual });
        }
        let encoded = actions.abi_encode();
        if encoded.len() > rules.max_actions_bytes {
            let (maximum, actual) = (U256::from(rules.max_actions_bytes), U256::from(encoded.len()));
            return refuse(ITimelock::ActionsTooLong { maximum, actual });
        }
        let hash = keccak256(&encoded);
        let executable_from = now.plus(u64::from(rules.delay));
        let expires_at = executable_from.plus(u64::from(rules.grace));
        self.timelock.entries.insert(payload, Entry { hash, executable_from, expires_at });
        let event = ITimelock::Queued {
            payload,
            actionsHash: hash,
            actions,
            executableFrom: executable_from.get(),
            expiresAt: expires_at.get(),
        };
        self.emit(self.at.timelock, event);
        Ok(())
    }

    /// What a payload answers now.
    fn read(&self, payload: Address) -> Outcome<Vec<Act>> {
        match payloads::answer(payload, self.frame.now) {
            Answer::Nobody => refuse(ITimelock::PayloadWithoutCode { payload }),
            Answer::Unreadable => refuse(ITimelock::UnreadablePayload { payload }),
            Answer::Acts(acts) => Ok(acts.to_vec()),
        }
    }

    /// `Timelock.queued`.
    pub(crate) fn queued_view(&self, payload: Address, now: L1Slot) -> QueuedPayload {
        let Some(entry) = self.timelock.entries.get(&payload) else {
            let status = PayloadStatus::None;
            return QueuedPayload { status, executableFrom: 0, expiresAt: 0, actionsHash: B256::ZERO };
        };
        let status = match now {
            _ if now < entry.executable_from => PayloadStatus::Waiting,
            _ if now < entry.expires_at => PayloadStatus::Ready,
            _ => PayloadStatus::Expired,
        };
        QueuedPayload {
            status,
            executableFrom: entry.executable_from.get(),
            expiresAt: entry.expires_at.get(),
            actionsHash: entry.hash,
        }
    }
}
