//! Registrations, keys and exits.

use alloy::primitives::{Address, B256, aliases::U96};
use fernet_bindings::{IStaking, Registration, Status};

use super::Generator;
use crate::{actors, call::Call, model::Model};

/// A registration with a proof of possession for `owner`.
pub(super) fn registration(owner: Address, attester: Address, withdrawer: Address, key: u8) -> Call {
    let (key, proof) = actors::bls_key(key, owner);
    Call::Register(IStaking::registerCall {
        registration: Registration {
            attester,
            withdrawer,
            feeRecipient: 7,
            blsKey: key,
            proofOfPossession: proof,
        },
    })
}

impl Generator {
    pub(super) fn of_staking(&mut self, model: &Model) -> (Address, Vec<B256>, Call) {
        let known = model.staking.registered.len();
        // Sometimes one that isn't registered.
        let beyond = if self.chance(10) { 2 } else { 0 };
        let first = if self.chance(3) { 0 } else { 1 };
        let sequencer = self.below(known + beyond) as u32 + first;
        let s = model.staking.get(sequencer).cloned();
        let anyone = self.anyone();
        let owner = s.as_ref().filter(|_| !self.chance(12)).map_or(anyone, |s| s.owner);
        let withdrawer = s.as_ref().map_or(anyone, |s| s.withdrawer);
        let attester = self.attester();
        let attester = self.perhaps_zero(attester);
        let now = model.l1_slot(self.timestamp).get();
        let queued = (1..).zip(&model.staking.registered).find(|(_, s)| s.status(now) == Status::Queued);
        if let Some((sequencer, s)) = queued.filter(|_| self.chance(25)) {
            return (s.owner, Vec::new(), Call::CancelEntry(IStaking::cancelEntryCall { sequencer }));
        }
        let kind = if self.registering && self.chance(75) { 0 } else { self.below(24) };
        let call = match kind {
            0..4 => {
                let owner = self.owner();
                let proven = if self.chance(10) { self.owner() } else { owner };
                let withdrawer = self.perhaps_zero(owner);
                let key = 1 + self.below(3) as u8;
                return (owner, Vec::new(), registration(proven, attester, withdrawer, key));
            }
            4..6 => Call::CancelEntry(IStaking::cancelEntryCall { sequencer }),
            6 => {
                let sender = if self.chance(15) { anyone } else { model.at.timelock };
                let flush = self.below(6) as u16;
                return (sender, Vec::new(), Call::SetEntryFlush(IStaking::setEntryFlushCall { flush }));
            }
            7..10 => {
                let most = self.rules.staking.stake_amount.get();
                let short: Vec<_> = (1..)
                    .zip(&model.staking.registered)
                    .filter(|(_, s)| s.stake < most && !s.paid)
                    .map(|(id, s)| (id, most - s.stake))
                    .collect();
                let (sequencer, missing) =
                    if short.is_empty() || self.chance(15) { (sequencer, 1) } else { self.one_of(&short) };
                let amount = if self.chance(60) { missing } else { self.tokens(30_000) };
                Call::TopUp(IStaking::topUpCall { sequencer, amount: U96::from(amount) })
            }
            10..12 => {
                let sender = if self.chance(80) { withdrawer } else { anyone };
                let to = self.owner();
                let to = self.perhaps_zero(to);
                let call = IStaking::setWithdrawerCall { sequencer, withdrawer: to };
                return (sender, Vec::new(), Call::SetWithdrawer(call));
            }
            12 => {
                let fee_recipient = self.below(9) as u32;
                Call::SetFeeRecipient(IStaking::setFeeRecipientCall {
                    sequencer,
                    feeRecipient: fee_recipient,
                })
            }
            13..16 => Call::RotateAttester(IStaking::rotateAttesterCall { sequencer, attester }),
            16 => {
                let proven = if self.chance(80) { owner } else { anyone };
                let (key, proof) = actors::bls_key(1 + self.below(3) as u8, proven);
                let call = IStaking::rotateBlsKeyCall { sequencer, blsKey: key, proofOfPossession: proof };
                Call::RotateBlsKey(call)
            }
            17..19 => {
                let attester = s.as_ref().map_or(anyone, |s| s.attester);
                let sender = if self.chance(30) { attester } else { owner };
                return (sender, Vec::new(), Call::InitiateExit(IStaking::initiateExitCall { sequencer }));
            }
            19..23 => {
                let exiting: Vec<_> = (1..)
                    .zip(&model.staking.registered)
                    .filter(|(_, s)| s.exit_at != 0 && !s.paid)
                    .map(|(id, _)| id)
                    .collect();
                if exiting.is_empty() && self.chance(50) {
                    return (owner, Vec::new(), Call::InitiateExit(IStaking::initiateExitCall { sequencer }));
                }
                let sequencer =
                    if exiting.is_empty() || self.chance(15) { sequencer } else { self.one_of(&exiting) };
                return (anyone, Vec::new(), Call::WithdrawStake(IStaking::withdrawCall { sequencer }));
            }
            _ => Call::SlashStake(IStaking::slashCall { sequencer, amount: U96::from(1) }),
        };
        (owner, Vec::new(), call)
    }
}
