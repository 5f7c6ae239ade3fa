//! The reward pot, credits and rates.

use std::collections::BTreeMap;

use alloy::primitives::{Address, U256};
use fernet_bindings::{self as abi, IRewards, convert::narrow_72};
use fernet_protocol::{Credit, CreditRole, Rates, RatesRefused, Slot, TokenAmount};

use super::{Model, Outcome, refusal, refuse};
use crate::rules::Rules;

/// Credits by account, and the rates.
#[derive(Debug, Clone)]
pub(crate) struct Rewards {
    pub(crate) owed: BTreeMap<Address, u128>,
    current: Rates,
    /// Rates scheduled for later slots.
    next: Option<(Slot, Rates)>,
}

impl Rewards {
    pub(super) fn new(rules: &Rules) -> Self {
        Self { owed: BTreeMap::new(), current: rules.rates, next: None }
    }

    /// The rates that apply in a slot: the current one or a later one.
    pub(crate) fn rates_of(&self, slot: Slot) -> Rates {
        match self.next {
            Some((from, next)) if slot >= from => next,
            _ => self.current,
        }
    }
}

impl Model {
    pub(super) fn fund(&mut self, amount: U256) -> Outcome {
        if amount.is_zero() {
            return refuse(IRewards::ZeroAmount {});
        }
        let from = self.frame.sender;
        self.emit(self.at.rewards, IRewards::Funded { from, amount });
        let (token, to) = (self.at.token, self.at.rewards);
        let Ok(tokens) = u128::try_from(amount) else {
            return refuse(super::TransferFailed { token, from, to, amount });
        };
        self.transfer(from, to, tokens)
    }

    pub(super) fn claim(&mut self, to: Address) -> Outcome {
        if to.is_zero() {
            return refuse(IRewards::ZeroAddress {});
        }
        let account = self.frame.sender;
        let due = self.rewards.owed.get(&account).copied().unwrap_or_default();
        if due == 0 {
            return refuse(IRewards::NothingOwed { account });
        }
        let pot = self.balance(self.at.rewards);
        if pot == 0 {
            return refuse(IRewards::PotEmpty { owed: U256::from(due) });
        }
        let paid = due.min(pot);
        self.rewards.owed.insert(account, due - paid);
        let (amount, still) = (U256::from(paid), U256::from(due - paid));
        self.emit(self.at.rewards, IRewards::Claimed { account, to, amount, stillOwed: still });
        self.transfer(self.at.rewards, to, paid)
    }

    pub(super) fn set_rates(&mut self, rates: &abi::Rates) -> Outcome {
        let actual = self.frame.sender;
        if actual != self.at.timelock {
            return refuse(IRewards::NotGovernance { expected: self.at.timelock, actual });
        }
        let new = Rates::from(rates.clone());
        let amount = |tokens: TokenAmount| narrow_72("rates", tokens).unwrap_or_default();
        new.validate(self.rules.max_reward_per_l1_slot).map_err(|why| match why {
            RatesRefused::SharesNotWhole { expected, actual } => refusal(IRewards::SharesNotWhole {
                expected: U256::from(expected),
                actual: U256::from(actual),
            }),
            RatesRefused::RewardTooHigh { maximum, actual } => {
                refusal(IRewards::RewardTooHigh { maximum: amount(maximum), actual: amount(actual) })
            }
            RatesRefused::PromptnessTooHigh { maximum, actual } => refusal(IRewards::PromptnessTooHigh {
                maximum: U256::from(maximum.get()),
                actual: U256::from(actual.get()),
            }),
        })?;
        let slot = self.locate().current.timeline.slot;
        self.rewards.current = self.rewards.rates_of(slot);
        self.rewards.next = Some((slot.plus(1), new));
        self.emit(
            self.at.rewards,
            IRewards::RatesScheduled { from: slot.plus(1).get(), rates: rates.clone() },
        );
        Ok(())
    }

    /// Credits the reward of a block. For a backup block `sequencer` is zero and gets no credit.
    pub(super) fn pay_block(&mut self, slot: Slot, sequencer: Address, prover: Address, credits: &[Credit]) {
        for credit in credits {
            *self.rewards.owed.entry(credit.account).or_default() += credit.amount.get();
        }
        let of = |role: CreditRole| {
            U256::from(credits.iter().filter(|c| c.role == role).map(|c| c.amount.get()).sum::<u128>())
        };
        let event = IRewards::BlockPaid {
            slot: slot.get(),
            sequencer,
            sequencerReward: of(CreditRole::Sequencer),
            prover,
            proverReward: of(CreditRole::Prover),
            submitter: self.frame.sender,
            submitterReward: of(CreditRole::Submitter),
        };
        self.emit(self.at.rewards, event);
        // Scheduled rates that now apply replace the previous ones.
        self.rewards.current = self.rewards.rates_of(slot);
    }
}
