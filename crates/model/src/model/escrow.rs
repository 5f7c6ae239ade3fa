//! Escrow: deposits and bonds of provers.

use std::collections::BTreeMap;

use alloy::primitives::{Address, U256};
use fernet_bindings::{EscrowAccount, IEscrow};

use super::{Model, Outcome, refuse};

/// Escrow accounts by prover.
#[derive(Debug, Clone, Default)]
pub(crate) struct Escrow {
    pub(crate) accounts: BTreeMap<Address, EscrowAccount>,
}

impl Model {
    pub(super) fn escrow_deposit(&mut self, account: Address, amount: u128) -> Outcome {
        if amount == 0 {
            return refuse(IEscrow::ZeroAmount {});
        }
        if account.is_zero() {
            return refuse(IEscrow::ZeroAddress {});
        }
        self.add_free(account, amount)?;
        let from = self.frame.sender;
        self.emit(self.at.escrow, IEscrow::Deposited { account, from, amount });
        self.transfer(from, self.at.escrow, amount)
    }

    pub(super) fn escrow_request(&mut self, amount: u128) -> Outcome {
        if amount == 0 {
            return refuse(IEscrow::ZeroAmount {});
        }
        let account = self.frame.sender;
        self.take_free(account, amount)?;
        let from = self.frame.now.plus(u64::from(self.rules.escrow_delay)).get();
        let a = self.account(account);
        a.withdrawing += amount;
        a.withdrawableFrom = from;
        self.emit(self.at.escrow, IEscrow::WithdrawalRequested { account, amount, withdrawableFrom: from });
        Ok(())
    }

    pub(super) fn escrow_withdraw(&mut self, to: Address) -> Outcome {
        if to.is_zero() {
            return refuse(IEscrow::ZeroAddress {});
        }
        let (account, now_) = (self.frame.sender, self.frame.now.get());
        let a = self.account(account);
        let (amount, from) = (a.withdrawing, a.withdrawableFrom);
        if amount == 0 {
            return refuse(IEscrow::NothingRequested { account });
        }
        if now_ < from {
            return refuse(IEscrow::NotWithdrawableYet { account, from, now_ });
        }
        a.withdrawing = 0;
        self.emit(self.at.escrow, IEscrow::Withdrawn { account, to, amount });
        self.transfer(self.at.escrow, to, amount)
    }

    /// Refuses callers other than the rollup.
    pub(super) fn escrow_by_anyone(&mut self) -> Outcome {
        refuse(IEscrow::NotRollup { expected: self.at.rollup, actual: self.frame.sender })
    }

    pub(super) fn lock_bond(&mut self, account: Address, amount: u128) -> Outcome {
        self.take_free(account, amount)?;
        self.account(account).locked += amount;
        self.emit(self.at.escrow, IEscrow::Locked { account, amount });
        Ok(())
    }

    pub(super) fn release_bond(&mut self, account: Address, amount: u128) -> Outcome {
        self.take_locked(account, amount)?;
        self.add_free(account, amount)?;
        self.emit(self.at.escrow, IEscrow::Released { account, amount });
        Ok(())
    }

    pub(super) fn slash_bond(
        &mut self,
        account: Address,
        amount: u128,
        beneficiary: Address,
        share: u128,
    ) -> Outcome {
        self.take_locked(account, amount)?;
        if share != 0 {
            self.add_free(beneficiary, share)?;
        }
        self.emit(self.at.escrow, IEscrow::Slashed { account, amount, beneficiary, share });
        self.burn(self.at.escrow, amount - share)
    }

    fn account(&mut self, account: Address) -> &mut EscrowAccount {
        self.escrow.accounts.entry(account).or_insert(EscrowAccount {
            free: 0,
            locked: 0,
            withdrawing: 0,
            withdrawableFrom: 0,
        })
    }

    fn add_free(&mut self, account: Address, amount: u128) -> Outcome {
        let free = self.account(account).free;
        let Some(sum) = free.checked_add(amount) else {
            let actual = U256::from(free) + U256::from(amount);
            return refuse(IEscrow::AmountTooHigh { maximum: U256::from(u128::MAX), actual });
        };
        self.account(account).free = sum;
        Ok(())
    }

    fn take_free(&mut self, account: Address, needed: u128) -> Outcome {
        let available = self.account(account).free;
        let Some(left) = available.checked_sub(needed) else {
            return refuse(IEscrow::InsufficientFree { account, available, needed });
        };
        self.account(account).free = left;
        Ok(())
    }

    fn take_locked(&mut self, account: Address, needed: u128) -> Outcome {
        let available = self.account(account).locked;
        let Some(left) = available.checked_sub(needed) else {
            return refuse(IEscrow::InsufficientLocked { account, available, needed });
        };
        self.account(account).locked = left;
        Ok(())
    }
}
