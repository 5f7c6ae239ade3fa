//! The timelock: queued payloads and their execution.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    sol_types::SolValue as _,
};
use fernet_bindings::{self as abi, Action, ITimelock, PayloadStatus, QueuedPayload};
use fernet_protocol::L1Slot;

use super::{Model, Outcome, Refusal, refuse};
use crate::payloads::{self, Act, Answer};

/// A queued payload.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) acts: Vec<Act>,
    hash: B256,
    executed: bool,
    pub(crate) executable_from: L1Slot,
    pub(crate) expires_at: L1Slot,
}

/// Queued payloads by address.
#[derive(Debug, Clone, Default)]
pub(crate) struct Timelock {
    pub(crate) entries: BTreeMap<Address, Entry>,
}

impl Model {
    pub(super) fn queue(&mut self, payload: Address) -> Outcome {
        self.require_not_executing()?;
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
        self.timelock
            .entries
            .insert(payload, Entry { acts, hash, executed: false, executable_from, expires_at });
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

    pub(super) fn execute(&mut self, call: &ITimelock::executeCall) -> Outcome {
        self.require_not_executing()?;
        let (payload, at) = (call.payload, self.at.timelock);
        let (expected, actual) = (PayloadStatus::Ready, self.queued_view(payload, self.frame.now).status);
        let entry = self.timelock.entries.get_mut(&payload).filter(|_| actual == expected);
        let Some(entry) = entry else {
            return refuse(ITimelock::WrongStatus { payload, expected, actual });
        };
        let given = keccak256(call.actions.abi_encode());
        if given != entry.hash {
            return refuse(ITimelock::WrongActions { expected: entry.hash, actual: given });
        }
        entry.executed = true;
        let acts = entry.acts.clone();
        self.emit(at, ITimelock::Executed { payload, actionsHash: given });
        self.frame.executing = true;
        for (index, act) in acts.iter().enumerate() {
            self.act(U256::from(index), act)?;
        }
        self.frame.executing = false;
        Ok(())
    }

    fn act(&mut self, index: U256, act: &Act) -> Outcome {
        let target = act.encode().target;
        let most = self.rules.governance.max_reason_bytes;
        let failed = |data: &[u8]| {
            let kept = data.len().min(most);
            let reason = Bytes::copy_from_slice(data.get(..kept).unwrap_or_default());
            refuse(ITimelock::ActionFailed { index, target, reason })
        };
        match act {
            Act::Nobody => refuse(ITimelock::TargetWithoutCode { index, target }),
            Act::Anything(_) => Ok(()),
            Act::Loud => failed(&payloads::loud_reason()),
            Act::Call(call) => match self.as_caller(self.at.timelock, |model| model.call(call)) {
                Ok(()) => Ok(()),
                Err(Refusal(data)) => failed(&data),
            },
        }
    }

    fn require_not_executing(&self) -> Outcome {
        if self.frame.executing { refuse(abi::Timelock::ReentrancyGuardReentrantCall {}) } else { Ok(()) }
    }

    /// The current answer of a payload.
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
            _ if entry.executed => PayloadStatus::Executed,
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
