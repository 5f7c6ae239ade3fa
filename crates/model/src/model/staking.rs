//! Registrations and stakes.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, FixedBytes, U256, aliases::U96, keccak256};
use fernet_bindings::{self as abi, IStaking, Registration, Status, convert::narrow};
use fernet_protocol::{BlsPublicKey, BlsSignature, L1Slot, Possession, SequencerId, TokenAmount};

use super::{Model, Outcome, refuse};
use crate::rules::{CHAIN_ID, Rules};

/// L1 slots for which a replaced key stays known.
const HISTORY: u64 = 16_384;

/// A sequencer. The L1 slot 0 means "never".
#[derive(Debug, Clone)]
pub(crate) struct Registered {
    pub(crate) attester: Address,
    pub(crate) active_from: u64,
    pub(crate) exit_at: u64,
    pub(crate) paid: bool,
    pub(crate) owner: Address,
    pub(crate) stake: u128,
    pub(crate) withdrawer: Address,
    pub(crate) fee_recipient: u32,
    pub(crate) bls_key_hash: B256,
    pub(crate) next_attester: Address,
    pub(crate) attester_from: u64,
    pub(crate) next_bls_key_hash: B256,
    pub(crate) bls_key_from: u64,
}

/// Registrations by id from 1, and the entry queue.
#[derive(Debug, Clone)]
pub(crate) struct Staking {
    pub(crate) registered: Vec<Registered>,
    taken: BTreeMap<u64, u64>,
    flush: u16,
    previous_flush: u16,
    /// First entry window with the new `flush`.
    since: u64,
}

fn valid_at(from: u64, moment: u64) -> bool {
    from != 0 && from <= moment
}

fn amount(tokens: u128) -> U96 {
    narrow("amount", TokenAmount::new(tokens)).unwrap_or_default()
}

impl Registered {
    pub(crate) fn status(&self, now: u64) -> Status {
        match self {
            s if s.paid => Status::Exited,
            s if s.exit_at != 0 => Status::Exiting,
            s if s.active_from <= now => Status::Active,
            _ => Status::Queued,
        }
    }

    pub(crate) fn attester_at(&self, moment: u64) -> Address {
        if valid_at(self.attester_from, moment) { self.next_attester } else { self.attester }
    }

    pub(crate) fn bls_key_hash_at(&self, moment: u64) -> B256 {
        if valid_at(self.bls_key_from, moment) { self.next_bls_key_hash } else { self.bls_key_hash }
    }
}

impl Staking {
    pub(super) fn new(rules: &Rules) -> Self {
        Self {
            registered: Vec::new(),
            taken: BTreeMap::new(),
            flush: rules.staking.entry_flush,
            previous_flush: 0,
            since: 0,
        }
    }

    pub(crate) fn get(&self, id: u32) -> Option<&Registered> {
        (id as usize).checked_sub(1).and_then(|index| self.registered.get(index))
    }

    fn flush_of(&self, window: u64) -> u16 {
        if window < self.since { self.previous_flush } else { self.flush }
    }
}

impl Model {
    pub(super) fn register(&mut self, r: &Registration) -> Outcome {
        if r.attester.is_zero() {
            return refuse(IStaking::ZeroAddress {});
        }
        let rules = self.rules.staking;
        let earliest = self.frame.now.plus(u64::from(rules.entry_period)).get();
        let length = u64::from(rules.entry_window);
        let first = earliest / length;
        let last = first + u64::from(rules.queue_limit);
        let room = |w: &u64| {
            self.staking.taken.get(w).copied().unwrap_or_default() < u64::from(self.staking.flush_of(*w))
        };
        let Some(window) = (first..=last).find(room) else {
            return refuse(IStaking::QueueFull { until: earliest.max((last + 1) * length) });
        };
        let active_from = earliest.max(window * length);
        self.require_possession(&r.blsKey, &r.proofOfPossession)?;
        *self.staking.taken.entry(window).or_default() += 1;
        let owner = self.frame.sender;
        let withdrawer = if r.withdrawer.is_zero() { owner } else { r.withdrawer };
        let stake = rules.stake_amount.get();
        self.staking.registered.push(Registered {
            attester: r.attester,
            active_from,
            exit_at: 0,
            paid: false,
            owner,
            stake,
            withdrawer,
            fee_recipient: r.feeRecipient,
            bls_key_hash: key_hash(&r.blsKey),
            next_attester: Address::ZERO,
            attester_from: 0,
            next_bls_key_hash: B256::ZERO,
            bls_key_from: 0,
        });
        let event = IStaking::Registered {
            sequencer: self.staking.registered.len() as u32,
            attester: r.attester,
            owner,
            withdrawer,
            feeRecipient: r.feeRecipient,
            stake: amount(stake),
            activeFrom: active_from,
            blsKey: r.blsKey,
        };
        self.emit(self.at.staking, event);
        self.transfer(owner, self.at.staking, stake)
    }

