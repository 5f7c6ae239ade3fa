//! Escrow: deposits and bonds of provers, and the keys that bind an account in quotes.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256};
use fernet_bindings::{EscrowAccount, IEscrow};
use fernet_protocol::{L1Slot, recover_signer};

use super::{Model, Outcome, refuse};
use crate::{actors, code, rules::Planted};

/// Highest sum of an account's balances after a deposit.
const MAX_BALANCE: u128 = 1 << 127;

/// Balances of provers, and the keys that accounts named.
#[derive(Debug, Clone, Default)]
pub(crate) struct Escrow {
    pub(crate) accounts: BTreeMap<Address, EscrowAccount>,
    named: BTreeMap<Address, NamedKeys>,
}

/// The named key of an account: `former` binds before `from`, then `next`. Zero is none.
#[derive(Debug, Clone, Copy)]
struct NamedKeys {
    former: Address,
    next: Address,
    from: L1Slot,
}

impl Escrow {
    /// The named key that binds an account; zero if there is none.
    pub(crate) fn signer_of(&self, account: Address, now: L1Slot) -> Address {
        self.named
            .get(&account)
            .map(|keys| if now < keys.from { keys.former } else { keys.next })
            .unwrap_or_default()
    }

    /// The named key that will bind an account, and from when; zeros if no change is pending.
    pub(crate) fn pending_signer(&self, account: Address, now: L1Slot) -> (Address, u64) {
        let pending = self.named.get(&account).filter(|keys| now < keys.from);
        pending.map(|keys| (keys.next, keys.from.get())).unwrap_or_default()
    }
}

impl Model {
    pub(super) fn escrow_deposit(&mut self, account: Address, amount: u128) -> Outcome {
        if amount == 0 {
            return refuse(IEscrow::ZeroAmount {});
        }
        if account.is_zero() {
            return refuse(IEscrow::ZeroAddress {});
        }
        let EscrowAccount { free, locked, withdrawing, .. } = *self.account(account);
        let sum: U256 = [free, locked, withdrawing, amount].into_iter().map(U256::from).sum();
        let maximum = if self.rules.breaks(Planted::FullBalances) { u128::MAX } else { MAX_BALANCE };
        if sum > U256::from(maximum) {
            return refuse(IEscrow::AmountTooHigh { maximum: U256::from(maximum), actual: sum });
        }
        self.account(account).free += amount;
        let from = self.frame.sender;
        self.emit(self.at.escrow, IEscrow::Deposited { account, from, amount });
        self.transfer(from, self.at.escrow, amount)
    }

    pub(super) fn escrow_request(&mut self, amount: u128) -> Outcome {
        if amount == 0 {
            return refuse(IEscrow::ZeroAmount {});
        }
        let account = self.frame.sender;
        let available = self.account(account).free;
        let Some(left) = available.checked_sub(amount) else {
            return refuse(IEscrow::InsufficientFree { account, available, needed: amount });
        };
        self.account(account).free = left;
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

    pub(super) fn set_signer(&mut self, signer: Address) -> Outcome {
        let (account, now) = (self.frame.sender, self.frame.now);
        let former = self.escrow.signer_of(account, now);
        let at_once = former.is_zero() || self.rules.breaks(Planted::SignerAtOnce);
        let from = if at_once { now } else { now.plus(u64::from(self.rules.escrow_delay)) };
        self.escrow.named.insert(account, NamedKeys { former, next: signer, from });
        self.emit(self.at.escrow, IEscrow::SignerSet { account, signer, from: from.get() });
        Ok(())
    }

    /// Whether a signature binds an account in a quote.
    pub(super) fn has_signed(&mut self, account: Address, digest: B256, signature: &[u8]) -> bool {
        let ignores_named =
            self.rules.breaks(Planted::SignerOfProverOnly) && !actors::provers().contains(&account);
        let named = match ignores_named {
            true => Address::ZERO,
            false => self.escrow.signer_of(account, self.frame.now),
        };
        let is_wallet = actors::is_wallet(account);
        if let Ok(signer) = recover_signer(digest, signature) {
            if signer == account && !(is_wallet && self.rules.breaks(Planted::CodeReplacesKey)) {
                if is_wallet {
                    self.took("a delegated account signs with its key");
                }
                return true;
            }
            if signer == named {
                self.took("a named key signs");
                return true;
            }
        }
        let accepted = is_wallet && code::wallet_accepts(digest, signature);
        if accepted {
            self.took("a wallet accepts");
        }
        accepted
    }

    /// Refuses callers other than the rollup.
    pub(super) fn escrow_by_anyone(&mut self) -> Outcome {
        refuse(IEscrow::NotRollup { expected: self.at.rollup, actual: self.frame.sender })
    }

    pub(super) fn lock_bond(&mut self, account: Address, amount: u128) -> Outcome {
        let EscrowAccount { free, withdrawing, withdrawableFrom, .. } = *self.account(account);
        let usable = match self.rules.planted {
            Some(Planted::LockOfFreeOnly) => 0,
            Some(Planted::LockOfDueWithdrawal) => withdrawing,
            _ if self.frame.now.get() < withdrawableFrom => withdrawing,
            _ => 0,
        };
        let available = free + usable;
        if available < amount {
            return refuse(IEscrow::InsufficientFree { account, available, needed: amount });
        }
        let drawn = amount.saturating_sub(free);
        let a = self.account(account);
        a.free -= amount - drawn;
        a.withdrawing -= drawn;
        a.locked += amount;
        if drawn != 0 {
            self.took("a bond uses what was being withdrawn");
        }
        self.emit(self.at.escrow, IEscrow::Locked { account, amount });
        Ok(())
    }

    pub(super) fn release_bond(&mut self, account: Address, amount: u128) -> Outcome {
        self.take_locked(account, amount)?;
        self.account(account).free += amount;
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
            self.account(beneficiary).free += share;
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

    fn take_locked(&mut self, account: Address, needed: u128) -> Outcome {
        let available = self.account(account).locked;
        let Some(left) = available.checked_sub(needed) else {
            return refuse(IEscrow::InsufficientLocked { account, available, needed });
        };
        self.account(account).locked = left;
        Ok(())
    }
}