    pub(super) fn cancel_entry(&mut self, sequencer: u32) -> Outcome {
        let status = self.status_of(sequencer);
        if status != Status::Queued {
            return refuse(IStaking::WrongStatus { sequencer, expected: Status::Queued, actual: status });
        }
        self.require_owner(sequencer)?;
        let now = self.frame.now.get().max(1);
        let length = u64::from(self.rules.staking.entry_window);
        let s = self.sequencer_mut(sequencer);
        s.exit_at = now;
        let window = s.active_from / length;
        if let Some(taken) = self.staking.taken.get_mut(&window) {
            *taken -= 1;
        }
        let (to, paid) = self.pay_stake(sequencer);
        self.emit(self.at.staking, IStaking::EntryCancelled { sequencer, to, amount: amount(paid) });
        self.transfer(self.at.staking, to, paid)
    }

    pub(super) fn set_entry_flush(&mut self, flush: u16) -> Outcome {
        let actual = self.frame.sender;
        if actual != self.at.timelock {
            return refuse(IStaking::NotGovernance { expected: self.at.timelock, actual });
        }
        let maximum = self.rules.staking.max_entry_flush;
        if flush == 0 || flush > maximum {
            return refuse(IStaking::EntryFlushOutOfRange { maximum, actual: flush });
        }
        let length = u64::from(self.rules.staking.entry_window);
        let current = self.frame.now.get() / length;
        self.staking.previous_flush = self.staking.flush_of(current);
        self.staking.flush = flush;
        self.staking.since = current + 1;
        self.emit(self.at.staking, IStaking::EntryFlushSet { flush, from: (current + 1) * length });
        Ok(())
    }

    pub(super) fn top_up(&mut self, sequencer: u32, added: U96) -> Outcome {
        self.require_staying(sequencer)?;
        if added.is_zero() {
            return refuse(IStaking::ZeroAmount {});
        }
        let most = self.rules.staking.stake_amount.get();
        let s = self.sequencer_mut(sequencer);
        let stake = s.stake + added.to::<u128>();
        if stake > most {
            return refuse(IStaking::StakeTooHigh {
                sequencer,
                maximum: amount(most),
                actual: U256::from(stake),
            });
        }
        s.stake = stake;
        let from = self.frame.sender;
        self.emit(
            self.at.staking,
            IStaking::ToppedUp { sequencer, from, amount: added, stake: amount(stake) },
        );
        self.transfer(from, self.at.staking, added.to())
    }

    pub(super) fn set_withdrawer(&mut self, sequencer: u32, withdrawer: Address) -> Outcome {
        let actual = self.status_of(sequencer);
        if matches!(actual, Status::None | Status::Exited) {
            return refuse(IStaking::WrongStatus { sequencer, expected: Status::Active, actual });
        }
        let sender = self.frame.sender;
        let s = self.sequencer_mut(sequencer);
        if s.withdrawer != sender {
            let expected = s.withdrawer;
            return refuse(IStaking::NotWithdrawer { sequencer, expected, actual: sender });
        }
        if withdrawer.is_zero() {
            return refuse(IStaking::ZeroAddress {});
        }
        s.withdrawer = withdrawer;
        self.emit(self.at.staking, IStaking::WithdrawerSet { sequencer, withdrawer });
        Ok(())
    }

    pub(super) fn set_fee_recipient(&mut self, sequencer: u32, fee_recipient: u32) -> Outcome {
        self.require_staying(sequencer)?;
        self.require_owner(sequencer)?;
        self.sequencer_mut(sequencer).fee_recipient = fee_recipient;
        self.emit(self.at.staking, IStaking::FeeRecipientSet { sequencer, feeRecipient: fee_recipient });
        Ok(())
    }

    pub(super) fn rotate_attester(&mut self, sequencer: u32, attester: Address) -> Outcome {
        self.require_staying(sequencer)?;
        self.require_owner(sequencer)?;
        if attester.is_zero() {
            return refuse(IStaking::ZeroAddress {});
        }
        let last = self.sequencer_mut(sequencer).attester_from;
        let from = self.rotation(sequencer, last)?;
        let s = self.sequencer_mut(sequencer);
        if last != 0 {
            s.attester = s.next_attester;
        }
        s.next_attester = attester;
        s.attester_from = from;
        self.emit(self.at.staking, IStaking::AttesterRotated { sequencer, attester, from });
        Ok(())
    }

    pub(super) fn rotate_bls_key(&mut self, call: &IStaking::rotateBlsKeyCall) -> Outcome {
        let sequencer = call.sequencer;
        self.require_staying(sequencer)?;
        self.require_owner(sequencer)?;
        let last = self.sequencer_mut(sequencer).bls_key_from;
        let from = self.rotation(sequencer, last)?;
        self.require_possession(&call.blsKey, &call.proofOfPossession)?;
        let s = self.sequencer_mut(sequencer);
        if last != 0 {
            s.bls_key_hash = s.next_bls_key_hash;
        }
        s.next_bls_key_hash = key_hash(&call.blsKey);
        s.bls_key_from = from;
        self.emit(self.at.staking, IStaking::BlsKeyRotated { sequencer, blsKey: call.blsKey, from });
        Ok(())
    }

    pub(super) fn initiate_exit(&mut self, sequencer: u32) -> Outcome {
        self.require_staying(sequencer)?;
        let (sender, now) = (self.frame.sender, self.frame.now.get());
        let s = self.sequencer_mut(sequencer);
        if sender != s.owner && sender != s.attester_at(now) {
            return refuse(IStaking::NotOwner { sequencer, expected: s.owner, actual: sender });
        }
        self.start_exit(sequencer);
        Ok(())
    }

    pub(super) fn withdraw_stake(&mut self, sequencer: u32) -> Outcome {
        self.sync()?;
        let status = self.status_of(sequencer);
        if status != Status::Exiting {
            return refuse(IStaking::WrongStatus { sequencer, expected: Status::Exiting, actual: status });
        }
        let now_ = self.frame.now.get();
        let from = self.sequencer_mut(sequencer).exit_at + u64::from(self.rules.staking.exit_delay);
        if now_ < from {
            return refuse(IStaking::NotWithdrawableYet { sequencer, from, now_ });
        }
        if self.rollup.is_candidate(SequencerId::new(sequencer)) {
            return refuse(IStaking::StillCandidate { sequencer });
        }
        let (to, paid) = self.pay_stake(sequencer);
        self.emit(self.at.staking, IStaking::Withdrawn { sequencer, to, amount: amount(paid) });
        if paid == 0 { Ok(()) } else { self.transfer(self.at.staking, to, paid) }
    }

    /// Refuses callers other than the rollup.
    pub(super) fn slash_by_anyone(&mut self) -> Outcome {
        refuse(IStaking::NotRollup { expected: self.at.rollup, actual: self.frame.sender })
    }

    /// Slashes the settlement's penalty, at most the stake.
    pub(super) fn slash_stake(&mut self, sequencer: u32, taken: u128) -> Outcome {
        if taken == 0 {
            return Ok(());
        }
        let minimum = self.rules.staking.minimum_stake.get();
        let s = self.sequencer_mut(sequencer);
        s.stake -= taken;
        let (remaining, exiting) = (s.stake, s.exit_at != 0);
        let event = IStaking::Slashed { sequencer, amount: amount(taken), remaining: amount(remaining) };
        self.emit(self.at.staking, event);
        if remaining < minimum && !exiting {
            self.start_exit(sequencer);
        }
        self.burn(self.at.staking, taken)
    }

    /// The attester that may propose in a slot whose eligibility counts at `active_by`, if the sequencer is
    /// eligible.
    pub(crate) fn eligible_attester(
        &self,
        sequencer: u32,
        active_by: L1Slot,
        now: L1Slot,
    ) -> Option<Address> {
        let (active_by, now) = (active_by.get(), now.get());
        let s = self.staking.get(sequencer)?;
        let key_changed = !valid_at(s.bls_key_from, active_by) && valid_at(s.bls_key_from, now);
        (s.exit_at == 0 && s.active_from <= active_by && !key_changed).then(|| s.attester_at(active_by))
    }

    fn status_of(&self, sequencer: u32) -> Status {
        self.staking.get(sequencer).map_or(Status::None, |s| s.status(self.frame.now.get()))
    }

    /// A sequencer whose status isn't `None`; the caller checked it.
    fn sequencer_mut(&mut self, sequencer: u32) -> &mut Registered {
        &mut self.staking.registered[sequencer as usize - 1]
    }

    fn require_staying(&self, sequencer: u32) -> Outcome {
        match self.status_of(sequencer) {
            Status::Active | Status::Queued => Ok(()),
            actual => refuse(IStaking::WrongStatus { sequencer, expected: Status::Active, actual }),
        }
    }

    fn require_owner(&mut self, sequencer: u32) -> Outcome {
        let actual = self.frame.sender;
        match self.sequencer_mut(sequencer).owner {
            owner if owner == actual => Ok(()),
            expected => refuse(IStaking::NotOwner { sequencer, expected, actual }),
        }
    }

    fn require_possession(&self, key: &[B256; 4], proof: &[B256; 8]) -> Outcome {
        let owner = self.frame.sender;
        let possession = Possession { chain_id: CHAIN_ID, staking: self.at.staking, owner };
        let holds = BlsPublicKey::decode(&FixedBytes::from_slice(key.concat().as_slice()))
            .and_then(|key| {
                Ok((key, BlsSignature::decode(&FixedBytes::from_slice(proof.concat().as_slice()))?))
            })
            .and_then(|(key, proof)| possession.verify(&key, &proof));
        if holds.is_err() { refuse(IStaking::BadProofOfPossession { owner }) } else { Ok(()) }
    }

    fn rotation(&self, sequencer: u32, last: u64) -> Outcome<u64> {
        let now_ = self.frame.now.get();
        let from = if last == 0 { 0 } else { last + HISTORY };
        if now_ < from {
            return refuse(IStaking::RotationTooEarly { sequencer, from, now_ });
        }
        Ok(now_ + u64::from(self.rules.staking.entry_period))
    }

    fn start_exit(&mut self, sequencer: u32) {
        let now = self.frame.now.get().max(1);
        self.sequencer_mut(sequencer).exit_at = now;
        let from = now + u64::from(self.rules.staking.exit_delay);
        self.emit(
            self.at.staking,
            IStaking::ExitInitiated { sequencer, l1Slot: now, withdrawableFrom: from },
        );
    }

    fn pay_stake(&mut self, sequencer: u32) -> (Address, u128) {
        let s = self.sequencer_mut(sequencer);
        s.paid = true;
        (s.withdrawer, std::mem::take(&mut s.stake))
    }

    /// A sequencer as the Reader's views return it.
    pub(crate) fn sequencer_view(&self, s: &Registered, now: u64) -> abi::Sequencer {
        let attester_pending = s.attester_from > now;
        let key_pending = s.bls_key_from > now;
        abi::Sequencer {
            status: s.status(now),
            attester: s.attester_at(now),
            activeFrom: s.active_from,
            exitAt: s.exit_at,
            owner: s.owner,
            withdrawer: s.withdrawer,
            stake: amount(s.stake),
            feeRecipient: s.fee_recipient,
            blsKeyHash: s.bls_key_hash_at(now),
            nextAttester: if attester_pending { s.next_attester } else { Address::ZERO },
            nextAttesterFrom: if attester_pending { s.attester_from } else { 0 },
            nextBlsKeyHash: if key_pending { s.next_bls_key_hash } else { B256::ZERO },
            nextBlsKeyFrom: if key_pending { s.bls_key_from } else { 0 },
        }
    }
}

fn key_hash(key: &[B256; 4]) -> B256 {
    keccak256(key.concat())
}
